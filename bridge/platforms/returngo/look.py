"""Reading one RMA of ReturnGO: what a hint and a poll's row lead to."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime

import httpx

from bridge.canonical.reference import subject_of
from bridge.errors import UnreadableError
from bridge.platforms.care import Failure
from bridge.platforms.contract import Failed
from bridge.platforms.reading import is_object, parse
from bridge.platforms.returngo.api import Api, judge
from bridge.platforms.returngo.memory import Memory
from bridge.platforms.returngo.payloads import Rma
from bridge.platforms.returngo.translate import PLATFORM
from bridge.platforms.walk import Found, Page, Paging

Looking = Generator[httpx.Request, httpx.Response, Found | Failure | None]


@dataclass(slots=True)
class ReturnGoReader:
    """One shop's RMAs, read one by one: the account's `Fetch`."""

    account: str
    api: Api
    platform: str = PLATFORM

    def fetch(self, subject: str, now: datetime) -> Paging:
        """Ask for one RMA; an empty page where there is none, or none is named."""
        prefix = subject_of(PLATFORM, self.account, "")
        if not subject.startswith(prefix):
            return Page(())
        found = yield from self.look(subject.removeprefix(prefix), now)
        if isinstance(found, Found):
            return Page((found,))
        return Page(()) if found is None else found

    def look(self, rma_id: str, now: datetime, memory: Memory | None = None) -> Looking:
        """Read one RMA, and remember it; None if ReturnGO has no such RMA.

        An object that cannot be read is handed on as it is, and the source says why;
        what is no object, as a page of maintenance, is asked for again.
        """
        response = yield self.api.rma(rma_id)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        failure = judge(response, now)
        if failure is not None:
            return failure
        subject = subject_of(PLATFORM, self.account, rma_id)
        try:
            rma = parse(Rma, response.content)
        except UnreadableError:
            return _odd(subject, response.content)
        if memory is not None:
            memory.note(rma, now)
        return Found(subject, response.content, rma.last_updated)


def _odd(subject: str, body: bytes) -> Found | Failure:
    return Found(subject, body) if is_object(body) else Failed("unreadable_answer")
