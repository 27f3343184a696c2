"""One return read from Loop: `GET /warehouse/return/details` (loop.md, section 4).

That there is none is told with HTTP 200.
"""

from datetime import datetime
from http import HTTPStatus

import httpx

from bridge.canonical.reference import subject_of
from bridge.platforms.contract import Failed
from bridge.platforms.loop.api import Api, content_of, error_in, failure
from bridge.platforms.loop.translate import PLATFORM
from bridge.platforms.walk import Found, Page, PageOutcome, Paging


class LoopFetch:
    """One shop's returns, read one by one."""

    platform = PLATFORM

    def __init__(self, account: str, api: Api) -> None:
        self.account = account
        self._api = api
        self._prefix = subject_of(PLATFORM, account, "")

    def fetch(self, subject: str, now: datetime) -> Paging:
        """Read the return; an empty page if there is none."""
        query = {"return_id": subject.removeprefix(self._prefix)}
        request = self._api.request("GET", "/warehouse/return/details", query=query)
        response = yield request
        if response.status_code == HTTPStatus.NOT_FOUND:
            return Page(())
        return failure(response, now) or _read(subject, response)


def _read(subject: str, response: httpx.Response) -> PageOutcome:
    content = content_of(response)
    if isinstance(content, dict) and "id" in content:
        return Page((Found(subject, response.content),))
    return Page(()) if error_in(content) else Failed("unreadable_answer")
