"""Loop's return into the canonical return, and which of its fields a document says.

Webhook, list and details each leave something out (loop.md, section 3), so a document
speaks only of the fields whose source stands in it. Not here: parcels, money, how new
a document is, and the other topics (`commands.py`).
"""

from collections.abc import Iterator
from datetime import datetime

from bridge.canonical.model import (
    Address,
    Addresses,
    Customer,
    ExternalId,
    Item,
    ItemComment,
    Kind,
    Person,
    Reason,
    Return,
    Tag,
    Wish,
)
from bridge.canonical.order import Order
from bridge.canonical.reference import subject_of
from bridge.canonical.states import State
from bridge.platforms.contract import PlatformView, Privacy, Version
from bridge.platforms.loop import money, parcels, shapes
from bridge.platforms.loop.payloads import LoopReturn
from bridge.platforms.loop.versions import (
    FINAL,
    alarm,
    in_passing,
    last_told,
    surer,
    version_of,
)

PLATFORM = "loop"

#: Return state, loop.md section 8; older bodies write `needs review`.
STATES = {
    "open": State.APPROVED,
    "review": State.UNDER_REVIEW,
    "needs review": State.UNDER_REVIEW,
    "flagged": State.UNDER_REVIEW,
    "closed": State.CLOSED,
    "cancelled": State.CANCELLED,
    "expired": State.EXPIRED,
}

GIFT = Tag(name="gift_return", source="loop")

#: Said by every document of a return.
_ALWAYS = (
    *("kind", "number", "state", "state_raw", "order", "items"),
    *("created_at", "updated_at"),
)

#: Said where the vendor's field stands in the document.
_WHERE_SENT = {
    "outcome": "kind_raw",
    "refunds": "refunds",
    "gift_card_order_id": "credits",
    "is_gift_return": "tags",
    "redo_id": "external_ids",
    "return_method": "dropoffs",
}


def to_view(
    source: LoopReturn, account: str, privacy: Privacy, observed_at: datetime
) -> Return:
    """Translate a return's document; what it does not speak of stays empty."""
    pay = money.pay_in(source.currency)
    return Return(
        subject=subject_of(PLATFORM, account, source.id),
        platform=PLATFORM,
        account=account,
        native_id=source.id,
        number=source.order_name,
        kind=Kind.RETURN,
        kind_raw=source.outcome,
        state=STATES.get((source.state or "").lower(), State.UNKNOWN),
        state_raw=source.state,
        order=to_order(
            source.order_id, source.provider_order_id, name=source.order_name
        ),
        external_ids=_external_ids(source),
        items=tuple(_items(source, pay)),
        shipments=parcels.of_return(source).shipments,
        dropoffs=parcels.dropoffs(source),
        refunds=tuple(money.refunds(source, pay)),
        credits=money.credits_(source, pay),
        exchange=money.exchange(source, pay),
        totals=money.totals(source, pay),
        customer=None if privacy.drop_personal else _customer(source),
        addresses=None if privacy.drop_personal else _addresses(source),
        tags=(GIFT,) if source.is_gift_return else (),
        created_at=source.created_at,
        updated_at=last_told(source),
        observed_at=observed_at,
    )


def to_reading(source: LoopReturn, view: Return, *, reopens: bool) -> PlatformView:
    """Return the view with what it says, and how new each part is."""
    version = version_of(source, view, reopens=reopens)
    return PlatformView(
        view, version, _says(source, view, version), parcels.of_return(source).versions
    )


def _says(source: LoopReturn, view: Return, version: Version) -> dict[str, Version]:
    sent = source.model_fields_set
    said = dict.fromkeys(_ALWAYS, version)
    said |= {ours: version for theirs, ours in _WHERE_SENT.items() if theirs in sent}
    said["totals"] = surer(version, proven=money.is_fulfilled(source))
    if view.state in FINAL:
        said["flags"] = alarm(None)
    if "exchanges" in sent:
        ordered = source.exchange_order_id is not None
        said["exchange"] = surer(version, proven=ordered)
    if view.customer is not None:
        said["customer"] = version if source.customer_detail else in_passing(version)
    if view.addresses is not None:
        said["addresses"] = version
    return said


def to_order(
    id_: str | None, external_id: str | None, *, name: str | None = None
) -> Order | None:
    """Return the order; None where the document names none."""
    known = id_ or external_id
    if known is None:
        return None
    return Order(
        id=known, name=name, external_ids=(external_id,) if external_id else ()
    )


def _external_ids(source: LoopReturn) -> tuple[ExternalId, ...]:
    if source.redo_id is None:
        return ()
    return (ExternalId(provider="redo", value=source.redo_id),)


def _items(source: LoopReturn, pay: money.Pay) -> Iterator[Item]:
    """Yield one line per unit; units of one order line share its id."""
    taken: set[str] = set()
    for position, unit in enumerate(source.line_items):
        yield Item(
            id=money.unique(unit.line_item_id or f"#{position}", position, taken),
            external_order_line_id=unit.provider_line_item_id,
            product_id=unit.product_id,
            variant_id=unit.variant_id,
            sku=unit.sku,
            barcode=unit.barcode,
            quantity=1,
            status_raw=unit.outcome,
            reasons=tuple(_reasons(unit)),
            wish=Wish(variant_title=unit.exchange_variant, quantity=1)
            if unit.exchange_variant
            else None,
            value=pay(unit.price),
        )


def _reasons(unit: shapes.LineItem) -> Iterator[Reason]:
    if unit.return_reason or unit.parent_return_reason:
        yield Reason(code=unit.parent_return_reason, text=unit.return_reason)


def _customer(source: LoopReturn) -> Customer | None:
    """Return the shopper: with a name in webhooks, with comments in the list."""
    detail = source.customer_detail or shapes.CustomerDetail()
    person = Person(
        given_name=detail.first_name,
        family_name=detail.last_name,
        email=detail.email or source.customer,
        phone=source.address.phone if source.address else None,
    )
    comments = tuple(
        ItemComment(item_id=unit.line_item_id or f"#{position}", text=text)
        for position, unit in enumerate(source.line_items)
        if (text := unit.return_comment)
    )
    customer = Customer(person=person, comments=comments)
    return None if customer == Customer(person=Person()) else customer


def _addresses(source: LoopReturn) -> Addresses | None:
    sender = to_address(source.address)
    return Addresses(sender=sender) if sender else None


def to_address(address: shapes.Address | None) -> Address | None:
    """Translate a postal address; the names in it stay behind."""
    if address is None:
        return None
    return Address(
        line1=address.address1,
        line2=address.address2,
        city=address.city,
        state=address.state,
        postal_code=address.zip,
        country=address.country_code or address.country,
    )
