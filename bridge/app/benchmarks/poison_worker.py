"""The deliver stage with poisoned subjects among healthy ones, as they come in."""

import asyncio
import struct
from datetime import timedelta

import httpx

from bridge.app.benchmarks.memory import peak_watched
from bridge.app.benchmarks.orders import Given, Healthy, PoisonOrder, Reached, Say
from bridge.app.benchmarks.rows import percentile
from bridge.app.benchmarks.serving import serving, takes
from bridge.canonical.envelope import Event
from bridge.clock import Clock, SystemClock
from bridge.delivery.desk import Desk
from bridge.delivery.options import DeliveryOptions
from bridge.errors import BridgeError
from bridge.platforms.contract import (
    Context,
    Conversation,
    Delivered,
    Failed,
    Refused,
)

IN_FLIGHT, CALL = 64, timedelta(milliseconds=200)
POISONED = "redo/poison/"
#: The body: when the event was due; 0 where nobody asks, as while all warms up.
DUE = struct.Struct(">d")

_LIMIT = timedelta(minutes=3)
_REQUEST = httpx.Request("POST", "http://bench/")


class Patient:
    """A target that takes 80 ms for each call and never takes a poisoned subject."""

    def __init__(self, order: PoisonOrder, clock: Clock) -> None:
        self.name = order.target
        self.late: list[float] = []
        self.all_done = asyncio.Event()
        self._order = order
        self._clock = clock
        self._done = 0

    def deliver(self, event: Event, context: Context) -> Conversation:
        del context
        yield _REQUEST
        if event.subject.startswith(POISONED):
            return Refused("poisoned", "") if self._order.refuses else Failed("poison")
        self._note(DUE.unpack_from(event.body)[0])
        return Delivered()

    def _note(self, due: float) -> None:
        if due:
            self.late.append(self._clock.monotonic() - due)
        self._done += 1
        if self._done == self._order.healthy:
            self.all_done.set()


async def take(given: Given, say: Say) -> Healthy:
    """Say when events may come; return when all healthy ones were delivered."""
    order = PoisonOrder.model_validate(given)
    clock = SystemClock()
    patient = Patient(order, clock)
    options = DeliveryOptions(concurrency=IN_FLIGHT)
    desk = Desk(patient, options, clock, takes(CALL, clock))
    async with peak_watched(clock) as peak, serving(order, desk):
        say(Reached(at=clock.monotonic(), began=clock.monotonic()))
        try:
            async with asyncio.timeout(_LIMIT.total_seconds()):
                await patient.all_done.wait()
        except TimeoutError:
            raise BridgeError(f"healthy subjects stand still after {_LIMIT}") from None
    return Healthy(peak=peak.highest, p99=percentile(sorted(patient.late), 0.99))
