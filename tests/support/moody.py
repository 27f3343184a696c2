"""A target in bad moods: fails, dawdles, throttles, loses answers, refuses for good."""

import asyncio
import random
import time
import zlib
from collections import defaultdict
from dataclasses import dataclass
from enum import Enum, auto

from aiohttp import web

from tests.support.recorder import Recorder


class Mood(Enum):
    """What holds for every call at a time."""

    ORDINARY = auto()
    CALM = auto()
    DOWN = auto()
    REVOKED = auto()
    BUSY = auto()


@dataclass(frozen=True, slots=True)
class Taking:
    """It took an event from `worker`, and `told` it so; seconds since the epoch."""

    worker: str
    started: float
    ended: float
    told: bool


class MoodyTarget(Recorder):
    """Records every call; `taken` has by event id each time it took one.

    One event in a hundred is refused. When all is calm, one in four of these still is:
    once more as before, if it comes for the first time, and then for another reason.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(pause=0.005)
        self.mood = Mood.ORDINARY
        self.taken: defaultdict[str, list[Taking]] = defaultdict(list)
        self._refused: set[str] = set()
        self._dice = random.Random(seed)  # noqa: S311 - moods

    async def serve(  # noqa: PLR0911 - one line for each mood
        self, key: str, request: web.Request
    ) -> web.Response:
        match self.mood:
            case Mood.CALM:
                return await self._calm(key, request)
            case Mood.DOWN:
                return _hang_up(request)
            case Mood.REVOKED:
                return web.json_response({"error": "token"}, status=401)
            case Mood.BUSY:
                return web.Response(status=429, headers={"Retry-After": "1"})
            case Mood.ORDINARY:
                return await self._ordinary(key, request)

    async def _calm(self, key: str, request: web.Request) -> web.Response:
        if zlib.crc32(key.encode()) % 400:
            return await self._take_it(key, request)
        if key in self._refused:
            return web.json_response({"error": "closed"}, status=400)
        return self._refuse(key)

    def _refuse(self, key: str) -> web.Response:
        self._refused.add(key)
        return web.json_response({"error": "no such SKU"}, status=422)

    async def _ordinary(self, key: str, request: web.Request) -> web.Response:
        if zlib.crc32(key.encode()) % 100 == 0:
            return self._refuse(key)
        dice = self._dice.random()
        if dice < 0.02:
            return web.Response(status=503)
        if dice < 0.03:
            await asyncio.sleep(1)
        return await self._take_it(key, request, told=dice <= 0.995)

    async def _take_it(
        self, key: str, request: web.Request, *, told: bool = True
    ) -> web.Response:
        started = time.time()
        response = await super().serve(key, request)
        worker = request.match_info["worker"]
        self.taken[key].append(Taking(worker, started, time.time(), told))
        return response if told else _hang_up(request)


def _hang_up(request: web.Request) -> web.Response:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=500)
