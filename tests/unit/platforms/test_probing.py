"""A probe made of a delivery."""

import httpx

from bridge.platforms.contract import (
    NOT_APPLIED,
    AlreadyApplied,
    Conversation,
    Delivered,
    Outcome,
    Skipped,
)
from bridge.platforms.probing import until_write

URL = "https://target.test/returns/1"


def delivery(closed: list[bool]) -> Conversation:
    try:
        for path in ("status", "comments"):
            answer = yield httpx.Request("GET", f"{URL}/{path}")
            if answer.status_code == 200:
                return AlreadyApplied(path)
        yield httpx.Request("PUT", URL)
        return Delivered()
    finally:
        closed.append(True)


def held(conversation: Conversation, *codes: int) -> tuple[Outcome, list[str]]:
    asked: list[str] = []
    answers = iter(codes)
    try:
        request = next(conversation)
        while True:
            asked.append(request.url.path)
            request = conversation.send(httpx.Response(next(answers)))
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome, asked


def test_a_probe_ends_before_the_first_write() -> None:
    closed: list[bool] = []

    outcome, asked = held(until_write(delivery(closed)), 404, 404)

    assert outcome == NOT_APPLIED
    assert asked == ["/returns/1/status", "/returns/1/comments"]
    assert closed == [True]


def test_a_probe_comes_to_what_the_delivery_comes_to_by_reading() -> None:
    outcome, asked = held(until_write(delivery([])), 404, 200)

    assert outcome == AlreadyApplied("comments")
    assert len(asked) == 2


def test_a_delivery_that_asks_nothing_is_probed_without_a_question() -> None:
    def nothing() -> Conversation:
        yield from ()
        return Skipped("no_rule")

    assert held(until_write(nothing())) == (Skipped("no_rule"), [])


def test_a_probe_that_is_given_up_gives_the_delivery_up() -> None:
    closed: list[bool] = []
    probe = until_write(delivery(closed))
    next(probe)

    probe.close()

    assert closed == [True]
