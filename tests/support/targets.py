"""Every target there is, events for them, and servers that answer them.

A new target joins with one line in `TARGETS`.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import SecretStr

from bridge.canonical.draft import Draft, Part, encode
from bridge.canonical.envelope import Event, event_id
from bridge.canonical.events import TYPES
from bridge.canonical.goods import (
    DispositionCode,
    GoodsDocument,
    GoodsLine,
    GoodsStatus,
)
from bridge.canonical.goods import Outcome as GoodsOutcome
from bridge.canonical.goods_events import LineFact, Warehouse
from bridge.canonical.model import (
    Item,
    Kind,
    Return,
    Shipment,
    ShipmentState,
)
from bridge.canonical.states import State
from bridge.platforms.contract import (
    Context,
    Conversation,
    Outcome,
    Target,
)
from bridge.platforms.loop.options import LoopAccount, LoopTargetOptions
from bridge.platforms.redo.options import RedoAccount, RedoTargetOptions
from bridge.platforms.returngo.options import ReturnGoAccount, ReturnGoTargetOptions
from bridge.platforms.returnlogic.options import (
    ReturnLogicAccount,
    ReturnLogicTargetOptions,
)
from bridge.platforms.warehouse.options import (
    EventTargetOptions,
    ResourceTargetOptions,
    WarehouseAccount,
)

NOW = datetime(2027, 3, 14, 12, 0, tzinfo=UTC)
SIGNING = SecretStr("whsec_b2xkLXNlY3JldC1vZi10ZXN0cw==")
TOKEN = SecretStr("never-to-be-shown")
URL = "https://target.test/api"
MOST_REQUESTS = 50

REDO = RedoAccount(webhook_tokens=(TOKEN,), api_token=TOKEN, base_url=URL)
LOOP = LoopAccount(webhook_secrets=(TOKEN,), api_key=TOKEN, host=URL)
RETURNGO = ReturnGoAccount(
    webhook_tokens=(TOKEN,), api_key=TOKEN, base_url=URL, shop="demo.example"
)
RETURNLOGIC = ReturnLogicAccount(webhook_tokens=(TOKEN,), api_key=TOKEN, base_url=URL)
WAREHOUSE = WarehouseAccount(webhook_secrets=(SIGNING,), base_url=URL, token=TOKEN)

TARGETS: dict[str, Target] = {
    "redo": RedoTargetOptions(account="demo").target("redo", REDO),
    "loop": LoopTargetOptions(account="demo").target("loop", LOOP),
    "returngo": ReturnGoTargetOptions(account="demo").target("returngo", RETURNGO),
    "returnlogic": ReturnLogicTargetOptions(account="demo").target(
        "returnlogic", RETURNLOGIC
    ),
    "warehouse.event": EventTargetOptions(
        account="main", url=URL, signing_secrets=(SIGNING,)
    ).target("event", WAREHOUSE),
    "warehouse.resource": ResourceTargetOptions(account="main").target(
        "resource", WAREHOUSE
    ),
}

Server = Callable[[httpx.Request], httpx.Response]


def snapshot(platform: str) -> Return:
    outcome = GoodsOutcome(key="o", quantity=1, disposition=DispositionCode.RESTOCK)
    line = GoodsLine(line_key="i1", expected=1, received=1, outcomes=(outcome,))
    document = GoodsDocument(
        system="generic",
        account="main",
        return_id="w1",
        status=GoodsStatus.COMPLETED,
        occurred_at=NOW,
        lines=(line,),
    )
    return Return(
        subject=f"{platform}/demo/r1",
        platform=platform,
        account="demo",
        native_id="r1",
        kind=Kind.RETURN,
        state=State.APPROVED,
        items=(Item(id="i1", quantity=1, sku="S"),),
        shipments=(Shipment(key="T", state=ShipmentState.LABEL_CREATED, group="T"),),
        goods=(document,),
        observed_at=NOW,
    )


def event(
    type_: str, platform: str, *, view: Return | None = None, **part: Part
) -> Event:
    """Return an event of a return of the platform; `part` is what it is about.

    Types have their sequences: two of one return are two events.
    """
    sequence = 1 + sorted(TYPES).index(type_)
    view = view or snapshot(platform)
    warehouse = Warehouse(
        system="generic",
        account="main",
        return_id="w1",
        status=GoodsStatus.COMPLETED,
        occurred_at=NOW,
    )
    fact = LineFact(line_key="i1", total=1, expected=1, fact="f")
    if type_.startswith("goods."):
        part = {"warehouse": warehouse, "lines": (fact,), **part}
    if type_.endswith(".requested") and not type_.startswith("return."):
        part = {"correlation_id": "c1", **part}
    return Event(
        id=event_id(view.subject, sequence),
        type=type_,
        subject=view.subject,
        sequence=sequence,
        chain="c",
        time=NOW,
        source=f"/{platform}/demo",
        causation_id="cause",
        body=encode(Draft(TYPES[type_], part), view.model_dump_json().encode()),
    )


TYPES_TOLD = (
    "return.created",
    "return.approved",
    "return.rejected",
    "return.cancelled",
    "goods.received",
    "goods.inspected",
    "goods.discrepancy",
    "goods.completed",
    "restock.requested",
)
EVENTS = {
    platform: [event(type_, platform) for type_ in TYPES_TOLD]
    for platform in ("redo", "loop", "returngo", "returnlogic")
}
OPEN = b"""{"id": 1, "status": "open", "state": "open", "comments": [], "notes": [],
"rmaSummary": {"rmaId": "r1", "status": "Approved"}, "received": true, "errors": [],
"shipments": [{"shipmentId": "T", "status": "LabelCreated"}]}"""
"""What no target finds anything wrong with before it writes."""


def samples(target: Target) -> list[Event]:
    """Return events of the platform that the target writes to, if it is one."""
    return EVENTS.get(target.name, EVENTS["redo"])


every_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())


def converse(
    conversation: Conversation, server: Server
) -> tuple[Outcome, list[httpx.Request]]:
    """Hold a conversation to its end, which must come."""
    requests: list[httpx.Request] = []
    try:
        requests.append(next(conversation))
        while len(requests) < MOST_REQUESTS:
            requests.append(conversation.send(server(requests[-1])))
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome, requests
    raise AssertionError("a conversation went on for ever")


def context(attempt: int = 1) -> Context:
    return Context(attempt=attempt, now=NOW, answer_lost=attempt > 1)


def answering(code: int, content: bytes = b"") -> Server:
    return lambda _: httpx.Response(code, content=content)


def acted_on(target: Target) -> list[Event]:
    """Return the events of the sample that make the target ask something."""
    server = answering(200, OPEN)
    return [
        sample
        for sample in samples(target)
        if converse(target.deliver(sample, context()), server)[1]
    ]
