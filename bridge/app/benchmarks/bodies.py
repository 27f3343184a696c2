"""Redo's webhooks as the simulated shop writes them: about 7 KB each, invented.

A return goes through five updates: filed, approved, in transit, delivered, complete.
They come in waves of 2,000 returns, so that what a process has cached of a return is
gone when the next update comes, as in life, where days lie between.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import orjson

from bridge.platforms.contract import Observation
from bridge.sandbox.catalogue import COMMENTS
from bridge.sandbox.plans import Packing, Plan, Story, draw_up, invent_return
from bridge.sandbox.redo_bodies import webhook_body
from bridge.sandbox.redo_shop import set_status
from bridge.sandbox.shop_returns import ShopReturn
from bridge.sandbox.shoppers import approve
from bridge.streams.raw import observation_id, to_raw
from bridge.streams.records import Outgoing

ACCOUNT = "bench-shop"
_SEED = 20_260_000
_WAVE = 2_000
_START = datetime(2026, 1, 5, 9, tzinfo=UTC)
_A_DAY = timedelta(days=1)
_SENT_BACK = tuple(story for story in Story if story is not Story.GREEN)


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook: the return's subject, and the body."""

    subject: str
    body: bytes


def filed() -> Iterator[Webhook]:
    """Yield webhooks of new returns, each of another, approved as it is filed."""
    for return_ in _returns():
        approve(return_, return_.created_at)
        yield _webhook("created", return_)


def histories(number: int) -> Iterator[Webhook]:
    """Yield `number` webhooks: returns with all their updates, wave after wave."""
    return islice(_waves(min(_WAVE, max(1, number // len(_UPDATES)))), number)


def observations(number: int, topic: str) -> Iterator[Outgoing]:
    """Yield `histories` as the door puts them on `returns.raw`."""
    for webhook in histories(number):
        id_ = observation_id(ACCOUNT, webhook.subject, webhook.body, None)
        observation = Observation(
            id=id_,
            subject=webhook.subject,
            platform="redo",
            account=ACCOUNT,
            channel="webhook",
            received_at=_START,
            body=webhook.body,
        )
        yield to_raw(observation, topic)


def approved(number: int, at: datetime) -> ShopReturn:
    """Return the shop's return of that number: goods are on their way since `at`."""
    story = _SENT_BACK[number % len(_SENT_BACK)]
    plan = Plan(number, _SEED, story, Packing.FULL, reviewed=False)
    return_ = _talkative(invent_return(plan, at))
    approve(return_, at)
    return return_


def _returns() -> Iterator[ShopReturn]:
    """Yield returns with goods that are sent back, and much to say about them."""
    for plan in draw_up(_SEED, refused=False):
        if plan.story in _SENT_BACK:
            yield _talkative(invent_return(plan, _START))


def _talkative(return_: ShopReturn) -> ShopReturn:
    for line in return_.lines:
        line.comment = " ".join(COMMENTS)
    return return_


def _file(return_: ShopReturn) -> None:
    return_.status = "needs_review"


def _approve(return_: ShopReturn) -> None:
    approve(return_, return_.updated_at)


def _to(status: str) -> Callable[[ShopReturn], None]:
    def change(return_: ShopReturn) -> None:
        set_status(return_, status)
        for label in return_.labels if status != "complete" else ():
            label.status = status

    return change


_UPDATES = (_file, _approve, _to("in_transit"), _to("delivered"), _to("complete"))


def _waves(size: int) -> Iterator[Webhook]:
    returns = _returns()
    while True:
        wave = list(islice(returns, size))
        for update in _UPDATES:
            for return_ in wave:
                update(return_)
                kind = "created" if update is _file else "updated"
                yield _webhook(kind, return_)
                return_.updated_at += _A_DAY


def _webhook(kind: str, return_: ShopReturn) -> Webhook:
    body = orjson.dumps(webhook_body(kind, return_.updated_at, return_))
    return Webhook(f"redo/{ACCOUNT}/{return_.id}", body)
