"""The requests of the simulated Orders API (redo.md, section 11.1)."""

from datetime import datetime as Moment  # noqa: N812  a field has the other name
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from bridge.sandbox.front import Json

AUTOMATION_ONLY = frozenset({"stalled_in_transit", "delayed", "arriving_early"})
"""Statuses that start automations and leave the parcel's own where it is."""

_Status = Literal[
    "pre_transit",
    "in_transit",
    "out_for_delivery",
    "available_for_pickup",
    "delivered",
    "return_to_sender",
    "failure",
    "cancelled",
    "error",
    "stalled_in_transit",
    "delayed",
    "arriving_early",
]
_Units = Annotated[int, Field(ge=1, le=1000)]
_Money = Annotated[float, Field(ge=0)] | None


class _Body(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    def shown(self) -> Json:
        """Return the fields as the API writes them."""
        return self.model_dump(mode="json", by_alias=True)


class NewLine(_Body):
    """One line of an order; `price` is of a unit, `discount` of the line."""

    id: str
    product_id: str
    title: str
    quantity: _Units
    variant_id: str | None = None
    sku: str | None = None
    price: _Money = None
    discount: _Money = None
    image_url: Annotated[str, Field(max_length=2048)] | None = None


class _Person(_Body):
    id: str | None = None
    email: str | None = None
    phone_number: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class _Address(_Body):
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    country: str | None = None
    postal_code: str | None = None


class _Shipping(_Body):
    method: str | None = None
    cost: _Money = None
    address: _Address | None = None


class NewOrder(_Body):
    """An order as it is filed."""

    order_id: Annotated[str, Field(min_length=1)]
    created_at: AwareDatetime
    line_items: Annotated[list[NewLine], Field(min_length=1)]
    customer: _Person | None = None
    shipping: _Shipping | None = None
    billing_address: _Address | None = None
    total_price: _Money = None
    subtotal_price: _Money = None
    total_tax: _Money = None
    total_discount: _Money = None
    tags: list[str] | None = None
    currency_code: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    location_id: Annotated[str, Field(pattern=r"^loc_")] | None = None


class _Location(_Body):
    city: str | None = None
    state: str | None = None
    country: str | None = None
    postal_code: str | None = None


class Tracked(_Body):
    """Where a parcel is said to be."""

    status: _Status
    estimated_delivery_date: Moment | None = None
    message: str | None = None
    datetime: AwareDatetime | None = None
    location: _Location | None = None


class _First(Tracked):
    status: _Status = "pre_transit"


class _Carried(_Body):
    carrier: str
    code: str


class _Some(_Body):
    id: str
    quantity: _Units


class Fulfilling(_Body):
    """A fulfilment as it is filed; with the dummy no carrier is asked."""

    line_items: Annotated[list[_Some], Field(min_length=1)]
    fulfillment_id: str | None = None
    tracking: _Carried | None = None
    use_dummy_tracking: bool = False
    initial_tracking: _First | None = None

    @model_validator(mode="after")
    def _begins_with_the_dummy(self) -> Self:
        if self.initial_tracking is not None and not self.use_dummy_tracking:
            raise ValueError("initialTracking is for useDummyTracking")
        return self

    def first(self) -> Tracked:
        """Return where the dummy begins."""
        return self.initial_tracking or _First()

    def tracking_of(self, number: int) -> Json:
        """Return by whom it travels: the caller's carrier, or the dummy."""
        dummy = self.use_dummy_tracking
        carrier, code = ("dummy", f"DUMMY-{number}") if dummy else (None, None)
        if self.tracking is not None:
            carrier, code = self.tracking.carrier, self.tracking.code
        return {"trackingCompany": carrier, "trackingNumber": code}
