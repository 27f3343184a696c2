"""The real warehouse source and targets against the simulated warehouse, over HTTP.

Whatever people at the dock do with a parcel, in whichever form the warehouse tells it,
late, twice, shuffled or in part never: the bridge ends with the counts of the
warehouse's own ledger.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.canonical.goods import GoodsDocument
from bridge.canonical.model import Item, Return, Shipment, ShipmentState
from bridge.clock import SystemClock
from bridge.delivery.calls import Caller, Calls
from bridge.delivery.conversation import converse
from bridge.delivery.options import DeliveryOptions
from bridge.errors import AuthenticityError
from bridge.normalize.fold import fold
from bridge.normalize.state import SubjectState, decode, start
from bridge.platforms.contract import (
    AlreadyApplied,
    Context,
    Delivered,
    InboundRequest,
    Observation,
    Outcome,
    PlatformView,
    Privacy,
    Reading,
    Refused,
    Target,
    Version,
)
from bridge.platforms.warehouse.options import (
    EventTargetOptions,
    ResourceTargetOptions,
    WarehouseAccount,
)
from bridge.sandbox.messenger import Ladder
from bridge.sandbox.sandbox import signing_secret
from bridge.sandbox.server import LoopbackServer
from bridge.sandbox.simulators import Manners, WarehouseOptions, WarehouseSimulator
from bridge.sandbox.warehouse import Pace
from bridge.sandbox.warehouse_api import Keys
from bridge.sandbox.warehouse_documents import Handling
from bridge.sandbox.warehouse_reports import Reporting
from bridge.sandbox.warehouse_wording import Form
from tests.support import loopback
from tests.support.targets import event, snapshot
from tests.support.waiting import wait_until

SIGNING, OLD, NEW = (signing_secret() for _ in range(3))
SUBJECT, TOKEN = "redo/demo/r1", "token-of-tests"
UNANNOUNCED = "warehouse/main/W-9001"
FORMS: tuple[Form, ...] = ("cloudevents", "bare", "facts")


@dataclass
class Bridge:
    """The inbound side without Kafka: what comes is folded at once.

    `deaf` refuses everything, as a bridge that is away does.
    """

    account: WarehouseAccount
    clock: SystemClock = field(default_factory=SystemClock)
    states: dict[str, SubjectState] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    refused: int = 0
    deaf: bool = False

    async def take(self, request: Request) -> Response:
        body = await request.body()
        if self.deaf:
            return Response(status_code=503)
        headers = {name.lower(): text for name, text in request.headers.items()}
        asked = InboundRequest(headers, body, self.clock.now())
        source = self.account.source("main", Privacy(b"key"))
        try:
            source.authenticate(asked)
        except AuthenticityError:
            self.refused += 1
            return Response(status_code=401)
        subject = source.locate(asked)
        assert subject is not None
        self.observe(subject, body)
        return Response(status_code=202)

    def observe(self, subject: str, body: bytes) -> None:
        source = self.account.source("main", Privacy(b"key"))
        seen = self._seen("warehouse", subject, body)
        self._fold(seen, source.read(seen))

    def learn(self, view: Return) -> None:
        """Hear of a return from its platform."""
        seen = self._seen("redo", view.subject, b"")
        self._fold(seen, PlatformView(view, Version("1", "", "")))

    def _seen(self, platform: str, subject: str, body: bytes) -> Observation:
        now = self.clock.now()
        return Observation("o", subject, platform, "main", "webhook", now, body)

    def _fold(self, seen: Observation, reading: Reading) -> None:
        subject = seen.subject
        state = self.states.get(subject) or start(subject)
        folded = fold(state, seen, reading)
        self.told += [told.type for told in folded.events]
        if folded.snapshot is not None:
            self.states[subject] = decode(folded.snapshot)

    def document(self, subject: str = SUBJECT) -> GoodsDocument:
        view = self.states[subject].return_
        assert view is not None
        (document,) = view.goods
        return document


@dataclass
class Ground:
    """A warehouse at work, the bridge it reports to, and the way to it."""

    simulator: WarehouseSimulator
    bridge: Bridge
    client: httpx.AsyncClient
    caller: Caller
    hook: str

    async def announce(self) -> Outcome:
        """Announce the return, which the platform has told of, as the bridge does."""
        self.bridge.learn(expected())
        told = event("return.approved", "redo", view=expected())
        return await self.deliver(self.resource, told)

    @property
    def resource(self) -> Target:
        account = self.bridge.account.model_copy(
            update={"base_url": self.simulator.url}
        )
        return ResourceTargetOptions(account="main").target("resource", account)

    async def deliver(self, target: Target, told: object) -> Outcome:
        context = Context(1, self.bridge.clock.now())
        send = partial(self.caller.send, calls=Calls())
        return await converse(target.deliver(told, context), send)  # type: ignore[arg-type]  # an event

    async def dock(self, *skus: str, **more: object) -> None:
        """Leave a parcel at the dock and wait until it is worked off and told."""
        units = [{"sku": sku} for sku in skus]
        parcel = {"tracking_number": "T-1", "units": units, **more}
        url = f"{self.simulator.url}/dock/parcels"
        taken = await self.client.post(url, json=parcel)
        assert taken.status_code == 202
        await self.quiet()

    async def quiet(self) -> None:
        what, within = "it to come to rest", timedelta(seconds=20)
        await wait_until(lambda: self.simulator.idle, what=what, within=within)

    async def tune(self, what: str, **changes: object) -> None:
        url = f"{self.simulator.url}/sandbox/{what}"
        assert (await self.client.patch(url, json=changes)).status_code == 200

    async def ledger(self, id_: str = "W-9001") -> Mapping[str, object]:
        url = f"{self.simulator.url}/sandbox/ledger"
        entry: Mapping[str, object] = (await self.client.get(url)).json()["documents"][
            id_
        ]
        return entry


def expected() -> Return:
    """Return what the shopper said would come: two mugs and a lamp."""
    items = (
        Item(id="a1", quantity=2, sku="MUG"),
        Item(id="a2", quantity=1, sku="LAMP"),
    )
    label = Shipment(
        key="T-1", state=ShipmentState.LABEL_CREATED, tracking_number="T-1"
    )
    return snapshot("redo").model_copy(
        update={"items": items, "shipments": (label,), "goods": ()}
    )


@asynccontextmanager
async def serving(**ways: object) -> AsyncIterator[Ground]:
    """Run a warehouse in these ways and a bridge that believes it."""
    fast = Pace(least=0.0, most=0.002, patience=timedelta(seconds=0.2))
    given = {"pace": fast, **ways}
    options = WarehouseOptions("main", Keys((SIGNING,), TOKEN), **given)  # type: ignore[arg-type]  # by name
    simulator = WarehouseSimulator(options)
    await simulator.start()
    account = WarehouseAccount(
        webhook_secrets=(SecretStr(OLD),),
        announced_by=("redo/demo",),
        token=SecretStr(TOKEN),
    )
    bridge = Bridge(account)
    door = LoopbackServer(Starlette(routes=[Route("/", bridge.take, methods=["POST"])]))
    await door.start()
    caller = Caller(DeliveryOptions(), timedelta(seconds=10))
    async with loopback.client(timeout=10) as client:
        made = Ground(simulator, bridge, client, caller, f"{door.url}/")
        await subscribe(made, OLD)
        yield made
    await caller.close()
    await simulator.stop()
    await door.stop()


@pytest.fixture
async def ground() -> AsyncIterator[Ground]:
    async with serving() as made:
        yield made


async def subscribe(ground: Ground, secret: str, *more: str) -> None:
    to = {"url": ground.hook, "secret": secret, "more": more}
    url = f"{ground.simulator.url}/sandbox/subscription"
    assert (await ground.client.put(url, json=to)).status_code == 204


def counts(document: GoodsDocument) -> dict[str, tuple[int, int]]:
    """Return what was received, and what something was done with, by line."""
    return {
        line.line_key: (
            line.received,
            sum(outcome.quantity for outcome in line.outcomes),
        )
        for line in document.lines
    }


def true_counts(entry: Mapping[str, object]) -> dict[str, tuple[int, int]]:
    lines = entry["lines"]
    assert isinstance(lines, dict)
    return {
        key: (line["received"], sum(line["outcomes"].values()))
        for key, line in lines.items()
    }


#: By handling: goods events that must follow, beside what every parcel makes.
TELLING = {
    Handling.SHORT: {"discrepancy", "restocked"},
    Handling.EXCESS: {"discrepancy"},
    Handling.WRONG_ITEM: {"discrepancy", "withheld"},
    Handling.UNEXPECTED_ITEM: {"discrepancy", "withheld"},
    Handling.UNIDENTIFIED: {"discrepancy"},
    Handling.DAMAGED: {"withheld", "restocked"},
    Handling.DAMAGED_IN_TRANSIT: {"discrepancy", "withheld"},
    Handling.EMPTY: {"discrepancy"},
    Handling.MISCOUNTED: {"corrected"},
    Handling.REOPENED: {"corrected", "discrepancy"},
    Handling.REFUSED: {"rejected"},
    Handling.NOT_ARRIVED: {"discrepancy"},
    Handling.CANCELLED: {"cancelled"},
    Handling.QUARANTINE: {"withheld"},
    Handling.REFURBISH: {"withheld"},
    Handling.NOT_RESTOCKED: {"withheld"},
    Handling.PENDING: {"received"},
    Handling.OTHER: {"withheld"},
    Handling.DONATE: {"disposed"},
    Handling.DISPOSE: {"disposed"},
    Handling.RETURN_TO_MERCHANT: {"disposed"},
}
#: What the warehouse says is wrong; all else shows in its counts alone.
STATED = {
    Handling.WRONG_ITEM,
    Handling.UNIDENTIFIED,
    Handling.DAMAGED_IN_TRANSIT,
    Handling.EMPTY,
    Handling.NOT_ARRIVED,
}
UNFINISHED = {Handling.CANCELLED, Handling.NOT_ARRIVED}


@pytest.mark.parametrize("form", ["bare", "facts"])
@pytest.mark.parametrize("handling", Handling)
async def test_what_the_dock_does_is_what_the_bridge_knows(
    ground: Ground, handling: Handling, form: Form
) -> None:
    await ground.tune("reporting", wording={"form": form})
    await ground.announce()

    await ground.dock("MUG", "MUG", "LAMP", handling=handling)

    truth = true_counts(await ground.ledger())
    known = ground.bridge.document()
    told = {type_.partition("goods.")[2] for type_ in ground.bridge.told}
    due = set(TELLING.get(handling, ()))
    if form == "facts":  # deltas: they tell neither what was expected nor what is 0
        truth = {key: found for key, found in truth.items() if any(found)}
        due -= set() if handling in STATED else {"discrepancy"}
    assert counts(known) == truth
    assert due <= told
    assert ("completed" in told) == (handling not in UNFINISHED)


@pytest.mark.parametrize("form", FORMS)
async def test_goods_that_come_in_two_boxes_are_one_return(
    ground: Ground, form: Form
) -> None:
    await ground.tune("reporting", wording={"form": form})
    await ground.announce()

    await ground.dock("MUG", boxes=2)
    half = ground.bridge.told.count("goods.completed")
    await ground.dock("MUG", "LAMP", boxes=2)

    assert half == 0
    assert ground.bridge.told.count("goods.completed") == 1
    assert counts(ground.bridge.document()) == {"a1": (2, 2), "a2": (1, 1)}


@pytest.mark.parametrize("form", FORMS)
async def test_goods_that_nobody_announced_have_a_history_of_their_own(
    ground: Ground, form: Form
) -> None:
    await ground.tune("reporting", wording={"form": form})
    await ground.tune("ways", opens_unannounced=True)

    await ground.dock("MUG", "CAP")

    assert set(ground.bridge.states) == {UNANNOUNCED}
    known = counts(ground.bridge.document(UNANNOUNCED))
    assert known == true_counts(await ground.ledger())


async def test_a_warehouse_that_echoes_no_reference_is_not_guessed_at(
    ground: Ground,
) -> None:
    await ground.tune("reporting", wording={"echoes_reference": False})
    await ground.announce()

    await ground.dock("MUG", "MUG", "LAMP")

    announced = ground.bridge.states[SUBJECT].return_
    assert announced is not None
    assert announced.goods == ()
    assert counts(ground.bridge.document(UNANNOUNCED)) == {"a1": (2, 2), "a2": (1, 1)}


async def test_times_without_zone_are_utc(ground: Ground) -> None:
    await ground.tune("reporting", wording={"zoned": False, "numbered": False})
    await ground.announce()

    await ground.dock("MUG", "MUG", "LAMP")

    known = ground.bridge.document()
    assert counts(known) == true_counts(await ground.ledger())
    age = ground.bridge.clock.now() - known.occurred_at
    assert timedelta() <= age < timedelta(minutes=5)


async def test_shuffled_and_doubled_reports_end_where_the_warehouse_stands() -> None:
    """The last state wins, and nothing that was counted moves backwards."""
    async with serving(
        manners=Manners(habits="many", seed=5),
        pace=Pace(least=0.0, most=0.01),
        reporting=Reporting(late=timedelta(seconds=0.3)),
    ) as ground:
        await ground.announce()
        await ground.dock("MUG", "MUG", "LAMP", handling="unit-by-unit")
        truth = true_counts(await ground.ledger())

    told = ground.bridge.told
    assert counts(ground.bridge.document()) == truth
    assert told.count("goods.completed") == 1
    assert "goods.corrected" not in told


# ------------------------------------------------------------------- rotation


async def test_reports_are_believed_through_a_rotation(ground: Ground) -> None:
    """Both sides change at their own time; no report is refused."""
    bridge, account = ground.bridge, ground.bridge.account
    both = (SecretStr(OLD), SecretStr(NEW))

    await ground.announce()
    await subscribe(ground, OLD, NEW)
    await ground.dock("MUG", boxes=3)
    bridge.account = account.model_copy(update={"webhook_secrets": both})
    await subscribe(ground, NEW)
    await ground.dock("MUG", boxes=3)
    bridge.account = account.model_copy(update={"webhook_secrets": both[1:]})
    await ground.dock("LAMP", boxes=3)

    assert bridge.refused == 0
    assert counts(bridge.document()) == {"a1": (2, 2), "a2": (1, 1)}


async def test_a_report_with_a_retired_secret_alone_is_refused(ground: Ground) -> None:
    new = (SecretStr(NEW),)
    ground.bridge.account = ground.bridge.account.model_copy(
        update={"webhook_secrets": new}
    )
    await ground.tune("reporting", ladder={"gaps": [], "last": None, "life": "PT0S"})

    await ground.announce()
    await ground.quiet()

    assert ground.bridge.refused == 1
    assert not any(told.startswith("goods") for told in ground.bridge.told)


# ------------------------------------------------------------------- lost news


async def test_what_a_sender_gave_up_on_is_in_its_next_report(ground: Ground) -> None:
    """Snapshots heal by themselves: one that comes tells all that was lost."""
    await ground.tune("reporting", ladder={"gaps": [], "last": None, "life": "PT0S"})
    await ground.announce()
    await ground.quiet()

    ground.bridge.deaf = True
    await ground.dock("MUG", "MUG", boxes=2)
    before = counts(ground.bridge.document())
    ground.bridge.deaf = False
    await ground.dock("LAMP", boxes=2)

    assert before == {"a1": (0, 0), "a2": (0, 0)}
    assert ground.simulator.reporter.lost >= 3
    assert counts(ground.bridge.document()) == true_counts(await ground.ledger())
    assert "goods.received" in ground.bridge.told


async def test_what_the_last_report_said_can_be_read_from_the_list(
    ground: Ground,
) -> None:
    """No report comes any more: the warehouse's list has the same document."""
    ladder = Ladder()
    ground.simulator.reporter.reporting = replace(Reporting(), ladder=ladder)
    await ground.announce()
    await ground.quiet()
    ground.bridge.deaf = True
    await ground.dock("MUG", "MUG", "LAMP")

    headers = {"authorization": f"Bearer {TOKEN}"}
    url = f"{ground.simulator.url}/inbound-returns"
    (row,) = (await ground.client.get(url, headers=headers)).json()["items"]
    content = httpx.Request("POST", url, json=row).content
    ground.bridge.observe(SUBJECT, content)

    assert counts(ground.bridge.document()) == true_counts(await ground.ledger())
    assert "goods.completed" in ground.bridge.told


# --------------------------------------------------------------- announcements


def receiver(ground: Ground, **options: object) -> Target:
    given = {"account": "main", "url": f"{ground.simulator.url}/hooks/returns"}
    return EventTargetOptions.model_validate(given | options).target(
        "event", ground.bridge.account
    )


@pytest.mark.parametrize(
    "options",
    [
        {"signing_secrets": (SecretStr(SIGNING),)},
        {"signing_secrets": (SecretStr(NEW), SecretStr(SIGNING))},
        {"mode": "structured"},
        {"mode": "binary"},
    ],
    ids=["signed", "rotating", "bearer", "binary"],
)
async def test_every_profile_of_the_event_door_announces(
    ground: Ground, options: dict[str, object]
) -> None:
    target = receiver(ground, **options)
    told = event("return.approved", "redo", view=expected())

    outcomes = [await ground.deliver(target, told) for _ in range(2)]

    calls = ground.simulator.front.log.calls
    assert {type(outcome) for outcome in outcomes} == {Delivered}
    assert [call.effect for call in calls] == [1, None]
    assert {call.subject for call in calls} == {SUBJECT}
    entry = await ground.ledger()
    assert true_counts(entry) == {"a1": (0, 0), "a2": (0, 0)}


async def test_a_cancel_after_the_goods_are_there_is_too_late(ground: Ground) -> None:
    await ground.announce()
    await ground.dock("MUG", "MUG", "LAMP")
    cancel = event("return.cancelled", "redo", view=expected())
    account = ground.bridge.account.model_copy(
        update={"base_url": ground.simulator.url}
    )
    refusing = ResourceTargetOptions(account="main", too_late="refuse")

    outcome = await ground.deliver(refusing.target("resource", account), cancel)

    assert isinstance(outcome, Refused)
    assert outcome.reason == "too_late"


async def test_an_announcement_after_a_newer_one_changes_nothing(
    ground: Ground,
) -> None:
    newer = event("return.delivered", "redo", view=expected())
    older = event("return.approved", "redo", view=expected())

    first = await ground.deliver(ground.resource, newer)
    second = await ground.deliver(ground.resource, older)

    assert isinstance(first, Delivered)
    assert isinstance(second, AlreadyApplied)
