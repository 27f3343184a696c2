"""Polling ReturnGO: three ways of looking, since its update time stands still.

    changed        rows of `GET /rmas` by update time; each is looked at
    transactions   rows of `GET /transactions` by update time; their RMAs are
    open           rows of all open RMAs; those that say something new, and as many of
                   the others as the day's calls allow (`pace.py`), longest unseen first

A look is `GET /rma/{rmaId}`: rows hold no items (returngo.md, section 3). A pass lists
one page and then looks in batches, so that little is asked for again after a failure.
A look that fails by itself is left behind as a hint: fetching has its own patience.

Filters take one bound for each column: a window is read from its beginning to the
present, and what was looked at after its end is not looked at again.
"""

from collections.abc import Generator, Iterable
from datetime import timedelta

import httpx

from bridge.canonical.reference import subject_of
from bridge.platforms.care import Failure
from bridge.platforms.contract import Refused, Throttled, Unauthorized
from bridge.platforms.returngo.api import Api, ask
from bridge.platforms.returngo.look import ReturnGoReader
from bridge.platforms.returngo.memory import Memory
from bridge.platforms.returngo.pace import PAGE, Pace
from bridge.platforms.returngo.payloads import (
    RmaPage,
    Transaction,
    TransactionPage,
)
from bridge.platforms.returngo.tokens import MOST_IDS, Token
from bridge.platforms.returngo.translate import PLATFORM
from bridge.platforms.walk import (
    Ask,
    Expired,
    Found,
    Page,
    PageOutcome,
    Paging,
    Rhythm,
)

OPEN = "Pending,Approved,Received,Validated"
CHANGED, TRANSACTIONS, SWEEP = "changed", "transactions", "open"
BATCH = 10
"""RMAs looked at on one page of a pass."""

MOST_DUE = MOST_IDS - PAGE
"""RMAs that one sweep looks at though their rows say nothing new, at most."""


Listing = Generator[httpx.Request, httpx.Response, Token | Failure]


class ReturnGoPoll:
    """One shop's polling; `filter_offset` is added to the UTC times of filters."""

    platform = PLATFORM

    def __init__(
        self,
        account: str,
        api: Api,
        *,
        rhythm: Rhythm,
        pace: Pace,
        filter_offset: timedelta = timedelta(),
    ) -> None:
        self.account = account
        self.rhythm = rhythm
        self._api = api
        self._reader = ReturnGoReader(account, api)
        self._pace = pace
        self._offset = filter_offset

    def page(self, ask: Ask) -> Paging:
        """List, or look at what was listed; a token of another make has expired."""
        token = Token.read(ask.token)
        if token is None:
            return Expired()
        memory = Memory.read(ask.memory)
        if token.queue:
            return (yield from self._looks(ask, token, memory))
        listed = yield from self._list(ask, token, memory)
        if isinstance(listed, Token):
            return Page((), listed.text())
        forgotten = isinstance(listed, Refused) and token.cursor is not None
        return Expired() if forgotten else listed

    # ------------------------------------------------------------------ looking

    def _looks(
        self, wanted: Ask, token: Token, memory: Memory
    ) -> Generator[httpx.Request, httpx.Response, PageOutcome]:
        """Look at a batch; what a throttling leaves is looked at later."""
        found: list[Found] = []
        done = 0
        for rma_id in token.queue[:BATCH]:
            look = yield from self._reader.look(rma_id, wanted.now, memory)
            if isinstance(look, Throttled | Unauthorized):
                if done == 0:
                    return look
                break
            done += 1
            if look is not None:
                hint = Found(subject_of(PLATFORM, self.account, rma_id), None)
                found.append(look if isinstance(look, Found) else hint)
        rest = token.model_copy(update={"queue": token.queue[done:]})
        return Page(tuple(found), rest.text(), memory=memory.text())

    # ------------------------------------------------------------------ listing

    def _list(self, wanted: Ask, token: Token, memory: Memory) -> Listing:
        match wanted.pass_:
            case "transactions":
                return (yield from self._transactions(wanted, token, memory))
            case "open":
                return (yield from self._open(wanted, token, memory))
            case _:
                return (yield from self._changed(wanted, token, memory))

    def _changed(self, wanted: Ask, token: Token, memory: Memory) -> Listing:
        since = self._since(wanted)
        query = {"rma_updated_at": since, "sort_by": "+rma_updated_at"}
        request = self._api.get("/rmas", _paged(query, token))
        page = yield from ask(request, RmaPage, wanted.now)
        if not isinstance(page, RmaPage):
            return page
        queue = _unseen((row.rma_id for row in page.rmas), wanted, memory)
        return token.after(page.rmas, page.next_cursor, queue)

    def _transactions(self, wanted: Ask, token: Token, memory: Memory) -> Listing:
        query = _paged({"updated_at": self._since(wanted)}, token)
        request = self._api.get("/transactions", query)
        page = yield from ask(request, TransactionPage, wanted.now)
        if not isinstance(page, TransactionPage):
            return page
        owners = memory.owners()
        named = (_owner(row, owners) for row in page.transactions)
        queue = _unseen(filter(None, named), wanted, memory)
        return token.after(page.transactions, page.next_cursor, queue)

    def _open(self, wanted: Ask, token: Token, memory: Memory) -> Listing:
        request = self._api.get("/rmas", _paged({"status": OPEN}, token))
        page = yield from ask(request, RmaPage, wanted.now)
        if not isinstance(page, RmaPage):
            return page
        news = tuple(row.rma_id for row in page.rmas if memory.differs(row))
        same = {row.rma_id for row in page.rmas} - set(news)
        due = memory.oldest({*token.due, *same})[:MOST_DUE]
        rows = token.rows + len(page.rmas)
        after = token.after(page.rmas, page.next_cursor, news)
        if not after.listed:
            return after.model_copy(update={"due": due, "rows": rows})
        looks = self._pace.looks_per_sweep(rows)
        ids = (*news, *due[: max(looks, 0)])
        return after.model_copy(update={"queue": ids, "due": ()})

    def _since(self, wanted: Ask) -> str:
        """Return the beginning of the window as filters take it: without a zone."""
        since = wanted.since + self._offset
        return f"gte:{since:%Y-%m-%dT%H:%M:%S}"


def _paged(query: dict[str, str], token: Token) -> dict[str, str]:
    cursor = {} if token.cursor is None else {"cursor": token.cursor}
    return query | {"pagesize": str(PAGE)} | cursor


def _owner(row: Transaction, owners: dict[str, str]) -> str | None:
    ids = (row.id, *row.return_item_ids)
    return next((owners[id_] for id_ in ids if id_ in owners), None)


def _unseen(ids: Iterable[str], wanted: Ask, memory: Memory) -> tuple[str, ...]:
    """Return the RMAs not looked at since the window ended, each once."""

    def is_unseen(id_: str) -> bool:
        looked_at = memory.looked_at(id_)
        return looked_at is None or looked_at < wanted.until

    return tuple(filter(is_unseen, dict.fromkeys(ids)))
