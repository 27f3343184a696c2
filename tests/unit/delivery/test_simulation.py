"""Random days of one partition at one target, thousands of them, in simulated time.

Targets fail, ask for time, refuse and lose answers; workers are killed, frozen while
a successor takes over, and let go in order. The checker of `returns-bridge verify`
judges the receipts, and the simulated target judges the calls.
"""

from datetime import timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bridge.deadletters.letter import from_headers
from bridge.delivery.options import DeliveryOptions
from bridge.inspection.findings import Report
from bridge.inspection.verify import Checker
from tests.support.simulated_time import simulate
from tests.unit.delivery.simulation import (
    SimulatedNetwork,
    SimulatedOwner,
    Tape,
    World,
)

_TARGET = "wms"
_PAUSES = (0.0, 0.2, 0.7, 3.0, 9.0, 40.0)
_OPTIONS = (
    DeliveryOptions(max_attempts=6, concurrency=3),
    DeliveryOptions(max_attempts=6, concurrency=3, memory_limit=60, on_dead="skip"),
)
_SUBJECTS = ("redo/shop/a", "redo/shop/b", "redo/shop/c", "redo/shop/d")


class Day:
    """One run from the first event to the last receipt."""

    def __init__(self, choices: bytes) -> None:
        self.world = World(Tape(choices))
        self.network = SimulatedNetwork(self.world)
        self.workers: list[SimulatedOwner] = []
        self._options = _OPTIONS[self.world.tape.next() % 2]

    async def run(self) -> None:
        await self._take_over()
        while not self.world.tape.ended:
            await self._step(self.world.tape.next())
            self.workers[-1].feed()
        await self._end()

    async def _take_over(self) -> None:
        worker = SimulatedOwner(
            self.world, self.network, self._options, number=len(self.workers)
        )
        self.workers.append(worker)
        await worker.open()
        worker.feed()

    async def _step(self, choice: int) -> None:
        what, which = choice % 16, choice // 16
        if what < 6:
            await self.world.clock.sleep(timedelta(seconds=_PAUSES[what]))
        elif what < 11:
            self.world.publish(_SUBJECTS[which % 4])
        elif what < 13:
            self.workers[-1].commit()
        elif which % 2:
            await self._replace(what)

    async def _replace(self, what: int) -> None:
        former = self.workers[-1]
        if what == 13:
            former.lose()  # killed: its calls under way still have their effect
        elif what == 14:
            await former.release()
        await self._take_over()  # else frozen: it goes on until its next commit

    async def _end(self) -> None:
        """Let everything come to its end; each change of owners takes its wait."""
        worker = self.workers[-1]
        for _ in range(200):
            worker.feed()
            await self.world.clock.sleep(timedelta(seconds=20))
            worker.commit()
            if worker.idle:
                break
        worker.commit()
        for each in self.workers:
            each.lose()

    def report(self) -> Report:
        """Return what `returns-bridge verify` would find."""
        checker = Checker([_TARGET])
        for sheet in self.world.sheets:
            checker.sheet(_TARGET, sheet)
        for record in self.world.dead:
            about = from_headers(record.headers, record.key, record.value).about
            assert about is not None
            checker.dead(_TARGET, about.subject, about.sequence)
        for _, event in self.world.log:
            checker.event(event, event.time)
        return checker.report()


def spend(choices: bytes) -> Day:
    day = Day(choices)
    with capture_logs():
        simulate(day.run)
    return day


@settings(
    max_examples=1000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.binary(min_size=20, max_size=120))
@example(b"")
def test_no_event_is_lost_overtaken_or_told_twice_without_need(
    choices: bytes,
) -> None:
    day = spend(choices)

    report = day.report()
    (target,) = report.targets
    assert day.world.violations == []
    assert report.ok, report
    assert report.settled, report
    assert target.delivered + target.held + target.given_up >= target.events
    assert [worker.desk.size for worker in day.workers] == [0] * len(day.workers)
    assert [worker.desk.in_flight for worker in day.workers] == [0] * len(day.workers)
