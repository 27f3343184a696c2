"""The budget of a credential: when its next call may go. Pure.

All of these hold at once, and the longest wait counts:

    limits      those of the account's settings, times this process's share
    a hold      a target that throttles is left alone as long as it asked, or 1, 2, 4 …
                60 s if it named no time; never earlier than asked, at most 10 h
    quotas      what answers told to be left, times the share, until it is renewed; they
                only slow down: more than the settings allow is never taken
    on record   what is used of windows of an hour or more outlives this process
                (`books.py`)
    for replay  limits over an hour or more grant replays no more than the replay share
                in all, or a replay at night would leave nothing for the day

A credential is used by several processes. Each takes the share of the partitions that
it owns of those that all targets of the account have: the shares add up to one without
a word between the processes, and while a partition is nobody's its share is unused.

What comes with a partition from another process is taken for used (`inherit`): in a
window of at most three seconds as if all of it had been used at the last moment, so
that no stretch holds more than the limit whoever made the calls; in a longer one
evenly; a bucket's part is empty.

Where both wait, `Order` lets replays have their share of the calls and live traffic the
rest; where only one of them waits, it has everything.

Times are `Clock.monotonic()` of the caller, in seconds: a jump of the wall clock moves
nothing. One budget serves all targets of an account in a process (`turns.py`).
"""

import math
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta

from bridge.delivery.books import Books
from bridge.delivery.meters import Bucket, Meter, Window
from bridge.platforms.contract import (
    AlreadyApplied,
    Delivered,
    Outcome,
    Refused,
    Throttled,
)
from bridge.platforms.limits import Limit
from bridge.platforms.rate_facts import RateFact

LONGEST = timedelta(hours=10)
"""No answer holds a credential back for longer."""
HOLDS = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 4, 8, 15, 30, 60))
"""How long after the first, the second … throttling in a row that names no time."""
REPLAY_SHARE = 0.25
_LASTING = timedelta(hours=1)
_MOST_QUOTAS = 16


@dataclass(frozen=True, slots=True)
class Call:
    """What a call takes: `points` where the platform prices calls."""

    points: float = 1.0
    replay: bool = False


LIVE = Call()
REPLAY = Call(replay=True)


@dataclass(slots=True)
class _Measured:
    """One limit's meter; `share` of it is for the calls measured here."""

    meter: Meter
    limit: Limit
    share: float = 1.0

    def wait(self, call: Call, scale: float, now: float) -> float:
        return self.meter.wait(self._cost(call), scale * self.share, now)

    def fits(self, call: Call, scale: float, now: float) -> float:
        return self.meter.fits(self._cost(call), scale * self.share, now)

    def take(self, call: Call, scale: float, now: float, calls: int) -> None:
        self.meter.take(self._cost(call) * calls, scale * self.share, now)

    def move(self, call: Call, scale: float, moved: tuple[float, float]) -> None:
        if self.limit.per < _LASTING:  # in an hour a moment is nothing
            self.meter.move(self._cost(call), scale, moved)

    def inherit(self, part: float, now: float, quiet: timedelta) -> None:
        if self.limit.per < _LASTING:  # what lasts is on record
            self.meter.inherit(part, now, quiet.total_seconds())

    def _cost(self, call: Call) -> float:
        return call.points if self.limit.counts_points else 1.0


@dataclass(slots=True)
class _Quota:
    """So many calls are left until then."""

    left: float
    until: float


class Budget:
    """What one credential may use in this process, and what it has used."""

    def __init__(
        self, limits: Sequence[Limit] = (), *, replay_share: float = REPLAY_SHARE
    ) -> None:
        self.limits = tuple(limits)
        live = [_measured(limit) for limit in limits]
        lasting = [limit for limit in limits if limit.per >= _LASTING]
        self._meters = {
            False: live,
            True: live + [_measured(limit, replay_share) for limit in lasting],
        }
        self.books = Books(_windows(self._meters[True]))
        self._owned: dict[str, tuple[int, int]] = {}
        self._share = 1.0
        self._held_until = -math.inf
        self._throttlings = 0
        self._quotas: dict[str, _Quota] = {}

    @property
    def share(self) -> float:
        """The part of the limits that is this process's, above 0 and at most 1."""
        return self._share

    def own(self, target: str, partitions: int, of: int) -> None:
        """Note that `target` owns so many of all its partitions here.

        With none at all the share of a single one is left, so that every wait ends.
        """
        self._owned[target] = (partitions, of)
        owned = sum(mine for mine, _ in self._owned.values())
        self._share = max(owned, 1) / self._all_partitions

    @property
    def _all_partitions(self) -> int:
        return sum(all_ for _, all_ in self._owned.values())

    def inherit(self, partitions: int, now: float, quiet: timedelta) -> None:
        """Take for used what so many partitions stand for: others had them just now.

        Their calls may start for another `quiet`.
        """
        part = partitions / self._all_partitions
        for measured in self._meters[False]:
            measured.inherit(part, now, quiet)

    def wait(self, now: float, call: Call = LIVE) -> timedelta:
        """Return how long until `call` may go; zero if it may now."""
        longest = max(0.0, self._held_until - now)
        for measured in self._meters[call.replay]:
            longest = max(longest, measured.wait(call, self._share, now))
        for quota in self._quotas.values():
            if quota.left < 1:
                longest = max(longest, quota.until - now)
        return timedelta(seconds=longest)

    def take(self, now: float, call: Call = LIVE, *, calls: int = 1) -> None:
        """Count a call that starts now, or several alike."""
        for measured in self._meters[call.replay]:
            measured.take(call, self._share, now, calls)
        for quota in self._quotas.values():
            quota.left -= calls

    def move(self, since: float, now: float, call: Call = LIVE) -> None:
        """Let a call count from now that was counted a moment ago."""
        for measured in self._meters[call.replay]:
            measured.move(call, self._share, (since, now))

    def observe(self, outcome: Outcome, now: float) -> None:
        """Learn what a conversation came to: a target that throttles is left alone."""
        match outcome:
            case Throttled(retry_after):
                self.throttled(retry_after, now)
            case Delivered() | AlreadyApplied() | Refused():
                self.answered()
            case _:
                pass

    def throttled(self, retry_after: timedelta | None, now: float) -> None:
        """Leave the target alone as long as it asks for, or ever longer."""
        if now >= self._held_until:  # else it is one of the same burst
            self._throttlings += 1
        planned = HOLDS[min(max(self._throttlings, 1), len(HOLDS)) - 1]
        wait = min(retry_after or planned, LONGEST)  # a date that is past is no time
        self._held_until = max(self._held_until, now + wait.total_seconds())

    def answered(self) -> None:
        """Note that a call was let through."""
        self._throttlings = 0

    def hear(self, facts: Iterable[RateFact], now: float) -> None:
        """Learn what an answer told to be left.

        Until a quota is renewed its lowest number counts: answers overtake each other.
        """
        for fact in facts:
            left = fact.remaining * self._share
            known = self._quotas.get(fact.name)
            if known is not None and now < known.until:
                known.left = min(known.left, left)
            elif known is not None or self._has_room(now):
                span = min(fact.span, LONGEST).total_seconds()
                self._quotas[fact.name] = _Quota(left, now + span)

    def available(self, now: float, call: Call = LIVE) -> float:
        """Return how many calls like `call` may go at once; infinite without limit."""
        if now < self._held_until:
            return 0.0
        fits = [
            measured.fits(call, self._share, now)
            for measured in self._meters[call.replay]
        ]
        fits += [quota.left for quota in self._quotas.values() if now < quota.until]
        return max(0.0, min(fits, default=math.inf))

    def _has_room(self, now: float) -> bool:
        """Tell whether one more quota is listened to: a target may name any number."""
        if len(self._quotas) >= _MOST_QUOTAS:
            self._quotas = {
                name: quota for name, quota in self._quotas.items() if now < quota.until
            }
        return len(self._quotas) < _MOST_QUOTAS


def duration(budget: Budget, calls: int, now: float, call: Call = LIVE) -> timedelta:
    """Return how long until the last of `calls` may go, if nothing else does.

    For replays beside live traffic that waits too it is up to `1 / REPLAY_SHARE` times
    as long. `budget` stays as it is.
    """
    ahead, at, left = deepcopy(budget), now, calls
    while left > 0:
        at += ahead.wait(at, call).total_seconds()
        some = max(1, int(min(left, ahead.available(at, call))))
        ahead.take(at, call, calls=some)
        left -= some
    return timedelta(seconds=at - now)


def per_second(limits: Sequence[Limit], call: Call = LIVE) -> float:
    """Return how many calls a second `limits` allow for long; infinite without any."""
    rates = [
        limit.amount
        / limit.per.total_seconds()
        / (call.points if limit.counts_points else 1.0)
        for limit in limits
    ]
    return min(rates, default=math.inf)


def _measured(limit: Limit, share: float = 1.0) -> _Measured:
    per = limit.per.total_seconds()
    meter: Meter = Window(limit.amount, per)
    if limit.burst is not None:
        meter = Bucket(limit.amount, per, limit.burst)
    return _Measured(meter, limit, share)


def _windows(measured: Iterable[_Measured]) -> dict[str, tuple[Window, float]]:
    """Return what outlives a process, by name, and how much of it there is."""
    return {
        f"{each.limit.unit}/{each.limit.per.total_seconds():g}s"
        f"{'' if each.share == 1.0 else '/replay'}": (
            each.meter,
            each.limit.amount * each.share,
        )
        for each in measured
        if isinstance(each.meter, Window) and each.limit.per >= _LASTING
    }


class Order:
    """Whose turn it is while live traffic and replays both wait for calls."""

    def __init__(self, replay_share: float = REPLAY_SHARE) -> None:
        self._share = replay_share
        self._due = 0.0

    @property
    def replay_first(self) -> bool:
        """Whether a replay has the next call; live traffic has it otherwise."""
        return self._due + self._share >= 1.0

    def went(self, call: Call) -> None:
        """Note which call went while the other kind waited."""
        self._due = min(self._due + self._share - call.replay, 1.0)
