"""The router inside a FastStream application, without a broker."""

from collections.abc import Callable

import pytest
from faststream.kafka import KafkaBroker, TestKafkaBroker

from bridge.canonical.event_data import EventData
from bridge.canonical.events import ReturnApproved, ReturnClosed
from bridge.canonical.goods_events import GoodsArrived, GoodsReceived
from bridge.client import Counts, ReadingOptions, Received, ReturnsRouter
from bridge.streams.records import Record

MakeRecord = Callable[..., Record]


@pytest.fixture
def broker() -> KafkaBroker:
    return KafkaBroker("localhost:9092", logger=None)


async def _send(broker: KafkaBroker, record: Record) -> None:
    await broker.publish(
        record.value,
        record.topic,
        key=record.key,
        headers={name: text.decode() for name, text in record.headers.items()},
    )


async def test_an_event_on_the_topic_reaches_the_handler_typed(
    broker: KafkaBroker, record: MakeRecord
) -> None:
    returns = ReturnsRouter("finance")
    approved: list[str] = []

    @returns.on(ReturnApproved)
    async def settle(event: Received[ReturnApproved]) -> None:
        approved.append(event.data.return_.native_id)

    broker.include_router(returns.router)
    async with TestKafkaBroker(broker):
        await _send(broker, record(1))

    assert approved == ["1042"]
    assert returns.counts == Counts(handled=1)


async def test_one_handler_may_have_several_types(
    broker: KafkaBroker, record: MakeRecord
) -> None:
    returns = ReturnsRouter("finance")
    seen: list[str] = []

    @returns.on(ReturnApproved, ReturnClosed)
    async def two(event: Received[ReturnApproved | ReturnClosed]) -> None:
        seen.append(f"two {event.data.name}")

    @returns.on(ReturnApproved, GoodsArrived, GoodsReceived)
    async def three(
        event: Received[ReturnApproved | GoodsArrived | GoodsReceived],
    ) -> None:
        seen.append(f"three {event.data.name}")

    @returns.on(EventData)
    async def every(event: Received[EventData]) -> None:
        seen.append(f"every {event.data.name}")

    broker.include_router(returns.router)
    async with TestKafkaBroker(broker):
        await _send(broker, record(1, ReturnClosed))
        await _send(broker, record(2, ReturnApproved))

    assert seen == [
        "two return.closed",
        "every return.closed",
        "two return.approved",
        "three return.approved",
        "every return.approved",
    ]


async def test_a_prefix_moves_the_topic(
    broker: KafkaBroker, record: MakeRecord
) -> None:
    returns = ReturnsRouter("finance", prefix="shop7", options=ReadingOptions())
    broker.include_router(returns.router)

    async with TestKafkaBroker(broker):
        event = record(1)
        await broker.publish(event.value, "shop7.events", key=event.key)

    assert returns.counts == Counts(unreadable=1)


async def test_a_handler_that_raises_lets_the_test_broker_see_it(
    broker: KafkaBroker, record: MakeRecord
) -> None:
    returns = ReturnsRouter("finance")

    @returns.on(ReturnApproved)
    async def refuse(event: Received[ReturnApproved]) -> None:
        raise RuntimeError(event.id)

    broker.include_router(returns.router)
    async with TestKafkaBroker(broker):
        with pytest.raises(RuntimeError, match=record(1).headers["ce_id"].decode()):
            await _send(broker, record(1))

    assert returns.counts == Counts(failures=1)
