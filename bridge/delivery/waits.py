"""Waits: which lanes of one partition may go on now, and which ones have to wait.

Hands ready lanes to the pool. Decides nothing: why a lane waits and for how long is
said by whoever puts it aside.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from functools import partial

from bridge.deadletters.standing import WaitReason
from bridge.delivery.desk import Desk
from bridge.delivery.lanes import Lane, Lanes, Letter
from bridge.delivery.parking import OWN_REASONS
from bridge.telemetry import metrics

#: What a lane waits for again after a restart, by the outcome of its last attempt.
_AGAIN = {"throttled": WaitReason.THROTTLED, "not_yet": WaitReason.NOT_YET}


class Waits:
    """The lanes that are ready, and those that wait, of one partition.

    Until `open` every lane waits for the handover.
    """

    def __init__(
        self, desk: Desk, lanes: Lanes, work: Callable[[Lane], Awaitable[None]]
    ) -> None:
        self._desk = desk
        self._lanes = lanes
        self._work = work
        self._opened = False
        self._timers: set[asyncio.Task[None]] = set()

    def put(self, lane: Lane) -> None:
        """Let the lane go on: to the pool, unless its head is dead."""
        due = self._due(lane)
        if lane.why is not None:
            self._count(lane, lane.why)
            self._lanes.ready(lane)
        if lane.letters[0].death is not None:
            self.hold(lane, WaitReason.DEAD)
        elif self._opened:
            self._desk.pool.put(partial(self._work, lane), due)
        else:
            self.hold(lane, WaitReason.HANDOVER)

    def _due(self, lane: Lane) -> int:
        """Return since when it is the lane's turn (ms): since its head was written.

        A lane that failed, or is replayed, has its turn from now on: it is not to stand
        in the way of those that work.
        """
        if lane.replay or lane.why in OWN_REASONS:
            return int(self._desk.clock.now().timestamp() * 1000)
        return lane.letters[0].timestamp

    def _count(self, lane: Lane, why: WaitReason) -> None:
        waited = self._desk.clock.monotonic() - lane.since
        metrics.WAITED_SECONDS.labels(self._desk.target.name, why).inc(waited)

    def hold(self, lane: Lane, why: WaitReason) -> None:
        """Put the lane aside until something happens."""
        self._lanes.wait(lane, why, self._desk.clock.monotonic())

    def wait(self, lane: Lane, why: WaitReason, after: timedelta) -> None:
        """Put the lane aside for so long."""
        self.hold(lane, why)
        self.start(self._put_later(lane, lane.turn, after))

    async def _put_later(self, lane: Lane, turn: int, after: timedelta) -> None:
        await self._desk.clock.sleep(after)
        if lane.turn == turn and lane.why is not None:
            self.put(lane)

    def resume(self, lane: Lane) -> None:
        """Let a lane go on whose head was kept: it waits for what is left of its time.

        Never longer than was planned, whatever the clock on the wall has done since.
        """
        head = lane.head
        trouble = head.trouble if isinstance(head, Letter) else None
        if trouble is None or not (trouble.next_try_at and trouble.last_tried_at):
            self.put(lane)
            return
        left = trouble.next_try_at - self._desk.clock.now()
        planned = trouble.next_try_at - trouble.last_tried_at
        if head.death is not None or left <= timedelta():
            self.put(lane)
            return
        why = _AGAIN.get(trouble.last_outcome, WaitReason.RETRY)
        self.wait(lane, why, min(left, planned))

    def open(self) -> None:
        """Calls may start: let all lanes go that waited for it."""
        self._opened = True
        self.wake(WaitReason.HANDOVER)

    def wake(self, *reasons: WaitReason) -> None:
        """Let all lanes go that wait for one of these."""
        for lane in self._lanes.waiting_for(*reasons):
            self.put(lane)

    def start(self, coroutine: Coroutine[None, None, None]) -> None:
        """Run something that ends with this partition."""
        timer = asyncio.create_task(coroutine)
        self._timers.add(timer)
        timer.add_done_callback(self._timers.discard)

    def stop(self) -> None:
        """Forget all timers."""
        for timer in self._timers:
            timer.cancel()
