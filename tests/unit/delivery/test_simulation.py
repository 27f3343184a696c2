"""Random days of one partition at one target, thousands of them, in simulated time.

Targets fail, ask for time, refuse and lose answers; operators retry, edit, discard,
pause and resume, with reason and without; commits take their time and may not say
where they wrote; workers are killed at any await, frozen while a successor takes over,
and let go in order. The checker of `returns-bridge verify` judges what was written, and
the simulated target judges the calls.
"""

import asyncio
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bridge.deadletters.instructions import Action
from bridge.deadletters.letter import from_headers
from bridge.deadletters.parked import STATE, ParkedEvent, decode, is_pause
from bridge.delivery.breaker import BreakerRules
from bridge.delivery.lanes import size_of
from bridge.delivery.options import DeliveryOptions
from bridge.inspection.findings import Report
from bridge.inspection.verify import Checker
from bridge.platforms.limits import Limit
from tests.support.simulated_time import simulate
from tests.unit.delivery.simulated_owner import Fate, Setting, SimulatedOwner
from tests.unit.delivery.simulation import BODY, SimulatedNetwork, Tape, World

_TARGET = "wms"
_PAUSES = (0.0, 0.2, 0.7, 3.0, 9.0, 40.0)
_SOON = timedelta(seconds=2)
_NERVOUS = BreakerRules(run=3, subjects=2)
_CALM = BreakerRules()
_SETTINGS = (
    Setting(DeliveryOptions(max_attempts=6, concurrency=3), _CALM),
    Setting(
        DeliveryOptions(
            max_attempts=6,
            concurrency=3,
            memory_limit=3 * size_of(BODY),
            park_after=_SOON,
        ),
        _NERVOUS,
    ),
    Setting(
        DeliveryOptions(
            max_attempts=2,
            concurrency=2,
            memory_limit=2 * size_of(BODY),
            park_behind=2,
            dead_limit=2,
        ),
        _CALM,
        (Limit(requests=3, per=timedelta(seconds=1)),),
    ),
    Setting(
        DeliveryOptions(
            max_attempts=3,
            concurrency=3,
            memory_limit=2 * size_of(BODY),
            on_dead="skip",
            park_after=_SOON,
        ),
        _NERVOUS,
    ),
)
_SUBJECTS = ("redo/shop/a", "redo/shop/b", "redo/shop/c", "redo/shop/d")
_ACTIONS: tuple[Action, ...] = (
    *("retry", "retry", "edit", "edit", "discard", "pause", "resume", "resume"),
)
_PATCH = [{"op": "replace", "path": "/return/number", "value": "mended"}]
_FATES = (
    Fate(),
    Fate(lasts=timedelta(milliseconds=30)),
    Fate(lasts=timedelta(seconds=2)),
    Fate(lasts=timedelta(seconds=2), late=True),
    Fate(told=False),
)


#: Days that broke a promise once, shortened.
FOUND = {
    "a head that died during a commit was taken for what the commit wrote": (
        "ed9893544512bf390abdcb1adaa39cae"
    ),
    "a lane parked during a commit was looked for where its note stood": (
        "fa16b673d3bd274513d4e1e07b829287"
    ),
    "a whole target was paused with the memory full": (
        "01000000000000000000000000006c0005050505"
    ),
}
#: Twenty thousand days in all; each seed is a test of its own, so that workers of
#: pytest can share them.
SEEDS, DAYS_A_SEED = range(10), 2_000


class Day:
    """One run from the first event to the last receipt."""

    def __init__(self, choices: bytes) -> None:
        tape = Tape(choices)
        self._setting = _SETTINGS[tape.next() % len(_SETTINGS)]
        self.world = World(tape, self._setting.options.on_dead)
        self.network = SimulatedNetwork(self.world)
        self.workers: list[SimulatedOwner] = []
        self._commits: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        await self._take_over()
        while not self.world.tape.ended:
            await self._step(self.world.tape.next())
            self.workers[-1].feed()
        await self._end()

    async def _take_over(self) -> None:
        worker = SimulatedOwner(
            self.world, self.network, self._setting, number=len(self.workers)
        )
        self.workers.append(worker)
        await worker.open()
        worker.feed()

    async def _step(self, choice: int) -> None:
        what, which = choice % 16, choice // 16
        if what < 5:
            await self.world.clock.sleep(timedelta(seconds=_PAUSES[which % 6]))
        elif what < 9:
            self.world.publish(_SUBJECTS[which % 4])
        elif what < 12:
            self._commit(_FATES[which % len(_FATES)])
        elif what < 14:
            self._order(which)
        elif which % 3 == 0:
            await self._replace(which // 3)

    def _commit(self, fate: Fate) -> None:
        task = asyncio.create_task(self.workers[-1].commit(fate))
        self._commits.add(task)
        task.add_done_callback(self._commits.discard)

    def _order(self, which: int) -> None:
        """Let an operator decide: half the time about what is dead, else blindly."""
        place = self.world.tape.next()
        action, subject = _ACTIONS[which % 8], _SUBJECTS[place // 2 % 4]
        if action in ("pause", "resume"):
            self.world.order(action, "*" if place % 8 == 0 else subject)
            return
        dead = sorted(parked.state.subject for parked in self.kept() if is_dead(parked))
        if place % 2 and dead:
            subject = dead[place // 2 % len(dead)]
        more: dict[str, object] = {"patch": _PATCH} if action == "edit" else {}
        lane = self.world.lanes.get(subject, [])
        if place // 8 % 4 == 0 and lane:
            event = lane[place // 32 % len(lane)]
            more |= {"event_id": event.id, "sequence": event.sequence}
        self.world.order(action, subject, force=place > 127, **more)

    async def _replace(self, what: int) -> None:
        former = self.workers[-1]
        if what % 3 == 0:
            former.lose()  # killed: its calls under way still have their effect
        elif what % 3 == 1:
            await former.release()
        await self._take_over()  # else frozen: it goes on until its next commit

    # ------------------------------------------------------------ the end of the day

    async def _end(self) -> None:
        """Let everything come to its end; operators decide about what is held."""
        worker = self.workers[-1]
        for _ in range(400):
            worker.feed()
            await self.world.clock.sleep(timedelta(seconds=20))
            await worker.commit()
            held = not worker.desk.busy
            if held and not self._decide() and worker.has_read_all:
                break
        await worker.commit()
        await asyncio.gather(*self._commits)
        for each in self.workers:
            each.lose()

    def _decide(self) -> bool:
        """Resume what is paused, retry or discard what is dead; False if nothing is."""
        live = self.world.kept.live()
        pauses = [key.removeprefix("pause:") for key in live if is_pause(key.encode())]
        for subject in pauses:
            self.world.order("resume", subject)
        dead = [parked.state for parked in self.kept() if is_dead(parked)]
        for number, state in enumerate(dead):
            action: Action = "discard" if number % 2 else "retry"
            self.world.order(action, state.subject, force=True)
        return bool(pauses or dead)

    def kept(self) -> Iterator[ParkedEvent]:
        """Iterate notes and events in the parked topic."""
        for key, record in self.world.kept.live().items():
            if STATE in record.headers:
                yield decode(key.encode(), record.value or b"", record.headers)

    def report(self) -> Report:
        """Return what `returns-bridge verify` would find."""
        checker = Checker([_TARGET])
        checker.progress(_TARGET, self.world.finished)
        for parked in self.kept():
            checker.parked(_TARGET, parked)
        for sheet in self.world.sheets:
            checker.sheet(_TARGET, sheet)
        for record in self.world.dead:
            about = from_headers(record.headers, record.key, record.value).about
            assert about is not None
            checker.dead(_TARGET, about.subject, about.sequence)
        for record, event in self.world.log:
            checker.event(event, event.time, record.offset)
        return checker.report()


def is_dead(parked: ParkedEvent) -> bool:
    return parked.state.death is not None


def spend(choices: bytes) -> Day:
    day = Day(choices)
    with capture_logs():
        simulate(day.run)
    return day


def judge(day: Day) -> None:
    """Raise AssertionError unless the day kept every promise."""
    report = day.report()
    (target,) = report.targets
    assert day.world.violations == []
    assert report.ok, report
    done = target.delivered + target.skipped + target.discarded + target.given_up
    assert done == target.events, report
    assert list(day.kept()) == []
    assert [worker.desk.memory.size for worker in day.workers] == [0] * len(day.workers)
    assert [worker.desk.in_flight for worker in day.workers] == [0] * len(day.workers)


def broken_days(seed: int) -> list[str]:
    """Return the choices, in hexadecimal, of random days that broke a promise."""
    dice = random.Random(seed)  # noqa: S311 - schedules
    days = [dice.randbytes(dice.randint(20, 80)) for _ in range(DAYS_A_SEED)]
    return [choices.hex() for choices in days if not _keeps(choices)]


def _keeps(choices: bytes) -> bool:
    try:
        judge(spend(choices))
    except AssertionError:
        return False
    return True


@settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.binary(min_size=20, max_size=120))
@example(b"")
def test_no_event_is_lost_overtaken_or_told_twice_without_need(
    choices: bytes,
) -> None:
    judge(spend(choices))


@pytest.mark.parametrize("seed", SEEDS)
def test_thousands_of_random_days_keep_every_promise(seed: int) -> None:
    """What breaks here goes, shortened, into FOUND."""
    # In a process of its own: nothing counts its lines, that would double the time.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        assert process.submit(broken_days, seed).result() == []


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_once_does_not_come_back(name: str) -> None:
    judge(spend(bytes.fromhex(FOUND[name])))
