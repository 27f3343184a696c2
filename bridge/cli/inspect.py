"""`verify`, `trace`, `lag`: what the topics of a running system prove and tell."""

from dataclasses import asdict
from typing import Annotated

import typer

from bridge import settings
from bridge.app import inspecting
from bridge.cli.common import AsJson, ConfigPath, Exit, Since, nothing, once
from bridge.cli.output import Row, emit
from bridge.inspection.lag import Lag
from bridge.inspection.trace import TraceStep


def verify(config: ConfigPath, *, since: Since = None, as_json: AsJson = False) -> None:
    """Check every history and every target from the topics.

    Each event of each return must be exactly one of delivered, skipped, discarded by
    an instruction, given up, waiting or held; in order, never two at once. Each hint
    at a fetch target must have come to one end. Exit 1 if a promise was broken, 4 if
    there was nothing to check.
    """
    proof = once(inspecting.verify(settings.load(config), since))
    if not proof.rows:
        nothing("There are no events to check.")
    if as_json:
        emit(proof.rows, as_json=True)
    else:
        _tell(proof.lines, kept=proof.kept)
    if not proof.kept:
        raise typer.Exit(Exit.FAILED)


def trace(
    subject: Annotated[
        str, typer.Argument(help="platform/account/native-id, as in redo/shop/123")
    ],
    config: ConfigPath,
    *,
    as_json: AsJson = False,
) -> None:
    """Tell the history of one return on one time line, in UTC.

    Observations, hints, events, attempts, receipts, dead letters, instructions and
    their answers, and what is kept of events that are not finished.
    Exit 4 if the bridge has never heard of it.
    """
    steps = once(inspecting.trace(settings.load(config), subject))
    if not steps:
        nothing(f"Nothing is known about {subject}.")
    emit(steps if as_json else map(_step, steps), as_json=as_json)


def lag(config: ConfigPath, *, as_json: AsJson = False) -> None:
    """Tell how far each stage and target is behind: in the log, parked, dead.

    `waits` counts the lanes by what they wait for; `oldest` is the age in seconds of
    the oldest unfinished event, in the log or parked.
    """
    rows = once(inspecting.lag(settings.load(config)))
    emit(rows if as_json else map(_row, rows), as_json=as_json)


def _step(step: TraceStep) -> Row:
    time = f"{step.at:%Y-%m-%d %H:%M:%S}.{step.at.microsecond // 1000:03}"
    return {**asdict(step), "at": time}


def _row(lag: Lag) -> Row:
    """Return what fits 100 columns: the group says which topic it is."""
    row = asdict(lag)
    del row["topic"]
    row["oldest"] = row.pop("oldest_seconds")
    return row


def _tell(lines: tuple[str, ...], *, kept: bool) -> None:
    for line in lines:
        typer.echo(line)
    typer.echo("Every promise was kept." if kept else "A promise was broken.")
