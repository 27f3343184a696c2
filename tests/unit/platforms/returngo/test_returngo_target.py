"""Conversations with ReturnGO, held without a network: what is asked, what comes."""

import json
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from bridge.canonical.envelope import Event
from bridge.canonical.goods import GoodsDocument, GoodsLine, GoodsStatus
from bridge.canonical.model import Return, Shipment, ShipmentState
from bridge.errors import ConfigError
from bridge.platforms.contract import (
    NOT_APPLIED,
    AlreadyApplied,
    Delivered,
    Failed,
    Outcome,
    Refused,
    Skipped,
    Throttled,
    Unauthorized,
)
from bridge.platforms.redo.options import RedoAccount
from bridge.platforms.returngo.options import ReturnGoAccount, ReturnGoTargetOptions
from bridge.platforms.returngo.rules import DEFAULT_RULES, RmaStatus, Rule
from bridge.platforms.returngo.target import ReturnGoTarget
from tests.support.targets import (
    NOW,
    RETURNGO,
    Server,
    context,
    converse,
    event,
    snapshot,
)

WRITTEN = Path(__file__).parents[3] / "payloads" / "returngo" / "written"
BOX, OTHER = "40040011", "40040012"


class ReturnGoModel:
    """One RMA at ReturnGO: its status, parcels and comments; `answers` are the next."""

    def __init__(self, status: str = "Approved", **parcels: str) -> None:
        self.status = status
        self.parcels = {
            name.removeprefix("box_"): found for name, found in parcels.items()
        } or {BOX: "LabelCreated"}
        self.comments: list[str] = []
        self.answers: list[httpx.Response] = []
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.method == "GET":
            return httpx.Response(200, json=self._rma())
        if self.answers:
            return self.answers.pop(0)
        return self._written(request, json.loads(request.content))

    def _written(self, request: httpx.Request, body: dict[str, str]) -> httpx.Response:
        match request.url.path.split("/")[2:]:
            case ["shipment", id_]:
                self.parcels[id_] = body["status"]
            case [_, _, "comment"]:
                self.comments.append(body["htmlText"])
            case _:
                self.status = body["status"]
        return httpx.Response(200, json={})

    def _rma(self) -> object:
        parcels = [
            {"shipmentId": id_, "status": found} for id_, found in self.parcels.items()
        ]
        comments = [{"htmlText": text} for text in self.comments]
        return {
            "rmaSummary": {"rmaId": "r1", "status": self.status},
            "shipments": parcels,
            "comments": [*comments, {"commentType": "system", "htmlText": None}],
        }

    @property
    def calls(self) -> list[str]:
        return [
            f"{sent.method} {sent.url.path.removeprefix('/api')}"
            for sent in self.requests
        ]


def view(*parcels: str | None, void: int = 0) -> Return:
    """Return a return with these shipments, the last `void` of them cancelled."""
    last = len(parcels) - void
    states = [
        ShipmentState.IN_TRANSIT if number < last else ShipmentState.LABEL_VOIDED
        for number in range(len(parcels))
    ]
    shipments = tuple(
        Shipment(key=id_ or "#0", state=state, group=id_)
        for id_, state in zip(parcels, states, strict=True)
    )
    return snapshot("returngo").model_copy(update={"shipments": shipments})


def told(type_: str = "goods.received", *parcels: str | None, **part: int) -> Event:
    return event(type_, "returngo", view=view(*(parcels or (BOX,))), **part)


def target(*rules: Rule, **options: object) -> ReturnGoTarget:
    given = {"account": "demo", "rules": rules or DEFAULT_RULES, **options}
    return ReturnGoTargetOptions.model_validate(given).target("returngo", RETURNGO)


def deliver(server: Server, *rules: Rule, sample: Event | None = None) -> Outcome:
    return converse(target(*rules).deliver(sample or told(), context()), server)[0]


COMMENTING = Rule(on="goods.received", comment="$warehouse has <b> $lines")
RECEIVING = Rule(on="goods.received", shipment="Received")


# ------------------------------------------------------------------- by default


def test_received_goods_are_told_and_their_parcel_set_with_one_look() -> None:
    model = ReturnGoModel()

    outcome = deliver(model)

    assert outcome == Delivered("comment is there, parcel is Received")
    assert model.calls == [
        "GET /rma/r1",
        "POST /rma/r1/comment",
        f"PUT /shipment/{BOX}",
    ]
    assert model.comments == [
        f"Warehouse main received: i1: 1 of 1 [bridge {told().id}]"
    ]


def test_a_repeat_writes_nothing() -> None:
    model = ReturnGoModel()
    deliver(model)

    again = deliver(model)

    assert again == AlreadyApplied("comment is there, parcel is Received")
    assert model.calls[3:] == ["GET /rma/r1"]


@pytest.mark.parametrize("type_", ["goods.inspected", "goods.completed"])
def test_goods_that_are_all_good_validate_their_parcel(type_: str) -> None:
    model = ReturnGoModel("Received", **{f"box_{BOX}": "Received"})

    outcome = deliver(model, sample=told(type_))

    assert outcome == Delivered("parcel is Validated")
    assert model.parcels == {BOX: "Validated"}


def test_goods_that_are_not_validate_nothing() -> None:
    spoilt = view(BOX).model_copy(update={"goods": ()})
    sample = event("goods.completed", "returngo", view=spoilt)

    assert deliver(ReturnGoModel(), sample=sample) == Skipped("condition_not_met")


def test_a_discrepancy_is_told_and_sets_nothing() -> None:
    model = ReturnGoModel()

    outcome = deliver(model, sample=told("goods.discrepancy"))

    assert outcome == Delivered("comment is there")
    assert model.parcels == {BOX: "LabelCreated"}


def test_a_probe_tells_what_a_delivery_would_find() -> None:
    model = ReturnGoModel()

    before, _ = converse(target().probe(told(), context()), model)
    deliver(model)
    after, _ = converse(target().probe(told(), context()), model)

    assert before == NOT_APPLIED
    assert after == AlreadyApplied("comment is there, parcel is Received")


# ------------------------------------------------------------------- comments


def test_a_comment_is_html() -> None:
    model = ReturnGoModel()

    deliver(model, COMMENTING)

    assert model.comments[0].startswith("main has &lt;b&gt; i1")


def test_bodies_have_the_forms_that_the_sheet_guesses() -> None:
    model = ReturnGoModel("Pending")
    deliver(model, COMMENTING, RECEIVING, Rule(on="goods.received", status="Approved"))

    comment, parcel, status = (
        json.loads(each.content) for each in model.requests if each.content
    )

    assert comment.keys() == example("comment_post__request").keys()
    assert parcel == example("shipment_put__received_request")
    assert status == example("rma_status_put__request")


def example(name: str) -> dict[str, str]:
    body: dict[str, str] = json.loads((WRITTEN / f"{name}.json").read_bytes())
    return body


def test_bodies_may_be_written_otherwise() -> None:
    rules = (COMMENTING, Rule(on="goods.received", status="Received"))
    other = target(
        *rules,
        comment_body={"text": "$text", "isPublic": False},
        status_body={"rma": {"state": "$status"}},
    )
    server = ReturnGoModel()
    server.answers = [httpx.Response(200), httpx.Response(200)]

    _, requests = converse(other.deliver(told(), context()), server)

    sent = [json.loads(each.content) for each in requests if each.content]
    assert sent[0]["isPublic"] is False
    assert "[bridge" in sent[0]["text"]
    assert sent[1] == {"rma": {"state": "Received"}}


@pytest.mark.parametrize(
    "body", [{"comment_body": {"text": "text"}}, {"status_body": {}}]
)
def test_a_body_without_its_word_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ReturnGoTargetOptions.model_validate({"account": "demo", **body})


# ------------------------------------------------------------------- parcels


@pytest.mark.parametrize("status", ["Pending", "LabelCreated", "Shipped", "Canceled"])
def test_a_parcel_on_its_way_is_set(status: str) -> None:
    model = ReturnGoModel(**{f"box_{BOX}": status})

    assert deliver(model, RECEIVING) == Delivered("parcel is Received")
    assert model.requests[-1].headers["x-shop-name"] == "demo.example"


@pytest.mark.parametrize("status", ["Received", "Validated"])
def test_a_parcel_that_is_there_or_further_on_is_left(status: str) -> None:
    model = ReturnGoModel(**{f"box_{BOX}": status})

    assert deliver(model, RECEIVING) == AlreadyApplied(f"parcel is {status}")


def test_the_parcel_is_the_one_that_the_warehouse_speaks_of() -> None:
    model = ReturnGoModel(**{f"box_{BOX}": "Shipped", f"box_{OTHER}": "Shipped"})

    deliver(model, RECEIVING, sample=told("goods.received", BOX, OTHER, parcel=2))

    assert model.parcels == {BOX: "Shipped", OTHER: "Received"}


@pytest.mark.parametrize(
    "sample",
    [
        told("goods.received", BOX, OTHER),
        told("goods.received", BOX, parcel=7),
        told("goods.received", None, parcel=1),
        event("goods.received", "returngo", view=view(BOX, OTHER, void=2)),
        event("goods.received", "returngo", view=view()),
    ],
    ids=["one of two", "no such number", "without id", "all cancelled", "none"],
)
def test_a_parcel_that_is_not_known_is_not_set(sample: Event) -> None:
    assert deliver(ReturnGoModel(), RECEIVING, sample=sample) == Skipped(
        "condition_not_met"
    )


def test_without_a_number_the_one_parcel_that_comes_is_meant() -> None:
    model = ReturnGoModel(**{f"box_{BOX}": "Shipped", f"box_{OTHER}": "Canceled"})
    sample = event("goods.received", "returngo", view=view(BOX, OTHER, void=1))

    deliver(model, RECEIVING, sample=sample)

    assert model.parcels == {BOX: "Received", OTHER: "Canceled"}


def document(number: int, *, received: int, status: GoodsStatus) -> GoodsDocument:
    line = GoodsLine(line_key="i1", expected=received, received=received)
    return GoodsDocument(
        system="generic",
        account="main",
        return_id=f"w{number}",
        parcel=number,
        status=status,
        occurred_at=NOW,
        lines=(line,),
    )


def test_when_all_is_good_every_counted_parcel_is_set() -> None:
    whole = view(BOX, OTHER, "40040013", "40040014")
    (known,) = whole.goods
    goods = (
        known.model_copy(update={"parcel": 1}),
        document(3, received=0, status=GoodsStatus.AWAITING),
        document(4, received=1, status=GoodsStatus.CANCELLED),
    )
    rule = Rule(on="goods.completed", when="all_good", shipment="Validated")
    data = event(
        "goods.completed", "returngo", view=whole.model_copy(update={"goods": goods})
    ).read()

    assert rule.parcels(data) == (BOX,)


def test_a_rule_for_what_no_warehouse_says_has_no_parcel() -> None:
    rule = Rule(on="return.approved", shipment="Received")

    assert rule.parcels(event("return.approved", "returngo").read()) == ()


def test_a_parcel_that_is_gone_at_returngo_is_refused() -> None:
    model = ReturnGoModel(**{f"box_{OTHER}": "Shipped"})

    outcome = deliver(model, RECEIVING)

    assert isinstance(outcome, Refused)
    assert outcome.reason == "no_such_shipment"


def test_after_a_400_the_parcel_is_looked_at_once_more() -> None:
    refusing, overtaken = ReturnGoModel(), ReturnGoModel()
    for model in (refusing, overtaken):
        model.answers = [httpx.Response(400)]

    def somebody_else_sets_it(request: httpx.Request) -> httpx.Response:
        answer = overtaken(request)
        if request.method == "PUT":
            overtaken.parcels[BOX] = "Validated"
        return answer

    refused = deliver(refusing, RECEIVING)
    done = deliver(somebody_else_sets_it, RECEIVING)

    assert refused == Refused("http_400", "the parcel does not take this move")
    assert done == AlreadyApplied("parcel is Validated")
    assert refusing.calls == [
        "GET /rma/r1",
        f"PUT /shipment/{BOX}",
        "GET /rma/r1",
    ]


# ------------------------------------------------------------------- RMA's status


@pytest.mark.parametrize(
    ("status", "wanted", "outcome"),
    [
        ("Pending", "Approved", Delivered("status is Approved")),
        ("Approved", "Approved", AlreadyApplied("status is Approved")),
        ("Validated", "Received", AlreadyApplied("status is Validated")),
        ("Done", "Received", AlreadyApplied("status is Done")),
        ("Canceled", "Approved", Refused("unexpected_status", "status is Canceled")),
        ("Rejected", "Done", Refused("unexpected_status", "status is Rejected")),
        ("Done", "Canceled", Refused("unexpected_status", "status is Done")),
        ("Canceled", "Canceled", AlreadyApplied("status is Canceled")),
        ("Received", "Rejected", Delivered("status is Rejected")),
        ("Elsewhere", "Done", Delivered("status is Done")),
    ],
)
def test_a_status_is_set_unless_it_stands_or_was_decided(
    status: str, wanted: RmaStatus, outcome: Outcome
) -> None:
    model = ReturnGoModel(status)

    assert deliver(model, Rule(on="goods.received", status=wanted)) == outcome


def test_a_status_is_set_after_another_look_once_a_parcel_has_moved() -> None:
    model = ReturnGoModel()

    deliver(model, Rule(on="goods.received", shipment="Received", status="Received"))

    assert model.calls == [
        "GET /rma/r1",
        f"PUT /shipment/{BOX}",
        "GET /rma/r1",
        "PUT /rma/r1/status",
    ]


# ------------------------------------------------------------------- answers


WRITES = [COMMENTING, RECEIVING, Rule(on="goods.received", status="Received")]


@pytest.mark.parametrize("rule", WRITES)
@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (401, Unauthorized("http_401")),
        (403, Unauthorized("http_403")),
        (404, Refused("http_404")),
        (429, Throttled(None)),
        (500, Failed("http_500", answer_lost=True)),
    ],
)
def test_a_write_is_judged_by_its_status(
    rule: Rule, code: int, outcome: Outcome
) -> None:
    model = ReturnGoModel()
    model.answers = [httpx.Response(code)]

    assert deliver(model, rule) == outcome


@pytest.mark.parametrize("rule", WRITES)
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (httpx.Response(404), Refused("http_404")),
        (httpx.Response(500), Failed("http_500")),
        (httpx.Response(200, content=b"<html>"), Failed("unreadable_answer")),
        (httpx.Response(200, json={"items": []}), Failed("unreadable_answer")),
    ],
)
def test_an_rma_that_cannot_be_read_stops_before_the_write(
    rule: Rule, answer: httpx.Response, outcome: Outcome
) -> None:
    assert deliver(lambda _: answer, rule) == outcome


# ------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    "rule",
    [
        {"on": "goods.received"},
        {"on": "goods.eaten", "comment": "x"},
        {"on": "goods.received", "comment": "$nobody"},
        {"on": "goods.received", "shipment": "Shipped"},
        {"on": "goods.received", "status": "Pending"},
    ],
)
def test_a_rule_that_cannot_work_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate(rule)


def test_a_target_needs_a_returngo_account_with_a_key() -> None:
    options = ReturnGoTargetOptions(account="demo")
    keyless = ReturnGoAccount(
        shop="demo.example", webhook_tokens=(SecretStr("token-of-the-path"),)
    )

    with pytest.raises(ConfigError, match="api_key"):
        options.target("returngo", keyless)
    with pytest.raises(ConfigError, match="needs a returngo account"):
        options.target("returngo", RedoAccount(webhook_tokens=(SecretStr("t"),)))
