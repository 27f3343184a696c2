"""What a webhook told and what a poll tells of the same state make one history."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import httpx
import orjson
import pytest
from pydantic import SecretStr

from bridge.canonical.model import Return
from bridge.normalize.fold import fold
from bridge.normalize.state import SubjectState, start
from bridge.platforms.contract import Channel, Observation, Privacy
from bridge.platforms.redo.options import RedoAccount
from bridge.platforms.walk import Ask, Page
from bridge.sandbox.plans import Packing, Plan, Story, invent_return
from bridge.sandbox.redo_bodies import return_body, webhook_body
from bridge.sandbox.redo_orders import order_body
from bridge.sandbox.redo_shop import set_status

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
ACCOUNT = RedoAccount(
    webhook_tokens=(SecretStr("hook"),), store_id="s1", api_token=SecretStr("api")
)
SOURCE = ACCOUNT.source("shop", Privacy(b"key"))

Bodies = list[tuple[Channel, bytes]]


def polled(listing: bytes) -> bytes:
    poll = ACCOUNT.polling("shop")
    assert poll is not None
    page = poll.page(Ask("updated", NOW - timedelta(days=1), NOW, None, NOW))
    next(page)
    with pytest.raises(StopIteration) as end:
        page.send(httpx.Response(200, content=listing))
    assert isinstance(end.value.value, Page)
    return end.value.value.found[0].body or b""


def history() -> list[Bodies]:
    """Return three states of one return, each as webhook and as polled body."""
    return_ = invent_return(Plan(1, 1, Story.REFUND, Packing.FULL, reviewed=False), NOW)
    states: list[Bodies] = []
    for hours, status in enumerate(("open", "in_transit", "complete")):
        set_status(return_, status)
        return_.updated_at = NOW + timedelta(hours=hours)
        listing = {
            "returns": [return_body(return_)],
            "orders": [order_body(return_.order)],
        }
        webhook = webhook_body("updated", return_.updated_at, return_)
        states.append(
            [
                ("webhook", orjson.dumps(webhook)),
                ("poll", polled(orjson.dumps(listing))),
            ]
        )
    return states


def folded(bodies: Bodies) -> tuple[SubjectState, list[int]]:
    """Return the final state, and how many events each body made."""
    subject = SOURCE.read(observation("webhook", bodies[0][1], "?")).view.subject
    state, counts = start(subject), []
    for channel, body in bodies:
        seen = observation(channel, body, subject)
        result = fold(state, seen, SOURCE.read(seen))
        state = result.state
        counts.append(len(result.events))
    return state, counts


def final(bodies: Bodies) -> Return:
    """Return where the return ends, without the time it was seen at."""
    snapshot = folded(bodies)[0].return_
    assert snapshot is not None
    return snapshot.model_copy(update={"observed_at": NOW})


def observation(channel: Channel, body: bytes, subject: str) -> Observation:
    return Observation("1", subject, "redo", "shop", channel, NOW, body)


@pytest.mark.parametrize("first", [0, 1])
def test_the_second_way_of_hearing_of_a_state_makes_no_event(first: int) -> None:
    for state in history():
        _, counts = folded([state[first], state[1 - first]])

        assert counts[0] > 0
        assert counts[1] == 0


def test_webhooks_alone_polls_alone_and_any_mixture_end_in_the_same_snapshot() -> None:
    states = history()
    hooks, polls = [state[0] for state in states], [state[1] for state in states]
    mixtures = [list(order) for order in permutations(hooks + polls[1:])]

    finals = [final(bodies) for bodies in (hooks, polls, *mixtures)]

    assert all(each == finals[0] for each in finals)
