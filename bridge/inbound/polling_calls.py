"""One account in the hands of its partition's owner: its calls and its cursor.

An account that cannot be polled is no more than this: its webhooks are watched all the
same, and what a gap may have hidden is looked for among the returns that are known.
"""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from bridge.inbound.polling_desk import Hands, PollDesk
from bridge.inbound.polling_report import Report
from bridge.platforms.contract import Failed, Hint
from bridge.platforms.cursor import Cursor, Lane, called, synchronised
from bridge.streams.hints import to_hint
from bridge.streams.records import Outgoing

#: A platform whose clock is further off than this is not believed about the time.
MOST_SKEW = timedelta(days=7)
#: Hints handed over at once.
BATCH = 500
#: How often is seen whether what targets used is to be put on record.
BOOKS = timedelta(seconds=1)


class AccountCalls:
    """One account: what may be called, and the cursor that counts it."""

    def __init__(self, name: str, cursor: Cursor, desk: PollDesk, hands: Hands) -> None:
        self.name = name
        self.cursor = cursor.model_copy(update={"spent": ()})  # the line has it
        self.hands = hands
        self.line = desk.lines[name]
        self.line.restore(cursor.spent)
        self._desk = desk
        self._report = Report(name)

    async def call(self, lane: Lane, request: httpx.Request) -> httpx.Response | Failed:
        """Send a request when it is its turn, while the account's partition is ours."""
        await self._day_allows()
        at = await self.line.take(lane)
        self.cursor = called(self.cursor, self._now())
        while not self.line.covered:
            self.hands.write(self.name, [])
            await self.hands.written()
        await self.hands.permit()
        await self.line.late(lane, at)
        await self.hands.permit()
        self._report.called(lane)
        response = await self._desk.send(request)
        if isinstance(response, httpx.Response):
            self._set_clock(response)
            self.line.hear(response)
        return response

    async def keep_books(self) -> None:
        """See that calls of targets are put on record too, for ever."""
        while True:
            if self.line.due:
                self.hands.write(self.name, [])
            await self._desk.clock.sleep(BOOKS)

    def looked_after(self, cursor: Cursor) -> None:
        """Take over what the watch over the webhooks has changed."""
        self.cursor = cursor
        self.hands.write(self.name, [])

    async def look_back(self, since: datetime) -> None:
        """Look for what was missed since then: hint at every known living return.

        Returns that nobody has told us of yet stay unknown.
        """
        subjects = await self._desk.living(self.name)
        hints = [self._hint_of(subject, since) for subject in subjects]
        for begin in range(0, len(hints), BATCH):
            await self.hands.room_for_more()
            self.hands.write(self.name, hints[begin : begin + BATCH])
        self._report.looked_back(since, len(hints))

    def _hint_of(self, subject: str, since: datetime) -> Outgoing:
        hint = Hint(subject, "webhooks_were_off", since.isoformat(), self._now())
        return to_hint(hint, self._desk.topics.hints)

    async def _day_allows(self) -> None:
        """Wait for the next day (UTC) where this one's calls are used up."""
        limit = self._desk.daily.get(self.name)
        while limit is not None:
            now = self._now().astimezone(UTC)
            if self.cursor.day != now.date() or self.cursor.calls < limit:
                return
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
            await self._desk.clock.sleep(midnight + timedelta(days=1) - now)

    def _set_clock(self, response: httpx.Response) -> None:
        """Learn the platform's time, by whose clock its windows go."""
        try:
            there = parsedate_to_datetime(response.headers.get("Date", ""))
        except ValueError:
            return
        there = there if there.tzinfo else there.replace(tzinfo=UTC)
        now = self._now()
        if abs(there - now) <= MOST_SKEW:
            self.cursor = synchronised(self.cursor, there, now)

    def _now(self) -> datetime:
        return self._desk.clock.now()
