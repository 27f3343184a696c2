"""A return that its platform says in parts: what is kept and taken, in any order."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.canonical.model import Kind, Note, Return, Shipment, ShipmentState, Tag
from bridge.canonical.states import State
from bridge.normalize.fold import Folded, fold
from bridge.normalize.state import SubjectState, decode, start
from bridge.normalize.views import carried
from bridge.platforms.contract import (
    GoodsFact,
    GoodsFacts,
    Observation,
    PlatformView,
    Reading,
    Version,
)

SUBJECT = "loop/main/7"
AT = datetime(2027, 3, 3, tzinfo=UTC)


def version(stamp: int, rank: int = 0, content: str = "") -> Version:
    return Version(str(stamp), str(rank), content)


def part(stamp: int, *, parcels: Sequence[Shipment] = (), **said: object) -> Reading:
    """A document of which each field has the version `stamp`."""
    blank = Return(
        subject=SUBJECT,
        platform="loop",
        account="main",
        native_id="7",
        kind=Kind.RETURN,
        state=State.UNKNOWN,
        observed_at=AT,
    )
    content = repr(sorted(said.items()))
    return PlatformView(
        blank.model_copy(update={**said, "shipments": tuple(parcels)}),
        version(stamp, 0, content),
        dict.fromkeys(said, version(stamp, 0, content)),
        {parcel.key: version(stamp, 0, parcel.state) for parcel in parcels},
    )


def parcel(
    state: ShipmentState = ShipmentState.IN_TRANSIT, key: str = "T1", **more: object
) -> Shipment:
    return Shipment(key=key, state=state).model_copy(update=more)


def play(
    *readings: Reading, state: SubjectState | None = None
) -> tuple[SubjectState, list[Folded]]:
    state = state or start(SUBJECT)
    steps = []
    for minute, reading in enumerate(readings):
        observation = Observation(
            id=f"o-{minute}",
            subject=SUBJECT,
            platform="loop",
            account="main",
            channel="webhook",
            received_at=AT + timedelta(minutes=minute),
            body=b"",
        )
        folded = fold(state, observation, reading)
        state = decode(folded.snapshot) if folded.snapshot else folded.state
        steps.append(folded)
    return state, steps


def names(folded: Folded) -> list[str]:
    return [event.type for event in folded.events]


def view_of(state: SubjectState) -> Return:
    assert state.return_ is not None
    return state.return_


def test_a_field_that_a_document_does_not_say_stays() -> None:
    state, _ = play(
        part(1, state=State.APPROVED, kind=Kind.RETURN, tags=(Tag(name="gift"),)),
        part(2, state=State.CLOSED),
    )

    assert view_of(state).state is State.CLOSED
    assert view_of(state).tags == (Tag(name="gift"),)


def test_an_older_document_fills_in_only_what_nobody_said() -> None:
    state, steps = play(
        part(2, state=State.CLOSED, kind=Kind.RETURN),
        part(1, state=State.APPROVED, tags=(Tag(name="gift"),)),
    )

    assert view_of(state).state is State.CLOSED
    assert names(steps[1]) == ["return.updated"]


def test_what_is_neither_newer_nor_more_is_old_news() -> None:
    document = part(1, state=State.APPROVED, parcels=[parcel()])

    _, steps = play(document, document, part(0, state=State.UNDER_REVIEW))

    assert [step.snapshot is None for step in steps] == [False, True, True]


def test_after_a_document_that_said_all_parts_are_taken_too() -> None:
    whole = part(1, state=State.APPROVED)
    assert isinstance(whole, PlatformView)
    state, _ = play(PlatformView(whole.view, version(1)), part(2, state=State.CLOSED))

    assert view_of(state).state is State.CLOSED


def test_a_parcel_moves_a_return_that_waits_for_it() -> None:
    state, steps = play(part(1, state=State.APPROVED), part(2, parcels=[parcel()]))

    assert names(steps[1]) == ["return.in_transit", "shipment.created"]
    assert state.platform_state is State.IN_TRANSIT
    assert state.stated is State.APPROVED


def test_a_parcel_of_an_unknown_return_waits_for_its_state() -> None:
    state, steps = play(
        part(2, parcels=[parcel(ShipmentState.DELIVERED)]),
        part(1, state=State.APPROVED, kind=Kind.RETURN),
    )

    assert names(steps[0]) == ["return.created", "return.unknown", "shipment.created"]
    assert view_of(state).state is State.DELIVERED


def test_what_a_warehouse_found_stays_beside_the_parts() -> None:
    counted = GoodsFact(id="f", kind="received", quantity=1, occurred_at=AT, sku="S")
    found = GoodsFacts("wms", "east", "w-1", None, (counted,))

    state, steps = play(
        part(1, state=State.APPROVED, parcels=[parcel()]),
        found,
        part(3, number="#7"),
    )

    assert "return.received" in names(steps[1])
    assert view_of(state).state is State.RECEIVED
    assert len(view_of(state).goods) == 1


def test_a_word_on_a_parcel_counts_if_it_is_newer_and_its_lines_are_collected() -> None:
    delivered = parcel(ShipmentState.DELIVERED, group="s-1")
    labelled = parcel(ShipmentState.LABEL_CREATED, has_label=True, item_ids=("2", "1"))

    one, _ = play(part(2, parcels=[delivered]), part(1, parcels=[labelled]))
    other, _ = play(part(1, parcels=[labelled]), part(2, parcels=[delivered]))

    assert view_of(one).shipments == view_of(other).shipments
    joined = view_of(one).shipments[0]
    assert joined.state is ShipmentState.DELIVERED
    assert joined.has_label
    assert (joined.item_ids, joined.group) == (("1", "2"), "s-1")


def test_the_same_word_at_a_later_time_is_kept_with_its_time() -> None:
    state, steps = play(part(1, parcels=[parcel()]), part(3, parcels=[parcel()]))

    late, _ = play(part(2, parcels=[parcel(ShipmentState.DELIVERED)]), state=state)

    assert steps[1].events == ()
    assert view_of(late).shipments[0].state is ShipmentState.IN_TRANSIT


def test_a_return_arrives_when_every_parcel_that_set_out_has_arrived() -> None:
    home = parcel(ShipmentState.DELIVERED)
    label = parcel(ShipmentState.LABEL_CREATED)

    assert carried(State.APPROVED, [home, label]) is State.DELIVERED
    assert carried(State.APPROVED, [home, parcel()]) is State.IN_TRANSIT
    assert carried(State.APPROVED, [label]) is State.APPROVED
    assert carried(State.UNDER_REVIEW, [home]) is State.UNDER_REVIEW
    assert carried(State.CLOSED, [home]) is State.CLOSED
    assert carried(None, [home]) is None


SAID: st.SearchStrategy[Mapping[str, object]] = st.fixed_dictionaries(
    {"kind": st.just(Kind.RETURN)},
    optional={
        "state": st.sampled_from([State.APPROVED, State.UNDER_REVIEW, State.CLOSED]),
        "number": st.sampled_from(["#1", "#2"]),
        "notes": st.sampled_from([(), (Note(text="a"),)]),
        "tags": st.sampled_from([(), (Tag(name="gift"),)]),
    },
)
PARCELS = st.lists(
    st.builds(
        parcel,
        st.sampled_from(ShipmentState),
        st.sampled_from(["T1", "T2"]),
        has_label=st.booleans(),
        group=st.sampled_from([None, "a", "b"]),
        item_ids=st.sampled_from([(), ("1",), ("1", "2")]),
    ),
    max_size=2,
    unique_by=lambda shipment: shipment.key,
)


@st.composite
def two_arrivals(draw: st.DrawFn) -> tuple[list[Reading], list[Reading]]:
    history = [
        part(stamp, parcels=draw(PARCELS), **draw(SAID))
        for stamp in range(draw(st.integers(1, 5)))
    ]
    again = st.lists(st.sampled_from(history), max_size=3)
    one = draw(st.permutations([*history, *draw(again)]))
    return one, draw(st.permutations([*history, *draw(again)]))


@settings(deadline=None)
@given(two_arrivals())
def test_any_order_of_parts_ends_in_one_return(
    arrivals: tuple[list[Reading], list[Reading]],
) -> None:
    one, other = (play(*readings)[0] for readings in arrivals)

    apart = {"return_", "sequence", "chain", "announced"}
    assert one.model_dump(exclude=apart) == other.model_dump(exclude=apart)
    seen = {"observed_at": AT}
    assert view_of(one).model_copy(update=seen) == view_of(other).model_copy(
        update=seen
    )
