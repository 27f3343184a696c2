"""How the warehouse tells what it found: signed webhooks, tried until they are taken.

Standard Webhooks over a CloudEvents envelope (wms.md, section 7): the same id on every
try, a fresh timestamp each time, in order per document, some twice, some once more
late.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import orjson
from standardwebhooks import Webhook

from bridge.clock import Clock
from bridge.sandbox.front import Json
from bridge.sandbox.habits import Habits
from bridge.sandbox.warehouse_documents import Document, snapshot

_FIRST_WAIT = timedelta(milliseconds=250)
_LONGEST_WAIT = timedelta(seconds=4)
_PATIENCE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class ReportTo:
    """Where reports go and the `whsec_…` secret they are signed with."""

    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """One state of one document, written down."""

    id: str
    wms_return_id: str
    version: int
    body: str = field(repr=False)


class Reporter:
    """Sends each document's reports one after another; gives up never.

    Until somebody subscribes, reports wait. `sent` counts answers 2xx, repeats
    included.
    """

    def __init__(
        self, account: str, *, clock: Clock, habits: Habits | None = None
    ) -> None:
        self.sent = 0
        self.retried = 0
        self._account = account
        self._clock = clock
        self._habits = habits or Habits()
        self._subscription = asyncio.Event()
        self._to: ReportTo | None = None
        self._numbers: Counter[str] = Counter()
        self._queues: dict[str, deque[Report]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(timeout=_PATIENCE.total_seconds())

    @property
    def pending(self) -> int:
        """How many senders still have something on the way."""
        return len(self._tasks)

    def subscribe(self, to: ReportTo) -> None:
        self._to = to
        self._subscription.set()

    def report(self, document: Document) -> None:
        """Write down the document as it stands and send it after earlier ones."""
        report = self._written(document)
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
        data = snapshot(document)
        envelope: Json = {
            "specversion": "1.0",
            "id": id_,
            "source": f"urn:wms:{self._account}",
            "type": "wms.return.changed",
            "subject": document.wms_return_id,
            "time": data["updated_at"],
            "datacontenttype": "application/json",
            "dataschema": "urn:returns-bridge:wms.return-snapshot:1",
            "data": data,
        }
        body = orjson.dumps(envelope).decode()
        return Report(id_, document.wms_return_id, document.version, body)

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
        await self._subscription.wait()
        wait = _FIRST_WAIT
        while not await self._post(report):
            self.retried += 1
            await self._clock.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)
        self.sent += 1

    async def _post(self, report: Report) -> bool:
        if self._to is None:
            return False
        now = self._clock.now()
        signature = Webhook(self._to.secret).sign(report.id, now, report.body)
        headers = {
            "content-type": "application/cloudevents+json",
            "webhook-id": report.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
        try:
            response = await self._client.post(
                self._to.url, content=report.body, headers=headers
            )
        except httpx.HTTPError:
            return False
        return response.is_success
