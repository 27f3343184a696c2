"""Drafts of every type: the spliced body is what its model reads."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from bridge.canonical.base import Money
from bridge.canonical.draft import Draft, Part, encode
from bridge.canonical.events import REACHED, TYPES
from bridge.canonical.goods import GoodsStatus
from bridge.canonical.goods_events import LineFact, Warehouse
from bridge.canonical.model import (
    Credit,
    Exchange,
    Note,
    Refund,
    Return,
)
from bridge.canonical.states import State

FULL = Return.model_validate_json(
    (Path(__file__).parent / "full_return.json").read_bytes()
)
SNAPSHOT = to_json(FULL)
AT = datetime(2027, 3, 2, tzinfo=UTC)
FEE = Money(amount="4.95", currency="EUR")


def part_of(name: str, text: str) -> dict[str, Part]:
    """Fill what a type adds to the return, with `text` where text is due."""
    noun = name.partition(".")[0]
    warehouse = Warehouse(
        system=text,
        account="wms",
        return_id="1",
        status=GoodsStatus.ARRIVED,
        occurred_at=AT,
    )
    parts: dict[str, dict[str, Part]] = {
        "return.updated": {"changed": (f"/{text}",)},
        "shipment": {"shipment": FULL.shipments[0]},
        "item": {"item": FULL.items[0]},
        "refund.requested": {"correlation_id": text, "amount": FEE},
        "refund": {"refund": Refund(key=text, amount=FEE, state="issued")},
        "credit.issued": {"credit": Credit(id=text)},
        "exchange.ordered": {"exchange": Exchange(order_id=text)},
        "fee": {"fee": FEE},
        "note": {"note": Note(text=text)},
        "goods": {"warehouse": warehouse, "lines": (LineFact(fact=text),)},
        "return": {},
    }
    return (
        parts.get(name)
        or parts.get(noun)
        or (
            {}
            if noun == "return"
            else {"correlation_id": text, "detail": {text: [text]}}
        )
    )


@pytest.mark.parametrize("name", sorted(TYPES))
@settings(max_examples=25, deadline=None)
@given(text=st.text(), former=st.none() | st.integers() | st.text())
def test_every_type_comes_back_from_its_encoded_draft(
    name: str, text: str, former: int | str | None
) -> None:
    part = part_of(name, text)
    before = {f"/{text}": former}

    body = encode(Draft(TYPES[name], part, before), SNAPSHOT)

    read = TYPES[name].model_validate_json(body)
    assert read.return_ == FULL
    assert read.before == before
    assert {field: getattr(read, field) for field in part} == part


def test_a_draft_without_parts_is_the_snapshot_and_nothing_before() -> None:
    body = encode(Draft(TYPES["return.approved"]), b'{"a":1}')

    assert body == b'{"return":{"a":1},"before":{}}'


def test_every_state_has_an_event() -> None:
    assert [REACHED[state].name for state in State] == [
        f"return.{state.value}" for state in State
    ]
