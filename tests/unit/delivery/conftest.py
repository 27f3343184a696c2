"""Fixtures of the deliver stage's tests."""

from collections.abc import AsyncIterator

import pytest

from tests.support.clock import settle
from tests.unit.delivery.bench import Bench, MakeBench, Partition


@pytest.fixture
async def make_bench() -> AsyncIterator[MakeBench]:
    make = MakeBench()
    yield make
    for bench in make.benches:
        for partition in bench.partitions:
            partition.work.drop()
        await settle()
        assert bench.network.overlaps == []


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    """Return a target with the default options."""
    return make_bench()


@pytest.fixture
async def partition(bench: Bench) -> Partition:
    """Return an open partition of that target."""
    partition = bench.partition()
    await partition.open()
    return partition
