"""One account being polled: its live walk, and a backfill beside it.

Each lane asks for one page after another. What a page brought and the cursor behind
it are handed over together; nothing is awaited between the two. A page that does not
come leaves the cursor where it is.

    back-off after failures in a row   1, 2, 5, 10, 20, 40, 60, 120, 300 s, ± 20 %
    never before the platform asks for it with Retry-After
"""

import asyncio
import hashlib
from datetime import datetime, timedelta
from functools import partial

from cachetools import LRUCache

from bridge.inbound.conversing import converse
from bridge.inbound.polling_calls import AccountCalls
from bridge.inbound.polling_desk import Hands, PollDesk
from bridge.platforms.contract import (
    Failed,
    Hint,
    Observation,
    Refused,
    Throttled,
    Unauthorized,
)
from bridge.platforms.cursor import (
    Cursor,
    Lane,
    Order,
    Walk,
    troubled,
)
from bridge.platforms.pages import ask, expired, turned
from bridge.platforms.walk import Expired, Found, Page, PageOutcome, Poll
from bridge.platforms.windows import begin, cancel, due_at, fill, history, rewind
from bridge.streams.hints import to_hint
from bridge.streams.raw import observation_id, to_raw
from bridge.streams.records import Outgoing
from bridge.streams.topics import MESSAGE_LIMIT

#: Waits after failures in a row, in seconds; the last one for all that follow.
DELAYS = (1, 2, 5, 10, 20, 40, 60, 120, 300)
#: After an answer that no repetition changes: credentials, a request not understood.
REFUSED_FOR = timedelta(minutes=5)
#: Bodies remembered, so that the overlap of windows is not written twice.
REMEMBERED = 4_096
#: Windows of a backfill are cut to this, so that its progress shows.
CHUNK = timedelta(days=7)
_LARGEST = MESSAGE_LIMIT - 64 * 1024


class AccountPoll(AccountCalls):
    """One account that is polled, in the hands of its partition's owner."""

    def __init__(
        self, poll: Poll, cursor: Cursor, desk: PollDesk, hands: Hands
    ) -> None:
        super().__init__(poll.account, cursor, desk, hands)
        self._poll = poll
        self._alarms: dict[Lane, asyncio.Event] = {
            "live": asyncio.Event(),
            "history": asyncio.Event(),
        }
        self._failures: dict[Lane, int] = {"live": 0, "history": 0}
        self._seen: LRUCache[str, bytes] = LRUCache(REMEMBERED)

    # ------------------------------------------------------------ the lanes

    async def live(self) -> None:
        """Walk whenever it is time, for ever."""
        while True:
            now = self._now()
            wait = due_at(self.cursor, self._poll.rhythm, now) - now
            if wait > timedelta():
                await self._rest("live", wait)
                continue
            if self.cursor.live is None:
                self.cursor = begin(self.cursor, self._poll.rhythm, now)
            await self._turn("live")

    async def history(self) -> None:
        """Walk through history whenever somebody ordered it, for ever."""
        while True:
            if self.cursor.history is None:
                await self._alarms["history"].wait()
                self._alarms["history"].clear()
            else:
                await self._turn("history")

    def take_on(self, order: Order) -> None:
        """Change what is walked; an order that was taken on before changes nothing."""
        rhythm, now = self._poll.rhythm, self._now()
        match order.kind:
            case "backfill":
                steps = history(rhythm, order.since, order.until, chunk=CHUNK)
                self.cursor = fill(self.cursor, order.id, steps, now)
            case "gap":
                self.cursor = rewind(self.cursor, order.id, order.since)
            case "cancel":
                self.cursor = cancel(self.cursor, order.id)
        for alarm in self._alarms.values():
            alarm.set()

    def looked_after(self, cursor: Cursor) -> None:
        """Take over what the watch over the webhooks has changed; walk if it is due."""
        super().looked_after(cursor)
        self._alarms["live"].set()

    async def look_back(self, since: datetime) -> None:
        """Let the next walk begin where all was well: a gap poll."""
        order = f"gap-{self._now().isoformat()}"
        self.looked_after(rewind(self.cursor, order, since))

    async def _rest(self, lane: Lane, wait: timedelta) -> None:
        """Wait for the next walk, or until an order comes."""
        alarm = self._alarms[lane]
        alarm.clear()
        waits = {
            asyncio.ensure_future(self._desk.clock.sleep(wait)),
            asyncio.ensure_future(alarm.wait()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    # ------------------------------------------------------------ one page

    async def _turn(self, lane: Lane) -> None:
        """Ask for the next page of a lane's walk, and do what follows."""
        await self.hands.room_for_more()
        walk = self.cursor.walk(lane)
        if walk is None:
            return
        outcome = await self._ask(lane, walk)
        if self.cursor.walk(lane) is not walk:
            return  # an order has changed meanwhile what is walked
        self._report.page(outcome)
        match outcome:
            case Page():
                self._failures[lane] = 0
                self._keep(lane, outcome)
            case Expired():
                self._turned(lane, expired(self.cursor, lane, self._now()), [])
            case Throttled():
                wait = outcome.retry_after or self._delay(lane)
                await self._desk.clock.sleep(wait)
            case Failed():
                await self._trouble(lane, outcome.reason, self._after(lane, outcome))
            case Refused() | Unauthorized():
                await self._trouble(lane, outcome.reason, REFUSED_FOR)

    async def _ask(self, lane: Lane, walk: Walk) -> PageOutcome:
        paging = self._poll.page(ask(walk, self._now(), self.cursor.memory))
        return await converse(paging, partial(self.call, lane))

    # ------------------------------------------------------------ what follows

    def _keep(self, lane: Lane, page: Page) -> None:
        records = [
            record
            for found in page.found
            if (record := self._record(lane, found)) is not None
        ]
        self._report.found(lane, page, len(records))
        cursor = turned(self.cursor, lane, page, self._poll.rhythm, self._now())
        self._turned(lane, cursor, records)

    def _turned(self, lane: Lane, cursor: Cursor, records: list[Outgoing]) -> None:
        """Hand over records and cursor as one."""
        self._report.turned(lane, self.cursor, cursor, self._now())
        self.cursor = cursor
        self.hands.write(self.name, records)

    def _record(self, lane: Lane, found: Found) -> Outgoing | None:
        """Return the record of what was found; None if it was written just now."""
        digest = hashlib.sha256(found.body or _stamp(found)).digest()
        if self._seen.get(found.subject) == digest and lane == "live":
            return None
        self._seen[found.subject] = digest
        if found.body is None:
            return self._hint(found)
        if len(found.body) > _LARGEST:
            self._report.too_large(found.subject)
            return None
        observation = Observation(
            id=observation_id(self.name, found.subject, found.body, None),
            subject=found.subject,
            platform=self._poll.platform,
            account=self.name,
            channel="poll" if lane == "live" else "replay",
            received_at=self._now(),
            body=found.body,
        )
        return to_raw(observation, self._desk.topics.raw)

    def _hint(self, found: Found) -> Outgoing:
        hint = Hint(
            subject=found.subject,
            reason="listed",
            delivery_id=_stamp(found).decode(),
            received_at=self._now(),
        )
        return to_hint(hint, self._desk.topics.hints)

    async def _trouble(self, lane: Lane, reason: str, wait: timedelta) -> None:
        """Say why no page comes, and come back later; the cursor stays."""
        self.cursor = troubled(self.cursor, reason, self._now())
        self._report.failed(lane, reason)
        self.hands.write(self.name, [])
        await self._desk.clock.sleep(wait)

    def _after(self, lane: Lane, failed: Failed) -> timedelta:
        return max(self._delay(lane), failed.retry_after or timedelta())

    def _delay(self, lane: Lane) -> timedelta:
        number = min(self._failures[lane], len(DELAYS) - 1)
        self._failures[lane] += 1
        return timedelta(seconds=DELAYS[number] * (0.8 + 0.4 * self._desk.jitter()))


def _stamp(found: Found) -> bytes:
    return found.stamp.isoformat().encode() if found.stamp else b""
