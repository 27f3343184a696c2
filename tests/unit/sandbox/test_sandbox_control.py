"""Modes and deeds of the simulators that sign nothing, over real HTTP.

Line by line what returngo.md, section 12, and returnlogic.md, section 10, want and no
API of the platform can bring about.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from bridge.errors import ConfigError
from bridge.sandbox.journal import Journal
from bridge.sandbox.returngo import EVENTS, ReturnGoOptions, ReturnGoSimulator
from bridge.sandbox.returnlogic import ReturnLogicOptions, ReturnLogicSimulator
from bridge.sandbox.server import LoopbackServer
from bridge.sandbox.unsigned_server import UnsignedServer
from tests.support import loopback
from tests.support.clock import FakeClock, settle

SHOP = "one.example"
KEYS = {"k1": frozenset({SHOP, "two.example"})}
HOOK = "http://bridge.test/hook"


class Bridge:
    """What webhooks reach: keeps their bodies and answers as it is told."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, object]] = []
        self.status = 202

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        return httpx.Response(self.status)

    def told(self, name: str) -> list[object]:
        return [body[name] for body in self.bodies]


class World:
    """A simulator on a socket and on a clock that stands still, and a client of it."""

    def __init__(self, simulator: UnsignedServer, bridge: Bridge, root: str) -> None:
        self.simulator = simulator
        self.bridge = bridge
        self.client = loopback.client()
        self.root = root
        self.api = root
        self.pause = timedelta()

    @property
    def clock(self) -> FakeClock:
        assert isinstance(self.simulator.clock, FakeClock)
        return self.simulator.clock

    async def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Call the platform's API, at the pace that it takes."""
        answer = await self.client.request(method, f"{self.api}{path}", json=body)
        await self.clock.advance(self.pause)
        return answer

    async def do(self, deed: str, **body: object) -> dict[str, Any]:
        """Have something happen."""
        answer = await self.client.post(f"{self.root}/sandbox/{deed}", json=body)
        assert answer.status_code == 200, answer.text
        await settle()
        told: dict[str, Any] = answer.json()
        return told

    async def switch(self, **modes: object) -> int:
        answer = await self.client.put(f"{self.root}/sandbox/modes", json=modes)
        return answer.status_code

    async def pass_time(self, **duration: float) -> None:
        await self.clock.advance(timedelta(**duration))


@asynccontextmanager
async def serving(
    app: Starlette, simulator: UnsignedServer, bridge: Bridge
) -> AsyncIterator[World]:
    """Serve on a socket by the real clock; what happens goes by the simulator's."""
    server = LoopbackServer(app)
    await server.start()
    world = World(simulator, bridge, server.url)
    yield world
    await world.client.aclose()
    await server.stop()
    await simulator.messenger.close()


@pytest.fixture
async def go() -> AsyncIterator[World]:
    clock, bridge = FakeClock(), Bridge()
    simulator = ReturnGoSimulator(
        ReturnGoOptions(KEYS),
        clock=clock,
        journal=Journal(clock),
        transport=httpx.MockTransport(bridge),
    )
    async with serving(simulator.app, simulator, bridge) as world:
        world.client.headers.update({"x-api-key": "k1", "x-shop-name": SHOP})
        yield world


@pytest.fixture
async def logic() -> AsyncIterator[World]:
    clock, bridge = FakeClock(), Bridge()
    simulator = ReturnLogicSimulator(
        ReturnLogicOptions(),
        clock=clock,
        journal=Journal(clock),
        transport=httpx.MockTransport(bridge),
    )
    async with serving(simulator.api.app, simulator, bridge) as world:
        world.api, world.pause = f"{world.root}/v1", timedelta(seconds=0.5)
        world.client.headers["authorization"] = "Bearer demo-key"
        yield world


# ------------------------------------------------------------------ the back door


async def test_modes_are_told_and_switched_while_it_runs(go: World) -> None:
    before = (await go.client.get(f"{go.root}/sandbox/modes")).json()

    assert await go.switch(notify_only=True, lost=0.5, late=60) == 200
    after = (await go.client.get(f"{go.root}/sandbox/modes")).json()

    assert (before["notify_only"], before["frozen"], before["lost"]) == (False, True, 0)
    assert (after["notify_only"], after["frozen"], after["lost"]) == (True, True, 0.5)
    assert after["late"] == "PT1M"


@pytest.mark.parametrize(
    "modes", [{"strange": True}, {"webhooks": "loud"}, {"frozen": "perhaps"}]
)
async def test_a_mode_that_is_not_there_is_refused_and_changes_nothing(
    go: World, modes: dict[str, object]
) -> None:
    assert await go.switch(**modes) == 400
    with pytest.raises(ConfigError, match=next(iter(modes))):
        go.simulator.modes.switch(modes)


@pytest.mark.parametrize(
    ("deed", "body"), [("decide", {"rmaId": "9"}), ("pay", {}), ("move", [])]
)
async def test_a_deed_about_nothing_is_refused(
    go: World, deed: str, body: object
) -> None:
    answer = await go.client.post(f"{go.root}/sandbox/{deed}", json=body)

    assert answer.status_code == 400


# ------------------------------------------------------------------ ReturnGO


async def rma_ids(go: World, query: str) -> list[str]:
    answer = await go.ask("GET", f"/rmas?pagesize=9&{query}")
    assert answer.status_code == 200, answer.text
    return [row["rmaId"] for row in answer.json()["rmas"]]


async def test_a_plus_is_escaped_or_refused(go: World) -> None:
    first = (await go.do("create"))["rmaId"]
    await go.pass_time(seconds=5)
    second = (await go.do("create"))["rmaId"]

    assert await rma_ids(go, "sort_by=%2Brma_created_at") == [first, second]
    assert await rma_ids(go, "sort_by=-rma_updated_at,%2Brma_created_at") == [
        second,
        first,
    ]
    unescaped = await go.ask("GET", "/rmas?pagesize=9&sort_by=+rma_created_at")
    assert unescaped.status_code == 400


@pytest.mark.parametrize(
    ("operator", "found"),
    [
        ("lt", "a"),
        ("lte", "ab"),
        ("eq", "b"),
        ("neq", "ac"),
        ("gte", "bc"),
        ("gt", "c"),
    ],
)
async def test_every_operator_compares_seconds(
    go: World, operator: str, found: str
) -> None:
    made = {}
    for name in "abc":
        made[(await go.do("create"))["rmaId"]] = name
        await go.pass_time(seconds=1)
    second = go.clock.now() - timedelta(seconds=2)

    bound = f"{operator}:{second:%Y-%m-%dT%H:%M:%S}"
    listed = await rma_ids(go, f"rma_created_at={bound}")
    same = await rma_ids(go, f"rma_updated_at={bound}")

    assert sorted(made[id_] for id_ in listed) == list(found)
    assert same == listed


async def test_comma_lists_filter_by_customer_tracking_number_order_and_status(
    go: World,
) -> None:
    ids = [(await go.do("create"))["rmaId"] for _ in range(3)]
    await go.do("move", rmaId=ids[0], status="LabelCreated")
    await go.do("decide", rmaId=ids[1], status="Approved")
    shop = go.simulator
    assert isinstance(shop, ReturnGoSimulator)
    one, two, _ = (shop.shops[SHOP].rmas[id_] for id_ in ids)

    assert await rma_ids(go, f"customer_ids={two.customer_id},{one.customer_id}") == [
        ids[1],
        ids[0],
    ]
    assert await rma_ids(go, f"tracking_numbers=X,{one.parcels[0].tracking}") == [
        ids[0]
    ]
    assert await rma_ids(go, f"order_name={one.order_name},{two.order_name}") == [
        ids[1],
        ids[0],
    ]
    assert await rma_ids(go, "status=Approved,Done") == [ids[1]]


async def test_a_walk_goes_on_behind_a_row_that_is_wanted_no_more(go: World) -> None:
    ids = [(await go.do("create"))["rmaId"] for _ in range(4)]
    path = "/rmas?pagesize=2&status=Pending"
    page = (await go.ask("GET", path)).json()
    await go.do("decide", rmaId=page["rmas"][-1]["rmaId"], status="Approved")

    rest = (await go.ask("GET", f"{path}&cursor={page['next_cursor']}")).json()

    assert [row["rmaId"] for row in rest["rmas"]] == [ids[1], ids[0]]


async def test_transactions_are_found_by_every_list_of_theirs(go: World) -> None:
    ids = [(await go.do("create"))["rmaId"] for _ in range(2)]
    for id_ in ids:
        await go.do("pay", rmaId=id_, fee=4.5)
    await go.do("settle", rmaId=ids[0], status="Failed")
    order = (await go.ask("GET", f"/rma/{ids[0]}")).json()["orderDetails"]["orderId"]

    async def found(query: str) -> list[tuple[str, str]]:
        answer = await go.ask("GET", f"/transactions?pagesize=9&{query}")
        rows = answer.json()["transactions"]
        return [(row["type"], row["status"]) for row in rows]

    fee, failed = ("InvoicePayment", "Success"), ("RefundToPaymentMethod", "Failed")
    assert await found(f"order_ids=1,{order}") == [fee, failed]
    assert await found(f"rma_ids={ids[0]}&types=InvoicePayment,X") == [fee]
    assert await found("statuses=Failed,Gone") == [failed]
    assert len(await found("processors=Shopify,Other")) == 4
    assert await found("processors=Other") == []


async def test_a_registration_is_changed_in_place(go: World) -> None:
    body = {"url": HOOK, "eventName": "RMA_CREATED"}
    made = (await go.ask("POST", "/webhook", body)).json()["id"]

    changed = await go.ask("PUT", f"/webhook/{made}", {"url": f"{HOOK}/2"})

    row = {"id": made, "url": f"{HOOK}/2", "eventName": "RMA_CREATED"}
    assert changed.json() == row
    assert (await go.ask("GET", "/webhooks")).json() == [row]
    assert (await go.ask("PUT", "/webhook/9", {})).status_code == 404


async def test_every_answer_has_the_gateways_ids(go: World) -> None:
    answer = await go.ask("GET", "/rma/9")

    assert answer.status_code == 404
    for name in ("x-amzn-requestid", "x-amzn-trace-id", "x-amz-apigw-id"):
        assert answer.headers[name]


async def test_all_seven_events_are_sent(go: World) -> None:
    for event in EVENTS:
        await go.ask("POST", "/webhook", {"url": HOOK, "eventName": event})
    rma = (await go.do("create", units=2))["rmaId"]
    await go.do("decide", rmaId=rma, status="Approved")
    await go.do("move", rmaId=rma, status="Shipped")
    await go.do("track", rmaId=rma, status="Delivered")
    shipment = (await go.ask("GET", f"/rma/{rma}")).json()["shipments"][0]
    await go.do("pay", rmaId=rma)

    assert set(go.bridge.told("eventName")) == set(EVENTS)
    assert shipment["status"] == "Shipped"  # what a tracker says moves no shipment


async def test_a_wished_refund_is_no_refund_yet(go: World) -> None:
    await go.switch(notify_only=True)
    for event in ("TRANSACTION_CREATED", "REFUND_CREATED"):
        await go.ask("POST", "/webhook", {"url": HOOK, "eventName": event})
    rma = (await go.do("create"))["rmaId"]

    await go.do("pay", rmaId=rma)

    assert go.bridge.told("eventName") == ["TRANSACTION_CREATED"]


async def test_a_transaction_ends_without_an_event(go: World) -> None:
    for event in EVENTS:
        await go.ask("POST", "/webhook", {"url": HOOK, "eventName": event})
    rma = (await go.do("create"))["rmaId"]
    assert (await go.do("pay", rmaId=rma))["status"] == "Requested"
    before = len(go.bridge.bodies)

    ends = [(await go.do("settle", rmaId=rma, status=to))["status"] for to in ENDS]

    assert (ends, len(go.bridge.bodies)) == (ENDS, before)


ENDS = ["Success", "Failed"]


async def test_retries_are_off_until_they_are_switched_on(go: World) -> None:
    await go.ask("POST", "/webhook", {"url": HOOK, "eventName": "RMA_CREATED"})
    go.bridge.status = 500
    await go.do("create")
    await go.pass_time(minutes=5)
    without = len(go.bridge.bodies)

    await go.switch(retries=True)
    await go.do("create")
    await go.pass_time(minutes=5)

    assert (without, len(go.bridge.bodies) - without) == (1, 4)


@pytest.mark.parametrize(
    ("form", "code"), [("htmlText", 201), ("comment", 400), ("text", 400)]
)
async def test_the_form_of_a_comment_is_switched(
    go: World, form: str, code: int
) -> None:
    rma = (await go.do("create"))["rmaId"]
    path, body = f"/rma/{rma}/comment", {form: "a"}

    assert (await go.ask("POST", path, body)).status_code == code
    await go.switch(comment_field=form)
    assert (await go.ask("POST", path, body)).status_code == 201


async def test_the_update_time_freezes_or_moves(go: World) -> None:
    rma = (await go.do("create", shipped=False, resolution="Exchange"))["rmaId"]
    await go.pass_time(hours=1)
    await go.do("exchange", rmaId=rma, orderId="EX1")
    frozen = (await go.ask("GET", f"/rma/{rma}")).json()

    await go.switch(frozen=False)
    await go.do("validate", rmaId=rma)
    moved = (await go.ask("GET", f"/rma/{rma}")).json()

    assert frozen["lastUpdated"] == frozen["createdAt"] != moved["lastUpdated"]
    assert frozen["exchangeOrders"][0]["orderId"] == "EX1"
    assert (frozen["shipments"], frozen["isOutOfPolicy"]) == ([], 0)


async def test_a_deleted_shipment_leaves_a_comment_and_an_echo(go: World) -> None:
    body = {"url": HOOK, "eventName": "SHIPMENT_STATUS_UPDATED"}
    await go.ask("POST", "/webhook", body)
    made = await go.do("create")

    await go.ask("DELETE", f"/shipment/{made['shipmentIds'][0]}")
    await settle()

    comments = (await go.ask("GET", f"/rma/{made['rmaId']}")).json()["comments"]
    assert comments[0]["triggeredBy"] == "ReturnGO API"
    assert len(go.bridge.bodies) == 1


async def test_a_gateway_refuses_strange_keys_itself(go: World) -> None:
    strange = {"x-api-key": "strange"}
    url = f"{go.api}/webhooks"
    before = await go.client.get(url, headers=strange)

    await go.switch(gateway=True)
    after = await go.client.get(url, headers=strange)

    assert (before.status_code, after.status_code) == (401, 403)
    assert after.json() == {"message": "Forbidden"}


async def test_a_cancelled_rma_is_opened_again(go: World) -> None:
    rma = (await go.do("create"))["rmaId"]

    for status in ("Canceled", "Approved"):
        await go.do("decide", rmaId=rma, status=status)
        assert await rma_ids(go, f"status={status}") == [rma]


# ------------------------------------------------------------------ ReturnLogic


async def test_one_registration_is_read_changed_and_removed(logic: World) -> None:
    made = (
        await logic.ask("POST", "/webhooks", {"action": "updated", "url": HOOK})
    ).json()["id"]
    path = f"/webhooks/{made}"
    row = {"id": made, "action": "updated", "url": HOOK, "active": True}
    assert (await logic.ask("GET", path)).json() == row

    await logic.ask("PUT", path, {"active": False, "url": f"{HOOK}/2"})
    changed = (await logic.ask("GET", path)).json()
    removed = await logic.ask("DELETE", path)
    again = await logic.ask("DELETE", path)

    assert changed == row | {"active": False, "url": f"{HOOK}/2"}
    assert (removed.status_code, again.status_code) == (200, 404)
    assert (await logic.ask("GET", path)).status_code == 404
    assert (await logic.ask("GET", "/webhooks")).json() == []


@pytest.mark.parametrize("form", ["array", "rmas", "data", "results"])
async def test_a_search_answers_an_array_or_an_object_and_404_for_none(
    logic: World, form: str
) -> None:
    rma = (await logic.do("create"))["rlRmaId"]
    await logic.switch(lists=form)
    email = (await logic.ask("GET", f"/rmas/{rma}")).json()["customerEmail"]

    found = (await logic.ask("GET", f"/rmas?email={email}")).json()
    nobody = await logic.ask("GET", "/rmas?email=nobody@example.com")

    rows = found if form == "array" else found[form]
    assert [row["rlRmaId"] for row in rows] == [rma]
    assert nobody.status_code == 404


@pytest.mark.parametrize(
    ("mode", "code", "body"),
    [
        ("received", 200, {"received": True, "errors": []}),
        ("errors", 200, {"received": True, "errors": [{"code": "DEMO"}]}),
        ("not_received", 200, {"received": False, "errors": []}),
        ("refused", 400, {}),
        ("throttled", 429, {}),
        ("maintenance", 503, {}),
    ],
)
async def test_an_acknowledgement_is_answered_as_it_is_switched_and_counted(
    logic: World, mode: str, code: int, body: dict[str, object]
) -> None:
    rma = (await logic.do("create"))["rlRmaId"]
    id_ = (await logic.do("command", rlRmaId=rma, action="ProcessRestock"))[
        "correlationId"
    ]
    await logic.switch(acknowledges=mode)
    sent = {"action": "ProcessRestock", "rlRmaId": rma, "correlationId": id_}

    for _ in range(2):
        answer = await logic.ask("POST", f"/rmas/{rma}/restock/success", sent)
        assert (answer.status_code, answer.json()) == (code, body)
        assert "retry-after" not in answer.headers
        assert answer.headers["x-ratelimit-limit-second"] == "2"

    counts = await logic.do("acknowledged")
    counted = [{"correlationId": id_, "result": "success", "times": 2}]
    where = "taken" if code == 200 else "turnedAway"
    assert {name: told for name, told in counts.items() if told} == {where: counted}


@pytest.mark.parametrize("wrong", [{"action": "ProcessRefund"}, {"rlRmaId": 7}])
async def test_an_acknowledgement_of_another_command_or_rma_is_a_bad_request(
    logic: World, wrong: dict[str, object]
) -> None:
    rma = (await logic.do("create"))["rlRmaId"]
    sent = {"action": "ProcessRestock", "rlRmaId": rma, "correlationId": "c"} | wrong

    answer = await logic.ask("POST", f"/rmas/{rma}/restock/success", sent)

    assert answer.status_code == 400


async def test_maintenance_is_for_all_calls(logic: World) -> None:
    await logic.switch(maintenance=True)

    codes = [
        (await logic.ask(method, path, {})).status_code
        for method, path in (
            ("GET", "/rmas"),
            ("POST", "/oauth"),
            ("PUT", "/webhooks/1"),
        )
    ]

    assert codes == [503] * 3


async def test_bearers_end_by_lifetime_and_by_revocation(logic: World) -> None:
    await logic.switch(lifetime=60)
    body = {
        "grant_type": "authorization_code",
        "client_id": "demo-client",
        "client_secret": "demo-secret",
        "code": "demo-code-1",
    }
    bearer = (await logic.ask("POST", "/oauth", body)).json()["bearer_token"]
    logic.client.headers["authorization"] = f"Bearer {bearer}"
    codes = []
    for seconds in (0, 58, 0.5):
        await logic.pass_time(seconds=seconds)
        codes.append((await logic.ask("GET", "/webhooks")).status_code)
    await logic.switch(lifetime=None)
    codes.append((await logic.ask("GET", "/webhooks")).status_code)
    await logic.do("revoke")
    codes.append((await logic.ask("GET", "/webhooks")).status_code)

    assert codes == [200, 200, 401, 200, 401]


async def test_the_whole_ladder_ends_in_discards_that_switch_a_registration_off(
    logic: World,
) -> None:
    await logic.switch(off_after=3)
    made = await logic.ask("POST", "/webhooks", {"action": "authorized", "url": HOOK})
    path = f"/webhooks/{made.json()['id']}"
    logic.bridge.status = 500
    for _ in range(3):
        await logic.do("create")
    await logic.pass_time(hours=23, minutes=55)
    still = (await logic.ask("GET", path)).json()["active"]
    await logic.pass_time(minutes=10)
    off = (await logic.ask("GET", path)).json()["active"]
    tries = len(logic.bridge.bodies)

    logic.bridge.status, logic.bridge.bodies = 202, []
    await logic.do("create")  # of that time nothing is queued
    await logic.pass_time(hours=1)
    lost = len(logic.bridge.bodies)
    await logic.ask("PUT", path, {"active": True})
    await logic.do("create")

    assert (still, off, lost) == (True, False, 0)
    assert tries == 3 * 724  # the first and 723 more
    assert len(logic.bridge.bodies) == 1


async def test_messages_are_told_as_barely_and_oddly_as_switched(logic: World) -> None:
    for action in ("received", "ProcessRefund", "somethingNew"):
        await logic.ask("POST", "/webhooks", {"action": action, "url": HOOK})
    rma = (await logic.do("create"))["rlRmaId"]

    await logic.do("happen", rlRmaId=rma, action="somethingNew")
    await logic.switch(bare=True, double_ids=True, partial=True)
    await logic.do("happen", rlRmaId=rma, action="received")
    await logic.do("repeat", rlRmaId=rma, action="ProcessRefund")
    status = (await logic.ask("GET", f"/rmas/{rma}")).json()["workflowStatus"]

    new, received, refund = logic.bridge.bodies
    assert (new["action"], "teamId" in new) == ("somethingNew", True)
    assert (type(received["rlRmaId"]), "teamId" in received) == (float, False)
    assert "correlationId" not in refund
    assert status == "Partially Received"


async def test_a_network_that_is_cut_off_lets_nothing_through(logic: World) -> None:
    await logic.ask("POST", "/webhooks", {"action": "authorized", "url": HOOK})
    await logic.switch(cut_off=True)
    await logic.do("create")
    before = len(logic.bridge.bodies)

    await logic.switch(cut_off=False)
    await logic.pass_time(seconds=10)

    assert (before, len(logic.bridge.bodies)) == (0, 1)


async def test_an_rma_completes_unprocessed_is_archived_and_deleted(
    logic: World,
) -> None:
    for action in ("completed", "archived", "deleted"):
        await logic.ask("POST", "/webhooks", {"action": action, "url": HOOK})
    rma = (await logic.do("create", manual=True))["rlRmaId"]

    await logic.do("happen", rlRmaId=rma, action="completed")
    status = (await logic.ask("GET", f"/rmas/{rma}")).json()["workflowStatus"]
    await logic.do("happen", rlRmaId=rma, action="deleted")
    gone = await logic.ask("GET", f"/rmas/{rma}")

    assert logic.bridge.told("action") == ["completed", "archived", "deleted"]
    assert (status, gone.status_code) == ("Complete", 404)
