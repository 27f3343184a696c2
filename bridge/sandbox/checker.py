"""Judges a record of calls by itself: overlap, inversion, repeated effects.

It knows nothing of the bridge. Promises P3 and P4 read at the target: two calls of one
subject are never in flight at once, effects come in the order of their revisions, and
one key has its effect once, unless the answer to an earlier try was lost.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from bridge.sandbox.calls import Call

#: A caller that gave up may call again before the loop has told us that it left.
SLACK = timedelta(milliseconds=20)


@dataclass(frozen=True, slots=True)
class Finding:
    """Two calls of one subject that must not stand to each other as they do."""

    subject: str
    first: Call
    second: Call


@dataclass(frozen=True, slots=True)
class CallReport:
    """What the checker found. `excused` are repeats after a lost answer: allowed."""

    subjects: int
    calls: int
    effects: int
    overlaps: tuple[Finding, ...]
    inversions: tuple[Finding, ...]
    repeats: tuple[Finding, ...]
    excused: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Tell whether every promise held."""
        return not (self.overlaps or self.inversions or self.repeats)


def check_calls(calls: Iterable[Call], *, slack: timedelta = SLACK) -> CallReport:
    """Check a simulator's calls; `slack` is granted after a lost answer only."""
    by_server = _groups(calls, lambda call: (call.server, call.subject))
    repeats = [found for group in by_server for found in _repeats(group)]
    return CallReport(
        subjects=len(by_server),
        calls=sum(len(group) for group in by_server),
        effects=sum(call.effect is not None for group in by_server for call in group),
        overlaps=tuple(
            found for group in by_server for found in _overlaps(group, slack)
        ),
        inversions=tuple(found for group in by_server for found in _inversions(group)),
        repeats=tuple(found for found in repeats if found.first.answered),
        excused=tuple(found for found in repeats if not found.first.answered),
    )


def _groups(calls: Iterable[Call], key: Callable[[Call], Hashable]) -> list[list[Call]]:
    groups: dict[Hashable, list[Call]] = defaultdict(list)
    for call in calls:
        groups[key(call)].append(call)
    return list(groups.values())


def _overlaps(calls: list[Call], slack: timedelta) -> Iterator[Finding]:
    """A call that starts before the longest earlier one has ended."""
    longest: Call | None = None
    for call in sorted(calls, key=lambda call: call.started):
        if longest is not None and call.started < _free_at(longest, slack):
            yield Finding(call.subject, longest, call)
        if longest is None or call.ended > longest.ended:
            longest = call


def _free_at(call: Call, slack: timedelta) -> float:
    return call.ended if call.answered else call.ended - slack.total_seconds()


def _inversions(calls: list[Call]) -> Iterator[Finding]:
    """An effect of an older revision of the same document after a newer one."""
    numbered = [call for call in calls if call.revision is not None]
    for group in _groups(numbered, lambda call: call.reference):
        for before, after in pairwise(_effects(group)):
            if (after.revision or 0) < (before.revision or 0):
                yield Finding(after.subject, before, after)


def _repeats(calls: list[Call]) -> Iterator[Finding]:
    """The same key with a second effect of the same kind.

    `first` is a try whose answer was lost if there was one before the repeat.
    """
    keyed = [call for call in calls if call.key is not None]
    same = _groups(keyed, lambda call: (call.key, call.method, call.path))
    for group in same:
        tries = _effects(group)
        for number, repeat in enumerate(tries[1:], start=1):
            lost = [call for call in tries[:number] if not call.answered]
            yield Finding(repeat.subject, lost[0] if lost else tries[0], repeat)


def _effects(calls: list[Call]) -> list[Call]:
    """The calls that had an effect, in the order of their effects."""
    changed = [call for call in calls if call.effect is not None]
    return sorted(changed, key=lambda call: call.effect or 0)
