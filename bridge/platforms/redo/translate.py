"""Redo's document into the canonical return: flat, field by field, no decisions.

What comes out is plain, in canonical names; `source.py` makes a `Return` of it, which
is where it is validated, as one. Not here: lines and money (`lines.py`), parcels
(`parcels.py`), reading (`source.py`).
"""

import hashlib
import hmac

from bridge.canonical.model import Kind
from bridge.canonical.reference import subject_of
from bridge.canonical.states import State
from bridge.platforms.contract import Privacy
from bridge.platforms.redo import orders, payloads, shapes
from bridge.platforms.redo.lines import line_id, to_exchange, to_item, to_refund
from bridge.platforms.redo.money import Pay, pay_in
from bridge.platforms.redo.parcels import to_dropoff, to_shipments
from bridge.platforms.redo.shapes import Said

PLATFORM = "redo"

#: Return status: canonical state and flag, redo.md section 15.
STATES: dict[str, tuple[State, str | None]] = {
    "pre_shipment": (State.REQUESTED, None),
    "needs_review": (State.REQUESTED, "review"),
    "in_review": (State.UNDER_REVIEW, None),
    "open": (State.APPROVED, None),
    "in_transit": (State.IN_TRANSIT, None),
    "delivered": (State.DELIVERED, None),
    "flagged": (State.UNDER_REVIEW, "problem"),
    "complete": (State.CLOSED, None),
    "rejected": (State.REJECTED, None),
    "deleted": (State.DELETED, "reset"),
}

KINDS = {"return": Kind.RETURN, "claim": Kind.CLAIM, "warranty": Kind.WARRANTY}

_UNNAMED = dict.fromkeys(("given_name", "family_name", "email", "phone"))
_NOBODY = {"person": _UNNAMED, "buyer": None, "comments": (), "created_by": None}
_NOWHERE = dict.fromkeys(("sender", "destination", "destination_phone"))
_NO_REFERENCE, _NO_ORDER = payloads.OrderReference(), orders.RedoOrder()
_NO_PAYER, _NO_DESTINATION = payloads.Protection(), payloads.Destination()
_NO_NAME = shapes.PersonName()
_SHOWN_OF_CODE = 4
_SHORTEST_SHOWN = 2 * _SHOWN_OF_CODE


def to_return(document: payloads.Document, account: str, privacy: Privacy) -> Said:
    """Return all fields of a `Return` that a body speaks of.

    `observed_at` is missing, and `goods`: that is the warehouse's to say.
    """
    source, pay = document.return_, pay_in(document)
    state, flag = STATES.get(source.status or "", (State.UNKNOWN, None))
    order = to_order(document, pay)
    return {
        "subject": subject_of(PLATFORM, account, source.id),
        "platform": PLATFORM,
        "account": account,
        "native_id": source.id,
        "number": order and order["name"],
        "kind": KINDS.get(source.type or "", Kind.UNKNOWN),
        "kind_raw": source.type,
        "state": state,
        "state_raw": source.status,
        "flags": _flags(source, flag),
        "order": order,
        "external_ids": tuple(
            {"provider": known.provider or "", "value": known.value}
            for known in source.external_return_ids
            if known.value
        ),
        "offered": source.compensation_methods,
        "items": tuple(
            to_item(position, item, pay) for position, item in enumerate(source.items)
        ),
        "shipments": to_shipments(source.shipment, source.shipments),
        "dropoffs": tuple(
            to_dropoff(position, dropoff)
            for position, dropoff in enumerate(source.dropoffs)
        ),
        "refunds": tuple(
            refund
            for position, item in enumerate(source.items)
            if (refund := to_refund(position, item, pay))
        ),
        "credits": tuple(
            to_credit(position, card, pay, privacy.hash_key)
            for position, card in enumerate(source.gift_cards)
        ),
        "exchange": to_exchange(source.exchange, pay),
        "totals": _totals(source.totals, pay),
        "protection": _protection(source.protection),
        "customer": None if privacy.drop_personal else _customer(document),
        "addresses": None if privacy.drop_personal else _addresses(source),
        "notes": tuple(
            {"text": note.message or "", "image_url": note.image}
            for note in source.notes
        ),
        "tags": tuple(
            {"name": tag.name, "source": tag.source} for tag in source.tags if tag.name
        ),
        "created_at": source.created_at,
        "updated_at": source.updated_at,
    }


def _flags(source: payloads.RedoReturn, flag: str | None) -> tuple[str, ...]:
    """`green` says that no goods come at all; one kept line is said on the line."""
    green = bool(source.items) and all(item.green_return for item in source.items)
    flags = (
        flag,
        "green" if green else None,
        "no_action" if source.complete_with_no_action else None,
    )
    return tuple(filter(None, flags))


def to_order(document: payloads.Document, pay: Pay) -> Said | None:
    """Return the order of the return; None where the body names none.

    Several orders may be behind one return, but Redo sends one of them: the ids of
    all stand in `external_ids`.
    """
    source = document.return_
    named = source.order or _NO_REFERENCE
    order = document.order or _NO_ORDER
    known = (order.external_id, *source.external_order_ids, *source.shopify_order_ids)
    external_ids = tuple(dict.fromkeys(filter(None, known)))
    id_ = named.id or order.id or next(iter(external_ids), None)
    if id_ is None:
        return None
    return {
        "id": id_,
        "name": named.name or order.name,
        "external_ids": external_ids,
        "lines": tuple(
            _order_line(position, line, pay)
            for position, line in enumerate(order.items)
        ),
        "discounts": pay(order.discounts),
        "subtotal": pay(order.line_items_total),
        "shipping": pay(order.shipping_cost),
        "taxes": pay(order.taxes),
        "total": pay(order.total),
        "protection": _protection(order.protection),
    }


def _order_line(position: int, line: orders.OrderItem, pay: Pay) -> Said:
    product = line.product or shapes.NO_PRODUCT
    variant = line.variant or shapes.NO_VARIANT
    return {
        "id": line.id or f"#{position}",
        "external_id": line.external_id,
        "location_id": line.fulfillment_location_id,
        "product_id": product.external_id,
        "product_title": product.name,
        "variant_id": variant.external_id,
        "variant_title": variant.name,
        "sku": variant.sku,
        "weight_kg": (variant.weight and variant.weight.kg) or None,
        "quantity": line.quantity or "0",
        "price": pay(line.price),
    }


def to_credit(
    position: int, card: payloads.GiftCard, pay: Pay, hash_key: bytes
) -> Said:
    """Return the store credit with the end of its code and a keyed hash of it.

    Of a code shorter than eight characters not even the end is kept.
    """
    code = card.code or ""
    hashed = hmac.new(hash_key, code.encode(), hashlib.sha256).hexdigest()
    return {
        "id": card.external_id or (hashed if code else f"#{position}"),
        "amount": pay(card.amount),
        "code_last4": code[-_SHOWN_OF_CODE:] if len(code) >= _SHORTEST_SHOWN else None,
        "code_hash": hashed if code else None,
    }


def _totals(totals: payloads.Totals | None, pay: Pay) -> Said | None:
    if totals is None:
        return None
    return {
        "refund": pay(totals.refund),
        "store_credit": pay(totals.store_credit),
        "exchange": pay(totals.exchange),
        "charge": pay(totals.charge),
        "shipping_fee": pay(totals.shipping_fee),
    }


def _protection(cover: shapes.Cover | None) -> Said | None:
    if cover is None:
        return None
    payer = cover if isinstance(cover, payloads.Protection) else _NO_PAYER
    return {
        "covered": cover.covered,
        "returns": cover.returns_coverage,
        "package": cover.package_protection,
        "final_sale": cover.final_sale_coverage,
        "label_payer_raw": payer.label_payer,
        "label_payer_reason_raw": payer.label_payer_reason,
    }


def _customer(document: payloads.Document) -> Said | None:
    source = document.return_
    customer: Said = {
        "person": _person(source.source) or _UNNAMED,
        "buyer": _person(document.order.customer if document.order else None),
        "comments": tuple(
            {"item_id": line_id(position, item), "text": item.customer_comment}
            for position, item in enumerate(source.items)
            if item.customer_comment
        ),
        "created_by": source.internal_created_by_name,
    }
    return None if customer == _NOBODY else customer


def _person(person: payloads.Shopper | orders.Buyer | None) -> Said | None:
    if person is None:
        return None
    name = person.name or _NO_NAME
    return {
        "given_name": name.given,
        "family_name": name.surname,
        "email": person.email_address,
        "phone": person.phone_number,
    }


def _addresses(source: payloads.RedoReturn) -> Said | None:
    destination = source.destination or _NO_DESTINATION
    addresses: Said = {
        "sender": _address(source.source.mailing_address if source.source else None),
        "destination": _address(destination.mailing_address),
        "destination_phone": destination.phone_number,
    }
    return None if addresses == _NOWHERE else addresses


def _address(address: shapes.Address | None) -> Said | None:
    if address is None:
        return None
    return {
        "line1": address.line1,
        "line2": address.line2 or None,
        "city": address.city,
        "state": address.state,
        "postal_code": address.postal_code,
        "country": address.country,
    }
