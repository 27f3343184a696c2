"""What ReturnLogic is asked: reads for hints and commands, lists, webhooks' care."""

import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from bridge.canonical.envelope import Event
from bridge.errors import ConfigError
from bridge.platforms.care import Care, Change, Done, Registration
from bridge.platforms.contract import (
    AlreadyApplied,
    Context,
    Delivered,
    Failed,
    Outcome,
    Privacy,
    Refused,
    Requests,
    Skipped,
    Throttled,
    Unauthorized,
)
from bridge.platforms.redo.options import RedoAccount
from bridge.platforms.returnlogic.api import MAINTENANCE
from bridge.platforms.returnlogic.care import ACTIONS
from bridge.platforms.returnlogic.look import ReturnLogicFetchOptions
from bridge.platforms.returnlogic.options import ReturnLogicPollOptions
from bridge.platforms.returnlogic.poll import ReturnLogicPoll
from bridge.platforms.returnlogic.seal import make_key
from bridge.platforms.walk import Ask, Expired, Found, Page, PageOutcome
from tests.unit.platforms.returnlogic.calls import (
    NOW,
    Server,
    account,
    answering,
    held,
    oauth,
)

PAYLOADS = Path(__file__).parents[3] / "payloads" / "returnlogic"
SUBJECT = "returnlogic/demo/330077"
URL = "https://bridge.example/hooks/demo"
RMA = json.loads((PAYLOADS / "rma__received.json").read_bytes())


# ---------------------------------------------------------------- reading


def fetched(server: Server, subject: str = SUBJECT) -> PageOutcome:
    fetch = account().fetching("demo")
    assert fetch is not None
    return held(fetch.fetch(subject, NOW), server)[0]


def test_a_hinted_return_is_read_with_the_teams_token() -> None:
    fetch = account(rma_path="/rma/by-id/{id}").fetching("demo")
    assert fetch is not None

    page, requests = held(fetch.fetch(SUBJECT, NOW), answering(200, RMA))

    assert isinstance(page, Page)
    assert page.found[0].subject == SUBJECT
    assert requests[0].url.path == "/v1/rma/by-id/330077"
    assert requests[0].headers["authorization"] == "Bearer the-key"


def nothing_asked() -> PageOutcome:
    """Fetch a subject that names no return."""
    fetch = account().fetching("demo")
    assert fetch is not None
    with pytest.raises(StopIteration) as ended:
        next(fetch.fetch("demo", NOW))
    outcome: PageOutcome = ended.value.value
    return outcome


def test_a_return_that_is_not_there_is_an_empty_page() -> None:
    assert fetched(answering(404)) == Page(())
    assert nothing_asked() == Page(())


@pytest.mark.parametrize(
    ("code", "headers", "outcome"),
    [
        (401, {}, Unauthorized("http_401")),
        (403, {}, Unauthorized("http_403")),
        (429, {}, Throttled(timedelta(seconds=1))),
        (
            429,
            {"x_ratelimit_remaining_minute": "0"},
            Throttled(timedelta(minutes=1)),
        ),
        (503, {}, Throttled(MAINTENANCE)),
        (503, {"retry_after": "7"}, Throttled(timedelta(seconds=7))),
        (500, {}, Failed("http_500")),
        (400, {}, Refused("http_400")),
    ],
)
def test_answers_are_judged_by_their_status(
    code: int, headers: dict[str, str], outcome: PageOutcome
) -> None:
    assert fetched(answering(code, **headers)) == outcome


# ---------------------------------------------------------------- commands


def hint(delivery_id: str, subject: str = SUBJECT) -> Event:
    return Event(
        id="hint",
        type="hint.noted",
        subject=subject,
        sequence=0,
        chain="",
        time=NOW,
        source="hint/returnlogic/demo",
        causation_id=delivery_id,
        body=b"{}",
    )


def delivered(event: Event, server: Server, *, times: int = 1) -> list[Outcome]:
    options = ReturnLogicFetchOptions(account="demo")
    target = options.target("fetch", account())
    context = Context(attempt=1, now=NOW, seen_at=NOW - timedelta(seconds=1))
    return [held(target.deliver(event, context), server)[0] for _ in range(times)]


def test_a_command_is_read_for_and_becomes_a_request() -> None:
    (outcome,) = delivered(hint("ProcessRefund:c1"), answering(200, RMA))

    assert isinstance(outcome, Delivered)
    (observation,) = outcome.publish
    assert observation.channel == "fetch"
    source = account().source("demo", Privacy(b"key"))
    reading = source.read(observation)
    assert isinstance(reading, Requests)
    assert reading.requests[0].correlation_id == "c1"
    assert reading.requests[0].requested_at == NOW


def test_facts_share_a_read_and_commands_do_not() -> None:
    facts = delivered(hint("f" * 32), answering(200, RMA), times=2)
    commands = delivered(hint("ProcessRefund:c1"), answering(200, RMA), times=2)

    assert isinstance(facts[1], AlreadyApplied)
    assert isinstance(commands[1], Delivered)


def test_a_command_waits_for_its_rma_and_for_the_platform() -> None:
    command = hint("ProcessRefund:c1")

    assert delivered(command, answering(404)) == [Failed("no_such_return")]
    assert delivered(command, answering(503)) == [Throttled(MAINTENANCE)]


@pytest.mark.parametrize("delivery_id", ["ProcessRefund:", "graded:c1", "ProcessX:c1"])
def test_what_is_no_command_is_fetched(delivery_id: str) -> None:
    (outcome,) = delivered(hint(delivery_id), answering(200, RMA))

    assert isinstance(outcome, Delivered)
    assert outcome.publish[0].body == json.dumps(RMA, separators=(",", ":")).encode()


def test_a_command_for_another_account_is_skipped() -> None:
    event = hint("ProcessRefund:c1", "returnlogic/other/1")

    assert delivered(event, answering(500)) == [Skipped("other_account")]


def test_a_fetch_target_needs_an_account_it_can_read() -> None:
    options = ReturnLogicFetchOptions(account="demo")
    redo = RedoAccount(webhook_tokens=(SecretStr("t"),))

    for other in (account(api_key=None), redo):
        with pytest.raises(ConfigError, match="cannot be read"):
            options.target("fetch", other)


# ---------------------------------------------------------------- lists


def poll(query: str = "/rmas?since={since}&until={until}") -> ReturnLogicPoll:
    made = account(poll=ReturnLogicPollOptions(query=query)).polling("demo")
    assert made is not None
    return made


def ask(token: str | None = None) -> Ask:
    return Ask("listed", NOW - timedelta(hours=1), NOW, token, NOW)


@pytest.mark.parametrize("name", ["array_answer", "object_answer"])
def test_a_list_is_read_in_either_form(name: str) -> None:
    content = json.loads((PAYLOADS / f"rmas_by_email__{name}.json").read_bytes())

    page, requests = held(poll().page(ask()), answering(200, content))

    assert isinstance(page, Page)
    assert [found.subject for found in page.found] == [SUBJECT]
    assert page.token is None
    assert dict(requests[0].url.params) == {
        "since": "2027-03-14T11:00:00Z",
        "until": "2027-03-14T12:00:00Z",
    }


def test_pages_are_counted_until_one_is_empty_or_the_same_again() -> None:
    paged = poll("/rmas?page={page}")

    first, _ = held(paged.page(ask()), answering(200, [RMA]))
    assert isinstance(first, Page)
    assert first.token is not None
    second, requests = held(paged.page(ask(first.token)), answering(200, []))
    repeated, _ = held(paged.page(ask(first.token)), answering(200, [RMA]))

    assert requests[0].url.params["page"] == "2"
    assert second == repeated == Page(())


def test_a_row_that_names_no_return_goes_under_the_account() -> None:
    page, _ = held(poll().page(ask()), answering(200, {"results": [{"a": 1}]}))

    assert isinstance(page, Page)
    assert page.found == (Found("demo", b'{"a":1}'),)


@pytest.mark.parametrize(
    ("server", "outcome"),
    [
        (answering(404), Page(())),
        (answering(200, {"other": []}), Failed("unreadable_answer")),
        (answering(200, "text"), Failed("unreadable_answer")),
        (lambda _: httpx.Response(200, content=b"<"), Failed("unreadable_answer")),
        (answering(401), Unauthorized("http_401")),
    ],
)
def test_other_answers_of_a_list(server: Server, outcome: PageOutcome) -> None:
    assert held(poll().page(ask()), server)[0] == outcome


def test_a_token_of_another_make_has_expired() -> None:
    assert held(poll().page(ask("c2VhbGVk")), answering(200, []))[0] == Expired()


# ---------------------------------------------------------------- webhooks' care


def care(**changes: object) -> Care:
    made = account(**changes).caring("demo")
    assert made is not None
    return made


def test_registrations_are_listed_with_their_state_and_without_the_token() -> None:
    token = {"id": 3, "url": f"{URL}/token-of-the-path", "action": "updated"}
    content = json.loads(
        (PAYLOADS / "webhooks_list__one_deactivated_guess.json").read_bytes()
    )

    found, requests = held(care().survey(NOW), answering(200, [*content, token]))

    assert isinstance(found, tuple)
    assert [each.active for each in found] == [True, False, None]
    assert found[2].url == URL
    assert requests[0].url.path == "/v1/webhooks"


@pytest.mark.parametrize(
    ("server", "outcome"),
    [
        (answering(200, {"a": 1}), Failed("unreadable_answer")),
        (answering(500), Failed("http_500")),
    ],
)
def test_a_survey_may_fail(server: Server, outcome: Failed) -> None:
    assert held(care().survey(NOW), server)[0] == outcome


def test_what_is_off_is_activated_and_what_is_missing_created() -> None:
    present = [
        Registration(str(number), action, URL, active=number != 3)
        for number, action in enumerate(ACTIONS[1:])
    ]

    changes = care().changes(present, URL)

    assert changes == (
        Change("create", ACTIONS[0], URL),
        Change("activate", ACTIONS[4], URL, "3"),
    )


def test_changes_are_made() -> None:
    create = Change("create", "updated", URL)
    activate = Change("activate", "updated", URL, "7")

    created, (post,) = held(care().mend(create, NOW), answering(201))
    activated, (put,) = held(care().mend(activate, NOW), answering(200))

    assert created == activated == Done()
    assert json.loads(post.content)["url"] == f"{URL}/token-of-the-path"
    assert (put.method, put.url.path) == ("PUT", "/v1/webhooks/7")
    assert json.loads(put.content) == {"active": True}


def test_a_change_may_be_refused() -> None:
    create = Change("create", "updated", URL)

    assert held(care().mend(create, NOW), answering(404))[0] == Refused("http_404")
    assert held(care().mend(create, NOW), answering(400))[0] == Refused("http_400")
    assert care().replay((), URL, NOW, NOW) is None


# ---------------------------------------------------------------- settings


def test_without_a_credential_nothing_is_asked() -> None:
    bare = account(api_key=None)

    assert bare.fetching("demo") is None
    assert bare.polling("demo") is None
    assert bare.caring("demo") is None


def test_without_a_query_there_is_no_polling() -> None:
    assert account().polling("demo") is None
    off = ReturnLogicPollOptions(query="/rmas", enabled=False)
    assert account(poll=off).polling("demo") is None


def test_a_team_has_a_key_or_tokens(tmp_path: Path) -> None:
    tokens = oauth(tmp_path, make_key())

    api = account(api_key=None, oauth=tokens).api()

    assert api is not None
    assert api.client is not None
    with pytest.raises(ValidationError, match="not both"):
        account(oauth=tokens)
