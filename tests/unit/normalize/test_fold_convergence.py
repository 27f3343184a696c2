"""Any interleaving, repetition and delay of one history ends in the same snapshot."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.canonical.envelope import chain_next, chain_start, event_id
from bridge.canonical.goods import (
    DispositionCode,
    GoodsDocument,
    GoodsLine,
    GoodsStatus,
    Outcome,
)
from bridge.canonical.model import (
    Credit,
    Note,
    Refund,
    Return,
    ShipmentState,
)
from bridge.canonical.states import State
from bridge.normalize.fold import Folded, fold
from bridge.normalize.state import SubjectState, decode, start
from bridge.platforms.contract import (
    GoodsReport,
    Observation,
    PlatformView,
    Reading,
    Version,
)

CANONICAL = Path(__file__).parents[1] / "canonical"
FULL = Return.model_validate_json((CANONICAL / "full_return.json").read_bytes())
AT = datetime(2027, 3, 3, tzinfo=UTC)

Arrivals = list[tuple[int, Reading]]


def _edited(
    state: State,
    grades: list[str | None],
    refunds: list[str],
    counts: tuple[int, int, int],
) -> Return:
    notes, credits_, parcels = counts
    items = zip(FULL.items, grades, strict=True)
    paid = zip(FULL.refunds, refunds, strict=True)
    return FULL.model_copy(
        update={
            "state": state,
            "items": tuple(i.model_copy(update={"grade": grade}) for i, grade in items),
            "refunds": tuple(
                Refund.model_validate({**refund.model_dump(), "state": word})
                for refund, word in paid
            ),
            "notes": tuple(Note(text=f"note {number % 2}") for number in range(notes)),
            "credits": tuple(Credit(id=str(number)) for number in range(credits_)),
            "shipments": tuple(
                parcel.model_copy(update={"state": ShipmentState.DELIVERED})
                for parcel in FULL.shipments[:parcels]
            ),
        }
    )


VERSIONS = st.builds(
    Version,
    stamp=st.sampled_from("123"),
    at=st.sampled_from(["", "1", "2"]),
    content=st.uuids().map(str),
)
VIEWS = st.builds(
    PlatformView,
    st.builds(
        _edited,
        st.sampled_from(State),
        st.lists(st.sampled_from([None, "A", "B"]), min_size=3, max_size=3),
        st.lists(
            st.sampled_from(["pending", "issued", "failed"]), min_size=3, max_size=3
        ),
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)),
    ),
    VERSIONS,
)
OUTCOMES = st.lists(
    st.builds(
        Outcome,
        key=st.sampled_from(["a", "b"]),
        quantity=st.integers(0, 2),
        disposition=st.sampled_from(DispositionCode),
    ),
    max_size=2,
    unique_by=lambda outcome: outcome.key,
).map(tuple)
LINES = st.lists(
    st.builds(
        GoodsLine,
        line_key=st.sampled_from(["1", "2"]),
        expected=st.integers(0, 2),
        received=st.integers(0, 2),
        outcomes=OUTCOMES,
    ),
    max_size=2,
    unique_by=lambda line: line.line_key,
).map(tuple)
REPORTS = st.builds(
    GoodsReport,
    st.builds(
        GoodsDocument,
        system=st.just("wms"),
        account=st.sampled_from(["east", "west"]),
        return_id=st.just("w-1"),
        status=st.sampled_from(sorted(set(GoodsStatus) - {GoodsStatus.UNKNOWN})),
        occurred_at=st.integers(0, 9).map(lambda hours: AT + timedelta(hours=hours)),
        lines=LINES,
    ),
    VERSIONS,
)


@st.composite
def two_deliveries(draw: st.DrawFn) -> tuple[Arrivals, Arrivals]:
    """One history, delivered twice in orders and repetitions of their own."""
    readings: list[Reading] = draw(st.lists(VIEWS | REPORTS, min_size=1, max_size=8))
    history = list(enumerate(readings))

    def delivery() -> Arrivals:
        repeats = draw(st.lists(st.sampled_from(history), max_size=6))
        return draw(st.permutations([*history, *repeats]))

    return delivery(), delivery()


def play(arrivals: Arrivals, state: SubjectState) -> list[Folded]:
    """Fold one after another, each from the record of the last, as after a restart."""
    steps = []
    for minute, (number, reading) in enumerate(arrivals):
        observation = Observation(
            id=f"o-{number}",
            subject=state.subject,
            platform="redo",
            account="fernhollow",
            channel="webhook",
            received_at=AT + timedelta(minutes=minute),
            body=b"",
        )
        steps.append(fold(state, observation, reading))
        state = steps[-1].state
        if steps[-1].snapshot is not None:
            assert decode(steps[-1].snapshot) == state
    return steps


def content(steps: Sequence[Folded]) -> dict[str, object]:
    """Return the last snapshot without what depends on the order of arrival."""
    snapshot = steps[-1].state.return_
    assert snapshot is not None
    goods = tuple(_timeless(document) for document in snapshot.goods)
    rest = snapshot.model_copy(update={"goods": goods, "observed_at": AT})
    return rest.model_dump()


def _timeless(document: GoodsDocument) -> GoodsDocument:
    lines = [
        line.model_copy(
            update={
                "epoch": 0,
                "outcomes": tuple(
                    outcome.model_copy(update={"epoch": 0})
                    for outcome in line.outcomes
                    if outcome.quantity
                ),
            }
        )
        for line in document.lines
    ]
    counted = tuple(ln for ln in lines if ln.expected or ln.received or ln.outcomes)
    return document.model_copy(update={"epoch": 0, "lines": counted})


THOROUGH = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@given(two_deliveries())
@THOROUGH
def test_two_deliveries_of_one_history_end_in_the_same_snapshot(
    deliveries: tuple[Arrivals, Arrivals],
) -> None:
    one, other = (play(arrivals, start(FULL.subject)) for arrivals in deliveries)

    assert content(one) == content(other)


@given(two_deliveries())
@THOROUGH
def test_a_history_is_gapless_and_its_chain_unbroken(
    deliveries: tuple[Arrivals, Arrivals],
) -> None:
    steps = play(deliveries[0], start(FULL.subject))

    events = [event for step in steps for event in step.events]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    chain = chain_start(FULL.subject)
    for event in events:
        assert event.id == event_id(FULL.subject, event.sequence)
        chain = chain_next(chain, event.id, event.type, event.body)
        assert event.chain == chain
        event.read()
    assert steps[-1].state.chain == chain


@given(two_deliveries())
@THOROUGH
def test_replaying_everything_again_tells_nothing(
    deliveries: tuple[Arrivals, Arrivals],
) -> None:
    state = play(deliveries[0], start(FULL.subject))[-1].state

    again = play(deliveries[1], state)

    assert all(step == Folded(state) for step in again)


@given(two_deliveries())
@THOROUGH
def test_no_payment_is_told_twice(deliveries: tuple[Arrivals, Arrivals]) -> None:
    steps = play(deliveries[0], start(FULL.subject))

    events = [event for step in steps for event in step.events]
    told = [
        (
            event.type,
            str(vars(event.read()).get("refund") or vars(event.read())["credit"]),
        )
        for event in events
        if event.type in {"refund.issued", "credit.issued"}
    ]
    assert len(told) == len(set(told))
