"""`verify`, `trace`, `why`, `lag` for the command line: read, judge, put into rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.deadletters.standing import WaitReason
from bridge.inspection import asking, read
from bridge.inspection import lag as lagging
from bridge.inspection import trace as tracing
from bridge.inspection import why as reasons
from bridge.inspection.findings import Findings, HistoryReport, Kind, TargetReport
from bridge.settings import Settings

Row = Mapping[str, object]

_OF_HISTORY = (Kind.SEQUENCE_GAP, Kind.DUPLICATE, Kind.CHAIN, Kind.ID, Kind.FOREIGN)
_OF_TARGETS = (
    *(Kind.LOST, Kind.GAP, Kind.INVERSION, Kind.OVERLAP, Kind.REPEAT, Kind.CHAIN),
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What `verify` found: rows for a table, sentences for people.

    `kept` tells whether every promise held, `waiting` how many events have no receipt
    yet though nothing holds them; `rows` is empty if there is nothing to check.
    """

    rows: Sequence[Row]
    lines: tuple[str, ...]
    kept: bool
    waiting: int


async def verify(settings: Settings, since: datetime | None) -> Proof:
    """Check P2 to P4 from the topics; see `bridge/inspection/verify.py`."""
    names = settings.topic_names
    report = await read.verify(settings.kafka, names, settings.event_targets, since)
    rows = [_history_row(report.history), *map(_target_row, report.targets)]
    lines = [_history_line(report.history), *map(_target_line, report.targets)]
    lines += _examples(report.history.findings)
    for target in report.targets:
        lines += _examples(target.findings)
    return Proof(
        rows=rows if report.history.events else (),
        lines=tuple(lines),
        kept=report.ok,
        waiting=sum(target.waiting for target in report.targets),
    )


def _history_row(history: HistoryReport) -> Row:
    return {
        "what": "history",
        "subjects": history.subjects,
        "events": history.events,
        **_counts(history.findings, _OF_HISTORY),
    }


def _target_row(target: TargetReport) -> Row:
    return {
        "what": f"target {target.target}",
        "subjects": target.subjects,
        "events": target.events,
        "delivered": target.delivered,
        "skipped": target.skipped,
        "discarded": target.discarded,
        "given_up": target.given_up,
        "waiting": target.waiting,
        "held": target.held,
        "unjudged": target.unjudged,
        "edited": target.edited,
        "parked": target.parked,
        "waits": target.waits,
        **_counts(target.findings, _OF_TARGETS),
    }


def _counts(findings: Findings, kinds: Sequence[Kind]) -> Row:
    shown = dict.fromkeys(kinds, 0)
    return {
        kind.value.replace(" ", "_"): n for kind, n in (shown | findings.counts).items()
    }


def _history_line(history: HistoryReport) -> str:
    wrong = _said(history.findings, _OF_HISTORY)
    return f"History: {history.subjects} subjects, {history.events} events; {wrong}."


def _target_line(target: TargetReport) -> str:
    wrong = _said(target.findings, _OF_TARGETS)
    parts = [
        f"{count} {words}"
        for count, words in (
            (target.delivered, "delivered"),
            (target.skipped, "skipped by configuration"),
            (target.discarded, "discarded by an operator"),
            (target.given_up, "given up, later ones may pass"),
            (target.waiting, f"waiting{_reasons(target)}"),
            (target.held, "dead or held behind a dead one"),
            (target.unjudged, "older than the receipts that are kept"),
        )
        if count or words == "delivered"
    ]
    beside = [
        f"{count} of them {words}"
        for count, words in (
            (target.parked, "parked outside the log"),
            (target.edited, "edited by an operator"),
        )
        if count
    ]
    return (
        f"Target {target.target}: {target.events} events: "
        f"{', '.join(parts + beside)}; {wrong}."
    )


def _reasons(target: TargetReport) -> str:
    """Say what the waiting ones wait for, the dead ones apart."""
    waits = {
        reason: count
        for reason, count in target.waits.items()
        if reason not in {WaitReason.DEAD, WaitReason.BEHIND}
    }
    words = ", ".join(f"{reason} {count}" for reason, count in sorted(waits.items()))
    return f" (lanes: {words})" if words else ""


def _said(findings: Findings, kinds: Sequence[Kind]) -> str:
    return ", ".join(f"{findings.counts.get(kind, 0)} {kind.value}" for kind in kinds)


def _examples(findings: Findings) -> Iterator[str]:
    for kind, sentences in findings.examples.items():
        for sentence in sentences:
            yield f"  {kind.value}: {sentence}"


async def trace(settings: Settings, subject: str) -> list[tracing.TraceStep]:
    """Return what the topics know of one return, oldest first."""
    return await tracing.trace(
        settings.kafka, settings.topic_names, settings.event_targets, subject
    )


async def why(settings: Settings, subject: str) -> list[reasons.Why]:
    """Return for every target what one return waits for; empty if it is unknown."""
    return await asking.why(
        settings.kafka, settings.topic_names, settings.event_targets, subject
    )


async def lag(settings: Settings) -> list[lagging.Lag]:
    """Return how far each stage and target is behind, by partition."""
    return await lagging.lag(
        settings.kafka, settings.topic_names, settings.event_targets
    )
