"""A target that only records: who called, about what, from when to when."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import orjson
from aiohttp import web


@dataclass(frozen=True, slots=True)
class Recorded:
    """One call; times are seconds since the epoch on this machine's clock."""

    worker: str
    subject: str
    sequence: int
    key: str
    started: float
    ended: float


class Recorder:
    """Takes CloudEvents at `/<worker>` and answers after `pause` seconds."""

    def __init__(self, pause: float = 0.1) -> None:
        self.calls: list[Recorded] = []
        self._pause = pause
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen on a free port; return the base URL."""
        app = web.Application()
        app.router.add_post("/{worker}", self._take)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def serve(self, key: str, request: web.Request) -> web.Response:
        """Do the target's own work about the event `key`."""
        del key, request
        await asyncio.sleep(self._pause)
        return web.json_response({"accepted": True}, status=202)

    async def _take(self, request: web.Request) -> web.Response:
        started = time.time()
        event = orjson.loads(await request.read())
        key = request.headers["webhook-id"]
        try:
            return await self.serve(key, request)
        finally:  # a caller that has gone away has called all the same
            self.calls.append(
                Recorded(
                    worker=request.match_info["worker"],
                    subject=event["subject"],
                    sequence=int(event["sequence"]),
                    key=key,
                    started=started,
                    ended=time.time(),
                )
            )

    def delivered(self) -> int:
        """Return how many different events have been called about."""
        return len({call.key for call in self.calls})

    def repeats(self) -> int:
        """Return how many calls were made again."""
        return len(self.calls) - self.delivered()

    def by(self, worker: str, since: float) -> list[datetime]:
        """Return when `worker` began calls at or after `since`."""
        return [
            datetime.fromtimestamp(call.started, UTC)
            for call in self.calls
            if call.worker == worker and call.started >= since
        ]

    def disorder(self) -> list[str]:
        """Return every overlap and every inversion, in words."""
        return disorder(self.calls)

    def tally(self) -> Counter[str]:
        """Return how many calls each worker made."""
        return Counter(call.worker for call in self.calls)


def disorder(calls: Iterable[Recorded]) -> list[str]:
    """Return every overlap and every inversion among `calls`, in words.

    An event that was called about before may be called about again (its receipt
    was lost); one that comes for the first time may not follow a later one.
    """
    lanes: dict[str, list[Recorded]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.started):
        lanes[call.subject].append(call)
    return [fault for lane in lanes.values() for fault in _faults(lane)]


def _faults(lane: list[Recorded]) -> Iterator[str]:
    for before, after in pairwise(lane):
        if after.started < before.ended:
            yield f"overlap: {before} and {after}"
    known: set[int] = set()
    for call in lane:
        if call.sequence not in known and call.sequence < max(known, default=0):
            yield f"inversion: {call} after {max(known)}"
        known.add(call.sequence)
