"""A target in bad moods: fails, dawdles, throttles, loses answers, refuses for good."""

import asyncio
import random
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable
from enum import Enum, auto

from aiohttp import web

from tests.support.recorder import Recorder

Answer = Callable[[str, web.Request], Awaitable[web.Response]]


class Mood(Enum):
    """What holds for every call at a time."""

    ORDINARY = auto()
    CALM = auto()
    DOWN = auto()
    REVOKED = auto()
    BUSY = auto()


class MoodyTarget(Recorder):
    """Records every call; `accepted` counts by event what it took.

    `lost` is how often it took an event and did not say so. One event in a hundred is
    refused for good, until all is calm.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(pause=0.005)
        self.mood = Mood.ORDINARY
        self.accepted: Counter[str] = Counter()
        self.lost = 0
        self._dice = random.Random(seed)  # noqa: S311 - moods

    async def serve(  # noqa: PLR0911 - one line for each mood
        self, key: str, request: web.Request
    ) -> web.Response:
        match self.mood:
            case Mood.CALM:
                return await self._accept(key, request)
            case Mood.DOWN:
                return _hang_up(request)
            case Mood.REVOKED:
                return web.json_response({"error": "token"}, status=401)
            case Mood.BUSY:
                return web.Response(status=429, headers={"Retry-After": "1"})
            case Mood.ORDINARY:
                return await self._ordinary(key, request)

    async def _ordinary(self, key: str, request: web.Request) -> web.Response:
        if zlib.crc32(key.encode()) % 100 == 0:
            return web.json_response({"error": "no such SKU"}, status=422)
        dice = self._dice.random()
        if dice < 0.02:
            return web.Response(status=503)
        if dice < 0.03:
            await asyncio.sleep(1)
        response = await self._accept(key, request)
        if dice > 0.995:
            self.lost += 1
            return _hang_up(request)
        return response

    async def _accept(self, key: str, request: web.Request) -> web.Response:
        response = await super().serve(key, request)
        self.accepted[key] += 1
        return response

    def taken_again(self) -> int:
        """Return how often it took an event that it had taken already."""
        return self.accepted.total() - len(self.accepted)


def _hang_up(request: web.Request) -> web.Response:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=500)
