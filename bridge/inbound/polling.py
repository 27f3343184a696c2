"""The poll stage on one partition of `returns.cursors`: who owns it polls its accounts.

A page's observations and the cursor behind them are one transaction (the owner's), so
a crash, a restart or a rebalance neither skips nor repeats a page's effect: a page
that was not committed is asked for again. An operator's orders come in as records of
the same partition and are taken on in the transaction that writes their tombstone.

One account's walk is `polling_account.py`'s, what a page means `platforms/pages.py`'s.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta
from functools import partial

from bridge.errors import LostOwnership, UnreadableError
from bridge.inbound.polling_account import AccountPoll
from bridge.inbound.polling_calls import AccountCalls
from bridge.inbound.polling_desk import Ownership, PollDesk
from bridge.inbound.polling_watch import watch
from bridge.platforms.cursor import Cursor, Order
from bridge.streams.cursors import (
    cursor_record,
    is_order,
    place_of,
    read_cursor,
    read_order,
    taken_on,
)
from bridge.streams.records import Outgoing, Record
from bridge.telemetry import events, logger

#: Bytes that may wait for a commit, per partition; a single page may go beyond once.
UNCOMMITTED_LIMIT = 8 * 1024 * 1024
_AFTER_A_MISTAKE = timedelta(minutes=1)

#: Feeds all records of the partition; returns the end.
ReadCursors = Callable[[Callable[[list[Record]], None]], Awaitable[int]]

log = logger(__name__)


class PollWork:
    """One partition of `returns.cursors`."""

    def __init__(self, owner: Ownership, desk: PollDesk, read: ReadCursors) -> None:
        self._owner = owner
        self._desk = desk
        self._read = read
        self._accounts: dict[str, AccountCalls] = {}
        self._polled: dict[str, AccountPoll] = {}
        self._restored: dict[bytes, Record] = {}
        self._end = 0
        self._outgoing: list[Outgoing] = []
        self._changed: set[str] = set()
        self._recording: list[str] = []
        self._committed = asyncio.Event()
        self._unwritten = 0
        self._writing = 0
        self._roomy = asyncio.Event()
        self._roomy.set()
        self._tasks: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------ the owner's calls

    async def restore(self, *, clean: bool) -> None:  # noqa: ARG002 - GETs only
        """Read every cursor and open order, then begin to poll."""
        self._end = await self._read(self._restore_batch)
        cursors = {
            (record.key or b"").decode("utf-8", "replace"): record
            for record in self._restored.values()
            if not is_order(record)
        }
        for name, platform in self._desk.platforms.items():
            if place_of(name, self._desk.partitions) == self._owner.partition:
                self._add(name, self._cursor(name, platform, cursors.get(name)))
        for record in self._restored.values():
            if is_order(record):
                self._take_on(record)
        self._restored = {}
        self._begin()

    def _begin(self) -> None:
        for name, account in self._accounts.items():
            if account.line.on_record:
                self._start(name, account.keep_books)
            if name in self._desk.cares:
                self._start(name, partial(watch, self._desk, account))
        for name, polled in self._polled.items():
            self._start(name, polled.live)
            self._start(name, polled.history)

    def _add(self, name: str, cursor: Cursor) -> None:
        poll = self._desk.polls.get(name)
        if poll is None:
            self._accounts[name] = AccountCalls(name, cursor, self._desk, self)
        else:
            polled = AccountPoll(poll, cursor, self._desk, self)
            self._accounts[name] = self._polled[name] = polled

    def _restore_batch(self, records: list[Record]) -> None:
        for record in records:
            if record.value is None:
                self._restored.pop(record.key or b"", None)
            else:
                self._restored[record.key or b""] = record

    def _cursor(self, name: str, platform: str, record: Record | None) -> Cursor:
        """Return the account's cursor; a new one where there is none of its own."""
        fresh = Cursor(platform=platform)
        if record is None:
            return fresh
        try:
            cursor = read_cursor(record)
        except UnreadableError as broken:
            log.warning(events.CURSOR_IGNORED, account=name, reason=broken.reason)
            return fresh
        if cursor.platform != platform:
            log.warning(events.CURSOR_IGNORED, account=name, reason="other_platform")
            return fresh
        return cursor

    def accept(self, record: Record) -> None:
        """Take an order on; cursors are our own and known."""
        if record.offset >= self._end and record.value is not None and is_order(record):
            self._take_on(record)
        self._owner.finish(record.offset)

    def room(self) -> bool:
        """Orders are few and small."""
        return True

    def collect(self) -> list[Outgoing]:
        """Hand over observations, the cursors behind them, and tombstones."""
        outgoing, self._outgoing = self._outgoing, []
        self._recording, self._changed = sorted(self._changed), set()
        outgoing += [self._record(name) for name in self._recording]
        self._writing, self._unwritten = self._unwritten, 0
        return outgoing

    def _record(self, name: str) -> Outgoing:
        """Return an account's cursor, with what is used of its lasting limits."""
        account = self._accounts[name]
        cursor = account.cursor
        if account.line.on_record:
            cursor = cursor.model_copy(update={"spent": account.line.write()})
        return cursor_record(
            name, cursor, self._desk.topics.cursors, self._owner.partition
        )

    def committed(self, ends: Mapping[str, int]) -> None:  # noqa: ARG002 - no store
        """Let pages come again, and calls go that had to be on record first."""
        for name in self._recording:
            self._accounts[name].line.wrote()
        self._recording = []
        self._committed.set()
        self._committed = asyncio.Event()
        self._writing = 0
        self._give_room()

    async def drain(self, limit: timedelta) -> bool:  # noqa: ARG002 - GETs only
        """Stop asking; what was not answered is asked for by the next owner.

        What is used of lasting limits goes into the last commit.
        """
        self._stop()
        self._changed.update(
            name for name, account in self._accounts.items() if account.line.on_record
        )
        return True

    def drop(self) -> None:
        """Stop asking and forget everything."""
        self._stop()

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    # ------------------------------------------------------------ for the accounts

    async def permit(self) -> None:
        """Return when a call may start; raise LostOwnership if none ever may."""
        await self._owner.permit()

    async def room_for_more(self) -> None:
        """Return when another page may be held in memory."""
        await self._roomy.wait()

    def write(self, name: str, outgoing: list[Outgoing]) -> None:
        """Put records and the account's cursor into the next commit."""
        self._outgoing += outgoing
        self._unwritten += sum(len(record.value or b"") for record in outgoing)
        self._changed.add(name)
        self._give_room()
        self._owner.note()

    async def written(self) -> None:
        """Return when a commit has ended, which need not hold what came last."""
        await self._committed.wait()

    def _give_room(self) -> None:
        if self._unwritten + self._writing < UNCOMMITTED_LIMIT:
            self._roomy.set()
        else:
            self._roomy.clear()

    # ------------------------------------------------------------ orders and tasks

    def _take_on(self, record: Record) -> None:
        """Give an order to its account; one that nobody can follow is put away."""
        try:
            order = read_order(record)
        except UnreadableError as broken:
            log.warning(events.ORDER_REFUSED, reason=broken.reason)
            self._put_away(record)
            return
        account = self._polled.get(order.account)
        if account is None:
            log.warning(
                events.ORDER_REFUSED, account=order.account, reason="unknown_account"
            )
            self._put_away(record)
            return
        account.take_on(order)
        self.write(order.account, [self._tombstone(order)])

    def _tombstone(self, order: Order) -> Outgoing:
        return taken_on(order, self._desk.topics.cursors, self._owner.partition)

    def _put_away(self, record: Record) -> None:
        topic, partition = self._desk.topics.cursors, self._owner.partition
        self._outgoing.append(Outgoing(topic, record.key, None, partition=partition))
        self._owner.note()

    def _start(
        self, name: str, work: Callable[[], Coroutine[None, None, None]]
    ) -> None:
        task = asyncio.create_task(self._keep_on(name, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_on(
        self, name: str, work: Callable[[], Coroutine[None, None, None]]
    ) -> None:
        """Run one account's work; a mistake in it must not stop the others."""
        while True:
            try:
                await work()
            except LostOwnership:
                return  # the partition is another's
            except Exception as mistake:  # noqa: BLE001 - ours: logged, tried again
                log.error(  # noqa: TRY400 - structured, without values
                    events.POLL_BROKE, account=name, error=mistake
                )
            await self._desk.clock.sleep(_AFTER_A_MISTAKE)
