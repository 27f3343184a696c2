"""What all tests share: the Kafka of the run, and real processes."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.processes import Workers

# A busy machine is no failure: time limits belong to the benchmarks.
settings.register_profile("bridge", deadline=None)
settings.load_profile("bridge")

# Who runs the tests in the background has SIGINT ignored, here and in what we start.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ("tests.support.kafka_plugin",)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    """Give the means to run real processes; none outlives the test."""
    running = Workers(tmp_path)
    yield running
    running.close()
