"""The simulated Loop's webhooks: what they say, how they are signed and retried."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.sandbox.loop_bodies import Json
from bridge.sandbox.loop_returns import LoopReturn
from bridge.sandbox.loop_shoppers import LoopTraffic
from bridge.sandbox.loop_simulator import LoopSimulator
from bridge.sandbox.loop_switches import LoopSwitches
from bridge.sandbox.loop_topics import PAIRS
from bridge.sandbox.loop_webhooks import INACTIVE, LoopHabits
from bridge.sandbox.server import LoopbackServer
from tests.support.leaping import LeapingClock

Start = Callable[..., Awaitable[LoopSimulator]]
New = Callable[..., LoopReturn]
Until = Callable[[Callable[[], bool]], Awaitable[None]]

SECRET = b"secret-of-tests"


class Hook:
    """Keeps what comes, answers with `codes` in turn, then 200."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.codes: list[int] = []
        self.headers: dict[str, str] = {}
        self.url = ""

    async def take(self, request: Request) -> Response:
        signature = request.headers["x-loop-signature"]
        self.got.append((signature, await request.body()))
        code = self.codes.pop(0) if self.codes else 200
        return Response(status_code=code, headers=self.headers)

    def bodies(self) -> list[dict[str, object]]:
        return [json.loads(body) for _, body in self.got]

    def triggers(self) -> list[object]:
        return [body["trigger"] for body in self.bodies()]


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    made = Hook()
    server = LoopbackServer(
        Starlette(routes=[Route("/hook", made.take, methods=["POST"])])
    )
    await server.start()
    made.url = f"{server.url}/hook"
    yield made
    await server.stop()


def idle(simulator: LoopSimulator) -> bool:
    return simulator.idle


def genuine(signature: str, body: bytes) -> bool:
    digest = hmac.new(SECRET, body, hashlib.sha256).digest()
    return signature == base64.b64encode(digest).decode()


async def test_all_eleven_pairs_are_told_and_signed(
    start: Start, hook: Hook, new_return: New, until: Until
) -> None:
    simulator = await start(
        switches=LoopSwitches(
            restocks_by_webhook=True, credit_by_webhook=True, label_requests=True
        )
    )
    simulator.subscribe(hook.url)
    paid, failed, cancelled = (new_return(id_) for id_ in (1, 2, 3))
    paid.outcome = "credit"
    simulator.shop.failing.add(2)

    for return_ in (paid, failed, cancelled):
        simulator.shop.add(return_)
    simulator.shop.label(1, "new")
    simulator.shop.label(1, "in_transit")
    simulator.shop.process(1)
    simulator.shop.process(2, None)
    simulator.shop.cancel(3)
    simulator.shop.hub_scan(1)
    await until(lambda: simulator.idle)

    told = {(body["topic"], body["trigger"]) for body in hook.bodies()}
    assert told == set(PAIRS)
    assert all(genuine(*each) for each in hook.got)


#: Made by hand: topic, body, and the signature that the secret makes of it.
VECTORS = [
    (
        "return",
        {
            "topic": "return",
            "trigger": "return.created",
            "id": "900411",
            "status_page_url": "https://fernhollow-demo.example/#/return/demo",
        },
        "W0xpNQ0jictPB0lMTN3LFUa4aEMimamxxmHxgf0HEOM=",
    ),
    (
        "return.processing",
        {
            "topic": "return.processing",
            "trigger": "return.processing.failed",
            "return_id": 900_411,
            "return_state": "open",
            "message": None,
            "source": None,
        },
        "igByMterXE6LZgX/r7UF1h+NB/4vLqXkST4qX7/MLmI=",
    ),
]


@pytest.mark.parametrize("case", VECTORS, ids=["return", "failure"])
async def test_a_body_is_signed_as_loops_are(
    start: Start, hook: Hook, until: Until, case: tuple[str, Json, str]
) -> None:
    topic, body, signature = case
    simulator = await start(secret="demo-loop-secret-not-real-0001")  # noqa: S106 invented
    simulator.sender.register(topic, str(body["trigger"]), hook.url)

    simulator.sender.send(topic, body, "#L-1")
    await until(lambda: simulator.idle)

    assert [given for given, _ in hook.got] == [signature]


async def test_bodies_are_written_as_php_does_and_ids_change_their_type(
    start: Start, hook: Hook, new_return: New, until: Until
) -> None:
    simulator = await start()
    simulator.subscribe(hook.url)

    simulator.shop.add(new_return(1))
    simulator.shop.add(new_return(2))
    await until(lambda: simulator.idle)

    for _, body in hook.got:
        assert b"KETTLE\\/1L" in body
        assert b"\\u00e9" in body
        assert b"\n" not in body
        assert b'": ' not in body
    assert {type(body["id"]) for body in hook.bodies()} == {int, str}


async def test_a_close_is_told_twice(
    start: Start, hook: Hook, new_return: New, until: Until
) -> None:
    simulator = await start()
    simulator.subscribe(hook.url)
    simulator.shop.add(new_return())

    simulator.shop.close_unfulfilled(900_411)
    await until(lambda: simulator.idle)

    assert sorted(map(str, hook.triggers()))[1:] == ["return.created", "return.updated"]
    assert "return.closed" in hook.triggers()


async def test_the_first_scan_may_pay(
    start: Start, new_return: New, until: Until
) -> None:
    simulator = await start(
        switches=LoopSwitches(pays_at_first_scan=True, labels_move_updated_at=True)
    )
    return_ = new_return()
    simulator.shop.add(return_)

    simulator.shop.label(900_411, "in_transit")
    await until(lambda: return_.state == "closed")

    assert return_.refunded
    assert return_.updated_at > return_.created_at


async def test_a_gift_card_of_an_exchange_out_of_stock_names_no_return(
    start: Start, hook: Hook, new_return: New, until: Until
) -> None:
    simulator = await start()
    simulator.subscribe(hook.url)
    simulator.shop.add(new_return())

    simulator.shop.out_of_stock(900_411)
    await until(lambda: simulator.idle)

    (card,) = (body for body in hook.bodies() if body["topic"] == "giftcard")
    assert card["return_id"] is None


async def test_six_tries_with_growing_waits_then_it_is_discarded(
    start: Start, hook: Hook, new_return: New, until: Until
) -> None:
    clock = LeapingClock(hasty=True)
    simulator = await start(clock, habits=LoopHabits(off_after=1))
    simulator.sender.register("return", "return.created", hook.url)
    hook.codes = [500] * 6

    simulator.shop.add(new_return())
    await until(lambda: simulator.idle)

    waits = [wait for wait in clock.slept if wait > timedelta(milliseconds=300)]
    assert len(hook.got) == 6
    assert len(waits) == 5
    assert waits == sorted(waits)
    assert simulator.sender.tally.discarded == 1
    (known,) = simulator.sender.registrations.values()
    assert known.status == INACTIVE


@pytest.mark.parametrize(
    "case", [("1800", 2), ("1801", 1), ("Sat, 01 Jan 2028", 2)], ids=str
)
async def test_half_an_hour_is_obeyed_and_more_fails_the_delivery(
    start: Start, hook: Hook, new_return: New, until: Until, case: tuple[str, int]
) -> None:
    asked, tries = case
    clock = LeapingClock(hasty=True)
    simulator = await start(clock)
    simulator.sender.register("return", "return.created", hook.url)
    hook.codes, hook.headers = [503], {"retry-after": asked}

    simulator.shop.add(new_return())
    await until(lambda: simulator.idle)

    assert len(hook.got) == tries
    assert (timedelta(minutes=30) in clock.slept) == (asked == "1800")


async def test_a_receiver_that_is_not_there_is_tried_again(
    start: Start, new_return: New, until: Until
) -> None:
    simulator = await start(LeapingClock(hasty=True))
    simulator.sender.register("return", "return.created", "http://127.0.0.1:9/none")

    simulator.shop.add(new_return())
    await until(lambda: simulator.idle)

    tally = simulator.sender.tally
    assert (tally.retried, tally.discarded) == (5, 1)


async def test_webhooks_are_lost_doubled_and_forged_on_demand(
    start: Start, hook: Hook, new_return: New, until: Until
) -> None:
    for habits, count, true in (
        (LoopHabits(lost=1.0), 0, 0),
        (LoopHabits(twice=1.0), 2, 2),
        (LoopHabits(forged=1.0), 1, 0),
    ):
        hook.got.clear()
        simulator = await start(habits=habits)
        simulator.sender.register("return", "return.created", hook.url)

        simulator.shop.add(new_return())
        await until(partial(idle, simulator))

        assert len(hook.got) == count
        assert sum(genuine(*each) for each in hook.got) == true


async def test_webhooks_overtake_each_other_on_demand(
    start: Start, hook: Hook, new_return: New, until: Until
) -> None:
    simulator = await start(habits=LoopHabits(late=timedelta(seconds=0.3)))
    simulator.sender.register("return", "return.created", hook.url)

    for id_ in range(1, 13):
        simulator.shop.add(new_return(id_))
    await until(lambda: simulator.idle)

    ids = [int(str(body["id"])) for body in hook.bodies()]
    assert sorted(ids) == list(range(1, 13))
    assert ids != sorted(ids)


async def test_nothing_is_sent_to_a_registration_that_is_off(
    start: Start, hook: Hook, new_return: New, until: Until
) -> None:
    simulator = await start()
    simulator.subscribe(hook.url)

    simulator.sender.switch(INACTIVE)
    simulator.shop.add(new_return())
    await until(lambda: simulator.idle)

    assert hook.got == []


async def test_shoppers_bring_every_return_to_an_end(
    start: Start, until: Until
) -> None:
    clock = LeapingClock(hasty=True)
    simulator = await start(clock)

    await LoopTraffic(simulator.shop, clock=clock, seed=7).run(timedelta(0), 12)
    await until(lambda: simulator.idle)

    states = {return_.state for return_ in simulator.shop.all()}
    assert len(simulator.shop.all()) == 12
    assert states <= {"closed", "cancelled", "expired"}
