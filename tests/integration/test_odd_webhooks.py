"""Odd and false webhooks over HTTP, on a real broker: kept or refused, and no stall."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import orjson
import pytest
from pydantic import SecretStr

from bridge.app.bridge import INGEST, NORMALIZE
from bridge.deadletters.letter import DeadLetter, from_headers
from bridge.platforms.warehouse.signing import sign
from bridge.settings import Settings
from bridge.streams.records import Record
from bridge.streams.restore import read_to_end
from tests.integration.test_bridge_on_kafka import (
    PARTITIONS,
    PAYLOADS,
    SECRET,
    TOKEN,
    all_folded,
    running,
    settings_for,
    snapshots,
)
from tests.support import loopback
from tests.support.broker import Broker
from tests.support.kafka_plugin import CreateTopics

pytestmark = pytest.mark.integration

GOOD = orjson.loads((PAYLOADS / "return_created__refund.json").read_bytes())
MANY_ITEMS = [{"id": f"i{n}", "quantity": 1, "sku": "S"} for n in range(5_000)]


def changed(id_: str, **fields: object) -> bytes:
    """Return a good body of another return, with some fields of it changed."""
    return orjson.dumps({**GOOD, "return": {**GOOD["return"], "id": id_, **fields}})


#: Bodies that cannot be read, with reason and place.
UNREADABLE: dict[bytes, tuple[str, str]] = {
    b"": ("not_json", "$"),
    b"<html>hello</html>": ("not_json", "$"),
    b"\xff\xfe\x00": ("not_json", "$"),
    b'{"return": {"id": NaN}}': ("not_json", "$"),
    b'{"return": {"id": "r1", "status": "\\ud800"}}': ("not_json", "$"),
    b"[" * 10_000: ("not_json", "$"),
    b'{"return": ' * 10_000: ("not_json", "$"),
    b"null": ("shape", "$"),
    b"[1, 2]": ("shape", "$"),
    b"{}": ("no_return", "$.return"),
    b'{"return": null}': ("no_return", "$.return"),
    b'{"return": {"id": null}}': ("no_id", "$.return.id"),
    changed("r1", items=[{"id": "i", "quantity": "two"}]): (
        "shape",
        "$.return.items[0].quantity",
    ),
    changed("r2", items={"no": "list"}): ("shape", "$.return.items"),
}
#: Bodies that are odd and read all the same: ids of the returns they are about.
TOLERATED: dict[str, bytes] = {
    "t1": changed("t1", status="dancing"),
    "t2": changed("t2", items=MANY_ITEMS),
    "t3": changed("t3", notes=[{"message": "Zoë 漢字 🙂"}]),
    "t4": b'{"return": null, ' + changed("t4")[1:],
    "t5": changed("t5", status=None, items=None, order=None),
}


async def dead_letters(settings: Settings) -> list[DeadLetter]:
    found: list[DeadLetter] = []

    def note(records: list[Record]) -> None:
        found.extend(
            from_headers(record.headers, record.key, record.value) for record in records
        )

    topic = settings.topic_names.dead_inbound
    for number in range(PARTITIONS):
        await read_to_end(settings.kafka, topic, number, start=0, apply=note)
    return found


async def kept(settings: Settings) -> int:
    """Return how many bodies are kept as they came."""
    found: list[Record] = []
    for topic in (settings.topic_names.raw, settings.topic_names.hints):
        for number in range(PARTITIONS):
            await read_to_end(
                settings.kafka, topic, number, start=0, apply=found.extend
            )
    return len(found)


async def test_an_odd_body_is_kept_with_its_reason_and_place_and_stalls_nobody(
    kafka: Broker, topics: CreateTopics, tmp_path: Path
) -> None:
    names = await topics(kafka, partitions=PARTITIONS)
    settings = settings_for(kafka, names.prefix, tmp_path)
    async with (
        running(settings, INGEST, NORMALIZE) as (bridge, port),
        loopback.client(timeout=30) as client,
    ):
        statuses = [
            await post(client, port, "shop", body, authorization=f"Bearer {TOKEN}")
            for body in (*UNREADABLE, *TOLERATED.values(), changed("good"))
        ]
        await all_folded(settings)
        assert bridge.failed() is None

    dead = await dead_letters(settings)
    assert set(statuses) == {202}
    assert {each.value or b"": (each.reason, each.path) for each in dead} == UNREADABLE
    known = {subject.rpartition("/")[2] for subject in await snapshots(settings)}
    assert known == {"good", *TOLERATED}


async def test_what_proves_nothing_is_refused_and_nothing_of_it_kept(
    kafka: Broker, topics: CreateTopics, tmp_path: Path
) -> None:
    names = await topics(kafka, partitions=PARTITIONS)
    settings = settings_for(kafka, names.prefix, tmp_path)
    body = b'{"spec": "wms.warehouse-facts/1", "facts": []}'
    now = datetime.now(UTC)

    def signed(at: datetime, secret: str = SECRET) -> dict[str, str]:
        return dict(sign([SecretStr(secret)], "message-1", at, body.decode()))

    false = {
        "old": signed(now - timedelta(minutes=6)),
        "of the future": signed(now + timedelta(minutes=6)),
        "another's": signed(now, "whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0"),
        "another body's": signed(now) | {"webhook-id": "message-2"},
        "none": {},
    }
    async with (
        running(settings, INGEST) as (_, port),
        loopback.client() as client,
    ):
        answers = [
            await client.post(hook(port, "dock"), content=body, headers=headers)
            for headers in false.values()
        ]
        unknown = await client.post(hook(port, "nobody"), content=body)
        metrics = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
        before = await kept(settings)
        fresh = await post(client, port, "dock", body, **signed(datetime.now(UTC)))

    assert [answer.status_code for answer in answers] == [401] * len(false)
    assert {answer.headers["content-type"] for answer in (*answers, unknown)} == {
        "application/problem+json"
    }
    assert unknown.status_code == 404
    assert 'account="dock",reason="old_timestamp",result="refused"' in metrics
    assert (before, fresh, await kept(settings)) == (0, 202, 1)


def hook(port: int, account: str) -> str:
    return f"http://127.0.0.1:{port}/hooks/{account}"


async def post(
    client: httpx.AsyncClient, port: int, account: str, body: bytes, **headers: str
) -> int:
    answer = await client.post(hook(port, account), content=body, headers=headers)
    return answer.status_code
