"""What a platform asks for is told once for ever, whatever else its body says."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge.canonical.base import Money
from bridge.canonical.events import CreditRequested, LabelCancelled
from bridge.canonical.model import Customer, Kind, Person, Return
from bridge.canonical.states import State
from bridge.errors import UnreadableError
from bridge.normalize.fold import Folded, fold
from bridge.normalize.state import SubjectState, decode, encode, start
from bridge.platforms.contract import (
    Observation,
    PlatformView,
    Reading,
    Request,
    RequestKind,
    Requests,
    Version,
)

SUBJECT = "loop/main/7"
AT = datetime(2027, 3, 3, tzinfo=UTC)
EARLIER = AT - timedelta(hours=1)


def credit(id_: str = "giftcard/1", kind: RequestKind = "credit") -> Request:
    return Request(
        kind=kind,
        correlation_id=id_,
        requested_at=EARLIER,
        item_ids=("1",),
        amount=Money(amount="20.00", currency="EUR"),
        note="out of stock",
        details={"bonus": "2.50"},
    )


def asks(*requests: Request, view: PlatformView | None = None) -> Requests:
    return Requests(SUBJECT, requests, view)


def observe(state: SubjectState, reading: Reading) -> Folded:
    return fold(
        state, Observation("o-1", SUBJECT, "loop", "main", "webhook", AT, b""), reading
    )


def a_view(**said: object) -> PlatformView:
    blank = Return(
        subject=SUBJECT,
        platform="loop",
        account="main",
        native_id="7",
        kind=Kind.RETURN,
        state=State.APPROVED,
        observed_at=AT,
    )
    at = Version("1", "", "")
    return PlatformView(
        blank.model_copy(update=said), at, dict.fromkeys([*said, "state", "kind"], at)
    )


def names(folded: Folded) -> list[str]:
    return [event.type for event in folded.events]


def test_a_request_carries_what_it_asks_for() -> None:
    known = observe(start(SUBJECT), a_view()).state

    folded = observe(known, asks(credit()))

    (event,) = folded.events
    data = event.read()
    assert isinstance(data, CreditRequested)
    assert (data.correlation_id, data.requested_at) == ("giftcard/1", EARLIER)
    assert (data.item_ids, data.note) == (("1",), "out of stock")
    assert data.amount == Money(amount="20.00", currency="EUR")
    assert data.detail == {"bonus": "2.50"}
    assert data.return_.state is State.APPROVED
    assert event.time == EARLIER


def test_it_is_told_once_also_after_a_restart() -> None:
    first = observe(start(SUBJECT), asks(credit(), credit()))
    assert first.snapshot is not None

    again = observe(decode(first.snapshot), asks(credit()))

    assert names(first) == ["return.created", "return.unknown", "credit.requested"]
    assert (again.events, again.snapshot) == ((), None)


def test_the_same_id_of_another_kind_is_another_request() -> None:
    state = observe(start(SUBJECT), asks(credit("r/1", "label"))).state

    folded = observe(state, asks(credit("r/1", "label_cancelled")))

    assert names(folded) == ["label.cancelled"]
    assert isinstance(folded.events[0].read(), LabelCancelled)


def test_what_the_body_says_of_the_return_comes_first() -> None:
    person = Customer(person=Person(email="a@example.com"))

    folded = observe(start(SUBJECT), asks(credit(), view=a_view(customer=person)))

    assert names(folded)[-1] == "credit.requested"
    assert folded.events[-1].read().return_.customer == person


def test_news_of_the_return_counts_where_the_request_is_known() -> None:
    state = observe(start(SUBJECT), asks(credit())).state

    folded = observe(state, asks(credit(), view=a_view()))

    assert names(folded) == ["return.approved", "return.updated"]


def test_no_request_and_nothing_new_is_no_news() -> None:
    state = observe(start(SUBJECT), a_view()).state

    assert observe(state, asks()).snapshot is None
    assert observe(state, asks(view=a_view())).snapshot is None


def test_requests_of_another_subject_are_unreadable() -> None:
    with pytest.raises(UnreadableError) as caught:
        observe(start(SUBJECT), Requests("loop/main/8", (credit(),)))

    assert caught.value.reason == "other_subject"


# ------------------------------------------------------------ in the return itself


def requests_of(state: SubjectState) -> list[tuple[str, str]]:
    view = decode(as_record(state)).return_
    assert view is not None
    return [(each.kind, each.correlation_id) for each in view.requests]


def as_record(state: SubjectState) -> bytes:
    assert state.snapshot is not None
    return encode(state, state.snapshot.json)


def test_a_return_tells_what_was_asked_through_everything_that_follows() -> None:
    state = observe(start(SUBJECT), asks(credit())).state
    state = observe(state, asks(credit("r/1", "restock"))).state

    folded = observe(state, a_view(state=State.RECEIVED))

    assert requests_of(folded.state) == [("credit", "giftcard/1"), ("restock", "r/1")]
    for event in folded.events:
        assert len(event.read().return_.requests) == 2


def test_a_request_is_no_change_of_the_return() -> None:
    known = observe(start(SUBJECT), a_view()).state

    folded = observe(known, asks(credit(), view=a_view()))

    assert names(folded) == ["credit.requested"]
    assert requests_of(folded.state) == [("credit", "giftcard/1")]


def test_a_return_tells_of_its_last_twenty_requests() -> None:
    state = start(SUBJECT)

    for number in range(25):
        state = observe(state, asks(credit(f"r/{number}"))).state

    assert requests_of(state) == [("credit", f"r/{n}") for n in range(5, 25)]
    assert len(state.requests_seen) == 25


def test_a_return_that_nothing_was_asked_about_is_written_as_ever() -> None:
    state = observe(start(SUBJECT), a_view()).state

    assert b'requests":' not in as_record(state).split(b'"subject"')[1]
