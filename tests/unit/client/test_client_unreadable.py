"""Records that cannot be read: counted, logged by their place, passed over."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.canonical.events import ReturnApproved
from bridge.client.dispatch import Dispatcher
from bridge.client.received import Counts
from bridge.streams.records import Record
from tests.unit.client.desk import Bell, Desk

MakeRecord = Callable[..., Record]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ce_type": b"returns.return.approved.v1"},
        {"ce_type": b"\xff\xfe", "ce_id": b"\xff"},
    ],
)
async def test_a_record_that_is_no_event_is_counted_and_passed_over(
    dispatcher: Dispatcher,
    record: MakeRecord,
    headers: dict[str, bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    await dispatcher.dispatch(replace(record(1), headers=headers))

    assert dispatcher.counts == Counts(unreadable=1)
    assert "client.unreadable topic=returns.events partition=0 offset=1" in caplog.text


@pytest.mark.parametrize(
    "body",
    [b"not json", b"{}", b"[" * 10_000, b'{"return": {"kind": NaN}}', b'"\xed\xa0"'],
)
async def test_a_body_that_cannot_be_read_is_counted_and_leaves_no_gap(
    dispatcher: Dispatcher,
    record: MakeRecord,
    bell: Bell,
    body: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()
    dispatcher.add((ReturnApproved,), desk)

    await dispatcher.dispatch(record(1))
    await dispatcher.dispatch(record(2, body=body))
    await dispatcher.dispatch(record(3))

    assert desk.sequences == [1, 3]
    assert bell.gaps == []
    assert dispatcher.counts == Counts(handled=2, unreadable=1)
    assert "reason=shape" in caplog.text


async def test_the_log_of_an_unreadable_body_holds_nothing_out_of_it(
    dispatcher: Dispatcher, record: MakeRecord, caplog: pytest.LogCaptureFixture
) -> None:
    dispatcher.add((ReturnApproved,), Desk())
    body = b'{"return": {"customer": {"person": {"email": ["zoe@example.com"]}}}}'

    await dispatcher.dispatch(record(1, body=body))

    assert "path=$.return." in caplog.text
    assert "zoe" not in caplog.text


async def test_a_type_of_a_later_version_is_ignored_and_leaves_no_gap(
    dispatcher: Dispatcher, record: MakeRecord, bell: Bell
) -> None:
    dispatcher.add((ReturnApproved,), Desk())
    later = record(2)
    headers = {**later.headers, "ce_type": b"returns.return.weighed.v2"}

    await dispatcher.dispatch(record(1))
    await dispatcher.dispatch(replace(later, headers=headers))
    await dispatcher.dispatch(record(3))

    assert bell.gaps == []
    assert dispatcher.counts == Counts(handled=2, ignored=1)
