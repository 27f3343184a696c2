"""The real Redo source, poll, fetch and target against the simulated Redo, over HTTP.

Every mode of the simulator that the bridge can meet is switched on here, and the bridge
ends where the simulated shop itself stands.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Literal

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Route

from bridge.canonical.envelope import Event
from bridge.canonical.states import State
from bridge.platforms.contract import Context, Failed, Throttled, Unauthorized
from bridge.platforms.redo.options import RedoAccount, RedoTargetOptions
from bridge.platforms.redo.poll import DELETED, UPDATED, WIDE, RedoPollOptions
from bridge.platforms.walk import Ask, Page
from bridge.sandbox.faults import Level
from bridge.sandbox.habits import Rates
from bridge.sandbox.plans import Packing, Plan, Story, draw_up, invent_return
from bridge.sandbox.redo_desk import Temper
from bridge.sandbox.redo_keys import ALL_SCOPES
from bridge.sandbox.redo_list import NO_TRAPS, Traps
from bridge.sandbox.redo_odd import Oddity
from bridge.sandbox.redo_ways import AS_REDO, RedoWays
from bridge.sandbox.redo_webhooks import OWN, Posting, Subscription
from bridge.sandbox.server import LoopbackServer
from bridge.sandbox.shop_returns import ShopReturn
from bridge.sandbox.shoppers import Traffic
from bridge.sandbox.simulators import Manners, ShopOptions, ShopSimulator
from tests.contract.test_writing_against_simulators import Bridge
from tests.support import loopback
from tests.support.inbound_side import InboundSide, converse
from tests.support.leaping import LeapingClock
from tests.support.targets import event, snapshot

KEY, HOOK = "key-of-tests", "hook-of-tests"
STATES = {
    "needs_review": "requested",
    "in_review": "under_review",
    "open": "approved",
    "in_transit": "in_transit",
    "delivered": "delivered",
    "flagged": "under_review",
    "complete": "closed",
    "rejected": "rejected",
    "deleted": "deleted",
}


class Ground:
    """A simulated shop, and the bridge that it tells."""

    def __init__(self, simulator: ShopSimulator, clock: LeapingClock) -> None:
        self.simulator = simulator
        self.clock = clock
        self.bridge = InboundSide(self.account(), clock)
        self.subscription = Subscription("", None)

    def account(self, paging: Literal["headers", "query"] = "headers") -> RedoAccount:
        return RedoAccount(
            base_url=self.simulator.url,
            store_id="s1",
            api_token=SecretStr(KEY),
            webhook_tokens=(SecretStr(HOOK),),
            poll=RedoPollOptions(page_size=3, paging=paging),
        )

    def add(self, number: int = 0, story: Story = Story.REFUND) -> ShopReturn:
        plan = Plan(number, 1, story, Packing.FULL, reviewed=False)
        return_ = invent_return(plan, self.clock.now())
        self.simulator.shop.add(return_)
        return return_

    async def shop(self, returns: int = 16) -> None:
        """Let shoppers in, and all that they cause come to its end."""

        async def dock(_: object) -> None:
            """Take the parcel."""

        people = Traffic(self.simulator.shop, dock=dock, clock=self.clock)
        plans = draw_up(3, refused=False, returns=returns)
        await people.run(plans, timedelta(seconds=1))
        await self.quiet()

    async def quiet(self) -> None:
        while not self.simulator.idle:
            await self.clock.sleep(timedelta(milliseconds=10))

    def known(self) -> dict[str, str]:
        """Return the states of the returns as the bridge knows them."""
        views = {id_: state.return_ for id_, state in self.bridge.states.items()}
        return {
            subject.rpartition("/")[2]: view.state.value
            for subject, view in views.items()
            if view is not None
        }

    def stands(self) -> dict[str, str]:
        """Return the states as the shop has them, in canonical words."""
        returns = self.simulator.shop.all()
        return {return_.id: STATES[return_.status] for return_ in returns}


Open = Callable[..., Awaitable[Ground]]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with loopback.client(timeout=10) as made:
        yield made


@pytest.fixture
async def ground() -> AsyncIterator[Open]:
    """Open a shop with these ways, whose webhooks come to the bridge."""
    running: list[ShopSimulator | LoopbackServer] = []

    async def begin(
        ways: RedoWays = AS_REDO,
        traps: Traps = NO_TRAPS,
        *,
        faults: Level = "none",
        scopes: Sequence[str] = ALL_SCOPES,
        tells: bool = True,
    ) -> Ground:
        clock = LeapingClock(hasty=True)
        manners = Manners(faults, seed=2, hold=timedelta(milliseconds=50))
        options = ShopOptions(
            "s1", {KEY: scopes}, manners=manners, traps=traps, ways=ways
        )
        simulator = ShopSimulator(options, clock=clock)
        await simulator.start()
        made = Ground(simulator, clock)
        routes = [Route("/hook", made.bridge.take, methods=["POST"])]
        door = LoopbackServer(Starlette(routes=routes))
        await door.start()
        running.extend((simulator, door))
        made.subscription = Subscription(f"{door.url}/hook", HOOK)
        if tells:
            simulator.sender.subscribe(made.subscription)
        return made

    yield begin
    for each in running:
        await each.stop()


# ----------------------------------------------------------------------- webhooks


async def test_webhooks_alone_tell_all_however_they_come(ground: Open) -> None:
    rates = Rates(created_late=0.5, twice=0.4, old_again=0.4)
    made = await ground(RedoWays(rates=rates, posting=Posting(blocks=False)))

    await made.shop()

    assert made.known() == made.stands()
    assert len(made.known()) == 16
    assert (made.bridge.unlocated, made.bridge.unreadable) == (0, [])
    assert made.bridge.revived == 0


@pytest.mark.parametrize("odd", [each for each in Oddity if each is not Oddity.ENUMS])
async def test_odd_bodies_are_read_for_what_they_say(ground: Open, odd: Oddity) -> None:
    made = await ground(RedoWays(odd=[odd]))

    await made.shop(8)

    assert made.known() == made.stands()
    assert made.bridge.unreadable == []
    assert (made.bridge.unlocated > 0) == (odd is Oddity.EMPTY)


async def test_an_unknown_word_is_read_and_made_good_by_the_next_body(
    ground: Open,
) -> None:
    made = await ground(RedoWays(odd=[Oddity.ENUMS, Oddity.FIELDS]))

    return_ = made.add()
    await made.quiet()
    first = made.known()
    made.simulator.shop.put_status(return_.id, "flagged")
    await made.quiet()

    assert first == {return_.id: State.UNKNOWN.value}
    assert made.known() == made.stands()
    assert made.bridge.unreadable == []


async def test_a_burst_of_old_updates_makes_no_difference(ground: Open) -> None:
    made = await ground(RedoWays(burst=timedelta(days=11)))
    await made.shop(8)
    before, sent = made.known(), made.simulator.sender.sent["updated"]

    made.simulator.sender.unsubscribe(OWN)
    made.simulator.sender.subscribe(made.subscription)
    await made.quiet()

    assert made.simulator.sender.sent["updated"] == sent + 8
    assert made.known() == before == made.stands()
    assert made.bridge.revived == 0


# -------------------------------------------------------------------------- polls


@pytest.mark.parametrize("paging", ["headers", "query"])
async def test_polls_alone_tell_all_wherever_the_paging_stands(
    ground: Open, client: httpx.AsyncClient, paging: Literal["headers", "query"]
) -> None:
    made = await ground(traps=Traps(by_query=paging == "query"), tells=False)
    made.bridge.account = made.account(paging)
    for number in range(10):
        made.add(number)

    await made.bridge.poll(client, UPDATED)

    assert made.known() == made.stands()
    assert len(made.known()) == 10


async def test_deleted_returns_that_the_list_hides_are_found(
    ground: Open, client: httpx.AsyncClient
) -> None:
    made = await ground(traps=Traps(hides_deleted=True), tells=False)
    return_ = made.add()
    await made.bridge.poll(client, UPDATED)
    made.simulator.shop.put_status(return_.id, "deleted")

    await made.bridge.poll(client, UPDATED)
    hidden = made.known()
    await made.bridge.poll(client, DELETED)

    assert hidden == {return_.id: "approved"}
    assert made.known() == {return_.id: "deleted"}


async def test_webhooks_tell_of_scans_that_move_no_time(ground: Open) -> None:
    made = await ground(RedoWays(scans_stamp=False))

    await made.shop(8)

    assert made.known() == made.stands()


async def test_what_a_scan_changed_without_a_new_time_is_read_by_the_wide_pass_alone(
    ground: Open, client: httpx.AsyncClient
) -> None:
    made = await ground(RedoWays(scans_stamp=False), tells=False)
    return_, poll = made.add(), made.account().polling("main")
    assert poll is not None
    made.clock.leap(timedelta(hours=1))

    def scanned(each: ShopReturn, _: object) -> None:
        each.status = "in_transit"

    made.simulator.shop.scan(return_.id, scanned)
    now = made.clock.now()
    found = {}
    for name, since in ((UPDATED, timedelta(minutes=30)), (WIDE, timedelta(days=14))):
        ask = Ask(name, now - since, now, None, now)
        page = await converse(client, poll.page(ask))
        assert isinstance(page, Page)
        found[name] = [b'"in_transit"' in (each.body or b"") for each in page.found]

    assert found == {UPDATED: [], WIDE: [True]}


async def test_the_wide_pass_brings_in_what_a_scan_changed_without_a_new_time(
    ground: Open, client: httpx.AsyncClient
) -> None:
    made = await ground(RedoWays(scans_stamp=False), tells=False)
    returns = [made.add(number) for number in range(12)]
    await made.bridge.poll(client, WIDE)

    def scanned(each: ShopReturn, _: object) -> None:
        each.status = "in_transit"

    for return_ in returns:
        made.simulator.shop.scan(return_.id, scanned)
    made.clock.leap(timedelta(minutes=1))
    await made.bridge.poll(client, WIDE)

    assert set(made.known().values()) == {"in_transit"}


async def test_a_return_that_changes_during_a_walk_is_left_to_the_next(
    ground: Open, client: httpx.AsyncClient
) -> None:
    made = await ground(tells=False)
    returns = [made.add(number) for number in range(5)]
    until = made.clock.now() + timedelta(seconds=1)
    path = f"{made.simulator.url}/stores/s1/returns"
    window = {"updated_at_max": until.isoformat()}
    headers = {"authorization": f"Bearer {KEY}", "x-page-size": "3"}

    first = await client.get(path, params=window, headers=headers)
    made.clock.leap(timedelta(seconds=2))
    made.simulator.shop.put_status(returns[0].id, "flagged")
    headers["x-page-continue"] = first.headers["x-page-next"]
    second = await client.get(path, params=window, headers=headers)
    await made.bridge.poll(client, UPDATED)

    seen = [each["id"] for page in (first, second) for each in page.json()["returns"]]
    assert returns[0].id not in seen
    assert len(seen) == 4
    assert made.known() == made.stands()


async def test_an_imported_return_is_read_without_order_and_shopper(
    ground: Open, client: httpx.AsyncClient
) -> None:
    made = await ground()
    headers = {"authorization": f"Bearer {KEY}"}
    store = f"{made.simulator.url}/stores/s1"
    variant = {"sku": "MUG", "price": 1800, "currency": "USD"}
    upload = {"products": [{"title": "Mug", "variants": [variant]}]}
    answer = await client.post(
        f"{store}/products/bulk-upload", json=upload, headers=headers
    )
    product = answer.json()["results"][0]["products"][0]["id"]
    rows = {"returns": [{"products": [{"productId": product, "quantity": 1}]}]}

    await client.post(f"{store}/returns/bulk", json=rows, headers=headers)
    await made.quiet()
    await made.bridge.poll(client)

    assert len(made.known()) == 1
    assert made.known() == made.stands()
    assert (made.bridge.unlocated, made.bridge.unreadable) == (0, [])


# ----------------------------------------------------------------------- refusals


def goods_received(return_: ShopReturn) -> Event:
    ids = {"subject": f"redo/main/{return_.id}", "native_id": return_.id}
    view = snapshot("redo").model_copy(update=ids)
    return event("goods.received", "redo", view=view)


async def refusals(made: Ground, client: httpx.AsyncClient) -> list[object]:
    """Return what a poll, a fetch and a target come to."""
    account, now, return_ = made.account(), made.clock.now(), made.add()
    poll, fetch = account.polling("main"), account.fetching("main")
    assert poll is not None
    assert fetch is not None
    ask = Ask(UPDATED, now - timedelta(hours=1), now, None, now)
    target = RedoTargetOptions(account="main").target("redo", account)
    talks = (
        poll.page(ask),
        fetch.fetch(f"redo/main/{return_.id}", now),
        target.deliver(goods_received(return_), Context(1, now)),
    )
    return [await converse(client, talk) for talk in talks]


@pytest.mark.parametrize("silent", [False, True])
async def test_a_429_is_obeyed_with_and_without_a_wait(
    ground: Open, client: httpx.AsyncClient, *, silent: bool
) -> None:
    made = await ground(
        RedoWays(temper=Temper(per_second=0, silent=silent)), tells=False
    )

    wait = None if silent else timedelta(seconds=1)
    assert await refusals(made, client) == [Throttled(wait)] * 3


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("bare", [False, True])
async def test_what_is_broken_is_tried_again_whatever_the_problem_says(
    ground: Open, client: httpx.AsyncClient, *, bare: bool, as_json: bool
) -> None:
    temper = Temper(broken_every=1, bare=bare, as_json=as_json)
    made = await ground(RedoWays(temper=temper), tells=False)

    outcomes = await refusals(made, client)

    assert [type(outcome) for outcome in outcomes] == [Failed] * 3


async def test_a_missing_scope_stops_the_account(
    ground: Open, client: httpx.AsyncClient
) -> None:
    made = await ground(scopes=("webhooks_read",), tells=False)

    outcomes = await refusals(made, client)

    assert [type(outcome) for outcome in outcomes] == [Unauthorized] * 3


async def test_every_finding_is_told_once_and_its_echo_changes_nothing(
    ground: Open,
) -> None:
    made = await ground(RedoWays(temper=Temper(silent=True)), faults="many")
    target = RedoTargetOptions(account="main").target("redo", made.account())
    returns = [made.add(number) for number in range(8)]
    writing = Bridge(made.clock)

    for return_ in returns:
        await writing.deliver(target, goods_received(return_))
    await writing.close()
    await made.quiet()

    assert [len(return_.comments) for return_ in returns] == [1] * len(returns)
    injected = made.simulator.front.faults.injected
    assert min(injected["throttled"], injected["answer lost"]) > 0
    assert made.known() == made.stands()
    assert made.simulator.sender.sent["updated"] == len(returns)
