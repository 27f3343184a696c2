"""What is easy to get wrong in a Loop return: money, proof, versions, odd values."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.canonical.model import Return, ShipmentState
from bridge.canonical.states import State
from bridge.errors import UnreadableError
from bridge.platforms.contract import (
    Observation,
    PlatformView,
    Privacy,
    Reading,
    Requests,
)
from bridge.platforms.loop.shapes import amount, moment
from bridge.platforms.loop.source import Dialect, LoopSource

FOLDER = Path(__file__).parents[3] / "payloads" / "loop"
SEEN = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)


def payload(name: str, **changes: object) -> dict[str, object]:
    content: dict[str, object] = json.loads((FOLDER / f"{name}.json").read_bytes())
    return {**content, **changes}


def read(content: object, dialect: Dialect | None = None) -> Reading:
    source = LoopSource("main", (), Privacy(b"key"), dialect)
    body = json.dumps(content).encode()
    return source.read(Observation("o", "s", "loop", "main", "webhook", SEEN, body))


def reading(name: str, **changes: object) -> PlatformView:
    made = read(payload(name, **changes))
    assert isinstance(made, PlatformView)
    return made


def view(name: str, **changes: object) -> Return:
    return reading(name, **changes).view


@pytest.mark.parametrize(
    ("state", "canonical"),
    [
        ("open", State.APPROVED),
        ("review", State.UNDER_REVIEW),
        ("needs review", State.UNDER_REVIEW),
        ("Needs Review", State.UNDER_REVIEW),
        ("flagged", State.UNDER_REVIEW),
        ("closed", State.CLOSED),
        ("cancelled", State.CANCELLED),
        ("expired", State.EXPIRED),
        ("on_hold", State.UNKNOWN),
        (None, State.UNKNOWN),
    ],
)
def test_every_state_has_its_canonical_word(
    state: str | None, canonical: State
) -> None:
    made = view("return.updated__in_transit", state=state)

    assert (made.state, made.state_raw) == (canonical, state)


@pytest.mark.parametrize(
    ("status", "canonical"),
    [
        ("pending", ShipmentState.LABEL_CREATED),
        ("N/A", ShipmentState.LABEL_CREATED),
        ("", ShipmentState.LABEL_CREATED),
        ("new", ShipmentState.LABEL_CREATED),
        ("pre_transit", ShipmentState.LABEL_CREATED),
        ("in_transit", ShipmentState.IN_TRANSIT),
        ("out_for_delivery", ShipmentState.IN_TRANSIT),
        ("delivered", ShipmentState.DELIVERED),
        ("failure", ShipmentState.DELIVERY_EXCEPTION),
        ("error", ShipmentState.DELIVERY_EXCEPTION),
        ("held_at_customs", ShipmentState.UNKNOWN),
    ],
)
def test_every_label_status_has_its_canonical_word(
    status: str, canonical: ShipmentState
) -> None:
    (parcel,) = view("label.updated__in_transit", label_status=status).shipments

    assert parcel.state is canonical


def test_a_refund_is_proven_by_an_amount_and_never_by_the_totals() -> None:
    paid = view("return.closed__refund_paid")
    by_hand = view("return.closed__manual_zero_number_amount")
    closed = view("return.closed__by_close_call_nothing_fulfilled")

    assert [(r.key, r.state) for r in paid.refunds] == [("rf-demo-1", "issued")]
    assert [(r.key, r.state) for r in by_hand.refunds] == [("manual#0", "pending")]
    assert by_hand.refunds[0].amount.amount == "0.00"
    assert closed.refunds == ()
    assert closed.totals is not None
    assert (closed.totals.charge, closed.totals.shipping_fee) == (None, None)


def test_numbers_get_their_cents_back_and_keys_are_told_apart() -> None:
    refunds = view("return.closed__two_refunds_numbers_without_cents").refunds

    assert [(r.key, r.amount.amount) for r in refunds] == [
        ("rf-1", "50.00"),
        ("rf-1#1", "5.12"),
    ]


def test_an_order_proves_an_exchange_and_its_fees() -> None:
    ordered = view("return_details__exchange_ordered")
    wished = view("return.closed__exchange")

    assert ordered.exchange is not None
    assert wished.exchange is not None
    assert ordered.exchange.order_id == "990000000042"
    assert wished.exchange.order_id is None
    assert ordered.totals is not None
    assert ordered.totals.charge is not None
    assert ordered.totals.charge.amount == "18.55"


def test_a_gift_card_order_proves_credit() -> None:
    (credit,) = view("return_details__gift_card_ordered").credits

    assert credit.id == "990000000043"
    assert credit.amount is not None
    assert credit.amount.amount == "55.12"


def test_units_are_lines_of_one_and_a_repeated_id_is_told_apart() -> None:
    items = view("return.created__repeated_line_item_id").items

    assert [(item.id, item.quantity) for item in items] == [
        ("6060002", 1),
        ("6060002#1", 1),
    ]
    assert len({item.external_order_line_id for item in items}) == 1


def test_ids_of_either_type_name_one_return() -> None:
    text, number = (
        view("return.updated__review", id=id_).subject for id_ in ("900411", 900_411)
    )

    assert text == number == "loop/main/900411"


def test_a_finished_return_outranks_a_living_one_of_a_later_time() -> None:
    late = {"label_updated_at": "2028-01-01T00:00:00Z"}
    closed = reading("return.closed__exchange")
    living = reading("return.updated__review", **late)

    assert closed.version > living.version


def test_where_returns_reopen_the_later_one_has_the_word() -> None:
    reopens = Dialect(reopens=True)
    closed = read(payload("return.closed__exchange"), reopens)
    late = payload("return.updated__review", label_updated_at="2028-01-01T00:00:00Z")
    living = read(late, reopens)

    assert isinstance(closed, PlatformView)
    assert isinstance(living, PlatformView)
    assert living.version > closed.version


def test_the_list_does_not_speak_of_what_it_leaves_out() -> None:
    row = reading("return_row__open").says or {}
    webhook = reading("return.updated__in_transit").says or {}

    assert "refunds" not in row
    assert "addresses" not in row
    assert "kind_raw" not in webhook
    assert {"state", "items", "order"} <= row.keys() & webhook.keys()


def test_a_return_without_order_and_parcel_is_a_return() -> None:
    bare = view("return.created__only_required_fields")

    assert (bare.order, bare.customer, bare.addresses) == (None, None, None)
    assert (bare.shipments, bare.items) == ((), ())


def test_the_newest_word_on_a_parcel_counts_within_one_body_too() -> None:
    label = {"tracking_number": "T", "status": "delivered", "url": "u"}
    older = {**label, "status": "in_transit", "updated_at": "2027-03-01T00:00:00Z"}
    newer = {**label, "updated_at": "2027-03-02T00:00:00Z"}

    for labels in ([older, newer], [newer, older]):
        (parcel, _) = view("return.updated__in_transit", labels=labels).shipments

        assert parcel.state is ShipmentState.DELIVERED


def test_two_restocks_that_ask_for_the_same_are_one_whatever_type_ids_have() -> None:
    item = {"location_id": 4242, "variant_id": "1", "available_adjustment": 1}
    other = {"location_id": "4242", "variant_id": 1, "available_adjustment": 1}
    more = {**item, "available_adjustment": 2}

    ids = []
    for each in (item, other, more):
        made = read(payload("restock.requested__basic", restock_items=[each]))
        assert isinstance(made, Requests)
        ids.append(made.requests[0].correlation_id)

    assert ids[0] == ids[1] != ids[2]


def test_a_body_over_its_limits_is_unreadable() -> None:
    with pytest.raises(UnreadableError) as caught:
        read(payload("return.created__integer_id", line_items=[{}] * 10_001))

    assert caught.value.path == "$.line_items"


def test_a_row_without_reason_has_none() -> None:
    units = [{"line_item_id": 1, "price": "1.00"}]

    (item,) = view("return.updated__review", line_items=units).items

    assert item.reasons == ()


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("55.12", "55.12"),
        (55.1, "55.10"),
        (0.0, "0.00"),
        (20, "20.00"),
        (1.234, "1.234"),
        ("N/A", None),
        ("", None),
        (None, None),
    ],
)
def test_amounts_come_as_text_or_number(given: object, text: str | None) -> None:
    assert amount(given) == text


@pytest.mark.parametrize(
    ("given", "there"),
    [
        ("2027-03-02T10:15:00Z", True),
        ("2027-03-02 10:15:00", True),
        ("2027-03-02T11:15:00.000+01:00", True),
        ("0000-00-00 00:00:00", False),
        ("N/A", False),
        (None, False),
    ],
)
def test_times_come_with_zone_without_or_not_at_all(
    given: str | None, *, there: bool
) -> None:
    expected = datetime(2027, 3, 2, 10, 15, tzinfo=UTC)

    assert moment(given) == (expected if there else None)
