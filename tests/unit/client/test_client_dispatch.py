"""From a record to the handlers: order, duplicates, gaps, failures."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from bridge.canonical.event_data import EventData
from bridge.canonical.events import ReturnApproved, ReturnClosed
from bridge.canonical.goods_events import GoodsReceived
from bridge.client.dispatch import PAUSES, Dispatcher
from bridge.client.history import History
from bridge.client.received import Counts, Gap
from bridge.errors import ConfigError
from bridge.streams.records import Record
from tests.unit.client.desk import Bell, CountingClock, Desk

MakeRecord = Callable[..., Record]


async def test_an_event_reaches_the_handler_of_its_type(
    dispatcher: Dispatcher, record: MakeRecord
) -> None:
    desk = Desk()
    dispatcher.add((ReturnApproved,), desk)

    await dispatcher.dispatch(record(1))

    (event,) = desk.events
    assert isinstance(event.data, ReturnApproved)
    assert event.data.return_.native_id == "1042"
    assert (event.subject, event.sequence) == ("redo/acme/1042", 1)
    assert event.id == event.envelope.id
    assert dispatcher.counts == Counts(handled=1)


async def test_a_type_without_a_handler_is_ignored_but_counted_on(
    dispatcher: Dispatcher, record: MakeRecord, bell: Bell
) -> None:
    desk = Desk()
    dispatcher.add((ReturnApproved,), desk)

    await dispatcher.dispatch(record(1))
    await dispatcher.dispatch(record(2, ReturnClosed))
    await dispatcher.dispatch(record(3))

    assert desk.sequences == [1, 3]
    assert bell.gaps == []
    assert dispatcher.counts == Counts(handled=2, ignored=1)


async def test_a_base_class_stands_for_all_types_below_it(
    dispatcher: Dispatcher, record: MakeRecord
) -> None:
    desk = Desk()
    dispatcher.add((EventData,), desk)

    await dispatcher.dispatch(record(1, ReturnClosed))
    await dispatcher.dispatch(record(2, ReturnApproved))

    assert desk.sequences == [1, 2]


async def test_a_handler_named_twice_for_a_type_is_called_once(
    dispatcher: Dispatcher, record: MakeRecord
) -> None:
    desk = Desk()
    dispatcher.add((EventData, ReturnApproved), desk)

    await dispatcher.dispatch(record(1))

    assert desk.sequences == [1]


def test_a_class_that_is_no_event_type_is_refused(dispatcher: Dispatcher) -> None:
    class ReturnLost(EventData):
        name = "return.lost"

    with pytest.raises(ConfigError, match="ReturnLost"):
        dispatcher.add((ReturnLost,), Desk())


async def test_an_event_delivered_twice_is_handled_once(
    dispatcher: Dispatcher, record: MakeRecord
) -> None:
    desk = Desk()
    dispatcher.add((ReturnApproved,), desk)

    for sequence in (1, 2, 1, 2, 3):
        await dispatcher.dispatch(record(sequence))

    assert desk.sequences == [1, 2, 3]
    assert dispatcher.counts == Counts(handled=3, duplicates=2)


async def test_missing_events_ring_the_bell_and_hold_nothing_up(
    dispatcher: Dispatcher,
    record: MakeRecord,
    bell: Bell,
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()
    dispatcher.add((ReturnApproved,), desk)

    await dispatcher.dispatch(record(1))
    await dispatcher.dispatch(record(4))

    assert desk.sequences == [1, 4]
    assert bell.gaps == [Gap("redo/acme/1042", 2, 3)]
    assert "client.gap subject=redo/acme/1042 first=2 last=3" in caplog.text


async def test_a_bell_that_breaks_holds_nothing_up(
    clock: CountingClock, record: MakeRecord, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(gap: Gap) -> None:
        raise RuntimeError(gap.subject)

    desk = Desk()
    dispatcher = Dispatcher(History(100), clock, broken)
    dispatcher.add((ReturnApproved,), desk)

    await dispatcher.dispatch(record(1))
    await dispatcher.dispatch(record(4))

    assert desk.sequences == [1, 4]
    assert "client.on_gap_failed" in caplog.text


async def test_without_a_bell_a_gap_is_logged_and_counted(
    clock: CountingClock, record: MakeRecord
) -> None:
    dispatcher = Dispatcher(History(100), clock, None)

    await dispatcher.dispatch(record(1))
    await dispatcher.dispatch(record(3))

    assert dispatcher.counts == Counts(ignored=2, gaps=1)


async def test_a_failing_handler_gets_the_event_again_after_longer_and_longer_pauses(
    dispatcher: Dispatcher, record: MakeRecord, clock: CountingClock
) -> None:
    desk = Desk(refusals=len(PAUSES) + 1)
    dispatcher.add((ReturnApproved,), desk)

    for _ in range(len(PAUSES) + 1):
        with pytest.raises(RuntimeError):
            await dispatcher.dispatch(record(1))
    await dispatcher.dispatch(record(1))

    assert desk.sequences == [1]
    assert clock.sleeps == [*PAUSES, PAUSES[-1]]
    assert dispatcher.counts == Counts(handled=1, failures=len(PAUSES) + 1)


async def test_another_event_that_fails_begins_with_the_shortest_pause(
    dispatcher: Dispatcher, record: MakeRecord, clock: CountingClock
) -> None:
    dispatcher.add((ReturnApproved,), Desk(refusals=3))

    for sequence in (1, 1, 2):
        with pytest.raises(RuntimeError):
            await dispatcher.dispatch(record(sequence))

    assert clock.sleeps == [PAUSES[0], PAUSES[1], PAUSES[0]]


async def test_a_gap_before_a_failing_event_rings_once(
    dispatcher: Dispatcher, record: MakeRecord, bell: Bell
) -> None:
    dispatcher.add((ReturnApproved,), Desk())
    await dispatcher.dispatch(record(1))
    dispatcher.add((ReturnClosed,), Desk(refusals=2))

    for _ in range(2):
        with pytest.raises(RuntimeError):
            await dispatcher.dispatch(record(5, ReturnClosed))
    await dispatcher.dispatch(record(5, ReturnClosed))

    assert bell.gaps == [Gap("redo/acme/1042", 2, 4)]


async def test_the_failure_log_tells_the_event_and_not_what_the_handler_said(
    dispatcher: Dispatcher, record: MakeRecord, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "bridge.client")
    dispatcher.add((ReturnApproved,), Desk(refusals=1))

    with pytest.raises(RuntimeError):
        await dispatcher.dispatch(record(1))

    assert "client.handler_failed" in caplog.text
    assert f"again_after={timedelta(seconds=0.5)}" in caplog.text
    assert "ledger" not in caplog.text


async def test_every_frozen_event_reaches_its_handler(
    dispatcher: Dispatcher, example: Record
) -> None:
    desk = Desk()
    dispatcher.add((EventData,), desk)

    await dispatcher.dispatch(example)

    (event,) = desk.events
    assert event.data.name == event.envelope.type
    assert event.data.return_.subject == event.subject


async def test_several_types_share_one_handler(
    dispatcher: Dispatcher, record: MakeRecord
) -> None:
    desk = Desk()
    dispatcher.add((ReturnApproved, GoodsReceived), desk)

    await dispatcher.dispatch(record(1, ReturnApproved))
    await dispatcher.dispatch(record(2, ReturnClosed))

    assert desk.sequences == [1]
