"""The watch over webhooks: what was switched off comes on again, and is walked."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import httpx
import pytest
from prometheus_client import REGISTRY

from bridge.inbound.polling_desk import Watched
from bridge.platforms.care import Change, Done, Failure, Mending, Registration, Survey
from bridge.platforms.contract import Failed, Throttled
from tests.support.simulated_time import simulate
from tests.unit.inbound.polls import ACCOUNT, NAMES, Rig

URL = "https://bridge.example/hooks/shop"


class Hook:
    """A platform's one webhook, and what it does to whoever asks about it."""

    platform = "redo"
    account = ACCOUNT

    def __init__(self) -> None:
        self.there = True
        self.active = True
        self.mended: list[str] = []
        self.refuses: Failure | None = None
        self.mends: list[Failure] = []

    def survey(self, now: datetime) -> Survey:
        yield httpx.Request("GET", f"https://api.example/webhooks?{now:%H}")
        if self.refuses is not None:
            return self.refuses
        return (Registration("w1", "return", URL, self.active),) if self.there else ()

    def changes(self, present: Sequence[Registration], url: str) -> tuple[Change, ...]:
        if not present:
            return (Change("create", "return", url),)
        off = [each for each in present if not each.active]
        return tuple(Change("activate", each.events, url, each.id) for each in off)

    def mend(self, change: Change, now: datetime) -> Mending:
        yield httpx.Request("PUT", f"https://api.example/webhooks/w1?{now:%H}")
        if self.mends:
            return self.mends.pop(0)
        self.mended.append(change.kind)
        self.active = True
        return Done()

    def replay(
        self, present: Sequence[Registration], url: str, since: datetime, now: datetime
    ) -> Mending | None:
        raise AssertionError((present, url, since, now))


class WatchedRig(Rig):
    """A rig whose account has a webhook that is looked after."""

    def __init__(self) -> None:
        super().__init__()
        self.hook = Hook()
        self.cares = {ACCOUNT: Watched(self.hook, URL)}


class UnpolledRig(WatchedRig):
    """A rig whose account has no list to poll, and some returns that are known."""

    def __init__(self, known: int = 2) -> None:
        super().__init__()
        self.polls = {}
        self.known = [f"redo/{ACCOUNT}/{number}" for number in range(known)]

    def hinted(self) -> list[str]:
        return [(hint.key or b"").decode() for hint in self.log.of(NAMES.hints)]


def missing() -> float | None:
    return REGISTRY.get_sample_value(
        "returns_bridge_webhooks_missing", {"account": ACCOUNT}
    )


def test_a_webhook_that_was_switched_off_comes_on_and_the_gap_is_walked() -> None:
    async def run() -> None:
        rig = WatchedRig()
        stage = await rig.stage()
        await rig.pass_time(minutes=35)
        well = rig.log.cursor().well_at

        rig.hook.active = False
        await rig.pass_time(minutes=10)

        assert rig.hook.mended == ["activate"]
        assert well is not None
        assert well - timedelta(minutes=3) < min(rig.redo.windows_since()[-6:]) < well
        await stage.crash()

    simulate(run)


def test_a_webhook_never_seen_well_is_looked_after_for_a_day_back() -> None:
    async def run() -> None:
        rig = WatchedRig()
        rig.hook.active = False
        await rig.pass_time(days=3)
        stage = await rig.stage()

        await rig.pass_time(minutes=5)

        assert rig.hook.mended == ["activate"]
        assert rig.log.cursor().orders[0].startswith("gap-")
        await stage.crash()

    simulate(run)


def test_a_missing_webhook_is_told_and_left_to_an_operator() -> None:
    async def run() -> None:
        rig = WatchedRig()
        rig.hook.there = False
        stage = await rig.stage()

        await rig.pass_time(minutes=15)

        assert rig.hook.mended == []
        assert missing() == 1
        assert rig.log.cursor().well_at is None
        await stage.crash()

    simulate(run)


@pytest.mark.parametrize("refusal", [Throttled(), Failed("http_500")])
def test_a_list_that_does_not_come_changes_nothing(refusal: Failure) -> None:
    async def run() -> None:
        rig = WatchedRig()
        rig.hook.refuses = refusal
        stage = await rig.stage()

        await rig.pass_time(minutes=15)

        assert rig.hook.mended == []
        assert rig.log.cursor().well_at is None
        await stage.crash()

    simulate(run)


def test_a_gap_that_could_not_be_mended_is_looked_for_once_it_is() -> None:
    async def run() -> None:
        rig = WatchedRig()
        stage = await rig.stage()
        await rig.pass_time(minutes=35)
        well = rig.log.cursor().well_at
        assert well is not None

        rig.hook.active = False
        rig.hook.mends = [Failed("http_500"), Failed("http_500")]
        await rig.pass_time(minutes=15)
        waiting = rig.log.cursor()
        await rig.pass_time(minutes=20)

        assert (waiting.gap_since, waiting.orders) == (well, ())
        assert rig.hook.mended == ["activate"]
        assert rig.log.cursor().gap_since is None
        assert min(rig.redo.windows_since()[-20:]) < well
        await stage.crash()

    simulate(run)


def test_an_account_without_a_list_is_watched_and_its_known_returns_are_read() -> None:
    async def run() -> None:
        rig = UnpolledRig(known=1_200)
        stage = await rig.stage()
        await rig.pass_time(minutes=35)
        assert rig.hinted() == []

        rig.hook.active = False
        await rig.pass_time(minutes=10)

        assert rig.hook.mended == ["activate"]
        assert rig.hinted() == rig.known
        assert rig.log.cursor().gap_since is None
        assert rig.redo.calls == []
        await stage.crash()

    simulate(run)


def test_a_gap_outlives_a_crash_between_mending_and_looking_back() -> None:
    async def run() -> None:
        rig = UnpolledRig()
        rig.hook.active = False
        rig.breaks.append(ConnectionError("no snapshots for now"))
        stage = await rig.stage()
        await rig.pass_time(seconds=30)
        assert (rig.hook.active, rig.hinted()) == (True, [])
        await stage.crash()

        heir = await rig.stage()
        await rig.pass_time(minutes=1)

        assert rig.hinted() == rig.known
        assert rig.log.cursor().gap_since is None
        await heir.crash()

    simulate(run)


def test_known_returns_that_cannot_be_told_are_asked_for_again() -> None:
    async def run() -> None:
        rig = UnpolledRig()
        rig.hook.active = False
        rig.breaks.append(ConnectionError("no snapshots for now"))
        stage = await rig.stage()

        await rig.pass_time(minutes=5)

        assert rig.hinted() == rig.known
        await stage.crash()

    simulate(run)


def test_an_account_that_is_only_watched_takes_no_orders() -> None:
    async def run() -> None:
        rig = UnpolledRig()
        stage = await rig.stage()

        stage.work.accept(rig.order("backfill"))
        await rig.pass_time(minutes=1)

        assert rig.redo.calls == []
        assert rig.log.cursor().history is None
        await stage.crash()

    simulate(run)
