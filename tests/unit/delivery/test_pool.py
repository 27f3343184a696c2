"""The pool: never too many at once, nobody forgotten, nobody starved."""

import asyncio
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.pool import Pool
from tests.support.clock import FakeClock, settle
from tests.support.simulated_time import LoopClock, simulate


class Jobs:
    """Counts what runs; each job takes some milliseconds, or none at all."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.done: list[int] = []

    async def run(self, number: int, milliseconds: int) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        if milliseconds:
            await asyncio.sleep(milliseconds / 1000)
        self.running -= 1
        self.done.append(number)


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=60),
)
def test_every_job_is_done_and_never_too_many_at_once(
    concurrency: int, plan: list[tuple[int, int]]
) -> None:
    jobs = Jobs()

    async def run() -> None:
        pool = Pool(concurrency, LoopClock())
        for number, (pause, milliseconds) in enumerate(plan):
            if pause:  # often just as a worker has run out of jobs
                await asyncio.sleep(pause / 1000)
            pool.put(partial(jobs.run, number, milliseconds), 0)
        await asyncio.sleep(10)

    simulate(run)

    assert sorted(jobs.done) == list(range(len(plan)))
    assert jobs.most <= concurrency


async def test_jobs_that_wait_run_side_by_side_up_to_the_limit() -> None:
    pool, release, running = Pool(3, FakeClock()), asyncio.Event(), list[int]()

    async def job() -> None:
        running.append(1)
        await release.wait()

    for _ in range(10):
        pool.put(job, 0)
    await settle()
    first = len(running)
    release.set()
    await settle()

    assert (first, len(running)) == (3, 10)


async def test_jobs_begin_in_the_order_they_are_due_and_came() -> None:
    pool, begun = Pool(2, FakeClock()), list[int]()

    def job(number: int, due: int) -> None:
        async def run() -> None:
            begun.append(number)
            await asyncio.sleep(0)

        pool.put(run, due)

    for number, due in enumerate([3, 1, 2, 1, 3]):
        job(number, due)
    await settle()

    assert begun == [1, 3, 2, 0, 4]


async def test_a_job_put_by_a_job_is_done_too() -> None:
    pool, done = Pool(1, FakeClock()), list[str]()

    async def second() -> None:
        done.append("second")

    async def first() -> None:
        done.append("first")
        pool.put(second, 0)

    pool.put(first, 0)
    await settle()

    assert done == ["first", "second"]


class Working(FakeClock):
    """A clock on which a tenth of a millisecond passes between two looks."""

    def __init__(self) -> None:
        super().__init__()
        self._looks = 0

    def monotonic(self) -> float:
        self._looks += 1
        return super().monotonic() + self._looks / 10_000


async def test_work_that_never_waits_leaves_others_their_turn() -> None:
    pool, left, done = Pool(1, Working()), 10_000, asyncio.Event()

    async def again() -> None:
        nonlocal left
        left -= 1
        pool.put(again, 0) if left else done.set()

    pool.put(again, 0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert 9_900 < left < 10_000
    await done.wait()
