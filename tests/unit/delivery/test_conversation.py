from collections.abc import Awaitable, Callable

import httpx

from bridge.delivery.conversation import CallFailed, converse
from bridge.platforms.contract import (
    AlreadyApplied,
    Conversation,
    Delivered,
    Failed,
    HttpAnswer,
    NotYet,
    Refused,
)

Call = Callable[[httpx.Request], Awaitable[httpx.Response]]
URL = "http://target.example/returns/1"


def answering(*answers: int | CallFailed) -> tuple[list[str], Call]:
    seen: list[str] = []
    rest = list(answers)

    async def call(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        answer = rest.pop(0)
        if isinstance(answer, CallFailed):
            raise answer
        return httpx.Response(answer, json={"code": "gone", "message": "Ada"})

    return seen, call


def read_then_write() -> Conversation:
    current = yield httpx.Request("GET", URL)
    if current.status_code == 404:
        return Refused("unknown")
    for _ in range(2):
        response = yield httpx.Request("PUT", URL)
        if not response.is_success:
            return Failed(f"http_{response.status_code}")
    return Delivered()


async def test_requests_go_out_and_answers_come_back_in_turn() -> None:
    seen, call = answering(200, 204, 204)

    outcome = await converse(read_then_write(), call)

    assert outcome == Delivered()
    assert seen == ["GET", "PUT", "PUT"]


async def test_a_conversation_may_end_early() -> None:
    _, call = answering(404)

    assert await converse(read_then_write(), call) == Refused("unknown")


async def test_a_lost_answer_to_a_read_loses_nothing() -> None:
    _, call = answering(CallFailed("read_timeout", sent=True))

    assert await converse(read_then_write(), call) == Failed("read_timeout")


async def test_a_lost_answer_to_a_write_may_have_had_its_effect() -> None:
    _, call = answering(200, CallFailed("read_timeout", sent=True))

    outcome = await converse(read_then_write(), call)

    assert outcome == Failed("read_timeout", answer_lost=True)


async def test_a_write_that_was_never_sent_had_no_effect() -> None:
    _, call = answering(200, CallFailed("connect", sent=False))

    assert await converse(read_then_write(), call) == Failed("connect")


async def test_half_a_conversation_may_have_had_half_its_effect() -> None:
    _, call = answering(200, 204, 500)

    outcome = await converse(read_then_write(), call)

    assert outcome == Failed("http_500", answer_lost=True)


async def test_an_event_that_is_not_done_with_keeps_the_last_answer_masked() -> None:
    _, call = answering(200, 500)

    outcome = await converse(read_then_write(), call)

    assert isinstance(outcome, Failed)
    assert outcome.answer == HttpAnswer(500, '{"code":"gone","message":"***"}')


async def test_without_an_answer_there_is_none_to_keep() -> None:
    def waiting() -> Conversation:
        yield from ()
        return NotYet("create_first")

    _, call = answering(200, CallFailed("connect", sent=False))

    unasked = await converse(waiting(), call)
    unheard = await converse(read_then_write(), call)

    assert isinstance(unasked, NotYet)
    assert isinstance(unheard, Failed)
    assert unasked.answer is unheard.answer is None


async def test_an_event_that_is_done_with_keeps_its_evidence_only() -> None:
    def known() -> Conversation:
        yield httpx.Request("GET", URL)
        return AlreadyApplied("it is there")

    _, call = answering(200)

    assert await converse(known(), call) == AlreadyApplied("it is there")
