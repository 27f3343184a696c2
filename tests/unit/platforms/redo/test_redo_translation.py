"""Single rules of the translation that golden files would hide among the rest."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import JsonValue, SecretStr

from bridge.canonical.model import Kind, Return
from bridge.canonical.states import State
from bridge.platforms.contract import Observation, Privacy
from bridge.platforms.redo.source import RedoSource

SEEN = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)
SOURCE = RedoSource("demo", (SecretStr("token"),), Privacy(b"key"))
USD = {"amount": "5.00", "currency": "USD"}


def view(order: JsonValue = None, /, **fields: JsonValue) -> Return:
    body = json.dumps({"return": {"id": "r1", **fields}, "order": order}).encode()
    observation = Observation("id", "s", "redo", "demo", "fetch", SEEN, body)
    return SOURCE.read(observation).view


@pytest.mark.parametrize(
    ("status", "state", "flags"),
    [
        ("pre_shipment", State.REQUESTED, ()),
        ("needs_review", State.REQUESTED, ("review",)),
        ("in_review", State.UNDER_REVIEW, ()),
        ("open", State.APPROVED, ()),
        ("in_transit", State.IN_TRANSIT, ()),
        ("delivered", State.DELIVERED, ()),
        ("flagged", State.UNDER_REVIEW, ("problem",)),
        ("complete", State.CLOSED, ()),
        ("rejected", State.REJECTED, ()),
        ("deleted", State.DELETED, ("reset",)),
        ("quarantined", State.UNKNOWN, ()),
    ],
)
def test_every_status_has_its_state_and_keeps_its_word(
    status: str, state: State, flags: tuple[str, ...]
) -> None:
    translated = view(status=status)

    assert (translated.state, translated.flags) == (state, flags)
    assert translated.state_raw == status


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("return", Kind.RETURN),
        ("claim", Kind.CLAIM),
        ("warranty", Kind.WARRANTY),
        ("recycling", Kind.UNKNOWN),
        (None, Kind.UNKNOWN),
    ],
)
def test_every_type_has_its_kind(type_: str | None, kind: Kind) -> None:
    assert view(type=type_).kind is kind


def test_a_return_is_green_only_if_no_line_comes_back() -> None:
    kept: JsonValue = {"id": "a", "greenReturn": True}
    sent: JsonValue = {"id": "b", "greenReturn": None}

    assert view(items=[kept]).flags == ("green",)
    assert view(items=[kept, sent]).flags == ()
    assert view(items=[kept, sent]).items[0].keeps_goods
    assert view(completeWithNoAction=True).flags == ("no_action",)


@pytest.mark.parametrize(
    ("item", "states"),
    [
        ({"status": "complete", "refund": {"amount": USD}}, ["issued"]),
        ({"status": "open", "refund": {"amount": USD}}, ["pending"]),
        ({"status": "complete", "refund": {"amount": {}}}, []),
        ({"status": "complete", "refund": {}}, []),
        ({"status": "complete"}, []),
        ({"refund": {"amount": USD, "type": "STORE_CREDIT"}}, []),
    ],
)
def test_a_refund_is_issued_with_its_item_and_credit_is_no_refund(
    item: dict[str, JsonValue], states: list[str]
) -> None:
    refunds = view(items=[{"id": "i", **item}]).refunds

    assert [refund.state for refund in refunds] == states


def test_reasons_stand_once_the_main_one_first() -> None:
    item: JsonValue = {
        "id": "i",
        "reason": "Too small",
        "reasonCode": "size",
        "reasons": ["Ugly", "Too small", "Torn", None],
        "reasonCodes": ["looks", "size"],
    }

    reasons = view(items=[item]).items[0].reasons

    assert [(reason.code, reason.text) for reason in reasons] == [
        ("size", "Too small"),
        ("looks", "Ugly"),
        (None, "Torn"),
    ]


def test_answers_of_an_assessment_are_text_and_name_nobody() -> None:
    values: list[JsonValue] = ["a", ["b", "c"], 3, 2.5, True, False, None, {"x": "y"}]
    assessments: JsonValue = [
        {
            "assignedUser": {"id": "u1", "name": "Demo Technician"},
            "responses": [{"type": "t", "value": value} for value in values],
        },
        {},
    ]

    item = view(items=[{"id": "i", "assessments": assessments}]).items[0]

    answers = [answer.answer for answer in item.assessments[0].responses]
    assert answers == ["a", "b, c", "3", "2.5", "true", "false", "", ""]
    assert [found.assessor_id for found in item.assessments] == ["u1", None]
    assert "Technician" not in item.model_dump_json()


def test_a_wish_and_a_question_are_kept() -> None:
    wish: JsonValue = {"product": {"externalId": "p"}, "quantity": 2}
    question: JsonValue = {"question": "Worn?", "answer": "No"}
    item: JsonValue = {
        "orderItem": {"id": "o/0"},
        "exchangeItem": wish,
        "multipleChoiceQuestions": [question, {}],
    }

    line = view(items=[item]).items[0]

    assert line.id == "o/0"
    assert line.wish is not None
    assert (line.wish.product_id, line.wish.quantity) == ("p", 2)
    assert [answer.answer for answer in line.answers] == ["No", ""]


def test_the_tax_of_an_exchange_line_is_taken_out_of_its_price() -> None:
    price: JsonValue = {"amount": "64.50", "currency": "USD", "tax": "3.87"}
    exchange: JsonValue = {
        "order": {"externalId": "x1"},
        "items": [{"price": price, "quantity": 1.5}, {"variant": {"sku": "S"}}],
    }

    new = view(exchange=exchange).exchange

    assert new is not None
    assert new.order_id == "x1"
    first, second = new.items
    assert first.tax is not None
    assert (first.tax.amount, first.quantity) == ("3.87", "1.5")
    assert (second.id, second.sku, second.quantity) == ("#1", "S", "0")
    assert second.tax is None


def test_the_order_is_known_by_whatever_id_the_body_has() -> None:
    by_shop = view(externalOrderIds=["7", "8"], shopifyOrderIds=["8", ""]).order
    by_redo = view({"id": "o1", "name": "#1"}).order

    assert by_shop is not None
    assert (by_shop.id, by_shop.external_ids) == ("7", ("7", "8"))
    assert by_redo is not None
    assert (by_redo.id, by_redo.name) == ("o1", "#1")
    assert view().order is None


def test_an_order_line_without_facts_is_still_a_line() -> None:
    order = view({"id": "o", "items": [{}]}).order

    assert order is not None
    assert (order.lines[0].id, order.lines[0].quantity) == ("#0", "0")
    assert order.lines[0].weight_kg is None


def test_what_the_shopper_and_staff_said_stands_with_the_customer_alone() -> None:
    translated = view(
        items=[{"id": "i", "customerComment": "It hurts"}],
        internalCreatedByName="Demo Staff",
    )

    assert translated.customer is not None
    assert translated.customer.comments[0].text == "It hurts"
    assert translated.customer.created_by == "Demo Staff"
    rest = translated.model_dump_json(exclude={"customer"})
    assert "hurts" not in rest
    assert "Staff" not in rest


def test_ids_tags_and_notes_without_content_are_left_out() -> None:
    translated = view(
        externalReturnIds=[{"provider": "shopify"}, {"value": "9"}],
        tags=[{"source": "flow"}, {"name": "VIP"}],
        notes=[{"image": "https://images.example/1.jpg"}],
    )

    assert [known.value for known in translated.external_ids] == ["9"]
    assert [tag.name for tag in translated.tags] == ["VIP"]
    assert translated.notes[0].text == ""
