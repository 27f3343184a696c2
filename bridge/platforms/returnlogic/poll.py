"""Polling ReturnLogic: a list whose query is configuration, since none is documented.

Only `GET /rmas?email=` is known (returnlogic.md, section 3). Whoever knows more writes
the query with `{since}` and `{until}`, and `{page}` if the list comes in pages; a page
ends the list when it is empty or brings the same again. The answer is an array, or an
object that holds it under one of three names. No row has an update time.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime

import httpx
import orjson

from bridge.canonical.reference import subject_of
from bridge.errors import UnreadableError
from bridge.platforms.contract import Failed
from bridge.platforms.reading import parse
from bridge.platforms.returnlogic.api import Api
from bridge.platforms.returnlogic.payloads import Rma
from bridge.platforms.returnlogic.translate import PLATFORM
from bridge.platforms.walk import Ask, Expired, Found, Page, PageOutcome, Paging, Rhythm

LISTED = "listed"
_NAMES = ("rmas", "data", "results")


class ReturnLogicPoll:
    """One team's polling; `query` is the path of the list with its places."""

    platform = PLATFORM

    def __init__(self, account: str, api: Api, *, query: str, rhythm: Rhythm) -> None:
        self.account = account
        self.rhythm = rhythm
        self._api = api
        self._query = query

    def page(self, ask: Ask) -> Paging:
        """Ask for one page; its token is the page's number and the last one's hash."""
        number, _, before = (ask.token or "1:").partition(":")
        if not number.isdigit():
            return Expired()
        path = self._path(ask, number)
        answer = yield from self._api.call("GET", path, ask.now)
        if not isinstance(answer, httpx.Response):
            return answer
        digest = hashlib.sha256(answer.content).hexdigest()[:16]
        more = f"{int(number) + 1}:{digest}" if "{page}" in self._query else None
        # 404 is a search without matches, as one client reads it.
        nothing = answer.status_code == httpx.codes.NOT_FOUND or digest == before
        return Page(()) if nothing else self._read(answer.content, more)

    def _read(self, content: bytes, more: str | None) -> PageOutcome:
        rows = rows_in(content)
        if rows is None:
            return Failed("unreadable_answer")
        return Page(tuple(map(self._found, rows)), more if rows else None)

    def _path(self, ask: Ask, number: str) -> str:
        places = {"{since}": _time(ask.since), "{until}": _time(ask.until)}
        path = self._query.replace("{page}", number)
        for place, text in places.items():
            path = path.replace(place, text)
        return path

    def _found(self, row: object) -> Found:
        """Return a row as a return; one that names none goes under the account."""
        body = orjson.dumps(row)
        try:
            rma = parse(Rma, body)
        except UnreadableError:
            return Found(self.account, body)
        return Found(subject_of(PLATFORM, self.account, rma.rl_rma_id), body)


def rows_in(content: bytes) -> list[object] | None:
    """Return the rows of an answer in any of its forms, None if it has none."""
    try:
        answer = orjson.loads(content)
    except ValueError:
        return None
    return next(_lists(answer), None)


def _lists(answer: object) -> Iterator[list[object]]:
    if isinstance(answer, list):
        yield answer
    if isinstance(answer, dict):
        for name in _NAMES:
            if isinstance(answer.get(name), list):
                yield answer[name]


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
