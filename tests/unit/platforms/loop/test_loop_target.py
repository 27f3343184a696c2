"""Conversations with Loop, held without a network: what is asked, what comes of it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from bridge.canonical.draft import Draft, Part, encode
from bridge.canonical.envelope import Event, event_id
from bridge.canonical.events import TYPES
from bridge.canonical.model import Kind, Return
from bridge.canonical.states import State
from bridge.errors import ConfigError
from bridge.platforms.contract import (
    AlreadyApplied,
    Context,
    Conversation,
    Delivered,
    Failed,
    Outcome,
    Refused,
    Skipped,
    Throttled,
    Unauthorized,
)
from bridge.platforms.loop.options import LoopAccount, LoopTargetOptions
from bridge.platforms.loop.rules import Action, Rule
from bridge.platforms.loop.target import LONGEST_NOTE
from bridge.platforms.redo.options import RedoAccount

NOW = datetime(2027, 3, 14, 12, 0, tzinfo=UTC)
CONTEXT = Context(attempt=1, now=NOW)
SUBJECT = "loop/demo/900411"
ID = event_id(SUBJECT, 3)

Server = Callable[[httpx.Request], httpx.Response]


class LoopModel:
    """One return at Loop: its state, its notes, and what it answers to actions."""

    def __init__(self, state: str = "open", **details: object) -> None:
        self.details = {"id": 900_411, "state": state, "refunds": [], **details}
        self.notes: list[str] = []
        self.answer = httpx.Response(200, json=True)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        match request.method, request.url.path.rpartition("/")[2]:
            case "GET", "details":
                answer = httpx.Response(200, json=self.details)
            case "GET", "notes" if not self.notes:
                answer = httpx.Response(422, json={"errors": {"message": "none"}})
            case "GET", "notes":
                shown = [{"id": 1, "content": text} for text in self.notes]
                answer = httpx.Response(200, json={"notes": shown})
            case "POST", "note":
                self.notes.append(json.loads(request.content)["content"])
                answer = httpx.Response(200, json=True)
            case _:
                answer = self.answer
        return answer

    @property
    def calls(self) -> list[str]:
        return [
            f"{sent.method} {sent.url.path.rpartition('/')[2]}"
            for sent in self.requests
        ]


def account(**options: object) -> LoopAccount:
    given = {"webhook_secrets": [SecretStr("hook")], **options}
    return LoopAccount.model_validate(given)


def converse(conversation: Conversation, server: Server) -> Outcome:
    try:
        request = next(conversation)
        while True:
            request = conversation.send(server(request))
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome


def event(type_: str = "return.approved", **part: Part) -> Event:
    view = Return(
        subject=SUBJECT,
        platform="loop",
        account="demo",
        native_id="900411",
        number="#L-1",
        kind=Kind.RETURN,
        state=State.APPROVED,
        observed_at=NOW,
    )
    body = encode(Draft(TYPES[type_], part), view.model_dump_json().encode())
    return Event(ID, type_, SUBJECT, 3, "c", NOW, "/loop/demo", "cause", body)


def deliver(server: Server, *rules: Rule, sample: Event | None = None) -> Outcome:
    options = LoopTargetOptions(account="demo", rules=rules)
    target = options.target("loop", account(api_key=SecretStr("key")))
    return converse(target.deliver(sample or event(), CONTEXT), server)


def acting(action: Action) -> Rule:
    return Rule(on="return.approved", action=action)


NOTING = Rule(on="return.approved", note="Return $number is $state")


# -------------------------------------------------------------------- actions


@pytest.mark.parametrize("action", ["process", "flag", "cancel", "close"])
def test_an_action_is_called_once_the_return_has_been_looked_at(action: Action) -> None:
    model = LoopModel()

    outcome = deliver(model, acting(action))

    assert outcome == Delivered(f"{action} was accepted")
    assert model.calls == ["GET details", f"POST {action}"]
    assert json.loads(model.requests[1].content) == {"bridge_event_id": ID}
    assert model.requests[1].headers["x-authorization"] == "key"
    assert model.requests[0].url.params["return_id"] == "900411"


@pytest.mark.parametrize(
    ("action", "state", "outcome"),
    [
        ("process", "closed", AlreadyApplied("state is closed")),
        ("process", "review", Refused("unexpected_state", "state is review")),
        ("process", "cancelled", Refused("unexpected_state", "state is cancelled")),
        ("process", "expired", Refused("unexpected_state", "state is expired")),
        ("process", "on_hold", Refused("unexpected_state", "state is unknown")),
        ("flag", "review", AlreadyApplied("state is review")),
        ("flag", "needs review", AlreadyApplied("state is review")),
        ("flag", "closed", Refused("unexpected_state", "state is closed")),
        ("cancel", "cancelled", AlreadyApplied("state is cancelled")),
        ("cancel", "review", Refused("unexpected_state", "state is review")),
        ("close", "closed", AlreadyApplied("state is closed")),
        ("close", "review", Delivered("close was accepted")),
    ],
)
def test_what_is_done_or_decided_otherwise_is_not_called(
    action: Action, state: str, outcome: Outcome
) -> None:
    assert deliver(LoopModel(state), acting(action)) == outcome


@pytest.mark.parametrize(
    "paid",
    [
        {"refunds": [{"amount": "55.12"}]},
        {"refunds": [{"amount": None}, 7, {"amount": 1}]},
        {"exchange_order_id": 1},
        {"gift_card_order_id": "1"},
    ],
)
def test_closing_what_was_paid_is_refused(paid: dict[str, object]) -> None:
    outcome = deliver(LoopModel("closed", **paid), acting("close"))

    assert isinstance(outcome, Refused)
    assert outcome.reason == "already_fulfilled"


@pytest.mark.parametrize("refunds", [[], "none", [{"amount": "0.00"}], [{}]])
def test_closing_what_was_closed_unpaid_is_done(refunds: object) -> None:
    model = LoopModel("closed", refunds=refunds)

    assert deliver(model, acting("close")) == AlreadyApplied("state is closed")


REFUSALS = [
    {"errors": {"message": "no", "code": "UNPROCESSABLE_RETURN"}},
    {"errors": [{"message": "no"}]},
    {"message": "no"},
    {"content": "no"},
    "true",
    None,
]


@pytest.mark.parametrize("body", REFUSALS, ids=str)
def test_only_a_bare_true_is_success(body: object) -> None:
    model = LoopModel()
    model.answer = httpx.Response(200, json=body)

    outcome = deliver(model, acting("cancel"))

    assert isinstance(outcome, Refused)
    assert outcome.detail == "refused with status 200"


@pytest.mark.parametrize("body", REFUSALS, ids=str)
def test_a_second_process_is_looked_at_again_later(body: object) -> None:
    model = LoopModel()
    model.answer = httpx.Response(200, json=body)

    assert deliver(model, acting("process")) == Failed("refused_or_queued_already")


def test_a_flagged_return_is_not_processed_ever() -> None:
    model = LoopModel()
    code = "UNPROCESSABLE_FLAGGED_RETURN"
    model.answer = httpx.Response(200, json={"errors": {"code": code}})

    outcome = deliver(model, acting("process"))

    assert isinstance(outcome, Refused)
    assert outcome.reason == "unprocessable_flagged_return"


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (401, Unauthorized("http_401")),
        (403, Unauthorized("http_403")),
        (404, Refused("http_404")),
        (422, Refused("http_422")),
        (429, Throttled(None)),
        (500, Failed("http_500", answer_lost=True)),
        (503, Failed("http_503", answer_lost=True)),
        (301, Failed("http_301", answer_lost=True)),
    ],
)
def test_an_action_is_judged_by_its_status(code: int, outcome: Outcome) -> None:
    model = LoopModel()
    model.answer = httpx.Response(code)

    assert deliver(model, acting("process")) == outcome


def test_a_return_that_loop_does_not_know_is_refused() -> None:
    def server(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"error": {"message": "nothing matches"}})

    assert deliver(server, acting("flag")) == Refused("error_in_200")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"state": 7}', b"{}"])
def test_details_that_say_nothing_are_asked_for_again(body: bytes) -> None:
    outcome = deliver(lambda _: httpx.Response(200, content=body), acting("flag"))

    assert outcome == Failed("unreadable_answer")


# ---------------------------------------------------------------------- notes


def test_a_note_is_posted_once_with_the_id_of_its_event() -> None:
    model = LoopModel()

    first, second = (deliver(model, NOTING) for _ in range(2))

    assert first == Delivered("note is there")
    assert second == AlreadyApplied("note is there")
    assert model.notes == [f"Return #L-1 is approved [bridge {ID}]"]


def test_a_note_fits_and_keeps_its_mark() -> None:
    model = LoopModel()
    model.notes = ["another note", "a third"]

    deliver(model, Rule(on="return.approved", note="x" * 400))

    assert len(model.notes[-1]) == LONGEST_NOTE
    assert model.notes[-1].endswith(f"… [bridge {ID}]")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (httpx.Response(200, json={"notes": 7}), Failed("unreadable_answer")),
        (httpx.Response(200, json=[1]), Failed("unreadable_answer")),
        (
            httpx.Response(200, json={"errors": {"code": "NOT_FOUND"}}),
            Refused("not_found"),
        ),
        (httpx.Response(500), Failed("http_500")),
    ],
)
def test_notes_that_cannot_be_read_stop_before_the_write(
    answer: httpx.Response, outcome: Outcome
) -> None:
    assert deliver(lambda _: answer, NOTING) == outcome


def test_notes_of_odd_shape_are_no_obstacle() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"notes": [7, {}, {"content": None}]})
        return httpx.Response(200, json=True)

    assert deliver(server, NOTING) == Delivered("note is there")


def test_the_note_comes_before_the_action_and_stops_it_when_it_fails() -> None:
    both = Rule(on="return.approved", note="why", action="flag")
    model = LoopModel()

    outcome = deliver(model, both)
    stopped = deliver(lambda _: httpx.Response(500), both)

    assert outcome == Delivered("note is there, flag was accepted")
    assert model.calls == ["GET notes", "POST note", "GET details", "POST flag"]
    assert stopped == Failed("http_500")


# -------------------------------------------------------------- label requests


LABELLESS = Rule(on="label.requested", label_error="INVALID_ADDRESS")


def test_a_label_request_is_answered_with_its_own_id() -> None:
    model = LoopModel()
    asked = event("label.requested", correlation_id="label_request/77")

    outcome = deliver(model, LABELLESS, sample=asked)

    assert outcome == Delivered("label request is answered")
    assert model.requests[0].url.path == "/api/2026-10/label-requests/77/errors"
    assert json.loads(model.requests[0].content)["reason"] == "INVALID_ADDRESS"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (httpx.Response(200, json={}), Delivered("label request is answered")),
        (httpx.Response(204), Delivered("label request is answered")),
        (httpx.Response(401), Unauthorized("http_401")),
        (
            httpx.Response(200, json={"errors": {"code": "NOT_FOUND"}}),
            Refused("not_found", "refused with status 200"),
        ),
    ],
)
def test_the_answer_to_a_label_error_is_judged(
    answer: httpx.Response, outcome: Outcome
) -> None:
    asked = event("label.requested", correlation_id="label_request/77")

    assert deliver(lambda _: answer, LABELLESS, sample=asked) == outcome


# ---------------------------------------------------------------------- rules


def test_what_no_rule_or_another_account_is_about_is_skipped() -> None:
    other = event()
    foreign = Event(other.id, other.type, "loop/b/1", 1, "c", NOW, "s", "c", other.body)

    assert deliver(LoopModel(), LABELLESS) == Skipped("no_rule")
    assert deliver(LoopModel(), NOTING, sample=foreign) == Skipped("other_account")


def test_a_condition_that_does_not_hold_is_skipped() -> None:
    rule = Rule(on="return.approved", when="all_good", action="process")

    assert deliver(LoopModel(), rule) == Skipped("condition_not_met")


def test_an_event_that_cannot_be_read_is_refused() -> None:
    broken = Event(ID, "return.approved", SUBJECT, 1, "c", NOW, "s", "c", b"{}")

    outcome = deliver(LoopModel(), NOTING, sample=broken)

    assert outcome == Refused("unreadable_event")


@pytest.mark.parametrize(
    "rule",
    [
        {"on": "return.approved"},
        {"on": "return.opened", "note": "x"},
        {"on": "return.approved", "note": "$nobody"},
        {"on": "return.approved", "label_error": "Other"},
        {"on": "label.requested", "label_error": "unwilling"},
        {"on": "return.approved", "action": "remove"},
    ],
)
def test_a_rule_that_cannot_work_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate(rule)


def test_a_target_needs_a_loop_account_with_a_key() -> None:
    options = LoopTargetOptions(account="demo")

    with pytest.raises(ConfigError, match="api_key"):
        options.target("loop", account())
    with pytest.raises(ConfigError, match="needs a loop account"):
        options.target("loop", RedoAccount(webhook_tokens=(SecretStr("t"),)))
