"""What one observation comes to: which news counts, and in which order it is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.canonical.envelope import chain_start
from bridge.canonical.goods import GoodsDocument, GoodsLine, GoodsStatus
from bridge.canonical.model import (
    Kind,
    Note,
    Refund,
    Return,
)
from bridge.canonical.states import State
from bridge.errors import UnreadableError
from bridge.normalize.fold import Folded, fold
from bridge.normalize.state import SubjectState, decode, start
from bridge.platforms.contract import (
    Channel,
    GoodsFact,
    GoodsFacts,
    GoodsReport,
    Observation,
    PlatformView,
    Reading,
    Version,
)

CANONICAL = Path(__file__).parents[1] / "canonical"
FULL = Return.model_validate_json((CANONICAL / "full_return.json").read_bytes())
SUBJECT = FULL.subject
AT = datetime(2027, 3, 3, tzinfo=UTC)


def observe(
    state: SubjectState,
    reading: Reading,
    *,
    id_: str = "o-1",
    channel: Channel = "webhook",
) -> Folded:
    observation = Observation(
        id=id_,
        subject=state.subject,
        platform="redo",
        account="fernhollow",
        channel=channel,
        received_at=AT,
        body=b"",
        traceparent="00-trace",
    )
    return fold(state, observation, reading)


def view(stamp: int, **update: object) -> PlatformView:
    return PlatformView(FULL.model_copy(update=update), Version(str(stamp), "", ""))


def report(
    stamp: int, status: GoodsStatus, received: int = 0, return_id: str = "w-1"
) -> GoodsReport:
    document = GoodsDocument(
        system="wms",
        account="main",
        return_id=return_id,
        status=status,
        occurred_at=AT - timedelta(hours=1),
        lines=(GoodsLine(line_key="1", expected=1, received=received),),
    )
    return GoodsReport(document, Version(str(stamp), "", ""))


def facts(*ids: str, return_id: str = "w-1") -> GoodsFacts:
    counted = tuple(
        GoodsFact(id=id_, kind="received", quantity=1, occurred_at=AT, line_key="1")
        for id_ in ids
    )
    return GoodsFacts("wms", "main", return_id, None, counted)


def names(folded: Folded) -> list[str]:
    return [event.type for event in folded.events]


def seen_once(**update: object) -> SubjectState:
    return observe(start(SUBJECT), view(1, **update)).state


# ------------------------------------------------------------- platform's view


def test_first_sight_is_numbered_from_one_and_kept() -> None:
    folded = observe(start(SUBJECT), view(1))

    assert names(folded)[:2] == ["return.created", "return.approved"]
    assert [event.sequence for event in folded.events] == [1, 2, 3, 4, 5]
    assert folded.state.sequence == 5
    assert folded.state.chain == folded.events[-1].chain != chain_start(SUBJECT)
    assert folded.snapshot is not None
    assert decode(folded.snapshot) == folded.state


def test_events_carry_the_snapshot_after_and_their_cause() -> None:
    folded = observe(start(SUBJECT), view(1))

    event = folded.events[0]
    assert event.read().return_ == folded.state.return_
    assert (event.source, event.causation_id) == ("/redo/fernhollow", "o-1")
    assert (event.time, event.traceparent) == (FULL.updated_at, "00-trace")


def test_without_an_update_time_the_receipt_is_the_time() -> None:
    assert observe(start(SUBJECT), view(1, updated_at=None)).events[0].time == AT


@pytest.mark.parametrize("stamp", [1, 0])
def test_old_news_changes_nothing_and_writes_nothing(stamp: int) -> None:
    state = seen_once()

    assert observe(state, view(stamp, number="#other")) == Folded(state)


def test_newer_news_of_the_same_content_is_kept_without_an_event() -> None:
    state = seen_once()

    folded = observe(state, view(3))

    assert folded.events == ()
    assert folded.snapshot is not None
    assert decode(folded.snapshot).version == Version("3", "", "")
    assert observe(folded.state, view(2, number="#other")) == Folded(folded.state)


@pytest.mark.parametrize(
    ("channel", "content", "kept"),
    [
        ("poll", "same", False),
        ("fetch", "same", False),
        ("poll", "other", True),
        ("webhook", "same", True),
    ],
)
def test_what_is_read_once_more_and_says_the_same_writes_nothing(
    channel: Channel, content: str, *, kept: bool
) -> None:
    version = Version("1", "10:00", "same")
    state = observe(start(SUBJECT), replace(view(1), version=version)).state
    again = replace(version, at="10:01", content=content)

    folded = observe(state, replace(view(1), version=again), channel=channel)

    assert (folded.snapshot is not None) is kept
    assert folded.state.version == (again if kept else version)


def test_numbers_go_on_where_they_stopped() -> None:
    state = seen_once()

    folded = observe(state, view(2, notes=(*FULL.notes, Note(text="late"))))

    assert [(event.type, event.sequence) for event in folded.events] == [
        ("note.added", 6)
    ]


def test_a_refund_paid_once_stays_told_through_a_reopening_and_a_restart() -> None:
    refund = FULL.refunds[0]
    issued = (Refund(key=refund.key, amount=refund.amount, state="issued"),)
    closed = {"state": State.CLOSED, "refunds": issued}
    state = seen_once(**closed)

    reopened = observe(state, view(2, state=State.APPROVED))
    assert reopened.snapshot is not None
    again = observe(decode(reopened.snapshot), view(3, **closed))

    assert names(reopened)[:2] == ["return.reopened", "return.approved"]
    assert names(again) == ["return.closed", "return.updated"]


def test_an_unexpected_move_is_published_and_named() -> None:
    state = seen_once(state=State.RECEIVED)

    folded = observe(state, view(2, state=State.IN_TRANSIT))

    assert names(folded) == ["return.in_transit"]
    assert folded.unexpected == (State.RECEIVED, State.IN_TRANSIT)
    assert observe(state, view(2, state=State.INSPECTED)).unexpected is None


def test_a_body_about_another_return_is_refused() -> None:
    with pytest.raises(UnreadableError) as caught:
        observe(start("redo/fernhollow/other"), view(1))

    assert caught.value.reason == "other_subject"


def test_more_events_than_memory_should_hold_are_refused() -> None:
    notes = tuple(Note(text=f"{number:0500}") for number in range(300))

    with pytest.raises(UnreadableError) as caught:
        observe(seen_once(), view(2, notes=notes))

    assert caught.value.reason == "too_many_events"


# ------------------------------------------------------------ warehouse's news


def test_a_report_moves_the_return_after_telling_the_goods() -> None:
    folded = observe(seen_once(), report(1, GoodsStatus.PROCESSING, received=1))

    told = names(folded)
    assert told[-1] == "return.received"
    assert set(told[:-1]) == {
        "goods.announced",
        "goods.arrived",
        "goods.received",
    } & set(told)
    assert "goods.received" in told
    assert folded.state.platform_state is State.APPROVED
    assert folded.events[0].time == AT - timedelta(hours=1)


def test_an_old_or_repeated_report_is_dropped() -> None:
    state = observe(seen_once(), report(2, GoodsStatus.PROCESSING, 1)).state

    assert observe(state, report(2, GoodsStatus.COMPLETED)) == Folded(state)
    assert observe(state, report(1, GoodsStatus.AWAITING)) == Folded(state)


def test_reports_of_two_documents_stand_side_by_side() -> None:
    state = observe(seen_once(), report(5, GoodsStatus.COMPLETED, 1, "w-2")).state

    state = observe(state, report(1, GoodsStatus.PROCESSING, 0, "w-1")).state

    assert state.return_ is not None
    assert [found.return_id for found in state.return_.goods] == ["w-1", "w-2"]
    assert state.goods["main/w-2"].version == Version("5", "", "")


def test_an_end_told_by_the_platform_stands_against_warehouse_news() -> None:
    folded = observe(
        seen_once(state=State.CLOSED), report(1, GoodsStatus.COMPLETED, received=1)
    )

    assert folded.state.return_ is not None
    assert folded.state.return_.state is State.CLOSED
    assert all(name.startswith("goods.") for name in names(folded))


def test_the_platforms_older_word_does_not_take_the_goods_back() -> None:
    state = observe(seen_once(), report(1, GoodsStatus.PROCESSING, 1)).state

    folded = observe(state, view(2, state=State.DELIVERED))

    assert folded.events == ()
    assert folded.state.platform_state is State.DELIVERED
    assert folded.state.return_ is not None
    assert folded.state.return_.state is State.RECEIVED


def test_goods_heard_of_first_make_an_unannounced_return() -> None:
    folded = observe(start(SUBJECT), report(1, GoodsStatus.PROCESSING, received=1))

    told = names(folded)
    assert (told[0], told[-1]) == ("return.created", "return.received")
    assert all(name.startswith("goods.") for name in told[1:-1])
    assert folded.state.return_ is not None
    assert folded.state.return_.kind is Kind.UNANNOUNCED


def test_the_platforms_view_fills_in_a_return_heard_of_first_from_goods() -> None:
    state = observe(start(SUBJECT), report(1, GoodsStatus.PROCESSING, received=1)).state

    folded = observe(state, view(1))

    told = names(folded)
    assert told[:2] == ["shipment.created", "shipment.created"]
    assert told[-1] == "return.updated"
    assert "return.created" not in told
    assert folded.state.return_ is not None
    assert folded.state.return_.kind is Kind.RETURN
    assert folded.state.return_.goods == state.return_.goods if state.return_ else False


def test_facts_count_once_by_their_id_also_after_a_restart() -> None:
    first = observe(seen_once(), facts("f-1"))
    assert first.snapshot is not None
    restored = decode(first.snapshot)

    assert "goods.received" in names(first)
    assert observe(restored, facts("f-1")) == Folded(restored)
    assert observe(restored, facts()) == Folded(restored)
    second = observe(restored, facts("f-1", "f-2")).state.return_
    assert second is not None
    assert second.goods[0].lines[0].received == 2


def test_the_same_fact_id_of_two_documents_is_two_facts() -> None:
    state = observe(seen_once(), facts("f-1")).state

    folded = observe(state, facts("f-1", return_id="w-2"))

    assert "goods.received" in names(folded)
