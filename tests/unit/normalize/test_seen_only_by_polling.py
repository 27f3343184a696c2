"""What only a poll brought is counted per account: its webhook was missed."""

from dataclasses import replace

from prometheus_client import REGISTRY

from bridge.platforms.contract import Channel
from tests.unit.normalize.raw_partition import (
    CREATED,
    IN_TRANSIT,
    SUBJECT,
    Partition,
    observed,
)


def count() -> float:
    value = REGISTRY.get_sample_value(
        "returns_bridge_seen_only_by_polling_total", {"account": "demo"}
    )
    return value or 0.0


async def read(partition: Partition, body: bytes, channel: Channel) -> None:
    raw = observed(body, SUBJECT)
    headers = dict(raw.headers) | {"channel": channel.encode()}
    await partition.read_raw(replace(raw, headers=tuple(headers.items())))


async def test_news_that_a_webhook_told_first_is_not_missed(
    partition: Partition,
) -> None:
    before = count()

    await read(partition, CREATED, "webhook")
    await read(partition, CREATED, "poll")

    assert count() == before


async def test_news_that_only_a_poll_told_is(partition: Partition) -> None:
    await read(partition, CREATED, "webhook")
    before = count()

    await read(partition, IN_TRANSIT, "poll")
    await read(partition, IN_TRANSIT, "webhook")

    assert count() == before + 1


async def test_history_walked_by_a_backfill_was_not_missed(
    partition: Partition,
) -> None:
    before = count()

    await read(partition, CREATED, "replay")

    assert count() == before
