"""`dead retry|edit|discard`: decisions about dead events, rehearsed or given."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import click
import typer

from bridge import settings
from bridge.app import replaying, reviving
from bridge.canonical.envelope import Event
from bridge.cli.common import AsJson, ConfigPath, Exit, nothing, once
from bridge.cli.dead_words import (
    difference,
    inbound_row,
    plan_row,
    planned,
    pretty,
)
from bridge.cli.giving import Giving
from bridge.cli.options import DryRun, Inbound, NoAsk, Signed, Where
from bridge.cli.output import emit
from bridge.clock import SystemClock
from bridge.deadletters.instructions import Operation
from bridge.deadletters.patching import PatchError, apply_patch, make_patch
from bridge.deadletters.replay import DeadEvent, Filters, steps_of
from bridge.inspection.inbound import InboundLetter
from bridge.settings import Settings

_CLOCK = SystemClock()
_ALL: tuple[int | None, ...] = (None,)


def _steps(text: str) -> tuple[int | None, ...]:
    try:
        return steps_of(text)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from None


@dataclass(frozen=True, slots=True)
class Running:
    """How a retry runs."""

    canary: Annotated[
        str,
        typer.Option(
            metavar="1,10,all",
            help="In steps; the next one only while nothing fails.",
        ),
    ] = "all"
    force: Annotated[
        bool,
        typer.Option("--force", help="Also what died three times of the same reason."),
    ] = False
    dry_run: DryRun = False
    no_ask: NoAsk = False
    inbound: Inbound = False


def retry(
    config: ConfigPath,
    where: Where,
    running: Running,
    signed: Signed,
    *,
    as_json: AsJson = False,
) -> None:
    """Let dead events go again; what waits behind them follows in order.

    Waits for what comes of it: exit 1 if one died again or has no result in time, 3 if
    the order forbids it, 4 if nothing matches. Stop it whenever you like: run again, it
    goes on with the rest. With --inbound: read unreadable observations once more.
    """
    steps = _steps(running.canary)
    if len(steps) > 1 and not signed.wait:
        raise typer.BadParameter("a canary has to wait: leave --wait 0s out")
    loaded = settings.load(config)
    decision = replaying.Decision(
        "retry", signed.author, signed.because, force=running.force
    )
    if running.inbound:
        _settle(loaded, where.filters(), decision, dry_run=running.dry_run)
        return
    chosen = _chosen(loaded, where.filters())
    if running.dry_run:
        _rehearse(loaded, chosen, decision, ask=not running.no_ask, as_json=as_json)
        return
    Giving(loaded, decision, signed, as_json).run(chosen, steps)


@dataclass(frozen=True, slots=True)
class Discarding:
    """What a discard is about."""

    inbound: Inbound = False
    dry_run: DryRun = False


def discard(
    config: ConfigPath,
    where: Where,
    discarding: Discarding,
    signed: Signed,
    *,
    as_json: AsJson = False,
) -> None:
    """Give dead events up for good; what waits behind them goes on.

    Needs --because. With --inbound: unreadable observations are listed no more.
    """
    signed.must_say_why()
    loaded = settings.load(config)
    decision = replaying.Decision("discard", signed.author, signed.because)
    if discarding.inbound:
        _settle(loaded, where.filters(), decision, dry_run=discarding.dry_run)
        return
    chosen = _chosen(loaded, where.filters())
    if discarding.dry_run:
        _rehearse(loaded, chosen, decision, ask=False, as_json=as_json)
        return
    Giving(loaded, decision, signed, as_json).run(chosen, _ALL)


@dataclass(frozen=True, slots=True)
class Editing:
    """Which event is edited, and how."""

    subject: Annotated[
        str, typer.Argument(help="platform/account/native-id, as in redo/shop/123")
    ]
    target: Annotated[
        str | None, typer.Option(metavar="NAME", help="At this target.")
    ] = None
    sequence: Annotated[
        int | None, typer.Option(min=1, help="This event of the return.")
    ] = None
    patch: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="A JSON Patch (RFC 6902); without it your editor opens.",
        ),
    ] = None
    force: Annotated[
        bool,
        typer.Option("--force", help="Also what died three times of the same reason."),
    ] = False
    dry_run: DryRun = False
    no_ask: NoAsk = False


def edit(
    editing: Editing, config: ConfigPath, signed: Signed, *, as_json: AsJson = False
) -> None:
    """Mend the data of a dead event and let it go again.

    Shows the difference, and refuses what the event's schema or identity forbids. Who,
    why, the patch and the original are kept. Needs --because.
    """
    signed.must_say_why()
    loaded = settings.load(config)
    filters = Filters(
        target=editing.target, subject=editing.subject, sequence=editing.sequence
    )
    dead = _single(_chosen(loaded, filters))
    patch = patch_of(dead, editing.patch)
    decision = replaying.Decision(
        "edit", signed.author, signed.because, patch, editing.force
    )
    assert dead.event is not None  # noqa: S101 - `_single` has looked
    after = apply_patch(dead.event, patch)
    for line in difference(dead.event.body, after):
        typer.secho(line, err=True, fg=_COLOURS.get(line[:1]))
    if editing.dry_run:
        _rehearse(loaded, [dead], decision, ask=not editing.no_ask, as_json=as_json)
        return
    Giving(loaded, decision, signed, as_json).run([dead], _ALL)


_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def _chosen(loaded: Settings, filters: Filters) -> Sequence[DeadEvent]:
    chosen = once(replaying.find(loaded, filters))
    if not chosen:
        nothing("No dead event matches: nothing to decide about.")
    return chosen


def _single(chosen: Sequence[DeadEvent]) -> DeadEvent:
    if len(chosen) > 1:
        which = "; ".join(f"event {each.sequence} at {each.target}" for each in chosen)
        raise typer.BadParameter(
            f"several events match: {which}. Add --target or --sequence"
        )
    if chosen[0].event is None:
        typer.echo("Its record cannot be read: it can only be discarded.", err=True)
        raise typer.Exit(Exit.REFUSED)
    return chosen[0]


def patch_of(dead: DeadEvent, file: Path | None) -> Sequence[Operation]:
    """Read the patch from a file, or make it of what an editor changed."""
    assert dead.event is not None  # noqa: S101 - `_single` has looked
    if file is None:
        return _edited(dead.event)
    try:
        patch = json.loads(file.read_text("utf-8"))
    except ValueError as broken:
        raise typer.BadParameter(f"{file} is not JSON: {broken}") from None
    if not isinstance(patch, list) or not all(isinstance(op, dict) for op in patch):
        raise typer.BadParameter(f"{file} is not a JSON Patch: a list of operations")
    return patch


def _edited(event: Event) -> Sequence[Operation]:
    """Open the editor until what it leaves can be used, or nobody wants to go on."""
    text = pretty(event.body)
    while True:
        try:
            edited = click.edit(text, extension=".json")
        except click.ClickException as broken:
            raise typer.BadParameter(
                f"{broken.message} Set EDITOR, or give --patch"
            ) from None
        if edited is None:
            nothing("Nothing was changed.")
        try:
            patch = make_patch(event.body, edited.encode())
            apply_patch(event, patch)
        except PatchError as wrong:
            typer.echo(str(wrong), err=True)
            typer.confirm("Edit it again?", default=True, abort=True, err=True)
            text = edited
        else:
            return patch


def _rehearse(
    loaded: Settings,
    chosen: Sequence[DeadEvent],
    decision: replaying.Decision,
    *,
    ask: bool,
    as_json: bool,
) -> None:
    forecast = once(replaying.forecast(loaded, chosen, decision, ask=ask))
    if as_json:
        emit(map(plan_row, forecast.plans), as_json=True)
        return
    for line in planned(forecast, decision.action, _CLOCK.now()):
        typer.echo(line)


def _settle(
    loaded: Settings, filters: Filters, decision: replaying.Decision, *, dry_run: bool
) -> None:
    chosen = once(reviving.find_inbound(loaded, filters))
    if not chosen:
        nothing("No unreadable observation matches.")
    if dry_run:
        emit(map(inbound_row, chosen), as_json=False)
        return
    done: list[InboundLetter] = []
    try:
        once(reviving.settle_inbound(loaded, chosen, decision, done.append))
    finally:
        word = "written again" if decision.action == "retry" else "discarded"
        typer.echo(f"{len(done)} of {len(chosen)} {word}.", err=True)
