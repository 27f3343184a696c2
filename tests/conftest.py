"""What all tests share: the Kafka of the run, and real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import Workers

pytest_plugins = ("tests.support.kafka_plugin",)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    """Give the means to run real processes; none outlives the test."""
    running = Workers(tmp_path)
    yield running
    running.close()
