"""Commands whose Kafka is away, or that are stopped: a sentence and no traceback."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from tests.support.broker import free_port
from tests.support.operating import Operator, write_config

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

COMMANDS = (
    ("topics", "check"),
    ("topics", "apply"),
    ("verify",),
    ("lag",),
    ("why", "redo/shop/1"),
    ("trace", "redo/shop/1"),
    ("dead", "list"),
    ("dead", "retry", "--yes"),
    ("pause", "redo/shop/1", "--target", "wms", "--because", "recount"),
    ("accounts", "status"),
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
async def test_a_broker_that_is_away_is_named_with_the_remedy(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    away = f"127.0.0.1:{free_port()}"
    config = write_config(tmp_path, away, "returns", "http://127.0.0.1:9")

    said = await Operator(config).says(*words)

    assert said.code == 1
    last = said.err.splitlines()[-1]
    assert last.startswith(f"Kafka at {away} does not answer (")
    assert "kafka.bootstrap" in last
    assert "Traceback" not in said.err


async def test_a_demo_that_is_stopped_says_that_nothing_was_checked() -> None:
    words = ("-m", "bridge", "dev", "--plain", "--returns", "5")
    demo = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert demo.stdout is not None
    await demo.stdout.readline()

    demo.send_signal(signal.SIGINT)
    _, said = await demo.communicate()

    assert demo.returncode == 130
    assert said.decode().splitlines()[-1] == (
        "Stopped before its end: nothing was checked."
    )
    assert b"Traceback" not in said
