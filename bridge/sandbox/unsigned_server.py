"""What the simulators of ReturnGO and ReturnLogic stand on: all but what they say.

Both sign nothing and promise little of their webhooks; both count calls.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from random import Random
from typing import ClassVar, TypedDict, Unpack

import httpx
from starlette.applications import Starlette

from bridge.clock import Clock, SystemClock
from bridge.sandbox.calls import CallLog
from bridge.sandbox.control import Board, Deed, Modes, doors
from bridge.sandbox.faults import ERRORS, FaultPlan
from bridge.sandbox.front import Front
from bridge.sandbox.journal import Journal
from bridge.sandbox.messenger import Ladder, Messenger, Unreliable
from bridge.sandbox.quota import Limit, Quota
from bridge.sandbox.server import LoopbackServer
from bridge.sandbox.simulators import Manners, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsignedOptions:
    """How webhooks travel and are tried again, where the API listens, its faults."""

    webhooks: Unreliable = field(default_factory=Unreliable)
    ladder: Ladder = field(default_factory=Ladder)
    place: Place = field(default_factory=Place)
    manners: Manners = field(default_factory=Manners)


class Around(TypedDict, total=False):
    """What a simulator may be given; by itself it takes the real clock and network."""

    clock: Clock
    journal: Journal
    transport: httpx.AsyncBaseTransport


class UnsignedServer:
    """A running platform; `quota` has counted the calls, `messenger` the webhooks.

    `errors` is what it says when it is broken. `modes` are switched while it runs, also
    at its back door (`control.py`).
    """

    errors: ClassVar[Sequence[int]] = ERRORS

    def __init__(
        self,
        name: str,
        options: UnsignedOptions,
        limits: Iterable[Limit],
        **around: Unpack[Around],
    ) -> None:
        self.clock = around.get("clock") or SystemClock()
        self.journal = around.get("journal") or Journal(self.clock)
        self.quota = Quota(limits, self.clock)
        self.messenger = Messenger(
            clock=self.clock,
            journal=self.journal,
            ladder=options.ladder,
            habits=options.webhooks,
            transport=around.get("transport"),
        )
        manners = options.manners
        self.front = Front(
            name,
            clock=self.clock,
            faults=FaultPlan(manners.faults, manners.seed, self.errors),
            log=CallLog(manners.calls_file),
            hold=manners.hold,
        )
        self._place = options.place
        self.modes: Modes
        self._server: LoopbackServer

    def serve(
        self, app: Starlette, boards: Iterable[Board], deeds: Mapping[str, Deed]
    ) -> None:
        """Say what is served; called once, before `start`."""
        travel = Board(
            (self.messenger,), "habits", ("lost", "twice", "delayed", "late")
        )
        cut_off = Board((self.messenger,), "cut_off")
        self.modes = Modes([*boards, travel, cut_off], self.switched)
        self.switched()
        app.router.routes.extend(doors(self.modes, deeds))
        place = self._place
        self._server = LoopbackServer(
            app, host=place.host, port=place.port, clock=self.clock
        )

    def switched(self) -> None:
        """Follow modes that were switched, where that takes more than noting them."""

    @property
    def url(self) -> str:
        """The API's base."""
        return self._server.url

    @property
    def idle(self) -> bool:
        """Tell whether no webhook is on its way."""
        return self.messenger.pending == 0

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        self.front.close()
        await self.messenger.close()
        await self._server.stop()


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How people come: one `every` so often, each with a luck of their own.

    Without end unless `returns` says how many.
    """

    every: timedelta
    returns: int | None
    seed: int

    async def each(
        self, live: Callable[[float], Awaitable[object]], clock: Clock
    ) -> None:
        """Let everybody live; return when the last is done."""
        dice = Random(self.seed)  # noqa: S311  not security
        people = count() if self.returns is None else range(self.returns)
        async with asyncio.TaskGroup() as lives:
            for _ in people:
                lives.create_task(_lived(live, dice.random()))
                await clock.sleep(self.every)


async def _lived(live: Callable[[float], Awaitable[object]], luck: float) -> None:
    await live(luck)
