"""ReturnLogic's webhook envelope and RMA (returnlogic.md, sections 2 and 4).

Only part of it is documented: an action and an id are needed of a webhook, the id of
an RMA. Ids come as integers and as doubles (`330077.0`).
"""

from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field, StringConstraints

from bridge.platforms.reading import Id, Many, Number, Payload, Time, whole_text

RmaId = Annotated[Id, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""Digits so far; whatever else fits into a subject is taken too."""

Units = Annotated[
    int,
    BeforeValidator(lambda value: whole_text(value) or 0),
    Field(ge=0, le=2**31 - 1),
]
"""A quantity, also as `1.0`; none is none."""


class Notification(Payload):
    """A webhook: what happened to which RMA, or what is to be done about it."""

    action: str | None = None
    rl_rma_id: RmaId | None = None
    correlation_id: str | None = None
    type: str | None = None
    team_id: str | None = None
    data: dict[str, object] | None = None


class Timeline(Payload):
    """When what happened; no update time is known."""

    create_date: Time | None = None


class Total(Payload):
    """One sum; a currency has only been seen in commands."""

    total: Number | None = None
    currency: str | None = None


class Totals(Payload):
    """Which is above zero tells the outcome."""

    refund: Total | None = None
    exchange: Total | None = None
    gift_card: Total | None = None


class Label(Payload):
    """The one label."""

    tracking_number: Id | None = None
    carrier: str | None = None
    tracking_url: str | None = None


class RmaItem(Payload):
    """One returned line; some fields go by two names."""

    rma_item_id: Annotated[
        Id | None, Field(validation_alias=AliasChoices("rmaItemId", "id"))
    ] = None
    product_name: Annotated[
        str | None, Field(validation_alias=AliasChoices("productName", "name"))
    ] = None
    variant_name: str | None = None
    quantity: Units = 0
    sku: str | None = None
    return_reason_description: str | None = None
    return_reason_comment: str | None = None
    return_type: str | None = None


class Rma(Payload):
    """The RMA as an API read gives it."""

    rl_rma_id: RmaId
    workflow_status: Annotated[
        str | None, Field(validation_alias=AliasChoices("workflowStatus", "status"))
    ] = None
    order_name: str | None = None
    customer_email: str | None = None
    customer_name: str | None = None
    timeline: Timeline | None = None
    totals: Totals | None = None
    shipping_label: Label | None = None
    rma_items: Many[RmaItem] = ()


class TokenPair(Payload):
    """The answer to a code or a refresh: not the names of RFC 6749, and no expiry."""

    bearer_token: str = Field(alias="bearer_token", min_length=1, repr=False)
    refresh_token: str | None = Field(default=None, alias="refresh_token", repr=False)


class Acknowledgement(Payload):
    """The answer to an acknowledgement; the fields of `errors` are not known."""

    received: bool | None = None
    errors: Many[object] = ()
