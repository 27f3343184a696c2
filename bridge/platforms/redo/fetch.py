"""One return read from Redo: `GET /returns/{id}`, a body as a webhook has it."""

from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote

from bridge.canonical.reference import subject_of
from bridge.platforms.contract import Failed
from bridge.platforms.reading import is_object
from bridge.platforms.redo.api import Api
from bridge.platforms.redo.poll import failure
from bridge.platforms.redo.translate import PLATFORM
from bridge.platforms.walk import Found, Page, Paging


class RedoFetch:
    """One store's returns, read one by one."""

    platform = PLATFORM

    def __init__(self, account: str, api: Api) -> None:
        self.account = account
        self._api = api
        self._prefix = subject_of(PLATFORM, account, "")

    def fetch(self, subject: str, now: datetime) -> Paging:
        """Read the return; an empty page if there is none."""
        native_id = quote(subject.removeprefix(self._prefix), safe="")
        request = self._api.request("GET", f"/returns/{native_id}")
        response = yield request
        if response.status_code == HTTPStatus.NOT_FOUND:
            return Page(())
        outcome = failure(request, response, now)
        if outcome is not None:
            return outcome
        if not is_object(response.content):
            return Failed("unreadable_answer")
        return Page((Found(subject, response.content),))
