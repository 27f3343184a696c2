"""Which subject's event goes first where not all can go at once."""

import asyncio
from datetime import timedelta

import pytest

from tests.support.clock import START, settle
from tests.support.events import make_event
from tests.support.fakes import Reply, paths
from tests.unit.delivery.bench import Bench, MakeBench, Partition

A, B, C, D = (f"redo/shop/{name}" for name in "abcd")
LATER = START + timedelta(milliseconds=100)


class Narrow:
    """A target that takes one call at a time, and is busy with one of subject D."""

    def __init__(self, bench: Bench, partition: Partition) -> None:
        self.bench = bench
        self.partition = partition
        self._answer = asyncio.Event()

    async def occupy(self) -> None:
        held = make_event(D, 1)
        self.bench.network.reply(held, Reply(release=self._answer))
        await self.partition.feed(held, offset=10)

    async def called_next(self) -> list[str]:
        """Let the call end; return the subjects of those that were made then."""
        before = len(self.bench.network.exchanges)
        self._answer.set()
        await settle()
        return paths(self.bench.network.exchanges)[before:]


@pytest.fixture
async def narrow(make_bench: MakeBench) -> Narrow:
    bench = make_bench(concurrency=1)
    partition = bench.partition()
    await partition.open()
    return Narrow(bench, partition)


async def test_a_subject_with_many_events_does_not_wait_for_all_others_each_time(
    narrow: Narrow,
) -> None:
    await narrow.occupy()
    await narrow.partition.feed(*(make_event(A, number) for number in (1, 2, 3)))
    later = make_event(B, 1), make_event(C, 1)
    await narrow.partition.feed(*later, offset=3, written_at=LATER)

    assert await narrow.called_next() == [A, A, A, B, C]


async def test_a_subject_that_failed_takes_its_turn_anew(narrow: Narrow) -> None:
    failing = make_event(A, 1)
    narrow.bench.network.reply(failing, Reply(500))
    await narrow.partition.feed(failing)
    await narrow.occupy()
    await narrow.partition.feed(make_event(B, 1), offset=1, written_at=LATER)
    await narrow.bench.wait(1)

    assert await narrow.called_next() == [B, A]


async def test_a_replay_takes_its_turn_when_it_is_let_go(narrow: Narrow) -> None:
    refused = make_event(A, 1)
    narrow.bench.network.reply(refused, Reply(422))
    await narrow.partition.feed(refused)
    narrow.partition.commit()
    await narrow.occupy()
    await narrow.partition.feed(make_event(B, 1), offset=1, written_at=LATER)
    await narrow.bench.wait(1)
    about = {"event_id": refused.id, "sequence": 1}
    await narrow.partition.instruct("retry", A, **about)

    assert await narrow.called_next() == [B, A]
