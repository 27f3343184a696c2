"""`verify`, `trace`, `why`, `lag` for the command line: read, judge, put into rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.canonical.reference import subject_of
from bridge.deadletters.standing import WaitReason
from bridge.inspection import asking, read
from bridge.inspection import lag as lagging
from bridge.inspection import trace as tracing
from bridge.inspection import why as reasons
from bridge.inspection.findings import (
    Findings,
    HistoryReport,
    Kind,
    Report,
    TargetReport,
)
from bridge.settings import Settings

Row = Mapping[str, object]

_OF_HISTORY = (Kind.SEQUENCE_GAP, Kind.DUPLICATE, Kind.CHAIN, Kind.ID, Kind.FOREIGN)
_OF_TARGETS = (
    *(Kind.LOST, Kind.GAP, Kind.INVERSION, Kind.OVERLAP, Kind.REPEAT, Kind.CHAIN),
)
_OF_FETCHES = (Kind.LOST, Kind.OVERLAP, Kind.REPEAT, Kind.STALE)


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
    targets, fetching = settings.event_targets, settings.fetch_targets
    report = await read.verify(settings.kafka, names, targets, since, fetching=fetching)
    rows = [_history_row(report.history)]
    lines = [_history_line(report.history)]
    for target in report.targets:
        fetches = target.target in fetching
        rows.append(_fetch_row(target) if fetches else _target_row(target))
        lines.append(_fetch_line(target) if fetches else _target_line(target))
    lines += _examples(report.history.findings)
    for target in report.targets:
        lines += _examples(target.findings)
    return Proof(
        rows=rows if _anything(report) else (),
        lines=tuple(lines),
        kept=report.ok,
        waiting=sum(target.waiting for target in report.targets),
    )


def _anything(report: Report) -> bool:
    return bool(
        report.history.events or any(target.events for target in report.targets)
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
        **_rest(target, _OF_TARGETS),
    }


def _fetch_row(target: TargetReport) -> Row:
    return {
        "what": f"fetch target {target.target}",
        "subjects": target.subjects,
        "hints": target.events,
        "fetched": target.delivered,
        "collapsed": target.collapsed,
        **_rest(target, _OF_FETCHES),
    }


def _rest(target: TargetReport, kinds: Sequence[Kind]) -> Row:
    return {
        "skipped": target.skipped,
        "discarded": target.discarded,
        "given_up": target.given_up,
        "waiting": target.waiting,
        "held": target.held,
        "unjudged": target.unjudged,
        "edited": target.edited,
        "parked": target.parked,
        "waits": target.waits,
        **_counts(target.findings, kinds),
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
    came = _came_to(target, ("delivered", "skipped by configuration"))
    wrong = _said(target.findings, _OF_TARGETS)
    return f"Target {target.target}: {target.events} events: {came}; {wrong}."


def _fetch_line(target: TargetReport) -> str:
    came = _came_to(target, ("fetched", "skipped"))
    wrong = _said(target.findings, _OF_FETCHES)
    return f"Fetch target {target.target}: {target.events} hints: {came}; {wrong}."


def _came_to(target: TargetReport, words: tuple[str, str]) -> str:
    """Say what all came to; `words` are those for delivered and skipped ones."""
    delivered, skipped = words
    parts = [
        f"{count} {what}"
        for count, what in (
            (target.delivered, delivered),
            (target.collapsed, "collapsed into a later fetch"),
            (target.skipped, skipped),
            (target.discarded, "discarded by an operator"),
            (target.given_up, "given up, later ones may pass"),
            (target.waiting, f"waiting{_reasons(target)}"),
            (target.held, "dead or held behind a dead one"),
            (target.unjudged, "older than the receipts that are kept"),
        )
        if count or what == delivered
    ]
    beside = [
        f"{count} of them {what}"
        for count, what in (
            (target.parked, "parked outside the log"),
            (target.edited, "edited by an operator"),
        )
        if count
    ]
    return ", ".join(parts + beside)


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
        settings.kafka,
        settings.topic_names,
        settings.event_targets,
        subject,
        fetching=_fetching(settings, subject),
    )


async def why(settings: Settings, subject: str) -> list[reasons.Why]:
    """Return for every target what one return waits for; empty if it is unknown."""
    return await asking.why(
        settings.kafka,
        settings.topic_names,
        settings.event_targets,
        subject,
        fetching=_fetching(settings, subject),
    )


def _fetching(settings: Settings, subject: str) -> tuple[str, ...]:
    """Return the fetch targets of the subject's own account: others pass it over."""
    accounts = {
        name: settings.targets[name].options.account for name in settings.fetch_targets
    }
    return tuple(
        name
        for name, account in accounts.items()
        if subject.startswith(
            subject_of(settings.accounts[account].platform, account, "")
        )
    )


async def lag(settings: Settings) -> list[lagging.Lag]:
    """Return how far each stage and target is behind, by partition."""
    return await lagging.lag(
        settings.kafka,
        settings.topic_names,
        settings.event_targets,
        fetching=settings.fetch_targets,
    )
