"""The bridge's own numbers, read from its metrics: all that the view knows of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.metrics import MetricWrapperBase

from bridge.sandbox.journal import Journal, Kind
from bridge.telemetry import metrics

#: Outcomes of an attempt, by what they mean to somebody who looks on.
FINISHED = frozenset({"delivered", "already_applied"})
AGAIN = frozenset({"failed", "throttled", "not_yet"})


@dataclass(frozen=True, slots=True)
class LaneNumbers:
    """One target's lanes: conversations under way, lanes waiting, lanes held."""

    target: str
    in_flight: int
    waiting: int
    held: int


@dataclass(frozen=True, slots=True)
class BridgeNumbers:
    """What the bridge has counted so far.

    `attempts` are conversations that ended, without those that had nothing to say.
    """

    webhooks: int = 0
    observations: int = 0
    events: int = 0
    attempts: int = 0
    delivered: int = 0
    retries: int = 0
    dead_letters: int = 0
    lanes: tuple[LaneNumbers, ...] = ()


def bridge_numbers() -> BridgeNumbers:
    """Read the process's metrics (`bridge/telemetry/metrics.py`)."""
    outcomes = _sums(metrics.ATTEMPTS, "outcome")
    return BridgeNumbers(
        webhooks=_sums(metrics.INBOUND_REQUESTS, "result")["accepted"],
        observations=_sums(metrics.OBSERVATIONS, "result").total(),
        events=_sums(metrics.EVENTS, "type").total(),
        attempts=outcomes.total() - outcomes["skipped"],
        delivered=sum(outcomes[outcome] for outcome in FINISHED),
        retries=sum(outcomes[outcome] for outcome in AGAIN),
        dead_letters=_sums(metrics.DEAD_LETTERS, "stage").total(),
        lanes=_lanes(),
    )


def _lanes() -> tuple[LaneNumbers, ...]:
    flying = _sums(metrics.IN_FLIGHT, "target")
    waiting = _sums(metrics.LANES_WAITING, "target")
    held = _sums(metrics.LANES_HELD, "target")
    targets = sorted({*flying, *waiting, *held})
    return tuple(
        LaneNumbers(target, flying[target], waiting[target], held[target])
        for target in targets
    )


def _sums(metric: MetricWrapperBase, label: str) -> Counter[str]:
    """Return a metric's values added up by one label."""
    sums: Counter[str] = Counter()
    for family in metric.collect():
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                sums[sample.labels.get(label, "")] += int(sample.value)
    return sums


class Watcher:
    """Turns what rose in the bridge's metrics into lines of the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._events = _sums(metrics.EVENTS, "type")
        self._dead = _sums(metrics.DEAD_LETTERS, "reason")

    def look(self) -> None:
        """Note what has risen since the last look."""
        events, dead = (
            _sums(metrics.EVENTS, "type"),
            _sums(metrics.DEAD_LETTERS, "reason"),
        )
        if fresh := _words(events - self._events):
            self._journal.note(Kind.NORMALISED, fresh)
        if fresh := _words(dead - self._dead):
            self._journal.note(Kind.DEAD, f"{fresh}; its return waits for an operator")
        self._events, self._dead = events, dead


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
