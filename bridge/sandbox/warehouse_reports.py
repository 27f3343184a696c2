"""How the warehouse tells what it found: signed webhooks, tried for a while.

Standard Webhooks (wms.md, section 7): the same id on every try, a fresh timestamp each
time, in order per document, some twice, some once more late. During a rotation one
header carries a signature of each secret. What is not taken is tried along a ladder;
a sender whose ladder ends gives the report up for good, and after too many of them
switches its subscription off.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import httpx
import orjson
from standardwebhooks import Webhook

from bridge.clock import Clock
from bridge.sandbox import outgoing
from bridge.sandbox.habits import Habits
from bridge.sandbox.messenger import Ladder
from bridge.sandbox.warehouse_documents import Document
from bridge.sandbox.warehouse_wording import Wording, Writer

_PATIENCE = timedelta(seconds=5)


def _seconds(*gaps: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=gap) for gap in gaps)


#: Goes on for years.
ENDLESS = Ladder(_seconds(0.25, 0.5, 1, 2), timedelta(seconds=4), timedelta(days=9_999))
#: Eight tries over about 28 hours, then the report is lost.
STANDARD = Ladder(
    _seconds(5, 300, 1_800, 7_200, 18_000, 36_000, 36_000), life=timedelta(days=2)
)


@dataclass(frozen=True, slots=True)
class ReportTo:
    """Where reports go and the `whsec_…` secret they are signed with.

    `more` are secrets that sign besides: both are good during a rotation.
    """

    url: str
    secret: str = field(repr=False)
    more: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Reporting:
    """How reports are written and sent.

    `lost` is the chance, 0 to 1, that one is never sent. With `late` each waits up to
    so long by itself, so they overtake each other. After `off_after` reports given up
    in a row nothing is sent any more. All waits are `hurry` times as short.
    """

    wording: Wording = field(default_factory=Wording)
    ladder: Ladder = ENDLESS
    lost: float = 0.0
    late: timedelta = timedelta()
    off_after: int | None = None
    hurry: float = 1.0


@dataclass(frozen=True, slots=True)
class Report:
    """One state of one document, written down."""

    id: str
    wms_return_id: str
    version: int
    content_type: str
    body: str = field(repr=False)


class Reporter:
    """Sends each document's reports one after another.

    Until somebody subscribes, reports wait. `sent` counts answers 2xx, repeats
    included, `lost` what was never sent or given up.
    """

    def __init__(
        self,
        account: str,
        *,
        clock: Clock,
        habits: Habits | None = None,
        reporting: Reporting | None = None,
    ) -> None:
        self.sent = 0
        self.retried = 0
        self.lost = 0
        self.reporting = reporting or Reporting()
        self._account = account
        self._clock = clock
        self._habits = habits or Habits()
        self._writer = Writer(account)
        self._subscription = asyncio.Event()
        self._to: ReportTo | None = None
        self._failures = 0
        self._queues: dict[str, deque[Report]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = outgoing.client(_PATIENCE)

    @property
    def pending(self) -> int:
        """How many senders still have something on the way."""
        return len(self._tasks)

    @property
    def is_on(self) -> bool:
        """Tell whether the subscription has not been switched off."""
        limit = self.reporting.off_after
        return limit is None or self._failures < limit

    def subscribe(self, to: ReportTo) -> None:
        """Send reports there from now on; what was switched off is on again."""
        self._to = to
        self._failures = 0
        self._subscription.set()

    def report(self, document: Document) -> None:
        """Write down the document as it stands and send it after earlier ones."""
        report = self._written(document)
        dice = self._dice(report)
        if dice.random() < self.reporting.lost or not self.is_on:
            self.lost += 1
            return
        if self.reporting.late:
            self._spawn(self._send_late(report, self.reporting.late * dice.random()))
            return
        queue = self._queues.get(report.wms_return_id)
        if queue is None:
            queue = self._queues[report.wms_return_id] = deque()
            self._spawn(self._work(queue))
        queue.append(report)

    async def close(self) -> None:
        """Throw away what is still on the way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    def _written(self, document: Document) -> Report:
        id_ = f"{self._account}-{document.wms_return_id}-{document.version}"
        wording = self.reporting.wording
        body = orjson.dumps(self._writer.body(id_, document, wording)).decode()
        return Report(
            id_, document.wms_return_id, document.version, wording.content_type, body
        )

    def _dice(self, report: Report) -> Random:
        # Not security: the run has to be the same for the same seed.
        return Random(f"{self._habits.seed}/{report.id}")  # noqa: S311

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, queue: deque[Report]) -> None:
        wms_return_id = queue[0].wms_return_id
        while queue:
            report = queue.popleft()
            await self._deliver(report)
            if self._habits.twice(wms_return_id, report.version):
                await self._deliver(report)
            later = self._habits.again_after(wms_return_id, report.version)
            if later is not None:
                self._spawn(self._send_late(report, later))
        del self._queues[wms_return_id]

    async def _send_late(self, report: Report, later: timedelta) -> None:
        await self._clock.sleep(later)
        await self._deliver(report)

    async def _deliver(self, report: Report) -> None:
        """Try along the ladder; at its end the report is lost."""
        await self._subscription.wait()
        waits = self.reporting.ladder.waits()
        while not await self._post(report):
            wait = next(waits, None)
            if wait is None:
                self.lost += 1
                self._failures += 1
                return
            self.retried += 1
            await self._clock.sleep(wait / self.reporting.hurry)
        self.sent += 1
        self._failures = 0

    async def _post(self, report: Report) -> bool:
        if self._to is None:
            return False
        headers = {
            "content-type": report.content_type,
            **self._signed(report, self._to),
        }
        try:
            response = await self._client.post(
                self._to.url, content=report.body, headers=headers
            )
        except httpx.HTTPError:
            return False
        return response.is_success

    def _signed(self, report: Report, to: ReportTo) -> Mapping[str, str]:
        """Sign with every secret that is in use, one signature after the other."""
        now = self._clock.now()
        signatures = [
            Webhook(secret).sign(report.id, now, report.body)
            for secret in (to.secret, *to.more)
        ]
        return {
            "webhook-id": report.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
