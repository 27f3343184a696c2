"""Loop's other topics: labels, commands to us, failed processing, hub shipments.

A command becomes a request of the return it is about, once per id of its own; a
restock has none, so its content stands in for it: two restocks of one return that ask
for the very same are one. Who a command is for stands in the return, not in it.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

import orjson
from pydantic import JsonValue

from bridge.canonical.model import (
    Addresses,
    Customer,
    ExternalId,
    Kind,
    Person,
    Return,
)
from bridge.canonical.states import State
from bridge.errors import UnreadableError
from bridge.platforms.contract import (
    PlatformView,
    Privacy,
    Request,
    RequestKind,
    Requests,
    Version,
)
from bridge.platforms.loop import parcels
from bridge.platforms.loop.money import from_cents, pay_in
from bridge.platforms.loop.payloads import (
    GiftCard,
    HubShipment,
    LabelNews,
    LabelRequest,
    Restock,
)
from bridge.platforms.loop.shapes import Payload, Product
from bridge.platforms.loop.translate import to_address, to_order
from bridge.platforms.loop.versions import alarm, digest

FLAG = "processing_failed"

#: By trigger: what is asked with a label request.
_LABEL_REQUESTS: dict[str, RequestKind] = {
    "label.request.issued": "label",
    "label.request.cancelled": "label_cancelled",
}


def bare(subject: str, observed_at: datetime) -> Return:
    """Return a return of which a body says next to nothing."""
    platform, account, id_ = subject.split("/", 2)
    return Return(
        subject=subject,
        platform=platform,
        account=account,
        native_id=id_,
        kind=Kind.RETURN,
        state=State.UNKNOWN,
        observed_at=observed_at,
    )


def _in_passing(view: Return, *fields: str) -> PlatformView:
    """Return a view of which any other document knows more."""
    version = Version("", "", digest(view))
    return PlatformView(view, version, dict.fromkeys(("kind", *fields), version))


def to_label(source: LabelNews, subject: str, observed_at: datetime) -> PlatformView:
    """Return what a label's news says: one parcel, and which order."""
    told = parcels.of_label(source)
    order = to_order(source.order_id, source.provider_order_id)
    view = bare(subject, observed_at).model_copy(
        update={
            "order": order,
            "shipments": told.shipments,
            "updated_at": source.label_updated_at,
        }
    )
    said = _in_passing(view, "order") if order else _in_passing(view)
    return PlatformView(view, said.version, said.says, told.versions)


def to_failure(subject: str, observed_at: datetime) -> PlatformView:
    """Return the alarm that processing failed: the state stays (loop.md, 8).

    The body has no time. It stands until the return is finished.
    """
    view = bare(subject, observed_at).model_copy(update={"flags": (FLAG,)})
    passing = _in_passing(view)
    says = {**(passing.says or {}), "flags": alarm(observed_at)}
    return PlatformView(view, passing.version, says)


def to_credit_request(
    source: GiftCard, subject: str, privacy: Privacy, observed_at: datetime
) -> Requests:
    """Return the wish for store credit; for whom stands in the return."""
    pay = pay_in(source.currency)
    request = Request(
        kind="credit",
        correlation_id=f"giftcard/{source.id}",
        requested_at=observed_at,
        amount=pay(source.total_credit_issued),
        details={
            "subtotal": source.gift_card_subtotal,
            "tax": source.gift_card_tax,
            "bonus": source.gift_card_bonus_credit,
            "external_order_id": source.external_order_id,
            "external_order_name": source.external_order_name,
            "external_order_number": source.external_order_number,
        },
    )
    person = Person(
        given_name=source.first_name,
        family_name=source.last_name,
        email=source.email,
    )
    view = bare(subject, observed_at)
    if source.return_id is None:
        view = view.model_copy(update={"kind": Kind.UNKNOWN, "kind_raw": "giftcard"})
    if privacy.drop_personal or person == Person():
        return Requests(subject, (request,), _in_passing(view, "kind_raw"))
    view = view.model_copy(update={"customer": Customer(person=person)})
    return Requests(subject, (request,), _in_passing(view, "kind_raw", "customer"))


def to_label_request(
    source: LabelRequest, subject: str, privacy: Privacy, observed_at: datetime
) -> Requests:
    """Return the wish for a label, or that it is taken back."""
    kind = _LABEL_REQUESTS.get(source.trigger or "")
    if kind is None:
        raise UnreadableError("unknown_trigger", "$.trigger")
    parcel = None if source.parcel is None else _plain(source.parcel)
    request = Request(
        kind=kind,
        correlation_id=f"label_request/{source.id}",
        requested_at=source.created_at or observed_at,
        details={"parcel": parcel, "products": [*map(_product, source.products)]},
    )
    view = bare(subject, observed_at)
    places = source.addresses
    if privacy.drop_personal or places is None:
        return Requests(subject, (request,), _in_passing(view))
    addresses = Addresses(
        sender=to_address(places.origin),
        destination=to_address(places.destination),
    )
    view = view.model_copy(update={"addresses": addresses})
    return Requests(subject, (request,), _in_passing(view, "addresses"))


def to_restock_request(
    source: Restock, subject: str, observed_at: datetime
) -> Requests:
    """Return the wish to put goods back into stock."""
    items: list[JsonValue] = [_plain(item) for item in source.restock_items]
    request = Request(
        kind="restock",
        correlation_id=f"restock/{_content_id(items)}",
        requested_at=observed_at,
        details={"items": items},
    )
    order = to_order(source.order_id, source.provider_order_id)
    view = bare(subject, observed_at).model_copy(update={"order": order})
    said = _in_passing(view, "order") if order else _in_passing(view)
    return Requests(subject, (request,), said)


def to_hub_shipment(
    source: HubShipment, subject: str, observed_at: datetime
) -> PlatformView:
    """Return a history of its own: the body names no return, and none is guessed."""
    ids = {"loop_shipment": source.loop_shipment_id}
    if source.happy_returns_shipment_id is not None:
        ids["happy_returns_shipment"] = source.happy_returns_shipment_id
    view = bare(subject, observed_at).model_copy(
        update={
            "kind": Kind.UNANNOUNCED,
            "kind_raw": "happy_returns_shipment",
            "state": State.RECEIVED,
            "external_ids": tuple(
                ExternalId(provider=provider, value=value)
                for provider, value in ids.items()
            ),
        }
    )
    return PlatformView(view, Version("", "", digest(view)))


def _product(source: Product) -> JsonValue:
    price = from_cents(source.price)
    return {
        **_plain(source, "price"),
        "price": None if price is None else price.model_dump(mode="json"),
    }


def _plain(source: Payload, *apart: str) -> dict[str, JsonValue]:
    return source.model_dump(mode="json", exclude=set(apart))


def _content_id(items: Sequence[JsonValue]) -> str:
    return hashlib.sha256(orjson.dumps(items)).hexdigest()[:16]
