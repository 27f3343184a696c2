"""How Redo's webhooks travel, and every odd body and habit that can be switched on."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from bridge.clock import SystemClock
from bridge.sandbox.habits import Rates
from bridge.sandbox.plans import Packing, Plan, Story
from bridge.sandbox.redo_odd import Oddity
from bridge.sandbox.redo_ways import RedoWays
from bridge.sandbox.redo_webhooks import Posting, Subscription
from bridge.sandbox.shop_returns import ShopReturn
from bridge.sandbox.shoppers import Traffic, Waits
from bridge.sandbox.simulators import ShopSimulator
from tests.unit.sandbox.conftest import Receiver
from tests.unit.sandbox.redo.conftest import Connect, Start, add

Until = Callable[[Callable[[], bool]], Awaitable[None]]
HOOKS = "/stores/s1/webhooks"


def hook(receiver: Receiver, **changed: object) -> dict[str, object]:
    callback = {"url": receiver.url, "auth": {"bearer": {"token": "t-1"}}}
    return {"webhook": {"callback": callback, "topic": "return", **changed}}


def seen(receiver: Receiver) -> list[tuple[str, str]]:
    bodies = [json.loads(body) for body in receiver.bodies]
    return [(body["type"], body["return"]["status"]) for body in bodies]


def move(shop: ShopSimulator, return_: ShopReturn, *statuses: str) -> None:
    for status in statuses:
        shop.shop.put_status(return_.id, status)


async def subscribed(start: Start, receiver: Receiver, ways: RedoWays) -> ShopSimulator:
    shop = await start(ways=ways)
    shop.sender.subscribe(Subscription(receiver.url, "t-1"))
    return shop


# ------------------------------------------------------------------ registrations


async def test_a_registered_address_gets_webhooks_until_it_is_deleted(
    start: Start, connect: Connect, receiver: Receiver, until: Until
) -> None:
    shop = await start(ways=RedoWays(plain_http=True))
    client = connect(shop)
    made = await client.post(HOOKS, json=hook(receiver))
    return_ = add(shop)
    await until(lambda: shop.idle)

    await client.delete(f"/webhooks/{made.json()['webhook']['id']}")
    move(shop, return_, "flagged")

    assert seen(receiver) == [("created", "open")]
    assert receiver.requests[0][0]["authorization"] == "Bearer t-1"


async def test_two_registered_addresses_both_get_everything(
    start: Start, connect: Connect, receiver: Receiver, until: Until
) -> None:
    shop = await start(ways=RedoWays(plain_http=True))
    client = connect(shop)
    for _ in range(2):
        await client.post(HOOKS, json=hook(receiver))

    add(shop)
    await until(lambda: shop.idle)

    assert len(receiver.bodies) == 2


async def test_without_auth_no_token_is_sent(
    start: Start, connect: Connect, receiver: Receiver, until: Until
) -> None:
    shop = await start(ways=RedoWays(plain_http=True))
    callback = {"url": receiver.url, "auth": None}
    await connect(shop).post(HOOKS, json=hook(receiver, callback=callback))

    add(shop)
    await until(lambda: shop.idle)

    assert "authorization" not in receiver.requests[0][0]


async def test_a_changed_address_is_told_from_then_on(
    start: Start, connect: Connect, receiver: Receiver, until: Until
) -> None:
    shop = await start(ways=RedoWays(plain_http=True))
    client = connect(shop)
    nowhere = {"url": "http://127.0.0.1:9/", "auth": None}
    made = await client.post(HOOKS, json=hook(receiver, callback=nowhere))
    id_ = made.json()["webhook"]["id"]
    callback = hook(receiver)["webhook"]["callback"]  # type: ignore[index]  # as above

    changed = await client.put(
        f"/webhooks/{id_}", json={"webhook": {"callback": callback}}
    )
    add(shop)
    await until(lambda: shop.idle)

    assert changed.status_code == 204
    assert seen(receiver) == [("created", "open")]


async def test_a_webhook_of_loops_kind_is_kept_and_gets_nothing(
    start: Start, connect: Connect, receiver: Receiver, until: Until
) -> None:
    shop = await start(ways=RedoWays(plain_http=True))
    client = connect(shop)
    add(shop)

    callback = {"url": receiver.url, "auth": {"bearer": {"token": "of-loop"}}}
    loop = hook(receiver, callback=callback, kind="loop", backfill=True)
    made = await client.post(HOOKS, json=loop)
    await client.post(HOOKS, json=hook(receiver))
    path = f"/webhooks/{made.json()['webhook']['id']}/replay"
    replayed = await client.post(path, json={"start": "2020-01-01T00:00:00Z"})
    await until(lambda: shop.idle)

    listed = (await client.get(HOOKS)).json()["webhooks"]
    assert (made.status_code, replayed.status_code) == (201, 202)
    assert [each["kind"] for each in listed] == ["loop", "redo"]
    assert {"createdAt", "updatedAt", "topic", "callback"} < set(listed[0])
    assert seen(receiver) == [("created", "open")]
    assert receiver.requests[0][0]["authorization"] == "Bearer t-1"


async def test_a_replay_sends_what_was_updated_since_as_backfill(
    start: Start, connect: Connect, receiver: Receiver, until: Until
) -> None:
    shop = await start(ways=RedoWays(plain_http=True))
    client = connect(shop)
    made = await client.post(HOOKS, json=hook(receiver))
    add(shop, 0, ago=timedelta(days=9))
    late = add(shop, 1)
    await until(lambda: shop.idle)
    receiver.requests.clear()

    path = f"/webhooks/{made.json()['webhook']['id']}/replay"
    answer = await client.post(path, json={"start": late.updated_at.isoformat()})
    await until(lambda: shop.idle)

    assert (answer.status_code, answer.content) == (202, b"")
    assert [json.loads(body)["return"]["id"] for body in receiver.bodies] == [late.id]
    assert seen(receiver) == [("backfill", "open")]


async def test_a_burst_of_old_updates_greets_a_subscriber_once(
    start: Start, connect: Connect, receiver: Receiver, until: Until
) -> None:
    shop = await start(ways=RedoWays(plain_http=True, burst=timedelta(days=11)))
    client = connect(shop)
    shop.sender.subscribe(Subscription("http://127.0.0.1:9/", None), "another")
    for number, days in enumerate((12, 10, 1)):
        add(shop, number, ago=timedelta(days=days))

    for _ in range(2):
        await client.post(HOOKS, json=hook(receiver, externalId="ours"))
    shop.sender.unsubscribe("another")
    await until(lambda: shop.idle)

    bodies = [json.loads(body) for body in receiver.bodies]
    assert [body["type"] for body in bodies] == ["updated", "updated"]
    assert all(body["at"] == body["return"]["updatedAt"] for body in bodies)


# ------------------------------------------------------------------------ retries


@pytest.mark.parametrize("retries", [0, 2])
async def test_after_so_many_retries_a_webhook_is_thrown_away(
    start: Start, receiver: Receiver, until: Until, retries: int
) -> None:
    posting = Posting(retries, timedelta(milliseconds=5))
    shop = await subscribed(start, receiver, RedoWays(posting=posting))
    receiver.answers = [503] * (retries + 1)

    return_ = add(shop)
    await until(lambda: shop.idle)
    move(shop, return_, "flagged")
    await until(lambda: shop.idle)

    kinds = [kind for kind, _ in seen(receiver)]
    assert kinds == ["created"] * (retries + 1) + ["updated"]
    assert shop.sender.discarded == 1


@pytest.mark.parametrize(
    ("blocks", "order"),
    [
        (True, ["created", "created", "updated"]),
        (False, ["created", "updated", "created"]),
    ],
)
async def test_what_fails_holds_back_what_comes_after_it_or_not(
    start: Start, receiver: Receiver, until: Until, *, blocks: bool, order: list[str]
) -> None:
    posting = Posting(first=timedelta(seconds=0.5), blocks=blocks)
    shop = await subscribed(start, receiver, RedoWays(posting=posting))
    receiver.answers = [503]

    return_ = add(shop)
    move(shop, return_, "flagged")
    await until(lambda: shop.idle)

    assert [kind for kind, _ in seen(receiver)] == order


async def test_what_fails_holds_back_no_other_return(
    start: Start, receiver: Receiver, until: Until
) -> None:
    posting = Posting(retries=1, first=timedelta(seconds=0.5))
    shop = await subscribed(start, receiver, RedoWays(posting=posting))
    receiver.answers = [503]

    first = add(shop, 0)
    await until(lambda: bool(receiver.bodies))
    second = add(shop, 1)
    await until(lambda: shop.idle)

    ids = [json.loads(body)["return"]["id"] for body in receiver.bodies]
    assert ids == [first.id, second.id, first.id]


async def test_bodies_may_come_twice_and_created_after_updated(
    start: Start, receiver: Receiver, until: Until
) -> None:
    rates = Rates(created_late=1.0, twice=1.0)
    shop = await subscribed(start, receiver, RedoWays(rates=rates))

    return_ = add(shop)
    move(shop, return_, "flagged")
    await until(lambda: shop.idle)

    kinds = [kind for kind, _ in seen(receiver)]
    assert kinds == ["updated", "updated", "created", "created"]


# --------------------------------------------------------------------- odd bodies


async def one_odd(
    start: Start, receiver: Receiver, until: Until, *odd: Oddity
) -> list[dict[str, object]]:
    """Let a return be filed and flagged; give the bodies that came."""
    shop = await subscribed(start, receiver, RedoWays(odd=odd))
    return_ = add(shop, story=Story.EXCHANGE_NOW)
    move(shop, return_, "flagged")
    await until(lambda: shop.idle)
    return [json.loads(body) for body in receiver.bodies]


def return_of(body: dict[str, object]) -> dict[str, object]:
    return_ = body["return"]
    assert isinstance(return_, dict)
    return return_


def texts(value: object) -> set[str]:
    """Return every text of a body."""
    if isinstance(value, dict):
        return {text for part in value.values() for text in texts(part)}
    if isinstance(value, list):
        return {text for part in value for text in texts(part)}
    return {value} if isinstance(value, str) else set()


async def test_an_empty_body_comes_before_the_true_one(
    start: Start, receiver: Receiver, until: Until
) -> None:
    bodies = await one_odd(start, receiver, until, Oddity.EMPTY)

    assert [sorted(body)[-1:] for body in bodies] == [[], ["type"], [], ["type"]]


async def test_a_type_may_be_unknown(
    start: Start, receiver: Receiver, until: Until
) -> None:
    bodies = await one_odd(start, receiver, until, Oddity.TYPE)

    assert [body["type"] for body in bodies] == ["archived", "archived"]


async def test_words_of_lists_may_be_unknown(
    start: Start, receiver: Receiver, until: Until
) -> None:
    bodies = await one_odd(start, receiver, until, Oddity.ENUMS)

    words = {"quarantined", "insurer", "INSURER_SPECIAL_CASE", "acmecart"}
    assert all(words < texts(body) for body in bodies)
    assert [body["type"] for body in bodies] == ["created", "updated"]


async def test_fields_may_be_unknown(
    start: Start, receiver: Receiver, until: Until
) -> None:
    bodies = await one_odd(start, receiver, until, Oddity.FIELDS)

    assert all(body["addedLater"] == 1 for body in bodies)
    assert all(return_of(body)["addedLater"] == {"by": ["Redo"]} for body in bodies)


async def test_what_is_optional_may_be_null_or_missing(
    start: Start, receiver: Receiver, until: Until
) -> None:
    nulls, missing = await one_odd(start, receiver, until, Oddity.NULLS, Oddity.MISSING)

    optional = {"type", "totals", "shipments", "exchange", "tags", "notes"}
    assert {return_of(nulls)[name] for name in optional} == {None}
    assert not optional & set(return_of(missing))
    assert {"id", "status", "items", "source"} <= set(return_of(missing))


async def test_seconds_may_have_any_number_of_digits_and_mean_the_same(
    start: Start, receiver: Receiver, until: Until
) -> None:
    shop = await subscribed(start, receiver, RedoWays(odd=[Oddity.FRACTIONS]))
    made = [add(shop, number) for number in range(12)]
    await until(lambda: shop.idle)

    bodies = [json.loads(body) for body in receiver.bodies]
    times = {body["return"]["id"]: body["return"]["updatedAt"] for body in bodies}
    digits = {len(text.partition(".")[2]) for text in texts(bodies) if text[-1:] == "Z"}
    assert len(digits) > 2
    for return_ in made:
        at = return_.updated_at.replace(
            microsecond=return_.updated_at.microsecond // 1000 * 1000
        )
        assert datetime.fromisoformat(times[return_.id]) == at


# ---------------------------------------------------------------------- own moves


@pytest.mark.parametrize(
    "write",
    [
        ("PUT", "status", {"status": "flagged"}),
        ("POST", "comments", {"comment": {"message": "Booked in"}}),
    ],
)
async def test_what_we_write_comes_back_as_updated(
    start: Start,
    connect: Connect,
    receiver: Receiver,
    until: Until,
    write: tuple[str, str, object],
) -> None:
    shop = await subscribed(start, receiver, RedoWays())
    return_ = add(shop)
    method, path, body = write

    answer = await connect(shop).request(
        method, f"/returns/{return_.id}/{path}", json=body
    )
    await until(lambda: shop.idle)

    assert answer.is_success
    assert [kind for kind, _ in seen(receiver)] == ["created", "updated"]


async def test_parcels_move_on_after_the_return_is_complete(
    start: Start, receiver: Receiver, until: Until
) -> None:
    shop = await subscribed(start, receiver, RedoWays())

    async def dock(_: object) -> None:
        """Take the parcel."""

    people = Traffic(
        shop.shop,
        dock=dock,
        clock=SystemClock(),
        waits=Waits(hurry=20),
        pays_early=True,
    )
    await people.run(
        [Plan(0, 1, Story.REFUND, Packing.FULL, reviewed=False)], timedelta()
    )
    await until(lambda: shop.idle)

    last = return_of(json.loads(receiver.bodies[-1]))
    assert last["status"] == "complete"
    assert seen(receiver)[-2:] == [("updated", "complete"), ("updated", "complete")]
    assert "delivered" in texts(last["shipments"])


async def test_what_process_came_to_is_told_later_by_a_webhook(
    start: Start, connect: Connect, receiver: Receiver, until: Until
) -> None:
    shop = await subscribed(start, receiver, RedoWays())
    return_ = add(shop)
    kept, rejected = return_.lines
    body = {"products": [{"_id": kept.id}, {"_id": rejected.id, "reject": True}]}

    answer = await connect(shop).post(f"/returns/{return_.id}/process", json=body)
    at_once = return_.status
    await until(lambda: shop.idle)

    last = return_of(json.loads(receiver.bodies[-1]))
    assert (answer.status_code, at_once, last["status"]) == (200, "open", "complete")
    assert {"complete", "rejected"} <= texts(last["items"])
    assert dict(shop.processing.paid) == {kept.id: 1}


async def test_to_pay_twice_is_seen_twice(
    start: Start, connect: Connect, until: Until
) -> None:
    shop = await start()
    return_, client = add(shop, story=Story.STORE_CREDIT), connect(shop)
    body = {"products": [{"_id": line.id} for line in return_.lines]}
    cards, credit = [], []

    for _ in range(2):
        await client.post(f"/returns/{return_.id}/process", json=body)
        await until(lambda: not shop.processing.busy)
        now = (await client.get(f"/returns/{return_.id}")).json()["return"]
        cards.append(len(now["giftCards"]))
        credit.append(float(now["totals"]["storeCredit"]["amount"]["amount"]))

    assert cards == [1, 2]
    assert credit[1] == pytest.approx(2 * credit[0])


async def test_to_reopen_a_return_forgets_the_products_that_wait(
    start: Start, connect: Connect
) -> None:
    shop = await start()
    return_, client = add(shop), connect(shop)
    path = f"/returns/{return_.id}"
    first, second = ({"products": [{"_id": line.id}]} for line in return_.lines)
    await client.put(f"{path}/status", json={"status": "complete"})
    await client.post(f"{path}/process", json=first)

    await client.put(f"{path}/status", json={"status": "open"})
    answer = await client.post(f"{path}/process", json=second)

    assert answer.json()["message"].startswith("Some products wait")
    assert not shop.processing.busy
