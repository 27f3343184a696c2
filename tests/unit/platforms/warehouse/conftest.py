"""Returns, events and secrets that the warehouse tests share."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import JsonValue, SecretStr
from pydantic_core import to_json

from bridge.canonical.envelope import Event, event_id
from bridge.canonical.model import (
    Address,
    Addresses,
    Customer,
    Item,
    Kind,
    Person,
    Reason,
    Return,
    Shipment,
    ShipmentState,
)
from bridge.canonical.order import Order
from bridge.canonical.states import State

SUBJECT = "redo/acme-outdoor/65f000000000000000001042"
Part = dict[str, object]
MakeEvent = Callable[..., Event]


@pytest.fixture
def payloads() -> Path:
    return Path(__file__).parents[3] / "payloads" / "warehouse"


@pytest.fixture
def secret() -> SecretStr:
    return SecretStr("whsec_ZGVtby1rZXktZG8tbm90LXVzZS0wMDAx")


@pytest.fixture
def view() -> Return:
    """The return of the published example: two shirts and a chipped mug."""
    return Return(
        subject=SUBJECT,
        platform="redo",
        account="acme-outdoor",
        native_id="65f000000000000000001042",
        kind=Kind.RETURN,
        state=State.APPROVED,
        order=Order(id="o1", name="#2207", external_ids=("5500000002207",)),
        items=(
            Item(
                id="65f0000000000000000000a1",
                sku="TEE-BLU-M",
                quantity=2,
                reasons=(Reason(code="too_large", text="Runs large"),),
            ),
            Item(
                id="65f0000000000000000000a2",
                sku="MUG-RED",
                quantity=1,
                reasons=(Reason(code="damaged", text="Arrived chipped"),),
            ),
        ),
        shipments=(
            Shipment(
                key="TRK-000123",
                carrier="DemoPost",
                state=ShipmentState.LABEL_CREATED,
                tracking_number="TRK-000123",
                estimated_delivery="2026-11-20",
                has_label=True,
            ),
        ),
        customer=Customer(
            person=Person(
                given_name="Ada", family_name="Example", email="ada@example.com"
            )
        ),
        addresses=Addresses(
            sender=Address(
                line1="1 Sample Street",
                city="Springfield",
                state="IL",
                postal_code="62701",
                country="US",
            )
        ),
        created_at=datetime(2026, 11, 12, 9, tzinfo=UTC),
        updated_at=datetime(2026, 11, 14, 10, 15, tzinfo=UTC),
        observed_at=datetime(2026, 11, 14, 10, 15, 1, tzinfo=UTC),
    )


@pytest.fixture
def make_event() -> MakeEvent:
    """Make an event of a type about a return; `part` and `before` as in its body."""

    def make(
        type_: str,
        view: Return,
        *,
        before: dict[str, JsonValue] | None = None,
        part: Part | None = None,
    ) -> Event:
        body = {"return": view, "before": before or {}, **(part or {})}
        return Event(
            id=event_id(view.subject, 3),
            type=type_,
            subject=view.subject,
            sequence=3,
            chain="0" * 32,
            time=datetime(2026, 11, 14, 10, 15, tzinfo=UTC),
            source="/redo/acme-outdoor",
            causation_id="c1",
            body=to_json(body),
        )

    return make
