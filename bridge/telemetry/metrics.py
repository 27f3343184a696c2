"""Every Prometheus metric, once, with what it means; all begin `returns_bridge_`.

Labels are bounded: `account` and `target` are configured names (anything else is
`unknown`), `reason` is an error's or outcome's short stable reason. Memory, CPU and
open files come from the default process collector.
"""

from collections.abc import Container
from functools import cache

from prometheus_client import (
    Counter,
    Gauge,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from bridge.telemetry.histogram import Histogram

CONTENT_TYPE = CONTENT_TYPE_LATEST
disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each counter that nobody asks for
_PREFIX = "returns_bridge"
_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_CALLS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30)
_DELIVERY = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 36_000)
_BYTES = (1_024, 4_096, 8_192, 16_384, 65_536, 262_144, 1_048_576, 4_194_304)


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(name, meaning, labels, namespace=_PREFIX)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(name, meaning, labels, namespace=_PREFIX)


def _histogram(
    name: str, meaning: str, buckets: tuple[float, ...], *labels: str
) -> Histogram:
    return Histogram(f"{_PREFIX}_{name}", meaning, labels, buckets)


# ---------------------------------------------------------------- inbound
INBOUND_REQUESTS = _counter(
    "inbound_requests_total",
    "Webhooks answered. result: accepted, refused, unavailable, failed.",
    *("account", "result", "reason"),
)
INBOUND_SECONDS = _histogram(
    "inbound_seconds", "From a webhook's head to its answer.", _FAST
)
INBOUND_BODY_BYTES = _histogram(
    "inbound_body_bytes", "Size of accepted webhook bodies.", _BYTES
)
INBOUND_CONNECTIONS = _gauge("inbound_connections", "Open connections of webhooks.")
CONNECTIONS_REFUSED = _counter(
    "connections_refused_total",
    "Connections closed unserved. reason: slow_head, too_many.",
    "reason",
)
PUBLISHER_REBUILT = _counter(
    "publisher_rebuilt_total", "Dead producers of the door that were replaced."
)
PUBLISHER_BYTES = _gauge(
    "publisher_bytes", "Bytes handed to Kafka and not yet acknowledged."
)

# ---------------------------------------------------------------- polls
POLL_CALLS = _counter(
    "poll_calls_total",
    "Calls made for polling. lane: live, history.",
    "account",
    "lane",
)
POLL_PAGES = _counter(
    "poll_pages_total",
    "What pages came to. outcome: page, expired, failed, throttled, refused, "
    "unauthorized.",
    *("account", "outcome"),
)
POLL_FOUND = _counter(
    "poll_found_total",
    "Returns on pages. result: written, known (the overlap).",
    *("account", "lane", "result"),
)
POLL_PROGRESS = _gauge(
    "poll_progress",
    "Part of the walk under way that is done, 0 to 1.",
    "account",
    "lane",
)
POLL_MARK_AGE = _gauge(
    "poll_mark_age_seconds",
    "How far back the oldest mark of an account lies.",
    "account",
)
POLL_FORECAST = _gauge(
    "poll_calls_forecast", "Calls the day will have seen at its end.", "account"
)
POLL_TROUBLED = _gauge("poll_troubled", "1 while no page comes.", "account")
POLL_STUCK = _counter(
    "poll_stuck_total", "Windows that a walk gave up.", "account", "step"
)
SEEN_ONLY_BY_POLLING = _counter(
    "seen_only_by_polling_total",
    "Polled observations that brought news: their webhook was missed, or is late.",
    "account",
)
WEBHOOKS_SWITCHED_OFF = _counter(
    "webhooks_switched_off_total", "Webhooks found switched off, and mended.", "account"
)
WEBHOOKS_MISSING = _gauge(
    "webhooks_missing", "Registrations that should be there and are not.", "account"
)

# ---------------------------------------------------------------- normalise
OBSERVATIONS = _counter(
    "observations_total",
    "Observations read. result: folded, nothing_new, unreadable.",
    *("account", "result"),
)
EVENTS = _counter("events_total", "Canonical events written.", "type")
UNKNOWN_VALUES = _counter(
    "unknown_values_total",
    "Enum values of a platform that we do not know; field is its place in the schema.",
    *("account", "field"),
)
UNEXPECTED_MOVES = _counter(
    "unexpected_moves_total", "State moves outside the table.", "platform"
)

# ---------------------------------------------------------------- deliver
ATTEMPTS = _counter(
    "attempts_total", "Conversations that ended.", "target", "outcome", "reason"
)
ATTEMPT_SECONDS = _histogram(
    "attempt_seconds", "Length of a conversation.", _CALLS, "target"
)
LANES_WAITING = _gauge(
    "lanes_waiting",
    "Lanes that wait. reason: one of WaitReason (bridge/deadletters/standing.py).",
    *("target", "reason"),
)
LANES_HELD = _gauge("lanes_held", "Lanes waiting for an operator.", "target")
PARKED_EVENTS = _gauge(
    "parked_events", "Events kept outside the log, dead ones among them.", "target"
)
WAITED_SECONDS = _counter(
    "waited_seconds_total",
    "Time that lanes spent waiting, added when a wait ends. reason as above.",
    *("target", "reason"),
)
DELIVERY_SECONDS = _histogram(
    "delivery_seconds",
    "From an event's record to its receipt: all waits, parked time too, count.",
    _DELIVERY,
    "target",
)
BREAKER_OPEN = _gauge(
    "breaker_open", "1 while no call starts at the target, probes aside.", "target"
)
INSTRUCTIONS = _counter(
    "instructions_total",
    "Instructions of operators. result: applied, refused.",
    *("target", "action", "result"),
)
IN_FLIGHT = _gauge("in_flight", "Conversations under way.", "target")
OLDEST_UNFINISHED = _gauge(
    "oldest_unfinished_seconds", "Age of the oldest unfinished event.", "target"
)
DEAD_LETTERS = _counter(
    "dead_letters_total",
    "Dead letters written. stage: normalize, deliver; target: its name or inbound.",
    *("stage", "target", "reason"),
)

# ---------------------------------------------------------------- ownership
CONSUMER_LAG = _gauge(
    "consumer_lag",
    "Records above the committed position; partition is <topic>-<number>.",
    *("group", "partition"),
)
COMMITS = _counter(
    "commits_total", "Transactions. result: done, failed.", "group", "result"
)
COMMIT_SECONDS = _histogram("commit_seconds", "Length of a commit.", _FAST, "group")
OWNERSHIP_LOST = _counter(
    "ownership_lost_total", "Partitions lost to another owner.", "group"
)
PARTITIONS_OWNED = _gauge("partitions_owned", "Partitions with an owner here.", "group")
PAUSED_PARTITIONS = _gauge(
    "paused_partitions", "Partitions not read at the moment.", "group", "reason"
)
PROGRESS_IGNORED = _counter(
    "progress_ignored_total", "Commit metadata that was not ours or broken.", "group"
)


@cache
def of(counter: Counter, *labels: str) -> Counter:
    """Return the counter of these label values; looking one up anew costs 4 µs."""
    return counter.labels(*labels)


def known(name: str, names: Container[str]) -> str:
    """Return `name` if it is one of the configured `names`, else `unknown`."""
    return name if name in names else "unknown"


def render() -> bytes:
    """Return all metrics as Prometheus reads them; their type is `CONTENT_TYPE`."""
    return generate_latest()
