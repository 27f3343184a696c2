"""The demo as a newcomer runs it: the command, its defaults, its last lines."""

import subprocess
import sys

import pytest

_LIMIT = 240  # seconds; a run takes about forty


@pytest.mark.parametrize("platforms", ["redo", "redo,loop", "returngo,returnlogic"])
def test_the_demo_ends_by_itself_and_says_that_every_promise_held(
    platforms: str,
) -> None:
    options = ("--plain", "--returns", "4", "--duration", "5s", "--platform", platforms)
    command = (sys.executable, "-m", "bridge", "dev", *options)

    ended = subprocess.run(  # noqa: S603 - our own command
        command, capture_output=True, text=True, timeout=_LIMIT, check=False
    )

    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert "The run came to rest" in ended.stdout
    assert "Target dock:" in ended.stdout
    written_back = {"loop", "returngo", "returnlogic"}
    told = {name for name in written_back if f"Target {name}:" in ended.stdout}
    assert told == written_back.intersection(platforms.split(","))
    assert "0 sequence gaps" in ended.stdout
    assert "Traceback" not in ended.stderr
