"""The measured process: `python -m bridge.app.benchmarks.worker`, told what on stdin.

It plays one part as a real process does, on the same event loop and with the same
code, and says what it cost. The log is quiet, as with `telemetry.log_level: error`.
Only the part it plays is imported, so that the memory it takes is that part's.
"""

import pkgutil
import sys
from collections.abc import Callable, Coroutine

import orjson
import uvloop
from pydantic_core import to_json

from bridge import telemetry
from bridge.app.benchmarks.orders import Given, Say
from bridge.errors import BridgeError

Take = Callable[[Given, Say], Coroutine[None, None, object]]


def main() -> None:
    """Read the order, carry it out, say what it came to."""
    given: dict[str, object] = orjson.loads(sys.stdin.buffer.readline())
    module = f"{__package__}.{given.pop('part')}_worker"
    take: Take = pkgutil.resolve_name(f"{module}:take")
    telemetry.configure(telemetry.TelemetryOptions(log_level="error"))
    try:
        _say(uvloop.run(take(given, _say)))
    except BridgeError as broken:
        _say({"error": str(broken)})


def _say(words: object) -> None:
    sys.stdout.buffer.write(to_json(words) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
