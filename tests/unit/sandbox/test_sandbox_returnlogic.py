"""The simulated ReturnLogic against the checklist of its sheet (returnlogic.md, 10)."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from bridge.sandbox.journal import Journal
from bridge.sandbox.messenger import Ladder, Unreliable
from bridge.sandbox.returnlogic import (
    ReturnLogicOptions,
    ReturnLogicSimulator,
    TeamShoppers,
)
from bridge.sandbox.returnlogic_api import Acknowledges
from bridge.sandbox.returnlogic_team import (
    COMMANDS,
    FACTS,
    LADDER,
    ReturnLogicTeam,
    TeamHabits,
)
from bridge.sandbox.warehouse_documents import Parcel
from tests.support.clock import FakeClock, settle

HOOK = "http://bridge.test/hook"
HOUR = timedelta(hours=1)


class World:
    """A simulator on a clock that stands still, a receiver, and a client."""

    def __init__(self, options: ReturnLogicOptions | None = None) -> None:
        self.clock = FakeClock()
        self.bodies: list[dict[str, object]] = []
        self.status = 202
        self.simulator = ReturnLogicSimulator(
            options or ReturnLogicOptions(),
            clock=self.clock,
            journal=Journal(self.clock),
            transport=httpx.MockTransport(self.hear),
        )
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.simulator.api.app),
            base_url="http://returnlogic.test/v1",
            headers={"authorization": "Bearer demo-key"},
        )

    @property
    def team(self) -> ReturnLogicTeam:
        return self.simulator.team

    def hear(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        return httpx.Response(self.status)

    async def next_second(self) -> None:
        await self.clock.advance(timedelta(seconds=1))

    async def grant(self, **body: str) -> httpx.Response:
        known = {"client_id": "demo-client", "client_secret": "demo-secret"}
        await self.next_second()
        return await self.client.post("/oauth", json=known | body)

    async def close(self) -> None:
        await self.client.aclose()
        await self.simulator.stop()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.close()


@pytest.fixture
async def make() -> AsyncIterator[list[World]]:
    made: list[World] = []
    yield made
    for world in made:
        await world.close()


def using(world: World, bearer: str) -> None:
    world.client.headers["authorization"] = f"Bearer {bearer}"


# ---------------------------------------------------------------- access


async def test_a_code_buys_one_pair_with_odd_names(world: World) -> None:
    asked = {"grant_type": "authorization_code", "code": "demo-code-1"}
    first, again = await world.grant(**asked), await world.grant(**asked)
    strange = await world.grant(**asked, client_secret="x")  # noqa: S106

    assert set(first.json()) == {"bearer_token", "refresh_token"}
    assert (again.status_code, strange.status_code) == (400, 401)
    using(world, first.json()["bearer_token"])
    assert (await world.client.get("/webhooks")).status_code == 200


@pytest.mark.parametrize("rotation", [True, False])
async def test_a_bearer_ends_and_a_refresh_brings_another(
    make: list[World], *, rotation: bool
) -> None:
    make.append(World(ReturnLogicOptions(lifetime=HOUR, rotation=rotation)))
    world = make[0]
    pair = (
        await world.grant(grant_type="authorization_code", code="demo-code-1")
    ).json()
    using(world, pair["bearer_token"])
    await world.clock.advance(HOUR)
    assert (await world.client.get("/webhooks")).status_code == 401

    asked = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
    fresh, again = await world.grant(**asked), await world.grant(**asked)

    assert (fresh.json()["refresh_token"] == pair["refresh_token"]) != rotation
    assert again.status_code == (400 if rotation else 200)
    using(world, fresh.json()["bearer_token"])
    assert (await world.client.get("/webhooks")).status_code == 200
    world.simulator.grants.revoke()
    assert (await world.client.get("/webhooks")).status_code == 401


async def test_two_calls_a_second_and_their_headers(world: World) -> None:
    first, second, third = [await world.client.get("/webhooks") for _ in range(3)]

    assert (first.status_code, second.status_code) == (200, 200)
    assert third.status_code == 429
    assert "retry-after" not in third.headers
    assert first.headers["x-ratelimit-limit-second"] == "2"
    assert first.headers["x-ratelimit-remaining-second"] == "1"
    assert second.headers["x-ratelimit-remaining-minute"] == "118"
    await world.next_second()
    assert (await world.client.get("/webhooks")).status_code == 200


async def test_maintenance_is_503_on_any_call(world: World) -> None:
    world.simulator.api.temper.maintenance = True

    assert (await world.client.get("/rmas/1")).status_code == 503
    assert (await world.grant(grant_type="refresh_token")).status_code == 503


# ---------------------------------------------------------------- reads


async def test_an_rma_is_read_and_found_by_email(world: World) -> None:
    rma = world.team.create()
    one = (await world.client.get(f"/rmas/{rma.id}")).json()
    as_list = (await world.client.get("/rmas", params={"email": rma.email})).json()
    await world.next_second()
    world.simulator.api.temper.lists = "rmas"
    as_object = (await world.client.get("/rmas", params={"email": rma.email})).json()
    nobody = await world.client.get("/rmas", params={"email": "x@example.com"})

    assert one["workflowStatus"] == "Authorized"
    assert as_list == [one]
    assert as_object == {"rmas": [one]}
    assert nobody.status_code == 404


async def test_a_list_by_change_comes_in_pages(world: World) -> None:
    for _ in range(130):
        world.team.create()
    since = world.clock.now().isoformat()

    sizes = []
    for page in ("1", "2", "3"):
        await world.next_second()
        query = {"since": since, "page": page}
        sizes.append(len((await world.client.get("/rmas", params=query)).json()))

    assert sizes == [100, 30, 0]
    later = {"since": world.clock.now().isoformat()}
    assert (await world.client.get("/rmas", params=later)).json() == []


async def test_a_deleted_rma_is_gone(world: World) -> None:
    rma = world.team.create()
    world.team.happen(rma, "deleted")

    assert (await world.client.get(f"/rmas/{rma.id}")).status_code == 404
    assert (await world.client.get("/rmas?since=soon")).status_code == 400


# ---------------------------------------------------------------- webhooks


async def test_every_action_is_told_and_completion_archives(world: World) -> None:
    for action in (*FACTS, *COMMANDS):
        world.team.register(action, HOOK)
    rma = world.team.create(manual=True)
    for action in FACTS[1:]:
        world.team.happen(rma, action)
    for command in COMMANDS:
        world.team.command(rma, command)
    await settle()

    told = [body["action"] for body in world.bodies]
    assert set(told) == {*FACTS, *COMMANDS}
    assert told[told.index("completed") + 1] == "archived"
    assert world.bodies[0]["teamId"]


async def test_envelopes_may_be_bare_and_ids_doubles(make: list[World]) -> None:
    habits = TeamHabits(bare=True, double_ids=True, partial=True)
    make.append(World(ReturnLogicOptions(habits=habits)))
    team = make[0].team
    team.register("received", HOOK)

    rma = team.create()
    team.happen(rma, "received")
    await settle()

    assert set(make[0].bodies[0]) == {"action", "rlRmaId", "correlationId"}
    assert isinstance(make[0].bodies[0]["rlRmaId"], float)
    assert rma.status == "Partially Received"


async def test_a_command_is_sent_again_and_may_lack_its_id(world: World) -> None:
    world.team.register("ProcessRefund", HOOK)
    rma = world.team.create()

    correlation_id = world.team.command(rma, "ProcessRefund")
    world.team.repeat(rma, "ProcessRefund", correlation_id)
    world.team.repeat(rma, "ProcessRefund", None)
    await settle()

    ids = [body.get("correlationId") for body in world.bodies]
    assert ids == [correlation_id, correlation_id, None]


def test_the_ladder_lasts_a_day() -> None:
    waits = list(LADDER.waits())

    assert [wait.total_seconds() for wait in waits[:6]] == [10, 20, 30, 60, 120, 120]
    assert len(waits) == 723
    assert sum(waits, timedelta()) <= timedelta(hours=24)


async def test_a_hundred_discards_switch_off_and_activation_only_looks_forward(
    make: list[World],
) -> None:
    ladder = Ladder((timedelta(seconds=10),), life=timedelta(seconds=10))
    make.append(World(ReturnLogicOptions(ladder=ladder)))
    world = make[0]
    registration = world.team.register("authorized", HOOK)
    world.status = 500
    for _ in range(100):
        world.team.create()
    await world.clock.advance(timedelta(minutes=1))
    off = (await world.client.get("/webhooks")).json()[0]
    world.team.create()
    lost = world.team.lost_while_off

    world.status, world.bodies = 202, []
    await world.client.put(f"/webhooks/{registration.id}", json={"active": True})
    world.team.create()
    await settle()

    assert off["active"] is False
    assert lost == 1
    assert len(world.bodies) == 1
    assert registration.discards == 0


async def test_messages_are_shuffled_doubled_and_lost(make: list[World]) -> None:
    travel = Unreliable(lost=0.2, twice=0.3, delayed=0.7, late=24 * HOUR)
    make.append(World(ReturnLogicOptions(webhooks=travel)))
    make[0].team.register("authorized", HOOK)

    made = [make[0].team.create().id for _ in range(100)]
    await make[0].clock.advance(25 * HOUR)

    came = [body["rlRmaId"] for body in make[0].bodies]
    assert 0 < len(set(made) - set(came)) < 50
    assert len(came) > len(set(came))
    assert list(dict.fromkeys(came)) != sorted(dict.fromkeys(came), key=str)


async def test_registrations_are_made_and_found_by_api(world: World) -> None:
    body = {"action": "updated", "url": HOOK}

    assert (await world.client.post("/webhooks", json=body)).status_code == 201
    unknown = await world.client.put("/webhooks/99", json={"active": True})

    assert unknown.status_code == 404
    assert [each.action for each in world.team.registrations.values()] == ["updated"]


# ---------------------------------------------------------------- acknowledgements


@pytest.mark.parametrize(
    ("mode", "answer"),
    [
        ("received", {"received": True, "errors": []}),
        ("errors", {"received": True, "errors": [{"code": "DEMO"}]}),
        ("not_received", {"received": False, "errors": []}),
    ],
)
async def test_acknowledgements_are_answered_as_told_and_counted(
    world: World, mode: Acknowledges, answer: dict[str, object]
) -> None:
    rma = world.team.create()
    world.simulator.api.temper.acknowledges = mode
    body = {"action": "ProcessRefund", "rlRmaId": rma.id, "correlationId": "c1"}
    path = f"/rmas/{rma.id}/refund/success"

    answers = [(await world.client.post(path, json=body)).json() for _ in range(2)]

    assert answers == [answer, answer]
    assert world.simulator.api.acknowledged["c1", "success"] == 2


@pytest.mark.parametrize(
    "wrong", [{"action": "ProcessExchange"}, {"rlRmaId": 1}, {"correlationId": None}]
)
async def test_an_acknowledgement_of_something_else_is_refused(
    world: World, wrong: dict[str, object]
) -> None:
    rma = world.team.create()
    body = {"action": "ProcessRefund", "rlRmaId": rma.id, "correlationId": "c1"}
    sent = {name: value for name, value in (body | wrong).items() if value is not None}

    answer = await world.client.post(f"/rmas/{rma.id}/refund/success", json=sent)

    assert answer.status_code == 400


async def test_acknowledgements_are_taken_where_and_how_they_are_said_to_be(
    make: list[World],
) -> None:
    habits = TeamHabits(acknowledged_at=("PUT", "/acks/{id}/{kind}/{result}"))
    make.append(World(ReturnLogicOptions(habits=habits)))
    world = make[0]
    rma = world.team.create()
    body = {"action": "ProcessRestock", "rlRmaId": rma.id, "correlationId": "c1"}

    taken = await world.client.put(f"/acks/{rma.id}/restock/failure", json=body)
    guessed = await world.client.post(f"/rmas/{rma.id}/restock/failure", json=body)

    assert (taken.status_code, guessed.status_code) == (200, 404)
    assert world.simulator.api.acknowledged == {("c1", "failure"): 1}


async def test_a_strict_team_takes_acknowledgements_of_its_own_commands_only(
    world: World,
) -> None:
    world.simulator.api.temper.strict = True
    rma = world.team.create()
    correlation_id = world.team.command(rma, "ProcessRefund")
    body = {"action": "ProcessRefund", "rlRmaId": rma.id}
    path = f"/rmas/{rma.id}/refund/success"

    answers = [
        await world.client.post(
            path, json={**body, "correlationId": id_}, headers={"Idempotency-Key": id_}
        )
        for id_ in ("made-up", correlation_id)
    ]

    assert [answer.status_code for answer in answers] == [400, 200]
    assert world.team.answered == {correlation_id}
    assert [call.key for call in world.simulator.front.log.calls] == [
        "made-up",
        correlation_id,
    ]


@pytest.mark.parametrize("answered", [True, False])
async def test_a_processed_rma_asks_for_a_restock_and_waits_for_the_answer(
    world: World, *, answered: bool
) -> None:
    parcels: list[Parcel] = []

    async def dock(parcel: Parcel) -> None:
        parcels.append(parcel)

    people = TeamShoppers(
        world.team, world.clock, dock=dock, patience=timedelta(minutes=1)
    )
    living = asyncio.create_task(people.live(0.5))
    await world.clock.advance(timedelta(seconds=20))
    asked = [id_ for id_, (_, what) in world.team.asked.items() if "Restock" in what]
    if answered:
        world.team.answered.update(asked)
    await world.clock.advance(timedelta(seconds=10))
    early = living.done()
    await world.clock.advance(timedelta(minutes=2))
    rma = await living

    assert len(asked) == 1
    assert early == answered
    assert rma.status == "Complete"
    assert len(parcels[0].units) == rma.quantity


async def test_shoppers_lead_an_rma_to_its_end(world: World) -> None:
    people = TeamShoppers(world.team, world.clock)

    async with asyncio.TaskGroup() as lives:
        lives.create_task(people.live(0.05))
        lives.create_task(people.live(0.5))
        lives.create_task(people.live(0.9))
        await world.clock.advance(timedelta(minutes=1))

    statuses = [rma.status for rma in world.team.rmas.values()]
    assert statuses == ["Canceled", "Complete", "Complete"]
