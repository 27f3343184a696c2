"""The fetch target: a hint is answered by reading the return, once for many."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import SecretStr

from bridge.canonical.envelope import Event, from_headers
from bridge.errors import ConfigError
from bridge.platforms.contract import (
    AlreadyApplied,
    Context,
    Delivered,
    Failed,
    Hint,
    Outcome,
    Skipped,
    Unauthorized,
)
from bridge.platforms.fetching import (
    APPEARS_WITHIN,
    FetchTarget,
    FetchTargetOptions,
)
from bridge.platforms.redo.options import RedoAccount
from bridge.platforms.walk import Expired, Found, Page, PageOutcome, Paging
from bridge.platforms.warehouse.options import WarehouseAccount
from bridge.streams.hints import to_hint

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Reader:
    """Reads every return as it is told to."""

    platform = "redo"
    account = "shop"

    def __init__(self, outcome: PageOutcome | None = None) -> None:
        self._outcome = outcome

    def fetch(self, subject: str, now: datetime) -> Paging:
        yield httpx.Request("GET", f"https://api.example/{subject}?{now:%H}")
        return self._outcome or Page((Found(subject, b"{}"),))


def hinted(subject: str = "redo/shop/1", at: datetime = NOW) -> Event:
    record = to_hint(Hint(subject, "webhook", "d1", at), "returns.hints")
    return from_headers(dict(record.headers), record.value or b"")


def context(now: datetime = NOW, seen: datetime | None = NOW) -> Context:
    return Context(attempt=1, now=now, seen_at=seen)


def answered(
    conversation: Generator[httpx.Request, httpx.Response, Outcome],
) -> tuple[int, Outcome]:
    """Run the conversation; return its number of calls and its outcome."""
    calls = 0
    try:
        next(conversation)
        while True:
            calls += 1
            conversation.send(httpx.Response(200))
    except StopIteration as end:
        return calls, end.value


def test_what_was_read_is_published_as_an_observation() -> None:
    target = FetchTarget("fetch-shop", Reader())

    _, outcome = answered(target.deliver(hinted(), context()))

    assert isinstance(outcome, Delivered)
    (observation,) = outcome.publish
    assert observation.subject == "redo/shop/1"
    assert (observation.channel, observation.body) == ("fetch", b"{}")


def test_hints_that_wait_together_are_answered_by_one_call() -> None:
    target = FetchTarget("fetch-shop", Reader())
    seen = NOW

    first, _ = answered(target.deliver(hinted(), context(NOW + SECOND, seen)))
    second, outcome = answered(target.deliver(hinted(), context(NOW + SECOND, seen)))

    assert (first, second) == (1, 0)
    assert isinstance(outcome, AlreadyApplied)


def test_a_hint_seen_after_the_call_began_is_answered_by_another() -> None:
    target = FetchTarget("fetch-shop", Reader())
    answered(target.deliver(hinted(), context(NOW)))

    later = context(NOW + 2 * SECOND, NOW + SECOND)
    calls, outcome = answered(target.deliver(hinted(), later))

    assert calls == 1
    assert isinstance(outcome, Delivered)


def test_a_clock_set_back_makes_no_hint_answered_that_was_not() -> None:
    target = FetchTarget("fetch-shop", Reader())
    answered(target.deliver(hinted(), context(NOW)))
    back = NOW - timedelta(hours=1)

    calls, _ = answered(target.deliver(hinted(), context(back + SECOND, back)))
    again, _ = answered(target.deliver(hinted(), context(back + SECOND, back)))

    assert (calls, again) == (1, 0)


def test_a_failed_call_answers_no_other_hint() -> None:
    target = FetchTarget("fetch-shop", Reader(Failed("http_500")))
    answered(target.deliver(hinted(), context()))

    calls, outcome = answered(target.deliver(hinted(), context()))

    assert calls == 1
    assert outcome == Failed("http_500")


def test_hints_of_other_accounts_are_left_alone() -> None:
    target = FetchTarget("fetch-shop", Reader())

    calls, outcome = answered(target.deliver(hinted("redo/other/1"), context()))

    assert (calls, outcome) == (0, Skipped("other_account"))


def test_a_return_that_the_api_does_not_know_may_still_appear_and_is_then_let_go() -> (
    None
):
    target = FetchTarget("fetch-shop", Reader(Page(())))

    _, young = answered(target.deliver(hinted(), context()))
    _, old = answered(target.deliver(hinted(at=NOW - APPEARS_WITHIN), context()))

    assert young == Failed("no_such_return")
    assert old == Skipped("no_such_return")


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (Expired("odd"), Failed("odd")),
        (Unauthorized("http_401"), Unauthorized("http_401")),
    ],
)
def test_other_outcomes_are_the_targets(read: PageOutcome, expected: Outcome) -> None:
    target = FetchTarget("fetch-shop", Reader(read))

    assert answered(target.deliver(hinted(), context())) == (1, expected)


def test_a_list_row_without_a_body_publishes_an_empty_one() -> None:
    target = FetchTarget("fetch-shop", Reader(Page((Found("redo/shop/1", None),))))

    _, outcome = answered(target.deliver(hinted(), context()))

    assert isinstance(outcome, Delivered)
    assert outcome.publish[0].body == b""


def test_an_account_that_can_be_read_makes_a_target() -> None:
    account = RedoAccount.model_validate(
        {"webhook_tokens": [SecretStr("hook")], "api_token": SecretStr("api")}
    )

    target = FetchTargetOptions(account="shop").target("fetch-shop", account)

    assert target.name == "fetch-shop"


def test_an_account_that_cannot_be_read_is_refused_at_the_start() -> None:
    keyless = RedoAccount.model_validate({"webhook_tokens": [SecretStr("hook")]})
    foreign = WarehouseAccount(
        webhook_secrets=(
            SecretStr("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
        )
    )

    for account in (keyless, foreign):
        with pytest.raises(ConfigError, match="set the key for its API"):
            FetchTargetOptions(account="shop").target("fetch-shop", account)
