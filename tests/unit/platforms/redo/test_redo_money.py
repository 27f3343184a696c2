"""Amounts of every form, and currencies that Redo forgot to name."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import JsonValue, SecretStr

from bridge.canonical.model import Return
from bridge.errors import UnreadableError
from bridge.platforms.contract import Observation, Privacy
from bridge.platforms.redo.source import RedoSource

SEEN = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)
SOURCE = RedoSource("demo", (SecretStr("token"),), Privacy(b"key"))


def view(order: JsonValue = None, /, **fields: JsonValue) -> Return:
    body = json.dumps({"return": {"id": "r1", **fields}, "order": order}).encode()
    observation = Observation("id", "s", "redo", "demo", "fetch", SEEN, body)
    return SOURCE.read(observation).view


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("12.50", "12.50"),
        ("-3", "-3"),
        (12, "12"),
        (12.5, "12.5"),
        (" 7 ", "7"),
        (".5", "0.5"),
        ("+4.0", "4.0"),
        ("1e2", "100"),
        (1e-7, "0.0000001"),
        ("0" * 40, "0"),
    ],
)
def test_decimal_text_is_kept_and_odd_forms_are_written_out(
    amount: JsonValue, text: str
) -> None:
    money: JsonValue = {"refund": {"amount": {"amount": amount, "currency": "USD"}}}

    totals = view(totals=money).totals

    assert totals is not None
    assert totals.refund is not None
    assert totals.refund.amount == text


@pytest.mark.parametrize("amount", ["", " ", None])
def test_an_amount_that_is_missing_is_none(amount: JsonValue) -> None:
    money: JsonValue = {"refund": {"amount": {"amount": amount, "currency": "USD"}}}

    totals = view(totals=money).totals

    assert totals is not None
    assert totals.refund is None


@pytest.mark.parametrize("amount", ["12,50", "$5", "nan", "1e99", "9" * 40, True, []])
def test_money_that_is_no_number_is_not_guessed(amount: JsonValue) -> None:
    with pytest.raises(UnreadableError) as caught:
        view(totals={"charge": {"amount": {"amount": amount}}})

    assert caught.value.path == "$.return.totals.charge.amount.amount"


MONEY_ELSEWHERE: list[tuple[JsonValue, dict[str, JsonValue]]] = [
    ({"total": {"currency": "EUR"}}, {}),
    ({"items": [{"price": {"currency": " eur "}}]}, {}),
    ({"taxes": {"currency": "?"}, "discounts": {"currency": "EUR"}}, {}),
    (None, {"totals": {"shippingFee": {"amount": {"currency": "EUR"}}}}),
    (None, {"items": [{}, {"refund": {"amount": {"currency": "EUR"}}}]}),
    (None, {"giftCards": [{}, {"amount": {"currency": "EUR"}}]}),
    (None, {"exchange": {"totalTax": {"currency": "EUR"}}}),
    (None, {"exchange": {"items": [{"originalPrice": {"currency": "EUR"}}]}}),
]


@pytest.mark.parametrize(("order", "elsewhere"), MONEY_ELSEWHERE)
def test_a_currency_named_anywhere_stands_for_money_without_one(
    order: JsonValue, elsewhere: dict[str, JsonValue]
) -> None:
    cards = elsewhere.pop("giftCards", [])
    assert isinstance(cards, list)
    card: JsonValue = {"externalId": "c", "amount": {"amount": "1"}}

    credit = view(order, **elsewhere, giftCards=[card, *cards]).credits[0]

    assert credit.amount is not None
    assert credit.amount.currency == "EUR"


def test_money_of_a_body_without_any_currency_says_so() -> None:
    credit = view(giftCards=[{"amount": {"amount": "1"}}]).credits[0]

    assert credit.amount is not None
    assert credit.amount.currency == "XXX"
