"""Parcels and drop-offs: their states, their keys, and the twin in `shipment`."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import JsonValue, SecretStr

from bridge.canonical.model import Return, ShipmentState
from bridge.platforms.contract import Observation, Privacy
from bridge.platforms.redo.source import RedoSource

SEEN = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)
SOURCE = RedoSource("demo", (SecretStr("token"),), Privacy(b"key"))


def view(order: JsonValue = None, /, **fields: JsonValue) -> Return:
    body = json.dumps({"return": {"id": "r1", **fields}, "order": order}).encode()
    observation = Observation("id", "s", "redo", "demo", "fetch", SEEN, body)
    return SOURCE.read(observation).view


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pre_transit", ShipmentState.LABEL_CREATED),
        ("in_transit", ShipmentState.IN_TRANSIT),
        ("out_for_delivery", ShipmentState.IN_TRANSIT),
        ("available_for_pickup", ShipmentState.IN_TRANSIT),
        ("delivered", ShipmentState.DELIVERED),
        ("cancelled", ShipmentState.LABEL_VOIDED),
        ("expired", ShipmentState.LABEL_VOIDED),
        ("error", ShipmentState.DELIVERY_EXCEPTION),
        ("failure", ShipmentState.DELIVERY_EXCEPTION),
        ("return_to_sender", ShipmentState.DELIVERY_EXCEPTION),
        ("unknown", ShipmentState.UNKNOWN),
        ("customs_hold", ShipmentState.UNKNOWN),
        (None, ShipmentState.UNKNOWN),
    ],
)
def test_every_parcel_status_has_its_state(
    status: str | None, state: ShipmentState
) -> None:
    parcel = view(shipments=[{"tracker": "T", "status": status}]).shipments[0]

    assert (parcel.state, parcel.state_raw) == (state, status)


@pytest.mark.parametrize(
    ("twin", "shipments", "keys"),
    [
        (None, [], []),
        ({}, [], []),
        ({}, [{"tracker": "T"}], ["T"]),
        ({"carrier": "C"}, [], ["#0"]),
        ({"tracker": "T"}, [{"tracker": "T"}], ["T"]),
        ({"tracker": "T"}, [{"tracker": "U"}], ["U", "T"]),
        ({"shipmentGroupId": "g"}, [{"shipmentGroupId": "g", "tracker": "T"}], ["T"]),
        ({"shipmentGroupId": "g"}, [{"shipmentGroupId": "h"}], ["h", "g"]),
        ({"carrier": "C"}, [{"tracker": "T"}], ["T"]),
        ({"carrier": "C"}, [{"tracker": "T"}, {"tracker": "U"}], ["T", "U"]),
        (None, [{"tracker": "T"}, {"tracker": "T"}, {}], ["T", "T#1", "#2"]),
    ],
)
def test_every_parcel_appears_once_under_its_own_key(
    twin: JsonValue, shipments: JsonValue, keys: list[str]
) -> None:
    parcels = view(shipment=twin, shipments=shipments).shipments

    assert [parcel.key for parcel in parcels] == keys


def test_the_twin_fills_gaps_and_overwrites_nothing() -> None:
    twin: JsonValue = {
        "tracker": "T",
        "carrier": "Other",
        "externalLocationId": "loc",
        "itemIds": ["a"],
    }
    shipments: JsonValue = [{"tracker": "T", "carrier": "Mine", "itemIds": []}]

    parcel = view(shipment=twin, shipments=shipments).shipments[0]

    assert (parcel.carrier, parcel.location_id) == ("Mine", "loc")
    assert parcel.item_ids == ("a",)


def test_a_dropoff_keeps_nothing_of_its_code_but_that_there_is_one() -> None:
    dropoffs: JsonValue = [{"shipmentGroupId": "g", "qrCode": "SECRET"}, {}]

    one, other = view(dropoffs=dropoffs).dropoffs

    assert (one.group, one.has_qr) == ("g", True)
    assert (other.group, other.provider, other.has_qr) == ("#1", "", False)
