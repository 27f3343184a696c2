"""The simulated Loop over HTTP alone: people act, habits change, bad days come."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.sandbox.loop_simulator import LoopSimulator
from bridge.sandbox.loop_topics import PAIRS
from bridge.sandbox.server import LoopbackServer
from bridge.sandbox.simulators import Manners
from tests.support import loopback
from tests.support.leaping import LeapingClock
from tests.unit.sandbox.conftest import Receiver
from tests.unit.sandbox.loop.conftest import KEY

Start = Callable[..., Awaitable[LoopSimulator]]
Until = Callable[[Callable[[], bool]], Awaitable[None]]


class Stage:
    """A simulator that is only ever spoken to over HTTP."""

    def __init__(self, simulator: LoopSimulator, client: httpx.AsyncClient) -> None:
        self.simulator = simulator
        self._client = client

    async def do(self, path: str, body: object = None) -> httpx.Response:
        url = f"{self.simulator.url}/sandbox/{path}"
        return await self._client.post(url, json=body)

    async def tune(self, what: str, **changes: object) -> httpx.Response:
        url = f"{self.simulator.url}/sandbox/{what}"
        return await self._client.patch(url, json=changes)

    async def make(self, **wish: object) -> int:
        id_: int = (await self.do("returns", wish)).json()["id"]
        return id_

    async def happen(self, id_: int, happening: str, to: str = "") -> httpx.Response:
        return await self.do(f"returns/{id_}/{happening}?to={to}")

    async def ask(
        self, method: str, path: str, body: object = None, version: str = "2026-10"
    ) -> httpx.Response:
        base = "/".join(filter(None, (self.simulator.url, "api", version)))
        url = f"{base}{path}"
        return await self._client.request(method, url, json=body)

    async def details(self, id_: int) -> dict[str, object]:
        path = f"/warehouse/return/details?return_id={id_}"
        content: dict[str, object] = (await self.ask("GET", path)).json()
        return content

    async def tally(self) -> dict[str, object]:
        url = f"{self.simulator.url}/sandbox/tally"
        content: dict[str, object] = (await self._client.get(url)).json()
        return content


@pytest.fixture
async def stage(start: Start, client: httpx.AsyncClient) -> Stage:
    return Stage(await start(), client)


def bodies(receiver: Receiver) -> list[dict[str, object]]:
    return [json.loads(body) for body in receiver.bodies]


# ---------------------------------------------------------------- all is reachable


async def test_all_eleven_triggers_can_be_had_over_http(
    stage: Stage, receiver: Receiver, until: Until
) -> None:
    for topic, trigger in PAIRS:
        hook = {"topic": topic, "trigger": trigger, "url": receiver.url}
        await stage.do("webhooks", hook)
    ways = ("restocks_by_webhook", "credit_by_webhook", "label_requests")
    await stage.tune("switches", **dict.fromkeys(ways, True))

    paid, failed, withdrawn = [
        await stage.make(outcome=outcome) for outcome in ("credit", "refund", "refund")
    ]
    for status in ("new", "in_transit"):
        await stage.happen(paid, "label", status)
    await stage.happen(paid, "process")
    await stage.happen(failed, "fail")
    await stage.happen(withdrawn, "cancel")
    await stage.happen(paid, "hub-scan")
    await until(lambda: stage.simulator.idle)

    told = {(body["topic"], body["trigger"]) for body in bodies(receiver)}
    assert told == set(PAIRS)
    failure = next(b for b in bodies(receiver) if b["topic"] == "return.processing")
    assert (failure["message"], failure["source"]) == (None, None)


async def test_ids_are_text_in_one_body_and_numbers_in_the_next_on_every_topic(
    stage: Stage, receiver: Receiver, until: Until
) -> None:
    id_of = {
        "return": "id",
        "label": "id",
        "label.request": "return_id",
        "giftcard": "return_id",
        "return.processing": "return_id",
        "restock": "id",
        "happy.returns.shipment": "loop_shipment_id",
    }
    stage.simulator.subscribe(receiver.url)
    ways = ("restocks_by_webhook", "credit_by_webhook", "label_requests")
    await stage.tune("switches", **dict.fromkeys(ways, True))

    for number in range(8):
        id_ = await stage.make(outcome="credit")
        await stage.happen(id_, "label", "new")
        await stage.happen(id_, "hub-scan")
        await stage.happen(id_, "fail" if number % 2 else "process", "api")
        await until(lambda: stage.simulator.idle)

    forms: dict[object, set[type]] = {topic: set() for topic in id_of}
    for body in bodies(receiver):
        forms[body["topic"]].add(type(body[id_of[str(body["topic"])]]))
    assert forms == {topic: {int, str} for topic in id_of}


async def test_out_of_stock_expired_and_unheard_of_can_be_had(
    stage: Stage, receiver: Receiver, until: Until
) -> None:
    stage.simulator.subscribe(receiver.url)
    id_ = await stage.make(outcome="exchange", units=2)

    for happening in ("flag", "unflag", "out-of-stock", "state", "expire"):
        await stage.happen(id_, happening)
    other = await stage.make()
    await stage.happen(other, "close")
    await until(lambda: stage.simulator.idle)

    told = bodies(receiver)
    card = next(body for body in told if body["topic"] == "giftcard")
    assert card["return_id"] is None
    states = [body["state"] for body in told if body["trigger"] == "return.updated"]
    assert {"review", "open", "unheard_of", "expired"} <= set(states)
    assert await stage.tally() == {
        "webhooks": {
            "sent": Counter(body["trigger"] for body in told),
            "lost": 0,
            "retried": 0,
            "discarded": 0,
        },
        "refused": 0,
        "most_in_a_minute": 0,
        "returns": {str(id_): "expired", str(other): "closed"},
    }


async def test_what_does_not_exist_cannot_happen(stage: Stage) -> None:
    id_ = await stage.make()

    answers = [
        await stage.happen(id_, "vanish"),
        await stage.happen(7, "flag"),
        await stage.do("returns", {"outcome": "riches"}),
        await stage.do("webhooks", {"topic": "return"}),
        await stage.tune("habits", twice="often"),
        await stage.tune("switches", sells_cars=True),
        await stage.do("habits"),
    ]

    codes = [answer.status_code for answer in answers]
    assert codes == [404, 404, 422, 422, 422, 422, 405]


async def test_habits_are_shown_and_changed(stage: Stage) -> None:
    url = f"{stage.simulator.url}/sandbox/habits"
    async with loopback.client() as client:
        before = (await client.get(url)).json()

    after = (await stage.tune("habits", twice=1.0, late="PT0S")).json()

    assert after == before | {"twice": 1.0}
    assert stage.simulator.sender.habits.twice == 1.0


# --------------------------------------------------------------------- bad days


async def test_errors_may_be_plain_text(stage: Stage) -> None:
    id_ = await stage.make()
    await stage.tune("temper", plain_errors=True)
    one = f"/warehouse/return/{id_}"

    async with loopback.client() as stranger:
        url = f"{stage.simulator.url}/api/2026-10/webhooks"
        answers = [await stranger.get(url)]
    answers += [
        await stage.ask("GET", f"{one}/notes"),
        await stage.ask("DELETE", "/webhooks/1"),
        await stage.ask("GET", "/warehouse/return/details?return_id=7"),
        await stage.ask("POST", "/warehouse/return/7/flag"),
    ]
    good = await stage.ask("POST", f"{one}/flag")

    assert [answer.status_code for answer in answers] == [401, 422, 404, 200, 200]
    for answer in answers:
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.text == f"Refused with {answer.status_code}"
    assert good.json() is True


async def test_a_page_for_people_may_come_with_200(stage: Stage) -> None:
    id_ = await stage.make()
    await stage.tune("temper", maintenance=True)

    listed = await stage.ask("GET", "/warehouse/return/list")
    acted = await stage.ask("POST", f"/warehouse/return/{id_}/cancel")

    for answer in (listed, acted):
        assert (answer.status_code, answer.text[:9]) == (200, "<!doctype")
    assert stage.simulator.shop.find(id_) is not None
    assert (await stage.tally())["returns"] == {str(id_): "open"}


async def test_what_breaks_before_loop_is_text_not_json(
    start: Start, client: httpx.AsyncClient
) -> None:
    simulator = await start(manners=Manners(faults="many", seed=2))
    url = f"{simulator.url}/api/2026-10/webhooks"

    broken: list[httpx.Response] = []
    for number in range(60):
        try:
            answer = await client.get(f"{url}?n={number}", timeout=0.2)
        except httpx.TransportError:
            continue
        broken += [answer] if answer.status_code >= 500 else []

    types = {answer.headers["content-type"].partition(";")[0] for answer in broken}
    assert types <= {"text/plain", "text/html"}
    assert broken


# --------------------------------------------------------------------- versions


async def test_the_version_shows_in_the_answer_and_none_means_the_oldest(
    stage: Stage,
) -> None:
    hook = {"topic": "label", "trigger": "label.created", "url": "http://a.example/b"}

    codes = {
        version: (await stage.ask("POST", "/webhooks", hook, version)).status_code
        for version in ("2026-07", "v1", "", "2026-10", "unstable")
    }

    old = dict.fromkeys(("2026-07", "v1", ""), 200)
    assert codes == old | dict.fromkeys(("2026-10", "unstable"), 201)


async def test_the_alias_goes_with_its_version_and_none_means_the_next(
    start: Start, client: httpx.AsyncClient
) -> None:
    stage = Stage(await start(versions=("2026-10", "unstable")), client)
    hook = {"topic": "label", "trigger": "label.created", "url": "http://a.example/b"}

    codes = [
        (await stage.ask("POST", "/webhooks", hook, version)).status_code
        for version in ("2026-07", "v1", "")
    ]

    assert codes == [404, 404, 201]


# ---------------------------------------------------------------------- actions


async def test_a_missing_line_item_is_422_and_drops_nothing(stage: Stage) -> None:
    id_ = await stage.make(units=2)
    exchange = await stage.make(outcome="exchange")
    lines = (await stage.details(id_))["line_items"]
    assert isinstance(lines, list)
    known = lines[0]["line_item_id"]

    async def remove(return_: int, units: str) -> httpx.Response:
        path = f"/warehouse/return/{return_}/remove?line_item_id={units}"
        return await stage.ask("POST", path)

    other = await stage.details(exchange)
    assert isinstance(other["line_items"], list)
    answers = [
        await remove(id_, f"{known},1"),
        await remove(id_, ""),
        await remove(exchange, other["line_items"][0]["line_item_id"]),
    ]

    assert [answer.status_code for answer in answers] == [422] * 3
    assert [set(answer.json()) for answer in answers] == [
        {"error"},
        {"error"},
        {"message"},
    ]
    assert (await stage.details(id_))["state"] == "open"
    assert (await remove(id_, str(known))).json() is True
    assert (await remove(id_, str(known))).json() is not True


async def test_what_is_sent_along_with_process_is_a_note_of_the_timeline(
    stage: Stage,
) -> None:
    id_ = await stage.make()
    one = f"/warehouse/return/{id_}"

    await stage.ask("POST", f"{one}/process", {"bridge_event_id": "e-1"})
    notes = (await stage.ask("GET", f"{one}/notes")).json()["notes"]

    assert [note["content"] for note in notes] == ["bridge_event_id: e-1"]


async def test_an_admin_may_allow_flagged_returns_to_be_processed(
    stage: Stage, until: Until
) -> None:
    id_ = await stage.make()
    await stage.happen(id_, "flag")
    path = f"/warehouse/return/{id_}/process"

    refused = (await stage.ask("POST", path)).json()
    await stage.tune("switches", processes_flagged=True)
    taken = (await stage.ask("POST", path)).json()
    await until(lambda: stage.simulator.idle)

    assert refused["errors"]["code"] == "UNPROCESSABLE_FLAGGED_RETURN"
    assert taken is True
    assert (await stage.details(id_))["state"] == "closed"


async def test_a_note_that_does_not_fit_is_told_with_a_code(stage: Stage) -> None:
    id_ = await stage.make()

    path, body = f"/warehouse/return/{id_}/note", {"content": "x" * 255}
    answer = await stage.ask("POST", path, body)

    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"message", "code"}


# --------------------------------------------------------------------- webhooks


async def test_the_list_shows_what_was_made_in_the_admin_too(stage: Stage) -> None:
    foreign = {"topic": "order", "trigger": "order.paid", "url": "http://erp.example"}
    await stage.do("webhooks", {**foreign, "status": "inactive"})

    rows = (await stage.ask("GET", "/webhooks")).json()["webhooks"]

    (row,) = rows
    assert row == {**foreign, "status": "inactive", "id": row["id"], "shop_id": 7070}


async def test_a_pair_that_makes_no_sense_sends_an_empty_body(
    stage: Stage, receiver: Receiver, until: Until
) -> None:
    odd = {"topic": "label", "trigger": "return.created", "url": receiver.url}
    made = await stage.ask("POST", "/webhooks", {**odd, "status": "active"})

    await stage.make()
    await until(lambda: stage.simulator.idle)

    assert made.status_code == 201
    assert receiver.bodies == [b"[]"]


class Moody:
    """A receiver that answers with one status and headers, and counts."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.headers: dict[str, str] = {}
        self.taken = 0

    async def take(self, _: Request) -> Response:
        self.taken += 1
        code = self.codes.pop(0) if self.codes else 200
        return Response(status_code=code, headers=self.headers)


@pytest.fixture
async def moody() -> AsyncIterator[tuple[Moody, str]]:
    made = Moody()
    server = LoopbackServer(Starlette(routes=[Route("/", made.take, methods=["POST"])]))
    await server.start()
    yield made, f"{server.url}/"
    await server.stop()


@pytest.mark.parametrize(("minutes", "tries"), [(29, 2), (31, 1)])
async def test_a_date_as_retry_after_is_obeyed_up_to_half_an_hour(
    start: Start, moody: tuple[Moody, str], until: Until, minutes: int, tries: int
) -> None:
    receiver, url = moody
    clock = LeapingClock(hasty=True)
    simulator = await start(clock)
    simulator.sender.register("return", "return.created", url)
    later = clock.now() + timedelta(minutes=minutes)
    receiver.codes = [503]
    receiver.headers = {"retry-after": format_datetime(later, usegmt=True)}

    async with loopback.client(headers={"X-Authorization": KEY}) as client:
        await Stage(simulator, client).make()
        await until(lambda: simulator.idle)

    assert receiver.taken == tries
    assert any(wait > timedelta(minutes=28) for wait in clock.slept) == (tries > 1)


async def test_a_refusal_may_not_be_tried_again(
    start: Start, moody: tuple[Moody, str], until: Until, client: httpx.AsyncClient
) -> None:
    receiver, url = moody
    stage = Stage(await start(LeapingClock(hasty=True)), client)
    await stage.tune("habits", only_5xx=True)
    stage.simulator.sender.register("return", "return.created", url)
    receiver.codes = [401, 500]

    for _ in range(2):
        await stage.make()
        await until(lambda: stage.simulator.idle)

    assert receiver.taken == 3
    assert stage.simulator.sender.tally.discarded == 1
