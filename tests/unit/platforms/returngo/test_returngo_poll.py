"""ReturnGO's polling, a page at a time, without a network."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import JsonValue, SecretStr

from bridge.platforms.contract import Failed, Refused, Throttled, Unauthorized
from bridge.platforms.returngo.memory import Memory
from bridge.platforms.returngo.options import ReturnGoAccount, ReturnGoPollOptions
from bridge.platforms.returngo.poll import BATCH, ReturnGoPoll
from bridge.platforms.walk import Ask, Expired, Found, Page, PageOutcome, Paging

NOW = datetime(2027, 3, 14, 12, 0, tzinfo=UTC)
SINCE, UNTIL = NOW - timedelta(minutes=40), NOW - timedelta(minutes=1)
Server = Callable[[httpx.Request], httpx.Response]


def account(**changes: object) -> ReturnGoAccount:
    values = {
        "shop": "fernhollow-demo.myshopify.example",
        "api_key": SecretStr("the-key"),
        "webhook_tokens": (SecretStr("token-of-the-path"),),
        "base_url": "https://returngo.test",
    }
    return ReturnGoAccount.model_validate(values | changes)


def poll(**options: object) -> ReturnGoPoll:
    made = account(poll=ReturnGoPollOptions.model_validate(options)).polling("demo")
    assert made is not None
    return made


def ask(pass_: str, token: str | None = None, memory: str = "") -> Ask:
    return Ask(pass_, SINCE, UNTIL, token, NOW, memory)


def converse(paging: Paging, server: Server) -> tuple[PageOutcome, list[httpx.Request]]:
    requests: list[httpx.Request] = []
    try:
        requests.append(next(paging))
        while True:
            requests.append(paging.send(server(requests[-1])))
    except StopIteration as end:
        outcome: PageOutcome = end.value
        return outcome, requests


class Shop:
    """A server of RMAs by id, and of list pages in the order they are asked for."""

    def __init__(self, *pages: JsonValue, missing: tuple[str, ...] = ()) -> None:
        self.pages: Iterator[JsonValue] = iter(pages)
        self.missing = missing
        self.broken: dict[str, int] = {}
        self.queries: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.startswith("/rma/"):
            self.queries.append(dict(request.url.params))
            return httpx.Response(200, json=next(self.pages))
        rma_id = request.url.path.removeprefix("/rma/")
        if rma_id in self.missing:
            return httpx.Response(404)
        if rma_id in self.broken:
            return httpx.Response(self.broken[rma_id])
        return httpx.Response(200, json=rma(rma_id))


def rma(rma_id: str, status: str = "Approved") -> dict[str, JsonValue]:
    return {
        "rmaSummary": {"rmaId": rma_id, "status": status},
        "items": [{"returnedItemId": f"i{rma_id}"}, {"returnedItemId": None}],
        "transactions": [{"id": int(rma_id) * 10}],
        "lastUpdated": "2027-03-14T10:00:00+00:00",
    }


def rows(
    *rma_ids: str, cursor: str | None = None, status: str = "Approved"
) -> JsonValue:
    listed: list[JsonValue] = [{"rmaId": id_, "status": status} for id_ in rma_ids]
    return {"rmas": listed, "next_cursor": cursor}


def walk(made: ReturnGoPoll, pass_: str, shop: Shop, memory: str = "") -> "Walked":
    """Walk a pass to its end."""
    walked = Walked(memory=memory)
    token = None
    for _ in range(100):
        outcome, requests = converse(made.page(ask(pass_, token, walked.memory)), shop)
        assert isinstance(outcome, Page)
        walked.found += outcome.found
        walked.calls += len(requests)
        walked.memory = walked.memory if outcome.memory is None else outcome.memory
        token = outcome.token
        if token is None:
            return walked
    raise AssertionError("the pass went on for ever")


class Walked:
    def __init__(self, memory: str) -> None:
        self.memory = memory
        self.found: tuple[Found, ...] = ()
        self.calls = 0

    @property
    def subjects(self) -> list[str]:
        return [found.subject.rpartition("/")[2] for found in self.found]


def test_changed_rmas_are_listed_to_the_end_and_each_is_looked_at() -> None:
    shop = Shop(rows("1", "2", cursor="c1"), rows("3"))

    walked = walk(poll(), "changed", shop)

    assert walked.subjects == ["1", "2", "3"]
    assert walked.calls == 5
    assert all(found.body and found.stamp for found in walked.found)
    assert shop.queries[0] == {
        "rma_updated_at": "gte:2027-03-14T11:20:00",
        "sort_by": "+rma_updated_at",
        "pagesize": "500",
    }
    assert shop.queries[1]["cursor"] == "c1"


def test_a_plus_goes_out_as_percent_2b_and_both_headers_with_it() -> None:
    _, requests = converse(poll().page(ask("changed")), Shop(rows()))

    assert b"sort_by=%2Brma_updated_at" in requests[0].url.query
    assert requests[0].headers["x-api-key"] == "the-key"
    assert requests[0].headers["x-shop-name"] == "fernhollow-demo.myshopify.example"


def test_an_empty_page_ends_a_list_even_with_a_cursor() -> None:
    assert walk(poll(), "changed", Shop(rows(cursor="again"))).calls == 1
    empty: JsonValue = {"transactions": [], "next_cursor": "again"}
    assert walk(poll(), "transactions", Shop(empty)).calls == 1


def test_looks_are_taken_in_batches() -> None:
    many = [str(number) for number in range(1, BATCH + 3)]
    shop = Shop(rows(*many))
    listed, _ = converse(poll().page(ask("changed")), shop)
    assert isinstance(listed, Page)

    first, requests = converse(poll().page(ask("changed", listed.token)), shop)

    assert isinstance(first, Page)
    assert len(requests) == len(first.found) == BATCH
    assert first.token is not None


def test_what_was_looked_at_after_the_window_is_not_looked_at_again() -> None:
    memory = walk(poll(), "changed", Shop(rows("1"))).memory

    again = walk(poll(), "changed", Shop(rows("1", "2")), memory)

    assert again.subjects == ["2"]


def test_a_transaction_leads_to_the_rma_that_is_known_to_own_it() -> None:
    memory = _looked_at_before_the_window("1", "2", "3")
    changed: list[JsonValue] = [
        {"id": 10, "returnItemIds": []},
        {"id": 99, "returnItemIds": ["i2"]},
        {"id": 98, "returnItemIds": ["i2", "i1"]},
        {"id": 97, "returnItemIds": ["of-nobody"]},
        {"returnItemIds": None},
    ]
    shop = Shop({"transactions": changed})

    walked = walk(poll(), "transactions", shop, memory)

    assert walked.subjects == ["1", "2"]
    assert shop.queries[0]["updated_at"] == "gte:2027-03-14T11:20:00"


def _looked_at_before_the_window(*rma_ids: str) -> str:
    memory = walk(poll(), "changed", Shop(rows(*rma_ids))).memory
    looks = Memory.read(memory)
    assert looks.looked_at(rma_ids[0]) == NOW
    older = {
        id_: look.__class__(look.row, SINCE, look.ids)
        for id_, look in looks.looks.items()
    }
    return Memory(older).text()


def test_the_sweep_looks_at_what_says_something_new() -> None:
    memory = walk(poll(), "changed", Shop(rows("1", "2"))).memory
    listed: JsonValue = {
        "rmas": [
            {"rmaId": "1", "status": "Approved"},
            {"rmaId": "2", "status": "Received"},
            {"rmaId": "3", "status": "Approved"},
        ]
    }
    shop = Shop(listed)

    walked = walk(poll(calls_per_day=1), "open", shop, memory)

    assert walked.subjects == ["2", "3"]
    assert shop.queries[0]["status"] == "Pending,Approved,Received,Validated"


def test_the_sweep_spends_what_the_day_leaves_on_those_unseen_for_longest() -> None:
    ids = [str(number) for number in range(1, 61)]
    memory = walk(poll(), "changed", Shop(rows(*ids))).memory
    memory = _older(memory, "17", "4")
    pages = (rows(*ids[:30], cursor="c"), rows(*ids[30:]))
    frugal = poll(calls_per_day=96 + 24 + 500 + 48)

    walked = walk(frugal, "open", Shop(*pages), memory)

    assert walked.subjects == ["17", "4"]


def _older(memory: str, *rma_ids: str) -> str:
    looks = dict(Memory.read(memory).looks)
    for id_ in rma_ids:
        look = looks[id_]
        looks[id_] = look.__class__(look.row, SINCE, look.ids)
    return Memory(looks).text()


def test_an_rma_that_is_gone_is_passed_over() -> None:
    walked = walk(poll(), "changed", Shop(rows("1", "2"), missing=("1",)))

    assert walked.subjects == ["2"]


@pytest.mark.parametrize("code", [400, 500])
def test_an_rma_that_alone_cannot_be_had_becomes_a_hint(code: int) -> None:
    shop = Shop(rows("1", "2"))
    shop.broken["1"] = code

    walked = walk(poll(), "changed", shop)

    assert [found.body is None for found in walked.found] == [True, False]


@pytest.mark.parametrize(
    ("answer", "body"), [(b'{"no": "rma"}', b'{"no": "rma"}'), (b"<html>", None)]
)
def test_an_odd_object_is_for_the_source_to_judge_and_html_for_a_second_look(
    answer: bytes, body: bytes | None
) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/rmas":
            return httpx.Response(200, json=rows("1"))
        return httpx.Response(200, content=answer)

    listed, _ = converse(poll().page(ask("changed")), server)
    assert isinstance(listed, Page)
    looked, _ = converse(poll().page(ask("changed", listed.token)), server)

    assert isinstance(looked, Page)
    assert looked.found == (Found("returngo/demo/1", body),)


@pytest.mark.parametrize(
    ("code", "outcome"), [(429, Throttled), (401, Unauthorized), (403, Unauthorized)]
)
def test_a_batch_stops_where_no_call_is_allowed_and_goes_on_there(
    code: int, outcome: type[PageOutcome]
) -> None:
    shop = Shop(rows("1", "2"))
    listed, _ = converse(poll().page(ask("changed")), shop)
    assert isinstance(listed, Page)
    shop.broken["2"] = code

    first, _ = converse(poll().page(ask("changed", listed.token)), shop)
    assert isinstance(first, Page)
    second, _ = converse(poll().page(ask("changed", first.token)), shop)

    assert [found.subject for found in first.found] == ["returngo/demo/1"]
    assert isinstance(second, outcome)


@pytest.mark.parametrize("pass_", ["changed", "transactions", "open"])
@pytest.mark.parametrize(
    ("code", "body", "outcome"),
    [
        (401, b"", Unauthorized("http_401")),
        (403, b"", Unauthorized("http_403")),
        (429, b"", Throttled(None)),
        (400, b"", Refused("http_400")),
        (500, b"", Failed("http_500")),
        (302, b"", Failed("http_302")),
        (200, b"<html>", Failed("unreadable_answer")),
        (200, b'{"rmas": 7, "transactions": 7}', Failed("unreadable_answer")),
    ],
)
def test_what_a_list_answers_is_judged_by_its_status(
    pass_: str, code: int, body: bytes, outcome: PageOutcome
) -> None:
    judged, _ = converse(
        poll().page(ask(pass_)), lambda _: httpx.Response(code, content=body)
    )

    assert judged == outcome


def test_a_cursor_that_is_refused_has_expired() -> None:
    listed, _ = converse(poll().page(ask("changed")), Shop(rows("1", cursor="c")))
    assert isinstance(listed, Page)
    looked, _ = converse(poll().page(ask("changed", listed.token)), Shop())
    assert isinstance(looked, Page)

    refused, _ = converse(
        poll().page(ask("changed", looked.token)), lambda _: httpx.Response(400)
    )

    assert refused == Expired()


@pytest.mark.parametrize("token", ["", "[]", '{"other": 1}', "c2VhbGVk"])
def test_a_token_of_another_make_has_expired(token: str) -> None:
    outcome, requests = converse(poll().page(ask("changed", token)), Shop())

    assert outcome == Expired()
    assert requests == []


def test_filters_are_moved_where_the_settings_say_so() -> None:
    shop = Shop(rows())

    walk(poll(filter_offset=timedelta(hours=-5)), "changed", shop)

    assert shop.queries[0]["rma_updated_at"] == "gte:2027-03-14T06:20:00"


def test_a_hinted_return_is_fetched() -> None:
    fetch = account().fetching("demo")
    assert fetch is not None
    shop = Shop(missing=("2",))
    shop.broken["3"] = 429

    def fetched(subject: str) -> PageOutcome:
        return converse(fetch.fetch(subject, NOW), shop)[0]

    found = fetched("returngo/demo/1")
    assert isinstance(found, Page)
    assert [each.subject for each in found.found] == ["returngo/demo/1"]
    assert fetched("returngo/demo/2") == Page(())
    assert fetched("returngo/demo/3") == Throttled(None)


def test_a_hint_that_names_no_return_is_left_to_the_poll() -> None:
    fetch = account().fetching("demo")
    assert fetch is not None

    outcome, requests = converse(fetch.fetch("demo", NOW), Shop())

    assert outcome == Page(())
    assert requests == []


def test_without_a_key_nothing_is_asked() -> None:
    keyless = account(api_key=None)

    assert keyless.polling("demo") is None
    assert keyless.fetching("demo") is None
    assert keyless.caring("demo") is None


def test_polling_can_be_switched_off() -> None:
    assert account(poll=ReturnGoPollOptions(enabled=False)).polling("demo") is None
