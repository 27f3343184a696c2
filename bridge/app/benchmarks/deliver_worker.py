"""The deliver stage at work on a workload: the whole engine, with a target of time.

Lanes, policy, conversations, receipts and transactions are the real ones. The network
is replaced, and a call lasts as long as the record says, but for the workload of real
calls. Order is checked on the way: a measure of something that is wrong would be worth
nothing.
"""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import httpx

from bridge.app.benchmarks.backlog import Backlog, work_off
from bridge.app.benchmarks.memory import peak_watched, resident
from bridge.app.benchmarks.orders import DeliverOrder, Given, Say, Worked
from bridge.app.benchmarks.rows import percentile
from bridge.app.benchmarks.workloads import (
    PATIENCE,
    Work,
    Workload,
    decode,
    workload_named,
)
from bridge.app.stages import Served, deliver_member
from bridge.canonical.envelope import Event
from bridge.clock import Clock, SystemClock
from bridge.delivery.calls import Caller, Calls
from bridge.delivery.desk import Desk, Send
from bridge.delivery.options import DeliveryOptions
from bridge.errors import BridgeError
from bridge.platforms.contract import Context, Conversation, Delivered, Failed
from bridge.streams.groups import deliver_group
from bridge.streams.options import OwnershipOptions
from bridge.streams.restore import Reader

LIMIT = timedelta(minutes=5)

_OK = httpx.Response(200)


class Probe:
    """A `contract.Target` that keeps times, and sees that each key stays in order."""

    def __init__(self, name: str, workload: Workload, url: str = "") -> None:
        self.name = name
        self.all_done = asyncio.Event()
        self.memory: dict[int, float] = {}
        self.disorder = ""
        self.first = 0.0
        self.last = 0.0
        self.cpu = 0.0
        self._workload = workload
        self._next = [0] * workload.keys
        self._done = 0
        self._failed_keys: set[int] = set()
        self._done_at: list[tuple[int, float]] = []
        self._url = httpx.URL(url)
        self._requests = _requests(workload)

    def deliver(self, event: Event, context: Context) -> Conversation:
        work = decode(event.body)
        self._begin(work)
        yield self._request(event, work)
        if work.fails_once and context.attempt == 1:
            self._failed_keys.add(work.key)
            return Failed("meant_to_fail", PATIENCE)
        self._end(work)
        return Delivered()

    def _request(self, event: Event, work: Work) -> httpx.Request:
        if not self._url.host:
            return self._requests[work.micros]
        headers = {"idempotency-key": event.id}
        return httpx.Request("POST", self._url, headers=headers, content=event.body)

    def _begin(self, work: Work) -> None:
        if not self.first:
            self.first, self.cpu = time.perf_counter(), time.process_time()
        if self._next[work.key] != work.place:
            self.disorder = f"{work} came as number {self._next[work.key]}"
            self.all_done.set()

    def _end(self, work: Work) -> None:
        self._next[work.key] += 1
        self._done += 1
        self.last = time.perf_counter()
        if self._workload.zipf:
            self._done_at.append((work.key, self.last))
        if self._done in self._workload.checkpoints:
            self.memory[self._done] = resident()
        if self._done == self._workload.records:
            self.all_done.set()

    def healthy_p99(self, since: float) -> float | None:
        """Return by when, `since` then, 99 % were done of keys that never failed; s."""
        times = sorted(
            at - since for key, at in self._done_at if key not in self._failed_keys
        )
        return percentile(times, 0.99) if times else None

    def check(self) -> None:
        if self.disorder:
            raise BridgeError(f"out of order, nothing measured: {self.disorder}")

    def explain(self) -> str:
        return f"{self._done:,} of {self._workload.records:,} records were delivered"


def _requests(workload: Workload) -> dict[int, httpx.Request]:
    """Return a request for each length of work: making them is the vendor's part."""
    least, most = workload.micros
    return {micros: _request(micros) for micros in range(least, most + 1)}


def _request(micros: int) -> httpx.Request:
    work = {"work": timedelta(microseconds=micros)}
    return httpx.Request("POST", "http://bench/", extensions=work)


def _network(clock: Clock) -> Send:
    """Return a network where a call lasts as long as its request says."""

    async def send(request: httpx.Request, _: Calls) -> httpx.Response:
        work: timedelta = request.extensions["work"]
        if work:
            await clock.sleep(work)
        return _OK

    return send


async def alone(workload: Workload, clock: Clock) -> float | None:
    """Return how long the longest key takes here by itself; seconds, None if no matter.

    Nothing but its sleeps one after the other: a machine's timers are late, and a key's
    records wait for each other. What deliver takes beyond this is its own.
    """
    if not workload.is_bound_by_a_key:
        return None
    began = time.perf_counter()
    for wait in workload.longest_key():
        await clock.sleep(wait)
    return time.perf_counter() - began


async def take(given: Given, _: Say) -> Worked:
    """Deliver the whole workload; return when all is committed."""
    order = DeliverOrder.model_validate(given)
    clock, kafka, names = SystemClock(), order.options, order.names
    workload = replace(workload_named(order.workload), records=order.records)
    probe = Probe(order.target, workload, order.url)
    delivery = DeliveryOptions(concurrency=workload.in_flight)
    served = Served(probe, "bench", names, delivery, OwnershipOptions())
    caller = Caller(delivery, OwnershipOptions().call_deadline)
    send = caller.send if order.url else _network(clock)
    desk = Desk(probe, delivery, clock, send)
    reader = Reader(kafka, names.parked(probe.name), clock)
    member = deliver_member(kafka, served, desk, reader)
    backlog = Backlog(kafka, deliver_group(names.prefix, probe.name), names.events)
    async with peak_watched(clock) as peak:
        done = await work_off(backlog, member, probe, limit=LIMIT, clock=clock)
    await caller.close()
    return Worked(
        peak=peak.highest,
        seconds=probe.last - probe.first,
        committed=done.at - probe.first,
        cpu=done.cpu - probe.cpu,
        memory=probe.memory,
        healthy_p99=probe.healthy_p99(done.began),
        alone=await alone(workload, clock),
    )
