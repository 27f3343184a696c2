"""Acknowledgements to ReturnLogic, held without a network: what is sent, what comes."""

import json
from pathlib import Path

import httpx
import pytest
from pydantic import JsonValue, SecretStr, ValidationError

from bridge.canonical.base import Money
from bridge.canonical.envelope import Event
from bridge.canonical.model import Asked
from bridge.errors import ConfigError
from bridge.platforms.contract import (
    NOT_APPLIED,
    Delivered,
    Failed,
    Outcome,
    Refused,
    Skipped,
    Throttled,
    Unauthorized,
)
from bridge.platforms.redo.options import RedoAccount
from bridge.platforms.returnlogic.api import MAINTENANCE
from bridge.platforms.returnlogic.oauth import FixedKey, Pair
from bridge.platforms.returnlogic.options import (
    ACKNOWLEDGE_PATHS,
    OAuthOptions,
    ReturnLogicTargetOptions,
)
from bridge.platforms.returnlogic.rules import COMMANDS, DEFAULT_RULES, Result, Rule
from bridge.platforms.returnlogic.seal import make_key
from bridge.platforms.returnlogic.target import ReturnLogicTarget
from tests.support.targets import NOW, context, event, snapshot
from tests.unit.platforms.returnlogic.calls import Server, account, answering, held

WRITTEN = Path(__file__).parents[3] / "payloads" / "returnlogic" / "written"
NAMES = {
    "ack_refund_success__request_guess": "refund",
    "ack_giftcard_success__request": "credit",
    "ack_giftcard_failure__request_guess": "credit",
    "ack_exchange_success__request": "exchange",
    "ack_exchange_failure__request": "exchange",
    "ack_warranty_success__request_guess": "warranty",
    "ack_restock_success__request_guess": "restock",
}
TAKEN = answering(200, {"received": True, "errors": []})
RESTOCKED = Rule(on="restock.requested", acknowledge="success")


def written(name: str) -> dict[str, JsonValue]:
    body: dict[str, JsonValue] = json.loads((WRITTEN / f"{name}.json").read_bytes())
    return body


def asked(
    kind: str = "restock",
    *,
    correlation_id: str = "c1",
    native_id: str = "330077",
    amount: Money | None = None,
) -> Event:
    view = snapshot("returnlogic").model_copy(
        update={"subject": f"returnlogic/demo/{native_id}", "native_id": native_id}
    )
    return event(
        f"{kind}.requested",
        "returnlogic",
        view=view,
        correlation_id=correlation_id,
        amount=amount,
    )


def target(*rules: Rule, **options: object) -> ReturnLogicTarget:
    given = {"account": "demo", "rules": rules or DEFAULT_RULES, **options}
    made = ReturnLogicTargetOptions.model_validate(given)
    return made.target("acks", account())


def deliver(
    server: Server, *rules: Rule, sample: Event | None = None
) -> tuple[Outcome, list[httpx.Request]]:
    return held(target(*rules).deliver(sample or asked(), context()), server)


# ------------------------------------------------------------------- what is sent


@pytest.mark.parametrize("name", NAMES)
def test_an_acknowledgement_is_the_one_of_the_sheet(name: str) -> None:
    body = written(name)
    kind = NAMES[name]
    rule = Rule.model_validate(
        {
            "on": f"{kind}.requested",
            "acknowledge": name.split("_")[2],
            "errors": body["errors"],
            "data": body["data"],
        }
    )
    sample = asked(
        kind,
        correlation_id=str(body["correlationId"]),
        native_id=str(body["rlRmaId"]),
    )

    outcome, (request,) = deliver(TAKEN, rule, sample=sample)

    assert isinstance(outcome, Delivered)
    assert json.loads(request.content) == body
    kind_in_path, result = name.split("_")[1:3]
    assert request.method == "POST"
    assert request.url.path == f"/v1/rmas/{body['rlRmaId']}/{kind_in_path}/{result}"
    assert request.headers["authorization"] == "Bearer the-key"
    assert request.headers["idempotency-key"] == sample.id
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("amount", "data"),
    [
        (Money(amount="22.50", currency="EUR"), {"sum": 22.5, "currency": "EUR"}),
        (Money(amount="38.00", currency="USD"), {"sum": 38, "currency": "USD"}),
        (None, {"sum": None, "currency": None}),
    ],
)
def test_the_sum_of_the_command_may_go_along(
    amount: Money | None, data: dict[str, JsonValue]
) -> None:
    rule = Rule(
        on="credit.requested",
        acknowledge="success",
        data={"sum": "$amount", "currency": "$currency"},
    )

    _, (request,) = deliver(TAKEN, rule, sample=asked("credit", amount=amount))

    assert json.loads(request.content)["data"] == data


def test_an_id_that_is_no_number_goes_as_text() -> None:
    _, (request,) = deliver(TAKEN, RESTOCKED, sample=asked(native_id="a-7"))

    assert json.loads(request.content)["rlRmaId"] == "a-7"


@pytest.mark.parametrize("kind", ["refund", "credit", "exchange", "warranty"])
def test_what_others_have_to_do_is_not_acknowledged_by_default(kind: str) -> None:
    outcome, requests = deliver(TAKEN, sample=asked(kind))

    assert outcome == Skipped("no_rule")
    assert requests == []


def test_a_restock_is_acknowledged_by_default_once_all_goods_are_good() -> None:
    unseen = snapshot("returnlogic").model_copy(update={"goods": ()})
    too_early = event("restock.requested", "returnlogic", view=unseen)

    assert deliver(TAKEN)[0] == Delivered("ProcessRestock as success is acknowledged")
    assert deliver(TAKEN, sample=too_early) == (Skipped("condition_not_met"), [])


def found(type_: str = "goods.restocked", *asked: Asked, good: bool = True) -> Event:
    """Return news from a warehouse about a return that was asked so much about."""
    view = snapshot("returnlogic")
    (document,) = view.goods
    (line,) = document.lines
    if not good:
        line = line.model_copy(update={"outcomes": ()})
    goods = document.model_copy(update={"lines": (line,)})
    update = {"requests": asked, "goods": (goods,)}
    return event(type_, "returnlogic", view=view.model_copy(update=update))


def open_request(kind: str, correlation_id: str, amount: str | None = None) -> Asked:
    sum_ = None if amount is None else Money(amount=amount, currency="EUR")
    return Asked(
        kind=kind, correlation_id=correlation_id, requested_at=NOW, amount=sum_
    )


def test_a_restock_is_acknowledged_when_the_goods_are_put_back_later() -> None:
    restock = open_request("restock", "c-7")
    refund = open_request("refund", "c-8")

    too_early = deliver(TAKEN, sample=found("goods.restocked", restock, good=False))
    outcome, (request,) = deliver(
        TAKEN, sample=found("goods.restocked", refund, restock)
    )

    assert too_early == (Skipped("condition_not_met"), [])
    assert outcome == Delivered("ProcessRestock as success is acknowledged")
    body = json.loads(request.content)
    assert (body["action"], body["correlationId"]) == ("ProcessRestock", "c-7")
    assert request.url.path == "/v1/rmas/r1/restock/success"


def test_each_open_restock_is_acknowledged_under_a_key_of_its_own() -> None:
    asked = [open_request("restock", id_) for id_ in ("c-1", "c-2")]

    outcome, requests = deliver(TAKEN, sample=found("goods.restocked", *asked))

    assert isinstance(outcome, Delivered)
    bodies = [json.loads(request.content) for request in requests]
    assert [body["correlationId"] for body in bodies] == ["c-1", "c-2"]
    assert len({request.headers["idempotency-key"] for request in requests}) == 2


def test_goods_put_back_that_nobody_asked_for_are_not_acknowledged() -> None:
    assert deliver(TAKEN, sample=found()) == (Skipped("condition_not_met"), [])


def test_other_news_may_answer_other_commands() -> None:
    rule = Rule(
        on="goods.withheld",
        of="refund.requested",
        acknowledge="failure",
        data={"sum": "$amount"},
    )
    asked = (open_request("refund", "c-8", "22.50"), open_request("restock", "c-7"))

    _, (request,) = deliver(TAKEN, rule, sample=found("goods.withheld", *asked))

    assert request.url.path == "/v1/rmas/r1/refund/failure"
    body = json.loads(request.content)
    assert (body["correlationId"], body["data"]) == ("c-8", {"sum": 22.5})


def test_paths_and_method_are_as_written() -> None:
    paths = {"ProcessRestock.success": "/ack/{id}/done"}
    other = target(acknowledge_paths=paths, acknowledge_method="PUT")

    _, (request,) = held(other.deliver(asked(), context()), TAKEN)

    assert (request.method, request.url.path) == ("PUT", "/v1/ack/330077/done")


def test_every_command_has_two_paths() -> None:
    results: tuple[Result, ...] = ("success", "failure")

    assert ACKNOWLEDGE_PATHS.keys() == {
        f"{command}.{result}" for command in COMMANDS.values() for result in results
    }


def test_a_probe_asks_nothing_since_nothing_tells() -> None:
    outcome, requests = held(target().probe(asked(), context()), TAKEN)

    assert (outcome, requests) == (NOT_APPLIED, [])


# ------------------------------------------------------------------- what comes


@pytest.mark.parametrize(
    ("server", "outcome"),
    [
        (
            answering(200, written("ack_answer__received")),
            Delivered("ProcessRestock as success is acknowledged"),
        ),
        (
            answering(202, {"received": True}),
            Delivered("ProcessRestock as success is acknowledged"),
        ),
        (
            answering(200, written("ack_answer__received_with_errors")),
            Refused("acknowledged_with_errors", "1 errors"),
        ),
        (
            answering(200, written("ack_answer__not_received")),
            Refused("not_received"),
        ),
        (answering(200, {}), Failed("unreadable_answer", answer_lost=True)),
        (answering(200, [1]), Failed("unreadable_answer", answer_lost=True)),
        (answering(204), Failed("unreadable_answer", answer_lost=True)),
        (answering(400), Refused("http_400")),
        (answering(404), Refused("http_404")),
        (answering(401), Unauthorized("http_401")),
        (answering(503), Throttled(MAINTENANCE)),
        (answering(500), Failed("http_500", answer_lost=True)),
    ],
)
def test_an_acknowledgement_is_judged_by_status_and_answer(
    server: Server, outcome: Outcome
) -> None:
    assert deliver(server)[0] == outcome


# ------------------------------------------------------------------- tokens


def test_after_a_401_the_token_is_refreshed_and_the_same_sent_again(
    tmp_path: Path,
) -> None:
    oauth = OAuthOptions(
        client_id="demo-client",
        client_secret=SecretStr("s"),
        token_file=tmp_path / "tokens",
        token_keys=(SecretStr(make_key()),),
    )
    team = account(api_key=None, oauth=oauth)
    tokens = team.tokens()
    assert tokens is not None
    assert not isinstance(tokens, FixedKey)
    tokens.keep(Pair("old", "refresh-1"))
    acks = ReturnLogicTargetOptions(account="demo").target("acks", team)

    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/oauth"):
            pair = {"bearer_token": "new", "refresh_token": "refresh-2"}
            return httpx.Response(200, json=pair)
        if request.headers["authorization"] == "Bearer old":
            return httpx.Response(401)
        return TAKEN(request)

    outcome, requests = held(acks.deliver(asked(), context()), server)
    _, later = held(acks.deliver(asked(), context(2)), server)

    assert isinstance(outcome, Delivered)
    first, refresh, second = requests
    assert refresh.url.path == "/v1/oauth"
    assert first.content == second.content
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert [each.headers["authorization"] for each in later] == ["Bearer new"]


def test_a_token_file_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("{}")
    file.chmod(0o644)
    oauth = OAuthOptions(
        client_id="demo-client",
        client_secret=SecretStr("s"),
        token_file=file,
        token_keys=(SecretStr(make_key()),),
    )
    team = account(api_key=None, oauth=oauth)
    acks = ReturnLogicTargetOptions(account="demo").target("acks", team)

    outcome, requests = held(acks.deliver(asked(), context()), TAKEN)

    assert (outcome, requests) == (Unauthorized("tokens_unusable"), [])


# ------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    "rule",
    [
        {"on": "return.received", "acknowledge": "success"},
        {"on": "goods.received", "of": "goods.received", "acknowledge": "success"},
        {"on": "label.requested", "acknowledge": "success"},
        {"on": "refund.requested"},
        {"on": "refund.requested", "acknowledge": "maybe"},
    ],
)
def test_a_rule_that_cannot_work_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate(rule)


@pytest.mark.parametrize(
    "paths",
    [{"ProcessRefund": "/rmas/{id}"}, {"ProcessRefund.success": "/rmas/refund"}],
)
def test_a_path_that_cannot_work_is_refused(paths: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ReturnLogicTargetOptions(account="demo", acknowledge_paths=paths)


def test_a_target_needs_a_returnlogic_account_with_a_credential() -> None:
    options = ReturnLogicTargetOptions(account="demo")

    with pytest.raises(ConfigError, match="api_key"):
        options.target("acks", account(api_key=None))
    with pytest.raises(ConfigError, match="needs a returnlogic account"):
        options.target("acks", RedoAccount(webhook_tokens=(SecretStr("t"),)))
