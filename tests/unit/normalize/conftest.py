"""Fixtures of the normalise stage's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.normalize.raw_partition import (
    Partition,
    Workers,
)


@pytest.fixture
async def workers(tmp_path: Path) -> AsyncIterator[Workers]:
    workers = Workers(tmp_path)
    yield workers
    workers.close()


@pytest.fixture
async def partition(workers: Workers) -> Partition:
    return await workers.open()
