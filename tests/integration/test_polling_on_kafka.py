"""Polling and fetching on a real broker, against the simulated Redo."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.app import accounts, inspecting
from bridge.app.bridge import DELIVER, POLL, Bridge
from bridge.app.polling import poll_stage
from bridge.app.stages import make_turns
from bridge.clock import SystemClock
from bridge.platforms.contract import Hint
from bridge.platforms.limits import Limit
from bridge.sandbox.plans import Packing, Plan, Story, invent_return
from bridge.sandbox.redo_list import Traps
from bridge.sandbox.simulators import ShopOptions, ShopSimulator
from bridge.settings import Settings, build
from bridge.streams.bulk import write_all
from bridge.streams.hints import to_hint
from bridge.streams.raw import from_raw
from bridge.streams.receipts import decode_sheet
from bridge.streams.records import Record
from bridge.streams.restore import read_to_end
from tests.support.broker import Broker
from tests.support.kafka_plugin import CreateTopics
from tests.support.settling import settled
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

PARTITIONS = 4
PATIENCE = timedelta(seconds=90)
SECRETS = {"API": "api-token", "HOOK": "hook-token", "KEY": "k" * 32}


@contextlib.asynccontextmanager
async def shop(count: int, traps: Traps | None = None) -> AsyncIterator[ShopSimulator]:
    """Give a shop with `count` returns, all changed a while ago."""
    tokens = ShopOptions.full_access(SECRETS["API"])
    made = ShopSimulator(ShopOptions("s1", tokens, traps=traps or Traps()))
    await made.start()
    then = SystemClock().now() - timedelta(hours=2)
    for number in range(count):
        plan = Plan(number, 1, Story.REFUND, Packing.FULL, reviewed=False)
        made.shop.add(invent_return(plan, then + timedelta(seconds=number)))
    try:
        yield made
    finally:
        await made.stop()


def settings_for(
    broker: Broker, prefix: str, state: Path, url: str, accounts: int = 1
) -> Settings:
    account = {
        "platform": "redo",
        "base_url": url,
        "store_id": "s1",
        "api_token": {"env": "API"},
        "webhook_tokens": [{"env": "HOOK"}],
        "poll": {
            "page_size": 5,
            "every": "1s",
            "calls_per_minute": 6_000,
            "wide": "1s",  # or the sweep would observe everything once more
        },
    }
    names = [f"shop-{number}" for number in range(accounts)]
    settings = build(
        {
            "kafka": {"bootstrap": broker.bootstrap},
            "topics": {
                "prefix": prefix,
                "partitions": PARTITIONS,
                "profile": "single-node",
            },
            "inbound": {"port": 0},
            "state_dir": str(state),
            "privacy": {"hash_key": {"env": "KEY"}},
            "accounts": {names[0]: account},
            "targets": {"fetch": {"kind": "fetch", "account": names[0]}},
        },
        SECRETS,
    )
    # Settings in a file may not name one shop twice; the simulator has but one.
    same = dict.fromkeys(names, settings.accounts[names[0]])
    return settings.model_copy(update={"accounts": same})


@contextlib.asynccontextmanager
async def running(settings: Settings, *roles: str) -> AsyncIterator[Bridge]:
    bridge = Bridge(settings, roles, clock=SystemClock())
    try:
        await bridge.start()
        yield bridge
    finally:
        await bridge.stop()


async def records(settings: Settings, topic: str) -> list[Record]:
    found: list[Record] = []
    for number in range(PARTITIONS):
        await read_to_end(settings.kafka, topic, number, start=0, apply=found.extend)
    return found


async def observed(settings: Settings, channel: str = "poll") -> Counter[str]:
    """Return how often each return was observed by a channel."""
    found = map(from_raw, await records(settings, settings.topic_names.raw))
    return Counter(each.subject for each in found if each.channel == channel)


async def wait_for(
    settings: Settings, count: int, channel: str = "poll"
) -> Counter[str]:
    """Return what was observed once every account is walked to its end."""

    async def walked() -> bool:
        rows = await accounts.account_status(settings)
        if any(row.state != "up to date" or not row.pages for row in rows):
            return False
        return len(await observed(settings, channel)) >= count

    await wait_until(walked, what=f"{count} returns", within=PATIENCE)
    return await observed(settings, channel)


async def test_a_catch_up_is_walked_once_through_traps_and_killed_owners(
    kafka: Broker, topics: CreateTopics, tmp_path: Path
) -> None:
    names = await topics(kafka, "fetch", partitions=PARTITIONS)
    async with shop(120, Traps(empty_every=3)) as simulator:
        settings = settings_for(kafka, names.prefix, tmp_path, simulator.url)

        for _ in range(3):  # each is cut off in the middle, without a good-bye
            await cut_off(settings, simulator)
        async with running(settings, POLL):
            found = await wait_for(settings, 120)

    assert len(found) == 120
    assert set(found.values()) == {1}


async def cut_off(settings: Settings, simulator: ShopSimulator) -> None:
    """Poll for some pages, then vanish as a killed process does."""
    stage = poll_stage(settings, make_turns(settings, SystemClock()), SystemClock())
    assert stage is not None
    calls = simulator.front.log.calls
    enough = len(calls) + 8
    running = asyncio.create_task(stage.member.run(asyncio.Event()))
    await wait_until(lambda: len(calls) >= enough, what="pages", within=PATIENCE)
    owners = list(stage.member._owners.values())  # noqa: SLF001 - no good-bye
    for owner in owners:
        owner.drop()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await stage.close()


async def test_accounts_move_to_a_member_that_joins_and_nothing_is_repeated(
    kafka: Broker, topics: CreateTopics, tmp_path: Path
) -> None:
    names = await topics(kafka, "fetch", partitions=PARTITIONS)
    async with shop(60) as simulator:
        settings = settings_for(kafka, names.prefix, tmp_path, simulator.url, 8)

        async with running(settings, POLL), running(settings, POLL):
            found = await wait_for(settings, 8 * 60)

    assert len(found) == 8 * 60
    assert set(found.values()) == {1}


async def test_no_kill_and_no_new_owner_uses_an_hours_calls_again(
    kafka: Broker, topics: CreateTopics, tmp_path: Path
) -> None:
    names = await topics(kafka, "fetch", partitions=PARTITIONS)
    async with shop(400) as simulator:  # eighty pages
        settings = within_an_hour(
            settings_for(kafka, names.prefix, tmp_path, simulator.url), 60
        )
        calls = simulator.front.log.calls

        for _ in range(3):
            await cut_off(settings, simulator)
        async with running(settings, POLL):  # lets go in order
            enough = len(calls) + 8
            await wait_until(
                lambda: len(calls) >= enough, what="calls", within=PATIENCE
            )
        turns = make_turns(settings, SystemClock())
        stage = poll_stage(settings, turns, SystemClock())
        assert stage is not None
        stop = asyncio.Event()
        last = asyncio.create_task(stage.member.run(stop))
        await wait_until(
            lambda: turns["shop-0"].waiting > 0, what="the limit", within=PATIENCE
        )
        wait = turns["shop-0"].budget.wait(SystemClock().monotonic())
        stop.set()
        await last
        await stage.close()

    # Each of the four that went before has put its reserve, one call, on record, and
    # may have had a call that was counted and not sent yet. Seen: one or two in all.
    assert 60 - 2 * 4 <= len(calls) <= 60
    assert wait > timedelta(minutes=50)


def within_an_hour(settings: Settings, calls: int) -> Settings:
    """Give the account so many calls an hour, and no target to share them with."""
    limit = Limit(requests=calls, per=timedelta(hours=1))
    limited = {
        name: account.model_copy(update={"budget": (limit,)})
        for name, account in settings.accounts.items()
    }
    return settings.model_copy(update={"accounts": limited, "targets": {}})


async def test_a_backfill_is_ordered_walked_and_told(
    kafka: Broker, topics: CreateTopics, tmp_path: Path
) -> None:
    names = await topics(kafka, "fetch", partitions=PARTITIONS)
    async with shop(20) as simulator:
        settings = settings_for(kafka, names.prefix, tmp_path, simulator.url)
        since = SystemClock().now() - timedelta(days=20)
        plan = accounts.plan_backfill(settings, "shop-0", since, None)
        before = await accounts.account_status(settings)
        order = await accounts.order_backfill(settings, plan)

        async with running(settings, POLL):
            found = await wait_for(settings, 20, "replay")
            cursor = await accounts.cursor_of(settings, "shop-0")

    (status,) = await accounts.account_status(settings)
    gone = settings.model_copy(update={"accounts": {}})
    (left,) = await accounts.account_status(gone)
    assert left.state == "not configured: its cursor waits"
    assert before[0].state == "not begun"
    assert set(found.values()) == {1}
    assert cursor is not None
    assert order.id in cursor.orders
    assert status.pages > 0
    assert status.calls_forecast >= status.calls_today > 0


async def test_hints_are_answered_by_reading_and_the_body_comes_with_the_receipt(
    kafka: Broker, topics: CreateTopics, tmp_path: Path
) -> None:
    names = await topics(kafka, "fetch", partitions=PARTITIONS)
    async with shop(3) as simulator:
        settings = settings_for(kafka, names.prefix, tmp_path, simulator.url)
        ids = [each.id for each in simulator.shop.all()]
        now = SystemClock().now() - timedelta(hours=1)
        hints = [
            Hint(f"redo/shop-0/{id_}", "webhook", f"{number}", now)
            for number in range(10)
            for id_ in (*ids, "made-up")
        ]
        await write_all(settings.kafka, [to_hint(each, names.hints) for each in hints])

        async with running(settings, DELIVER):
            receipts = await all_receipts(settings, len(hints))

    await settled(kafka, [names.raw])
    found = await observed(settings, "fetch")
    assert found == Counter({f"redo/shop-0/{id_}": 1 for id_ in ids})
    assert receipts["delivered"] == 3
    assert receipts["already_applied"] == 27
    assert receipts["skipped"] == 10


async def test_what_hints_came_to_is_proven(
    kafka: Broker, topics: CreateTopics, tmp_path: Path
) -> None:
    names = await topics(kafka, "fetch", partitions=PARTITIONS)
    async with shop(2) as simulator:
        settings = settings_for(kafka, names.prefix, tmp_path, simulator.url)
        ids = [each.id for each in simulator.shop.all()]
        now = SystemClock().now() - timedelta(hours=1)
        hints = [
            Hint(f"redo/shop-0/{id_}", "webhook", f"{number}", now)
            for number in range(3)
            for id_ in (*ids, "made-up")
        ]
        await write_all(settings.kafka, [to_hint(each, names.hints) for each in hints])
        async with running(settings, DELIVER):
            await all_receipts(settings, len(hints))
    await settled(kafka, [names.receipts("fetch")])

    proof = await inspecting.verify(settings, None)
    behind = sum(
        row.lag for row in await inspecting.lag(settings) if "fetch" in row.group
    )

    assert (proof.kept, proof.waiting, behind) == (True, 0, 0)
    assert proof.lines[1] == (
        "Fetch target fetch: 9 hints: 2 fetched, 4 collapsed into a later fetch, "
        "3 skipped; 0 lost events, 0 overlaps, 0 repeated effects, 0 parked though "
        "finished."
    )


async def all_receipts(settings: Settings, count: int) -> Counter[str]:
    """Return the outcomes of the fetch target once there are `count`."""
    topic, outcomes = settings.topic_names.receipts("fetch"), Counter[str]()

    async def all_there() -> bool:
        outcomes.clear()
        for record in await records(settings, topic):
            sheet = decode_sheet(record.value or b"")
            outcomes.update(receipt.outcome for receipt in sheet.receipts)
        return outcomes.total() >= count

    await wait_until(all_there, what=f"{count} receipts", within=PATIENCE)
    return outcomes
