"""Conversations with Redo, held without a network: what is asked, what comes of it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import SecretStr

from bridge.canonical.draft import Draft, Part, encode
from bridge.canonical.envelope import Event, event_id
from bridge.canonical.events import TYPES
from bridge.canonical.goods import (
    DispositionCode,
    GoodsDocument,
    GoodsLine,
    GoodsStatus,
)
from bridge.canonical.goods import Outcome as GoodsOutcome
from bridge.canonical.goods_events import LineFact, Warehouse
from bridge.canonical.model import (
    Item,
    Kind,
    Return,
)
from bridge.canonical.states import State
from bridge.platforms.contract import (
    NOT_APPLIED,
    AlreadyApplied,
    Context,
    Conversation,
    Delivered,
    Failed,
    Outcome,
    Refused,
    Skipped,
)
from bridge.platforms.redo.answers import judge
from bridge.platforms.redo.rules import DEFAULT_RULES, Rule
from bridge.platforms.redo.target import RedoTarget

NOW = datetime(2027, 3, 14, 12, 0, tzinfo=UTC)
CONTEXT = Context(attempt=1, now=NOW)
SUBJECT = "redo/demo/r1"
BASE = "https://redo.test/v2.2/returns/r1"

Server = Callable[[httpx.Request], httpx.Response]


class RedoModel:
    """One return at Redo, with its status and comments."""

    def __init__(self, status: str = "delivered", *comments: str) -> None:
        self.status = status
        self.comments = list(comments)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        match request.method, request.url.path.rpartition("/")[2]:
            case "GET", "status":
                return httpx.Response(200, json={"status": self.status})
            case "PUT", "status":
                self.status = json.loads(request.content)["status"]
                return httpx.Response(204)
            case "GET", "comments":
                messages = [{"message": text} for text in self.comments]
                return httpx.Response(200, json={"comments": messages})
            case _:
                comment = json.loads(request.content)["comment"]
                self.comments.append(comment["message"])
                return httpx.Response(201, json={"comment": comment})

    @property
    def calls(self) -> list[str]:
        return [f"{sent.method} {sent.url}" for sent in self.requests]


def converse(conversation: Conversation, server: Server) -> Outcome:
    try:
        request = next(conversation)
        while True:
            request = conversation.send(server(request))
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome


def target(*rules: Rule) -> RedoTarget:
    return RedoTarget(
        "to-redo",
        account="demo",
        base_url="https://redo.test/v2.2",
        token=SecretStr("secret"),
        rules=rules or DEFAULT_RULES,
    )


def event(type_: str, *, restocked: int = 1, subject: str = SUBJECT) -> Event:
    outcome = GoodsOutcome(
        key="o", quantity=restocked, disposition=DispositionCode.RESTOCK
    )
    document = GoodsDocument(
        system="wms",
        account="main",
        return_id="w1",
        status=GoodsStatus.PROCESSING,
        occurred_at=NOW,
        lines=(GoodsLine(line_key="1", expected=1, received=1, outcomes=(outcome,)),),
    )
    view = Return(
        subject=subject,
        platform="redo",
        account="demo",
        native_id="r1",
        kind=Kind.RETURN,
        state=State.DELIVERED,
        items=(Item(id="i1", quantity=1),),
        goods=(document,),
        observed_at=NOW,
    )
    shared = {"system", "account", "return_id", "status", "occurred_at"}
    warehouse = Warehouse.model_validate(document.model_dump(include=shared))
    fact = LineFact(sku="RUG-90", total=1, expected=1, fact="f")
    goods: dict[str, Part] = {"warehouse": warehouse, "lines": (fact,)}
    draft = Draft(TYPES[type_], goods if type_.startswith("goods.") else {})
    body = encode(draft, view.model_dump_json().encode())
    id_ = event_id(subject, 4)
    return Event(id_, type_, subject, 4, "c", NOW, "/redo/demo", "cause", body)


def deliver(event_: Event, server: Server, *rules: Rule) -> Outcome:
    return converse(target(*rules).deliver(event_, CONTEXT), server)


def answering(code: int, content: bytes = b"") -> Server:
    return lambda _: httpx.Response(code, content=content)


def test_received_goods_become_one_comment_that_carries_the_event_id() -> None:
    redo, received = RedoModel(), event("goods.received")

    outcome = deliver(received, redo)

    assert outcome == Delivered("comment is there")
    assert redo.calls == [f"GET {BASE}/comments", f"POST {BASE}/comments"]
    assert redo.comments == [
        f"Warehouse main received: RUG-90: 1 of 1 [bridge {received.id}]"
    ]


def test_a_comment_that_is_there_is_not_written_twice() -> None:
    received = event("goods.received")
    redo = RedoModel("delivered", "Hello", f"Whatever [bridge {received.id}]")

    outcome = deliver(received, redo)

    assert outcome == AlreadyApplied("comment is there")
    assert redo.calls == [f"GET {BASE}/comments"]


@pytest.mark.parametrize("type_", ["goods.inspected", "goods.completed"])
def test_goods_that_are_all_good_complete_the_return(type_: str) -> None:
    redo = RedoModel()

    outcome = deliver(event(type_), redo)

    assert outcome == Delivered("status is complete")
    assert redo.calls == [f"GET {BASE}/status", f"PUT {BASE}/status"]
    assert redo.status == "complete"


@pytest.mark.parametrize("type_", ["goods.inspected", "goods.completed"])
def test_goods_that_are_not_all_good_complete_nothing(type_: str) -> None:
    redo = RedoModel()

    outcome = deliver(event(type_, restocked=0), redo)

    assert outcome == Skipped("condition_not_met")
    assert redo.calls == []


def test_a_status_that_stands_already_is_not_set_again() -> None:
    redo = RedoModel("complete")

    outcome = deliver(event("goods.completed"), redo)

    assert outcome == AlreadyApplied("status is complete")
    assert redo.calls == [f"GET {BASE}/status"]


@pytest.mark.parametrize("status", ["rejected", "deleted"])
def test_what_somebody_decided_at_redo_is_not_overwritten(status: str) -> None:
    redo = RedoModel(status)

    outcome = deliver(event("goods.completed"), redo)

    assert outcome == Refused("unexpected_status", f"status is {status}")
    assert redo.status == status


def test_a_discrepancy_is_told_first_and_then_flagged() -> None:
    redo = RedoModel()

    outcome = deliver(event("goods.discrepancy"), redo)

    assert outcome == Delivered("comment is there, status is flagged")
    assert [call.split()[0] for call in redo.calls] == ["GET", "POST", "GET", "PUT"]
    assert redo.status == "flagged"


def test_a_repeat_after_a_lost_answer_does_nothing_twice() -> None:
    redo, discrepancy = RedoModel(), event("goods.discrepancy")
    deliver(discrepancy, redo)
    redo.requests.clear()

    outcome = deliver(discrepancy, redo)

    assert isinstance(outcome, AlreadyApplied)
    assert [sent.method for sent in redo.requests] == ["GET", "GET"]
    assert len(redo.comments) == 1


def test_a_probe_tells_before_and_after_and_in_between_what_is_done() -> None:
    redo, discrepancy = RedoModel(), event("goods.discrepancy")

    def probed() -> Outcome:
        return converse(target().probe(discrepancy, CONTEXT), redo)

    before = probed()
    deliver(discrepancy, redo)
    after = probed()
    redo.status = "delivered"

    assert (before, probed()) == (NOT_APPLIED, NOT_APPLIED)
    assert after == AlreadyApplied("comment is there, status is flagged")
    assert len([sent for sent in redo.requests if sent.method != "GET"]) == 2


def test_a_probe_tells_what_would_be_refused_or_left() -> None:
    refused = RedoModel("rejected")
    goods, other = event("goods.inspected"), event("return.approved")

    assert converse(target().probe(goods, CONTEXT), refused) == Refused(
        "unexpected_status", "status is rejected"
    )
    assert converse(target().probe(other, CONTEXT), refused) == Skipped("no_rule")


def test_half_a_conversation_is_taken_up_where_it_ended() -> None:
    redo, discrepancy = RedoModel(), event("goods.discrepancy")
    deliver(discrepancy, redo)
    redo.status = "delivered"

    outcome = deliver(discrepancy, redo)

    assert outcome == Delivered("comment is there, status is flagged")
    assert len(redo.comments) == 1


def test_the_first_action_that_fails_ends_the_conversation() -> None:
    outcome = deliver(event("goods.discrepancy"), answering(500))

    assert outcome == Failed("http_500")


def test_every_request_carries_the_token_and_every_write_the_same_key() -> None:
    redo, discrepancy = RedoModel(), event("goods.discrepancy")

    deliver(discrepancy, redo)

    for sent in redo.requests:
        assert sent.headers["Authorization"] == "Bearer secret"
        key = sent.headers.get("Idempotency-Key")
        assert key == (None if sent.method == "GET" else discrepancy.id)


def test_a_native_id_is_quoted_into_the_path() -> None:
    redo = RedoModel()

    deliver(event("goods.received", subject="redo/demo/../a b"), redo)

    assert redo.calls[0] == "GET https://redo.test/v2.2/returns/..%2Fa%20b/comments"


def test_rules_of_one_event_act_in_their_order() -> None:
    redo = RedoModel()
    rules = (
        Rule(on="return.approved", status="open"),
        Rule(on="return.approved", comment="It is $state"),
    )

    outcome = deliver(event("return.approved"), redo, *rules)

    assert outcome == Delivered("status is open, comment is there")
    assert redo.comments[0].startswith("It is delivered [bridge ")


@pytest.mark.parametrize("content", [b"<html>", b'"text"', b'{"status": 1}'])
@pytest.mark.parametrize("type_", ["goods.received", "goods.completed"])
def test_an_answer_that_cannot_be_read_is_asked_for_again(
    type_: str, content: bytes
) -> None:
    outcome = deliver(event(type_), answering(200, content))

    assert outcome == Failed("unreadable_answer")


@pytest.mark.parametrize("code", [400, 401, 429, 500])
@pytest.mark.parametrize("type_", ["goods.received", "goods.completed"])
def test_a_write_that_fails_is_judged(type_: str, code: int) -> None:
    redo = RedoModel()

    def server(request: httpx.Request) -> httpx.Response:
        return redo(request) if request.method == "GET" else httpx.Response(code)

    assert deliver(event(type_), server) == judge(
        httpx.Request("POST" if type_ == "goods.received" else "PUT", BASE),
        httpx.Response(code),
        NOW,
    )


def test_comments_of_odd_shape_are_passed_over() -> None:
    received = event("goods.received")
    odd = b'{"comments": [{"image": "aW1n"}, null, {"message": 7}, "text"]}'

    outcome = deliver(received, answering(200, odd))

    assert outcome == Delivered("comment is there")
