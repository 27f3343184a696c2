"""What every platform's polling, fetching and care promise.

A new platform joins with one line in `ACCOUNTS`: settings with a key for its API.
Whatever a platform answers, a conversation ends with a value, asks its own host alone,
and names no secret in what it comes to.
"""

from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bridge.canonical.reference import subject_of
from bridge.platforms.care import Care, CaredFor, Change, Done
from bridge.platforms.contract import (
    AccountOptions,
    Failed,
    Refused,
    Throttled,
    Unauthorized,
)
from bridge.platforms.loop.options import LoopAccount
from bridge.platforms.redo.options import RedoAccount
from bridge.platforms.returngo.options import ReturnGoAccount
from bridge.platforms.returnlogic.options import (
    ReturnLogicAccount,
    ReturnLogicPollOptions,
)
from bridge.platforms.walk import (
    Ask,
    Expired,
    Fetch,
    Fetched,
    Page,
    Poll,
    Polled,
)

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
KEY = "key-of-the-contract-suite"
HOOK = (SecretStr("hook-token-of-the-suite"),)
FAILURES = (Failed, Throttled, Refused, Unauthorized)
MOST_CALLS = 200

ACCOUNTS: dict[str, AccountOptions] = {
    "redo": RedoAccount(webhook_tokens=HOOK, store_id="s1", api_token=SecretStr(KEY)),
    "loop": LoopAccount(webhook_secrets=HOOK, api_key=SecretStr(KEY)),
    "returngo": ReturnGoAccount(
        shop="demo.example", webhook_tokens=HOOK, api_key=SecretStr(KEY)
    ),
    "returnlogic": ReturnLogicAccount(
        webhook_tokens=HOOK,
        api_key=SecretStr(KEY),
        poll=ReturnLogicPollOptions(query="/rmas?email=a@example.com"),
    ),
}

Talk = Generator[httpx.Request, httpx.Response, object]
Answering = Callable[[httpx.Request], httpx.Response]


def polls() -> Iterator[tuple[str, Poll]]:
    for name, account in ACCOUNTS.items():
        poll = account.polling(name) if isinstance(account, Polled) else None
        if poll is not None:
            yield name, poll


def fetches() -> Iterator[tuple[str, Fetch]]:
    for name, account in ACCOUNTS.items():
        fetch = account.fetching(name) if isinstance(account, Fetched) else None
        if fetch is not None:
            yield name, fetch


def cares() -> Iterator[tuple[str, Care]]:
    for name, account in ACCOUNTS.items():
        care = account.caring(name) if isinstance(account, CaredFor) else None
        if care is not None:
            yield name, care


def lists(name: str) -> list[Talk]:
    """Return every conversation of a platform that reads a list, fresh."""
    window, poll = (NOW - timedelta(hours=1), NOW), dict(polls())[name]
    pages: list[Talk] = [
        poll.page(Ask(each.name, *window, None, NOW)) for each in poll.rhythm.passes
    ]
    return [*pages, dict(cares())[name].survey(NOW)]


def talks(name: str) -> list[Talk]:
    """Return every conversation of a platform, fresh."""
    fetch = dict(fetches())[name]
    return [*lists(name), fetch.fetch(subject_of(fetch.platform, name, "17"), NOW)]


def ended(talk: Talk, answer: Answering) -> tuple[list[httpx.Request], object]:
    """Return the requests of a conversation and what it came to."""
    asked: list[httpx.Request] = []
    try:
        request = next(talk)
        while len(asked) < MOST_CALLS:
            asked.append(request)
            request = talk.send(answer(request))
    except StopIteration as end:
        return asked, end.value
    raise AssertionError(f"no end after {MOST_CALLS} calls")


def always(status: int, body: bytes = b"{}") -> Answering:
    return lambda request: httpx.Response(status, content=body, request=request)


def is_a_value(outcome: object) -> bool:
    return isinstance(outcome, (Page, Expired, Done, tuple, *FAILURES))


every_platform = pytest.mark.parametrize("name", ACCOUNTS)


@every_platform
def test_every_platform_can_be_polled_fetched_and_looked_after(name: str) -> None:
    assert name in dict(polls())
    assert name in dict(fetches())
    assert name in dict(cares())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "returns",
                    "orders",
                    "rmas",
                    "id",
                    "rmaId",
                    "webhooks",
                    "error",
                    "status",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
BODIES = st.binary(max_size=40) | JSON.map(
    lambda content: httpx.Response(200, json=content).content
)


@every_platform
@given(
    status=st.sampled_from(
        [200, 201, 204, 301, 400, 401, 403, 404, 409, 422, 429, 500]
    ),
    body=BODIES,
)
def test_no_answer_makes_a_conversation_raise(
    name: str, status: int, body: bytes
) -> None:
    for talk in talks(name):
        _, outcome = ended(talk, always(status, body))

        assert is_a_value(outcome)


@every_platform
def test_a_page_of_html_is_no_answer(name: str) -> None:
    for talk in talks(name):
        _, outcome = ended(talk, always(200, b"<html>maintenance</html>"))

        assert isinstance(outcome, FAILURES)


@every_platform
def test_a_credential_that_no_longer_works_stops_the_account(name: str) -> None:
    for talk in talks(name):
        _, outcome = ended(talk, always(401))

        assert isinstance(outcome, Unauthorized)


@every_platform
def test_the_wait_that_a_platform_asks_for_is_passed_on(name: str) -> None:
    def asks(request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"Retry-After": "7"}, request=request)

    for talk in talks(name):
        _, outcome = ended(talk, asks)

        assert outcome == Throttled(timedelta(seconds=7))


@every_platform
def test_only_the_platforms_own_host_is_asked_and_no_secret_is_told(name: str) -> None:
    hosts = set()
    for status in (200, 401, 404, 500):
        for talk in talks(name):
            asked, outcome = ended(talk, always(status))
            hosts |= {request.url.host for request in asked}
            assert KEY not in repr(outcome)
            assert all(KEY not in str(request.url) for request in asked)
            assert {request.method for request in asked} <= {"GET", "POST"}

    assert len(hosts) == 1


@every_platform
def test_a_mending_that_is_refused_is_told(name: str) -> None:
    care = dict(cares())[name]
    url = f"https://bridge.example/hooks/{name}"
    for change in care.changes((), url) or (Change("create", "all", url),):
        _, outcome = ended(care.mend(change, NOW), always(422))

        assert isinstance(outcome, FAILURES)
