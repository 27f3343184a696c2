"""The examples: what they print, and that the bridge takes what they send."""

import importlib.util
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

import pytest
from faststream.kafka import KafkaBroker, TestKafkaBroker
from pydantic import SecretStr

from bridge.canonical.goods import GoodsStatus
from bridge.client import Gap, ReturnsRouter
from bridge.platforms.contract import GoodsReport, InboundRequest, Observation
from bridge.platforms.warehouse.source import WarehouseSource
from bridge.streams.records import Record

EXAMPLES = Path(__file__).parents[3] / "deploy" / "examples"
SECRET = "whsec_ZGVtby1rZXktZG8tbm90LXVzZS0wMDAx"  # noqa: S105 - made for the tests

MakeRecord = Callable[..., Record]


class Consumer(Protocol):
    """What is used of the example consumer."""

    def handlers(self) -> ReturnsRouter: ...
    def missed(self, gap: Gap) -> None: ...


class Producer(Protocol):
    """What is used of the example producer."""

    def snapshot(
        self, parcel: str, reference: str | None, *, counted: int, at: datetime
    ) -> str: ...
    def signed(self, body: str, secret: str, at: datetime) -> dict[str, str]: ...


def _load(name: str) -> ModuleType:
    path = EXAMPLES / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"example_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def consumer() -> Consumer:
    return cast("Consumer", _load("consumer"))


@pytest.fixture
def producer() -> Producer:
    return cast("Producer", _load("producer"))


async def test_the_consumer_prints_the_events_it_asked_for(
    consumer: Consumer, example: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    returns = consumer.handlers()
    broker = KafkaBroker("localhost:9092", logger=None)
    broker.include_router(returns.router)
    headers = {name: text.decode() for name, text in example.headers.items()}

    async with TestKafkaBroker(broker):
        await broker.publish(example.value, example.topic, headers=headers)

    name = headers["ce_type"].removeprefix("returns.").removesuffix(".v1")
    printed = {
        "return.created": "return.created 1 of TEE-BLU-M, 1 of MUG-RED",
        "return.approved": "return.approved 1 of TEE-BLU-M, 1 of MUG-RED",
        "goods.received": "goods.received TEE-BLU-M: 1 more, 1 in all",
        "goods.restocked": "goods.restocked TEE-BLU-M: 1 more, 1 in all",
        "refund.issued": "refund.issued 29.90 EUR",
    }.get(name, "")
    output = capsys.readouterr().out
    assert printed in output
    assert bool(printed) == bool(output)


def test_the_consumer_tells_of_missing_events(
    consumer: Consumer, capsys: pytest.CaptureFixture[str]
) -> None:
    consumer.missed(Gap("redo/acme/1042", 2, 3))

    assert capsys.readouterr().out == ("redo/acme/1042: events 2 to 3 were not seen\n")


@pytest.mark.parametrize(
    ("counted", "status"), [(0, GoodsStatus.ARRIVED), (1, GoodsStatus.PROCESSING)]
)
def test_the_bridge_takes_what_the_producer_sends(
    producer: Producer, counted: int, status: GoodsStatus
) -> None:
    now = datetime.now(UTC)
    body = producer.snapshot("W-1", None, counted=counted, at=now)
    headers = producer.signed(body, SECRET, now)
    source = WarehouseSource(
        "east", system="generic", secrets=(SecretStr(SECRET),), announced_by=frozenset()
    )
    request = InboundRequest(headers, body.encode(), now)

    source.authenticate(request)
    subject = source.locate(request)
    assert subject == "warehouse/east/W-1"
    reading = source.read(
        Observation("1", subject, "warehouse", "east", "webhook", now, request.body)
    )

    assert isinstance(reading, GoodsReport)
    assert reading.document.status is status
    assert [line.received for line in reading.document.lines] == [counted]


def test_the_producers_message_id_is_new_for_every_report(producer: Producer) -> None:
    now = datetime.now(UTC)
    body = json.dumps({})

    ids = {producer.signed(body, SECRET, now)["webhook-id"] for _ in range(2)}

    assert len(ids) == 2
