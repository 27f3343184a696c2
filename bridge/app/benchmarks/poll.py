"""`bench poll`: returns brought in by asking, from simulated shops.

    redo, loop            one account catches up with 50,000 returns; every limit is
                          lifted, so that what the bridge itself takes is seen
    …-limited             the same with the limits and the pace of the defaults
    steady                20 accounts, half at either platform, where little changes

`poll.allowed` is what the platform's limit and page size would let through: the bound
of a catch-up in life. CPU and memory are the polling process's; it was measured from
its first call until the last page was committed.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import JsonValue

from bridge.app.benchmarks.child import Child, started
from bridge.app.benchmarks.deliver import memory_values
from bridge.app.benchmarks.ground import Ground
from bridge.app.benchmarks.orders import (
    Changed,
    Opened,
    PlatformsOrder,
    Polled,
    PollOrder,
)
from bridge.app.benchmarks.platforms_worker import EVERY, STORE
from bridge.app.benchmarks.poll_worker import LIMIT
from bridge.app.benchmarks.rows import Quantity, Result, percentile
from bridge.delivery.budget import per_second
from bridge.errors import BridgeError
from bridge.platforms.loop import options as loop
from bridge.platforms.loop.poll import LoopPollOptions
from bridge.platforms.redo import options as redo
from bridge.platforms.redo.poll import RedoPollOptions
from bridge.streams.records import Record
from bridge.streams.restore import read_to_end
from bridge.streams.topics import PARTITIONS

RATE = Quantity("poll.rate", "returns/s", "higher")
ALLOWED = Quantity("poll.allowed", "returns/s", "higher")
PAGES = Quantity("poll.pages", "pages", "lower")
CPU = Quantity("poll.cpu", "ms/return", "lower")
CALLS = Quantity("poll.calls", "calls/min", "lower")
CPU_CALL = Quantity("poll.cpu_per_call", "ms/call", "lower")
CORE = Quantity("poll.core", "% of a core", "lower")
LAG_P50 = Quantity("poll.lag_p50", "s", "lower")
LAG_P99 = Quantity("poll.lag_p99", "s", "lower")

RETURNS, CHECKPOINT = 50_000, 10_000
LIMITED = "-limited"

_UNLIMITED = 1_000_000_000


@dataclass(frozen=True, slots=True)
class CatchUp:
    """A workload: one account with so many `returns`, limited as in life or not."""

    name: str
    returns: int = RETURNS

    @property
    def limited(self) -> bool:
        return self.name.endswith(LIMITED)

    @property
    def platform(self) -> str:
        return self.name.removesuffix(LIMITED)

    @property
    def checkpoints(self) -> tuple[int, ...]:
        return (CHECKPOINT,) if self.returns > CHECKPOINT else ()


@dataclass(frozen=True, slots=True)
class Steady:
    """A workload: `accounts` are polled for `seconds`, with the options `poll`.

    No change waits longer than `latest` seconds: what changes so shortly before the
    end is left out.
    """

    accounts: int = 20
    seconds: float = 180.0
    latest: float = 90.0
    poll: Mapping[str, JsonValue] = field(default_factory=dict)


#: The same for a try.
HURRIED = Steady(
    accounts=4,
    seconds=16.0,
    latest=10.0,
    poll={"every": "2s", "settle": "1s", "calls_per_minute": 600},
)
STEADY = "steady"
CATCH_UPS = ("redo", "loop", f"redo{LIMITED}", f"loop{LIMITED}")
WORKLOADS = (*CATCH_UPS, STEADY)
#: What is measured without a word: the limited ones take minutes for what is known.
USUAL = ("redo", "loop", STEADY)

_STOCK = 200  # of each account of the steady workload: less than a page of any state


async def catch_up(ground: Ground, workload: CatchUp) -> Result:
    """Let one account catch up, and see that every return came."""
    wanted = PlatformsOrder(
        **{workload.platform: 1},
        returns=workload.returns,
        token=ground.token,
        limited=workload.limited,
    )
    async with _platforms(wanted) as (opened, platforms):
        order = PollOrder(
            tree=_tree(
                ground, opened, _catching_up(workload), limited=workload.limited
            ),
            secrets=ground.secrets,
            returns=workload.returns,
            checkpoints=workload.checkpoints,
        )
        polled = await _polled(order)
        await _told(platforms)
    await all_came(ground, workload.returns)
    values = {
        RATE: workload.returns / polled.seconds,
        ALLOWED: allowed(workload.platform),
        PAGES: float(polled.pages),
        CPU: polled.cpu / workload.returns * 1000,
        **memory_values("poll", polled.memory),
    }
    return Result(workload.name, values, polled.peak)


def allowed(platform: str) -> float:
    """Return the returns a second that the platform's own limit lets through.

    Redo tells none for its list: the account's default budget stands for it.
    """
    limits, size = {
        "redo": (redo.BUDGET, RedoPollOptions().page_size),
        "loop": (loop.BUDGET, LoopPollOptions().page_size),
    }[platform]
    return per_second(limits) * size


async def steady(ground: Ground, workload: Steady) -> Result:
    """Poll many accounts while a return changes every second."""
    half = workload.accounts // 2
    wanted = PlatformsOrder(
        redo=half,
        loop=workload.accounts - half,
        returns=_STOCK,
        token=ground.token,
        limited=True,
        changes=1.0,
    )
    async with _platforms(wanted) as (opened, platforms):
        order = PollOrder(
            tree=_tree(ground, opened, workload.poll, limited=True),
            secrets=ground.secrets,
            seconds=workload.seconds,
        )
        polled = await _polled(order)
        changed = await _told(platforms)
    within = polled.began, polled.began + workload.seconds - workload.latest
    lags = await _lags(ground, changed.changes, within)
    values = {
        CALLS: polled.calls / polled.seconds * 60,
        CPU_CALL: polled.cpu / polled.calls * 1000,
        CORE: polled.cpu / polled.seconds * 100,
        LAG_P50: percentile(lags, 0.50),
        LAG_P99: percentile(lags, 0.99),
    }
    return Result(STEADY, values, polled.peak)


# ------------------------------------------------------------------ both processes


@asynccontextmanager
async def _platforms(order: PlatformsOrder) -> AsyncIterator[tuple[Opened, Child]]:
    async with started("platforms", order) as child:
        yield Opened.model_validate(await child.hear()), child


async def _told(platforms: Child) -> Changed:
    """Stop the shops; a call that one had to refuse was one too many."""
    changed = Changed.model_validate(await platforms.stop())
    if changed.refused:
        raise BridgeError(f"{changed.refused:,} calls were beyond the limit")
    return changed


async def _polled(order: PollOrder) -> Polled:
    async with started("poll", order) as child:
        limit = LIMIT + timedelta(seconds=order.seconds, minutes=1)
        return Polled.model_validate(await child.hear(limit))


# ------------------------------------------------------------------ settings


def _catching_up(workload: CatchUp) -> Mapping[str, JsonValue]:
    """Return the options of polling; the window reaches back beyond the stock."""
    days = workload.returns * EVERY // timedelta(days=1) + 2
    poll: dict[str, JsonValue] = {"first": f"{days}d"}
    if workload.platform == "redo":
        poll["wide"] = "1s"  # or the sweep would bring everything once more
    return poll if workload.limited else {**poll, "calls_per_minute": _UNLIMITED}


def _tree(
    ground: Ground, opened: Opened, poll: Mapping[str, JsonValue], *, limited: bool
) -> dict[str, JsonValue]:
    """Return settings: the shops are accounts, named by platform and number."""
    shared: dict[str, JsonValue] = {"poll": dict(poll)}
    if not limited:
        shared["budget"] = []
    accounts: dict[str, JsonValue] = {
        **_named("redo", [{**shared, **_redo(url)} for url in opened.redo]),
        **_named("loop", [{**shared, **_loop(url)} for url in opened.loop]),
    }
    return {**ground.tree(), "accounts": accounts}


def _named(
    platform: str, accounts: Sequence[dict[str, JsonValue]]
) -> dict[str, JsonValue]:
    return {
        f"{platform}-{number}": {"platform": platform, **account}
        for number, account in enumerate(accounts)
    }


def _redo(url: str) -> dict[str, JsonValue]:
    token: JsonValue = {"env": "TOKEN"}
    return {
        "base_url": url,
        "store_id": STORE,
        "api_token": token,
        "webhook_tokens": [token],
    }


def _loop(url: str) -> dict[str, JsonValue]:
    token: JsonValue = {"env": "TOKEN"}
    return {"host": url, "api_key": token, "webhook_secrets": [token]}


# ------------------------------------------------------------------ what came


async def all_came(ground: Ground, returns: int) -> None:
    """Raise BridgeError unless so many returns are on `returns.raw`."""
    came = await _first_after(ground, {})
    if len(came) != returns:
        raise BridgeError(f"{len(came):,} of {returns:,} returns came")


async def _lags(
    ground: Ground, changes: Mapping[str, float], within: tuple[float, float]
) -> list[float]:
    """Return how long each change within a time took, in seconds, in order."""
    begin, end = within
    due = {name: at for name, at in changes.items() if begin <= at < end}
    came = await _first_after(ground, changes)
    missed = due.keys() - came.keys()
    if missed or not due:
        raise BridgeError(f"{len(missed):,} of {len(due):,} changes did not come")
    return sorted(came[subject] - at for subject, at in due.items())


async def _first_after(ground: Ground, since: Mapping[str, float]) -> dict[str, float]:
    """Return when each return first came after its time in `since`, in Unix seconds."""
    came: dict[str, float] = {}

    def note(records: list[Record]) -> None:
        for record in records:
            subject, at = (record.key or b"").decode(), record.timestamp / 1000
            if at >= since.get(subject, 0.0):
                came[subject] = min(at, came.get(subject, at))

    for partition in range(PARTITIONS):
        await read_to_end(
            ground.kafka, ground.names.raw, partition, start=0, apply=note
        )
    return came
