"""Which events a warehouse hears of, and the document it is told."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from bridge.canonical.envelope import Event
from bridge.canonical.goods import DispositionCode
from bridge.canonical.model import (
    Item,
    Kind,
    Return,
    Shipment,
    ShipmentState,
)
from bridge.canonical.states import State
from bridge.platforms.contract import Refused, Skipped
from bridge.platforms.warehouse.document import Terms
from bridge.platforms.warehouse.outbound import NOT_OURS, Plan, Purpose, plan
from bridge.platforms.warehouse.parcels import goods, parcels
from bridge.platforms.warehouse.payloads import InboundCancel, InboundReturn

MakeEvent = Callable[..., Event]
TERMS = Terms(
    warehouse_code="EAST-1", dispositions={"damaged": DispositionCode.QUARANTINE}
)
EARLY = Terms(on_created=True)
REFERENCE = "redo.acme-outdoor.65f000000000000000001042-1"


def _shipment(
    key: str, state: str = "label_created", *items: str, group: str | None = None
) -> Shipment:
    return Shipment(
        key=key,
        state=ShipmentState(state),
        tracking_number=key,
        item_ids=items,
        group=group,
    )


def _documents(
    event: Event, terms: Terms = TERMS
) -> list[InboundReturn | InboundCancel]:
    planned = plan(event, terms)
    assert isinstance(planned, Plan)
    return list(planned.documents)


def _in(view: Return, state: str) -> Return:
    return view.model_copy(update={"state": State(state)})


# ------------------------------------------------------------------ the document


def test_the_published_document_has_the_models_shape(payloads: Path) -> None:
    example = json.loads((payloads / "canonical-inbound-return.json").read_text())

    document = InboundReturn.model_validate(example)

    assert json.loads(document.model_dump_json()) == example
    assert list(document.model_dump()) == list(example)


def test_the_published_cancel_has_the_models_shape(payloads: Path) -> None:
    example = json.loads((payloads / "generic-outbound-resource.json").read_text())
    body = example["cancel"]["request"]["body"]

    assert json.loads(InboundCancel.model_validate(body).model_dump_json()) == body


@pytest.mark.parametrize("reference", ["", "a b", "a/b", "x" * 51])
def test_a_reference_no_warehouse_could_hold_is_no_document(reference: str) -> None:
    with pytest.raises(ValidationError):
        InboundCancel(reference=reference, revision=1, reason="")


def test_an_approved_return_is_told_as_in_the_published_document(
    make_event: MakeEvent, view: Return, payloads: Path
) -> None:
    example = json.loads((payloads / "canonical-inbound-return.json").read_text())
    example |= {"reference": REFERENCE, "note": f"Bridge reference {REFERENCE}"}
    example["order"]["wms_shipment_id"] = None

    (document,) = _documents(make_event("return.approved", view))

    assert json.loads(document.model_dump_json()) == example


def test_without_sender_no_personal_field_leaves(
    make_event: MakeEvent, view: Return
) -> None:
    (document,) = _documents(make_event("return.approved", view), Terms(sender=False))

    assert isinstance(document, InboundReturn)
    assert document.sender is None
    assert "Ada" not in document.model_dump_json()


def test_a_bare_return_makes_a_bare_document(
    make_event: MakeEvent, view: Return
) -> None:
    bare = view.model_copy(
        update={
            "order": None,
            "shipments": (),
            "customer": None,
            "addresses": None,
            "items": (Item(id="i1", quantity=1),),
        }
    )

    (document,) = _documents(make_event("return.approved", bare))

    assert isinstance(document, InboundReturn)
    assert document.sender is None
    assert document.order.external_id is None
    assert (document.parcel.index, document.parcel.count) == (1, 1)
    assert document.lines[0].requested_disposition is DispositionCode.RESTOCK


def test_half_an_identity_is_enough_for_a_sender(
    make_event: MakeEvent, view: Return
) -> None:
    no_address = view.model_copy(update={"addresses": None})
    no_person = view.model_copy(update={"customer": None})

    (person,) = _documents(make_event("return.approved", no_address))
    (address,) = _documents(make_event("return.approved", no_person))

    assert isinstance(person, InboundReturn)
    assert isinstance(address, InboundReturn)
    assert person.sender is not None
    assert address.sender is not None
    assert (person.sender.name, person.sender.line1) == ("Ada Example", "")
    assert (address.sender.name, address.sender.city) == ("", "Springfield")


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("2026-11-20T08:00:00-05:00", "2026-11-20T08:00:00-05:00"),
        ("2026-11-20", "2026-11-20T00:00:00Z"),
        ("around noon", None),
        (None, None),
    ],
)
def test_a_carriers_own_time_is_passed_on_if_it_is_one(
    make_event: MakeEvent, view: Return, told: str | None, read: str | None
) -> None:
    shipment = view.shipments[0].model_copy(update={"estimated_delivery": told})
    changed = view.model_copy(update={"shipments": (shipment,)})

    (document,) = _documents(make_event("return.approved", changed))

    assert json.loads(document.model_dump_json())["parcel"]["expected_at"] == read


# ----------------------------------------------------------------- which events


News = tuple[str, str, dict[str, JsonValue]]


@pytest.mark.parametrize(
    ("news", "terms", "purpose"),
    [
        (("approved", "approved", {}), TERMS, Purpose.ANNOUNCE),
        (("created", "requested", {}), EARLY, Purpose.ANNOUNCE),
        (("in_transit", "in_transit", {}), TERMS, Purpose.ANNOUNCE),
        (
            ("in_transit", "in_transit", {"/state": "requested"}),
            TERMS,
            Purpose.ANNOUNCE,
        ),
        (("cancelled", "cancelled", {"/state": "approved"}), TERMS, Purpose.CANCEL),
        (("rejected", "rejected", {"/state": "in_transit"}), TERMS, Purpose.CANCEL),
        (("expired", "expired", {"/state": "under_review"}), TERMS, Purpose.CANCEL),
        (("deleted", "deleted", {}), TERMS, Purpose.CANCEL),
        (("rejected", "rejected", {"/state": "requested"}), EARLY, Purpose.CANCEL),
    ],
)
def test_an_event_that_concerns_the_warehouse_is_told(
    make_event: MakeEvent, view: Return, news: News, terms: Terms, purpose: Purpose
) -> None:
    type_, state, before = news

    planned = plan(
        make_event(f"return.{type_}", _in(view, state), before=before), terms
    )

    assert isinstance(planned, Plan)
    assert planned.purpose is purpose


@pytest.mark.parametrize(
    ("news", "terms"),
    [
        (("created", "requested", {}), TERMS),
        (("created", "approved", {}), EARLY),
        (("requested", "requested", {}), EARLY),
        (("in_transit", "in_transit", {"/state": "approved"}), TERMS),
        (("delivered", "delivered", {"/state": "in_transit"}), TERMS),
        (("received", "received", {"/state": "delivered"}), TERMS),
        (("closed", "closed", {"/state": "approved"}), TERMS),
        (("rejected", "rejected", {"/state": "requested"}), TERMS),
    ],
)
def test_any_other_event_is_not(
    make_event: MakeEvent, view: Return, news: News, terms: Terms
) -> None:
    type_, state, before = news

    planned = plan(
        make_event(f"return.{type_}", _in(view, state), before=before), terms
    )

    assert planned == NOT_OURS


def _change(make_event: MakeEvent, view: Return, pointer: str) -> Event:
    return make_event(
        "return.updated",
        view,
        before={"/tags": [], pointer: "x"},
        part={"changed": ["/tags", pointer]},
    )


@pytest.mark.parametrize(
    ("pointer", "state", "terms"),
    [
        ("/items", "approved", TERMS),
        ("/items/1", "approved", TERMS),
        ("/items/1/quantity", "in_transit", TERMS),
        ("/items/1/quantity", "requested", EARLY),
        ("/shipments/0/tracking_number", "received", TERMS),
        ("/addresses/sender/city", "approved", TERMS),
    ],
)
def test_a_change_that_shows_in_the_document_is_told(
    make_event: MakeEvent, view: Return, pointer: str, state: str, terms: Terms
) -> None:
    event = _change(make_event, _in(view, state), pointer)

    planned = plan(event, terms)

    assert isinstance(planned, Plan)
    assert planned.purpose is Purpose.CHANGE


@pytest.mark.parametrize(
    ("pointer", "state", "terms"),
    [
        ("/items/1/grade", "in_transit", TERMS),
        ("/shipments/0/state", "approved", TERMS),
        ("/addresses/sender/city", "approved", Terms(sender=False)),
        ("/totals/refund", "approved", TERMS),
        ("/items/1/quantity", "requested", TERMS),
        ("/items/1/quantity", "under_review", TERMS),
        ("/items/1/quantity", "inspected", TERMS),
        ("/items/1/quantity", "closed", TERMS),
    ],
)
def test_a_change_of_anything_else_is_not(
    make_event: MakeEvent, view: Return, pointer: str, state: str, terms: Terms
) -> None:
    event = _change(make_event, _in(view, state), pointer)

    assert plan(event, terms) == NOT_OURS


def test_parts_seen_together_with_their_return_say_nothing_more(
    make_event: MakeEvent, view: Return
) -> None:
    part: dict[str, object] = {"shipment": view.shipments[0]}

    first = plan(make_event("shipment.created", view, part=part), TERMS)
    later = plan(
        make_event("shipment.created", view, part=part, before={"/shipments/0": None}),
        TERMS,
    )

    assert first == NOT_OURS
    assert isinstance(later, Plan)
    assert later.purpose is Purpose.CHANGE


def test_a_void_label_cancels_its_parcel(make_event: MakeEvent, view: Return) -> None:
    void = _shipment("T1", "label_voided")
    changed = view.model_copy(update={"shipments": (void, _shipment("T2"))})
    event = make_event(
        "shipment.updated",
        changed,
        before={"/shipments/0/state": "label_created"},
        part={"shipment": void},
    )

    first, second = _documents(event)

    assert isinstance(first, InboundCancel)
    assert first.reason == "The parcel is not coming"
    assert isinstance(second, InboundReturn)
    assert len(second.lines) == 2


def test_a_parcel_that_is_gone_is_cancelled(
    make_event: MakeEvent, view: Return
) -> None:
    event = make_event(
        "return.updated",
        view,
        before={"/shipments": [{}, {}]},
        part={"changed": ["/shipments"]},
    )

    kept, gone = _documents(event)

    assert isinstance(kept, InboundReturn)
    assert isinstance(gone, InboundCancel)
    assert gone.reference.endswith("-2")


def test_a_cancelled_return_cancels_every_parcel(
    make_event: MakeEvent, view: Return
) -> None:
    two = view.model_copy(update={"shipments": (_shipment("T1"), _shipment("T2"))})

    documents = _documents(make_event("return.cancelled", _in(two, "cancelled")))

    assert [(doc.state, doc.reference[-2:], doc.revision) for doc in documents] == [
        ("cancelled", "-1", 3),
        ("cancelled", "-2", 3),
    ]
    assert {getattr(doc, "reason", None) for doc in documents} == {
        "The return was cancelled"
    }


def test_a_green_return_is_not_for_the_dock(
    make_event: MakeEvent, view: Return
) -> None:
    kept = tuple(item.model_copy(update={"keeps_goods": True}) for item in view.items)
    green = view.model_copy(update={"items": kept})
    before: dict[str, JsonValue] = {"/items/0/keeps_goods": False}
    changed: dict[str, object] = {"changed": list(before)}

    approved = plan(make_event("return.approved", green), TERMS)
    cancelled = plan(make_event("return.cancelled", green), TERMS)
    moved = plan(
        make_event(
            "return.updated", green, before={"/order": {}, "/items": []}, part=changed
        ),
        TERMS,
    )
    became_green = plan(
        make_event("return.updated", green, before=before, part=changed), TERMS
    )

    assert approved == cancelled == moved == Skipped("no_goods")
    assert isinstance(became_green, Plan)
    assert became_green.purpose is Purpose.CANCEL
    assert isinstance(became_green.documents[0], InboundCancel)


def test_a_return_that_lost_its_items_can_still_be_cancelled(
    make_event: MakeEvent, view: Return
) -> None:
    empty = view.model_copy(update={"items": ()})

    assert isinstance(plan(make_event("return.deleted", empty), TERMS), Plan)


def test_what_warehouses_said_never_goes_back_to_one(
    make_event: MakeEvent, view: Return
) -> None:
    theirs = view.model_copy(
        update={"subject": "warehouse/east/W-1", "platform": "warehouse"}
    )

    assert plan(make_event("goods.received", view), TERMS) == NOT_OURS
    assert plan(make_event("return.approved", theirs), TERMS) == NOT_OURS


def test_a_subject_without_a_reference_is_refused(
    make_event: MakeEvent, view: Return
) -> None:
    long = view.model_copy(update={"subject": f"redo/acme/{'x' * 60}"})

    refused = plan(make_event("return.approved", long), TERMS)

    assert isinstance(refused, Refused)
    assert refused.reason == "no_reference"


def test_a_body_that_breaks_its_promise_is_refused_with_its_path(
    make_event: MakeEvent, view: Return
) -> None:
    event = make_event("shipment.created", view, before={"/shipments/0": None})

    assert plan(event, TERMS) == Refused("unreadable_event", "$.shipment")


def test_a_part_of_a_first_sight_is_not_even_read(
    make_event: MakeEvent, view: Return
) -> None:
    event = make_event("shipment.created", view)

    assert plan(event, TERMS) == NOT_OURS


@pytest.mark.parametrize(
    ("body", "path"), [(b"{", "$"), (b"[]", "$"), (b'{"before":[]}', "$.before")]
)
def test_a_change_without_its_former_values_is_refused(
    make_event: MakeEvent, view: Return, body: bytes, path: str
) -> None:
    event = replace(make_event("shipment.updated", view), body=body)

    assert plan(event, TERMS) == Refused("unreadable_event", path)


# --------------------------------------------------------------------- the parcels


def test_lines_lie_where_the_platform_says(view: Return) -> None:
    items = (
        Item(id="i1", quantity=1, shipment_groups=("g9", "g2")),
        Item(id="i2", quantity=1),
        Item(id="i3", quantity=1),
        Item(id="i4", quantity=0),
    )
    shipments = (
        _shipment("T0", "label_voided", "i3"),
        _shipment("T1"),
        _shipment("T2", "in_transit", group="g2"),
        _shipment("T3", "in_transit", "i2", group="g2"),
        _shipment("T4", "in_transit", "i2"),
    )

    boxes = parcels(view.model_copy(update={"items": items, "shipments": shipments}))

    assert [[item.id for item in box.items] for box in boxes] == [
        [],
        ["i3"],
        ["i1"],
        ["i2"],
        [],
    ]


def test_with_every_label_void_nothing_lies_anywhere(view: Return) -> None:
    void = (_shipment("T0", "label_voided"),)

    (box,) = parcels(view.model_copy(update={"shipments": void}))

    assert not box.is_coming
    assert box.items == ()


@given(data=st.data())
def test_each_line_is_expected_exactly_once(data: st.DataObject) -> None:
    ids = st.sampled_from(["i1", "i2", "i3"])
    items = [Item(id=f"i{n}", quantity=1, shipment_groups=("g",)) for n in range(1, 4)]
    shipments = data.draw(
        st.lists(
            st.builds(
                Shipment,
                key=st.just("k"),
                state=st.just(ShipmentState.IN_TRANSIT),
                item_ids=st.lists(ids).map(tuple),
                group=st.sampled_from(["g", None]),
            ),
            max_size=4,
        )
    )
    view = Return(
        subject="redo/acme/1",
        platform="redo",
        account="acme",
        native_id="1",
        kind=Kind.RETURN,
        state=State.APPROVED,
        items=tuple(items),
        shipments=tuple(shipments),
        observed_at=datetime(2026, 11, 14, tzinfo=UTC),
    )

    boxes = parcels(view)

    told = [item.id for box in boxes for item in box.items]
    assert sorted(told) == [item.id for item in goods(view)]
