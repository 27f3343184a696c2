"""`accounts check|status|backfill`: what the command line asks about accounts."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.app.polling import (
    callers_of,
    care_of,
    poll_options,
    polls_of,
    sender,
    watched_of,
)
from bridge.app.tokens import check_tokens
from bridge.clock import Clock, SystemClock
from bridge.errors import ConfigError, UnreadableError
from bridge.inbound.conversing import Send, converse
from bridge.inbound.polling_account import CHUNK
from bridge.platforms.contract import Throttled
from bridge.platforms.cursor import Cursor, Order, Walk, forecast, left
from bridge.platforms.walk import Ask, Expired, Page, Poll
from bridge.platforms.windows import history
from bridge.settings import Settings
from bridge.streams.bulk import write_all
from bridge.streams.cursors import is_order, order_record, place_of, read_cursor
from bridge.streams.records import Record
from bridge.streams.restore import read_once

_CLOCK = SystemClock()
_MOMENT = timedelta(minutes=1)
_NOTHING = "nothing to call: its settings name no list and no webhooks to look at"


# ---------------------------------------------------------------- check


@dataclass(frozen=True, slots=True)
class Checked:
    """What one call came to; `ok` is None where there is nothing to call."""

    account: str
    platform: str
    what: str
    ok: bool | None
    detail: str


async def check_accounts(settings: Settings, only: str | None = None) -> list[Checked]:
    """Call each account's API read-only: a page of its list, its webhooks."""
    names = [account_of(settings, only)] if only else list(settings.accounts)
    polls = polls_of(settings)
    send, close = sender(settings.polling)
    try:
        return [
            row
            for name in names
            for row in await _check(settings, name, polls.get(name), send)
        ]
    finally:
        await close()


async def _check(
    settings: Settings, name: str, poll: Poll | None, send: Send
) -> list[Checked]:
    platform = settings.accounts[name].platform
    try:
        check_tokens(settings, name)
    except ConfigError as unusable:
        return [Checked(name, platform, "tokens", ok=False, detail=str(unusable))]
    rows = [] if poll is None else [await _check_poll(poll, send, _CLOCK.now())]
    rows += await _check_webhooks(settings, name, send)
    return rows or [Checked(name, platform, "-", None, _NOTHING)]


async def _check_poll(poll: Poll, send: Send, now: datetime) -> Checked:
    first = poll.rhythm.passes[0].name
    outcome = await converse(poll.page(Ask(first, now - _MOMENT, now, None, now)), send)
    ok, detail = isinstance(outcome, Page), _said(outcome)
    return Checked(poll.account, poll.platform, "poll", ok, detail)


async def _check_webhooks(settings: Settings, name: str, send: Send) -> list[Checked]:
    found = care_of(name, settings.accounts[name])
    if found is None:
        return []
    care, _ = found
    present = await converse(care.survey(_CLOCK.now()), send)
    ok = isinstance(present, tuple)
    detail = (
        f"{len(present)} registered" if isinstance(present, tuple) else _said(present)
    )
    return [Checked(name, care.platform, "webhooks", ok, detail)]


def _said(outcome: object) -> str:
    match outcome:
        case Page():
            return "answered"
        case Throttled():
            return "throttled: it asks for time"
        case Expired():
            return outcome.reason
        case _:
            return str(getattr(outcome, "reason", "failed"))


def account_of(settings: Settings, name: str) -> str:
    """Return the name if it is an account's; raise ConfigError otherwise."""
    if name not in settings.accounts:
        known = ", ".join(settings.accounts) or "none is there yet"
        raise ConfigError(f"accounts.{name} is not configured: choose from {known}")
    return name


# ---------------------------------------------------------------- status


@dataclass(frozen=True, slots=True)
class Status:
    """Where one account's polling stands; times aware, ages and rests in seconds."""

    account: str
    platform: str
    state: str
    behind_seconds: float | None
    pages: int
    found: int
    calls_today: int
    calls_forecast: int
    calls_limit: int | None
    backfill: float | None
    backfill_left_seconds: float | None
    given_up: int


async def account_status(settings: Settings, clock: Clock = _CLOCK) -> list[Status]:
    """Return a row for every account polled or watched, or with a cursor left."""
    cursors = await read_cursors(settings)
    called = callers_of(settings)
    names = sorted({*called, *cursors})
    return [_status(settings, name, cursors.get(name), clock) for name in names]


def _status(
    settings: Settings,
    name: str,
    cursor: Cursor | None,
    clock: Clock,
) -> Status:
    now = clock.now()
    options = settings.accounts.get(name)
    limit = poll_options(options).calls_per_day if options else None
    if cursor is None:
        platform = settings.accounts[name].platform
        return Status(
            name, platform, "not begun", None, 0, 0, 0, 0, limit, None, None, 0
        )
    behind = now + cursor.skew - min(cursor.marks.values()) if cursor.marks else None
    filling = cursor.history
    return Status(
        account=name,
        platform=cursor.platform,
        state=_state(settings, name, cursor),
        behind_seconds=None if behind is None else behind.total_seconds(),
        pages=cursor.pages,
        found=cursor.found,
        calls_today=cursor.calls if cursor.day == now.date() else 0,
        calls_forecast=forecast(cursor, now),
        calls_limit=limit,
        backfill=None if filling is None else round(filling.progress, 3),
        backfill_left_seconds=_left(filling, now),
        given_up=cursor.given_up,
    )


def _state(settings: Settings, name: str, cursor: Cursor) -> str:
    if name not in polls_of(settings):
        watched = name in watched_of(settings)
        return "watched, not polled" if watched else "not configured: its cursor waits"
    if cursor.trouble is not None:
        since = cursor.trouble.since.isoformat(timespec="seconds")
        return f"in trouble since {since}: {cursor.trouble.reason}"
    return "walking" if cursor.live else "up to date"


def _left(walk: Walk | None, now: datetime) -> float | None:
    rest = None if walk is None else left(walk, now)
    return None if rest is None else round(rest.total_seconds())


async def read_cursors(settings: Settings) -> dict[str, Cursor]:
    """Return every readable cursor by account."""
    newest: dict[bytes, Record] = {}

    def note(records: list[Record]) -> None:
        newest.update((record.key or b"", record) for record in records)

    topic = settings.topic_names.cursors
    for partition in range(settings.topics.partitions):
        await read_once(settings.kafka, topic, partition, note)
    cursors = {}
    for key, record in newest.items():
        if record.value is not None and not is_order(record):
            try:
                cursors[key.decode("utf-8", "replace")] = read_cursor(record)
            except UnreadableError:
                continue  # the poller says so and begins anew
    return cursors


# ---------------------------------------------------------------- backfill


@dataclass(frozen=True, slots=True)
class Plan:
    """What a backfill would walk: windows times passes, at which pace at most."""

    account: str
    since: datetime
    until: datetime
    windows: int
    calls_at_least: int
    calls_per_minute: float


def plan_backfill(
    settings: Settings, account: str, since: datetime, until: datetime | None
) -> Plan:
    """Return what would be walked; raise ConfigError if it cannot be."""
    poll = polls_of(settings).get(account_of(settings, account))
    if poll is None:
        raise ConfigError(
            f"accounts.{account} cannot be polled: it needs a key for its API, and "
            "poll.enabled"
        )
    until = until or _CLOCK.now()
    if since >= until:
        raise ConfigError("a backfill ends after it begins: choose an earlier --since")
    steps = history(poll.rhythm, since, until, chunk=CHUNK)
    options = poll_options(settings.accounts[account])
    pace = options.calls_per_minute * options.backfill_share
    return Plan(account, since, until, len(steps), len(steps), pace)


async def order_backfill(settings: Settings, plan: Plan) -> Order:
    """Order it of the account's poller; it goes on also when nobody watches."""
    return await _order(
        settings, plan.account, "backfill", since=plan.since, until=plan.until
    )


async def cancel_backfill(settings: Settings, account: str) -> Order:
    """Order the account's poller to give its backfill up."""
    now = _CLOCK.now()
    name = account_of(settings, account)
    return await _order(settings, name, "cancel", since=now, until=now)


async def _order(
    settings: Settings, account: str, kind: str, *, since: datetime, until: datetime
) -> Order:
    order = Order.model_validate(
        {
            "id": uuid.uuid4().hex,
            "account": account,
            "kind": kind,
            "since": since,
            "until": until,
            "issued_at": _CLOCK.now(),
        }
    )
    partition = place_of(account, settings.topics.partitions)
    record = order_record(order, settings.topic_names.cursors, partition)
    await write_all(settings.kafka, [record])
    return order


async def cursor_of(settings: Settings, account: str) -> Cursor | None:
    """Return one account's cursor as it stands now."""
    found: list[Record] = []

    def note(records: list[Record]) -> None:
        found.extend(each for each in records if each.key == account.encode())

    partition = place_of(account, settings.topics.partitions)
    topic = settings.topic_names.cursors
    await read_once(settings.kafka, topic, partition, note)
    return read_cursor(found[-1]) if found and found[-1].value else None
