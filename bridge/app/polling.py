"""Putting the poll stage together: which accounts are polled, how, through what."""

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

import httpx

from bridge.app.poll_line import PollLine
from bridge.app.snapshots import living
from bridge.clock import Clock
from bridge.delivery.calls import Caller, Calls
from bridge.delivery.conversation import CallFailed
from bridge.delivery.options import DeliveryOptions
from bridge.delivery.turns import Turns
from bridge.inbound.conversing import Send
from bridge.inbound.pace import Pace
from bridge.inbound.polling import PollWork
from bridge.inbound.polling_desk import PollDesk, PollingOptions, Watched
from bridge.platforms.care import Care, CaredFor
from bridge.platforms.contract import AccountOptions, Failed
from bridge.platforms.walk import Poll, Polled, PollOptions
from bridge.settings import Settings
from bridge.streams.groups import poll_group
from bridge.streams.holding import Holding
from bridge.streams.member import Member, Part
from bridge.streams.owner import Owner
from bridge.streams.records import Record
from bridge.streams.restore import read_to_end

#: The name of polling among those that share an account's budget.
POLLING = "(polling)"


@dataclass(frozen=True, slots=True)
class PollStage:
    """The poll stage in this process: its group member, its connections."""

    member: Member
    close: Callable[[], Awaitable[None]]


def polls_of(settings: Settings) -> dict[str, Poll]:
    """Return the polling of every account that can be polled, by its name."""
    return {
        name: poll
        for name, options in settings.accounts.items()
        if isinstance(options, Polled) and (poll := options.polling(name)) is not None
    }


def care_of(account: str, options: AccountOptions) -> tuple[Care, str | None] | None:
    """Return the care of an account's webhooks and where they should come."""
    if not isinstance(options, CaredFor):
        return None
    care = options.caring(account)
    return None if care is None else (care, options.hook_url)


def watched_of(settings: Settings) -> dict[str, Watched]:
    """Return the accounts whose webhooks are watched, by name.

    Those with `hook_url` and a key, polled or not, unless `poll.enabled` is off.
    """
    watched = {}
    for name, options in settings.accounts.items():
        found = care_of(name, options)
        if found and found[1] is not None and poll_options(options).enabled:
            watched[name] = Watched(found[0], found[1])
    return watched


def poll_options(options: AccountOptions) -> PollOptions:
    """Return an account's section `poll`, the defaults where it has none."""
    own = getattr(options, "poll", None)
    return own if isinstance(own, PollOptions) else PollOptions()


def sender(options: PollingOptions) -> tuple[Send, Callable[[], Awaitable[None]]]:
    """Return what sends requests of polling and care, and what closes it."""
    http = DeliveryOptions(
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        response_limit=options.response_limit,
    )
    caller = Caller(http, options.ownership.call_deadline)
    calls = Calls()

    async def send(request: httpx.Request) -> httpx.Response | Failed:
        try:
            return await caller.send(request, calls)
        except CallFailed as broken:
            return Failed(broken.reason)

    return send, caller.close


def poll_stage(
    settings: Settings, turns: Mapping[str, Turns], clock: Clock
) -> PollStage | None:
    """Put the stage together; None if no account can be polled or watched.

    Polling goes at its own pace, then stands in the line at the account's credential
    with the targets; what walks history lets live calls go first.
    """
    called = callers_of(settings)
    if not called:
        return None
    send, close = sender(settings.polling)
    lines = {
        name: PollLine(
            Pace(poll_options(settings.accounts[name]), clock), turns[name], clock
        )
        for name in called
    }
    desk = _desk(settings, lines, send, clock)
    names = settings.topic_names

    def make(owner: Owner) -> PollWork:
        def read(apply: Callable[[list[Record]], None]) -> Awaitable[int]:
            return read_to_end(
                settings.kafka, names.cursors, owner.partition, start=0, apply=apply
            )

        return PollWork(owner, desk, read)

    def own(holding: Holding) -> None:
        for name in called:
            turns[name].own(POLLING, holding)

    part = Part(poll_group(names.prefix), names.cursors, make, owns=own)
    member = Member(settings.kafka, part, settings.polling.ownership, clock)
    return PollStage(member, close)


def callers_of(settings: Settings) -> frozenset[str]:
    """Return the names of the accounts that the poll stage calls."""
    return frozenset({*polls_of(settings), *watched_of(settings)})


def _desk(
    settings: Settings, lines: Mapping[str, PollLine], send: Send, clock: Clock
) -> PollDesk:
    own = {name: poll_options(settings.accounts[name]) for name in lines}
    daily = {
        name: options.calls_per_day
        for name, options in own.items()
        if options.calls_per_day is not None
    }
    return PollDesk(
        topics=settings.topic_names,
        partitions=settings.topics.partitions,
        polls=polls_of(settings),
        lines=lines,
        send=send,
        clock=clock,
        jitter=random.random,
        daily=daily,
        cares=watched_of(settings),
        watch_every=settings.polling.watch_every,
        living=partial(living, settings),
    )
