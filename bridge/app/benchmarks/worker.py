"""The measured process: `python -m bridge.app.benchmarks.worker`, told what on stdin.

It plays one part as a real process does, on the same event loop and with the same
code, and says what it cost. The log is quiet, as with `telemetry.log_level: error`.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping

import orjson
import uvloop
from pydantic_core import to_json

from bridge import telemetry
from bridge.app.benchmarks import (
    deliver_worker,
    normalize_worker,
    platforms_worker,
    poison_worker,
    poll_worker,
    restore_worker,
)
from bridge.app.benchmarks.memory import peak_watched
from bridge.app.benchmarks.orders import (
    Cost,
    DeliverOrder,
    Listening,
    NormalizeOrder,
    PlatformsOrder,
    PoisonOrder,
    PollOrder,
    RestoreOrder,
    ServeOrder,
)
from bridge.app.bridge import ROLES, Bridge
from bridge.app.process import calm_collector
from bridge.clock import SystemClock
from bridge.errors import BridgeError

Given = Mapping[str, object]


def main() -> None:
    """Read the order, carry it out, say what it came to."""
    given: dict[str, object] = orjson.loads(sys.stdin.buffer.readline())
    part = PARTS[str(given.pop("part"))]
    telemetry.configure(telemetry.TelemetryOptions(log_level="error"))
    try:
        _say(uvloop.run(part(given)))
    except BridgeError as broken:
        _say({"error": str(broken)})


def _say(words: object) -> None:
    sys.stdout.buffer.write(to_json(words) + b"\n")
    sys.stdout.buffer.flush()


async def _deliver(given: Given) -> object:
    return await deliver_worker.work(DeliverOrder.model_validate(given))


async def _normalize(given: Given) -> object:
    return await normalize_worker.work(NormalizeOrder.model_validate(given))


async def _poison(given: Given) -> object:
    return await poison_worker.work(PoisonOrder.model_validate(given), _say)


async def _platforms(given: Given) -> object:
    return await platforms_worker.work(PlatformsOrder.model_validate(given), _say)


async def _poll(given: Given) -> object:
    return await poll_worker.work(PollOrder.model_validate(given))


async def _restore(given: Given) -> object:
    return await restore_worker.work(RestoreOrder.model_validate(given), _say)


async def _serve(given: Given) -> object:
    """Be a bridge until the standard input ends."""
    order = ServeOrder.model_validate(given)
    clock = SystemClock()
    bridge = Bridge(order.settings, ROLES[order.role], clock=clock)
    async with peak_watched(clock) as peak:
        try:
            _say(Listening(port=await bridge.start()))
            calm_collector()
            running = asyncio.create_task(bridge.run())
            told = asyncio.create_task(asyncio.to_thread(sys.stdin.buffer.read))
            await asyncio.wait((running, told), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
        finally:
            await bridge.stop()
        return Cost(peak=peak.highest)


PARTS: Mapping[str, Callable[[Given], Coroutine[None, None, object]]] = {
    "deliver": _deliver,
    "normalize": _normalize,
    "platforms": _platforms,
    "poison": _poison,
    "poll": _poll,
    "restore": _restore,
    "serve": _serve,
}

if __name__ == "__main__":
    main()
