"""`dead list|show|export`: looking at what waits for an operator."""

import base64
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import from_json, to_json

from bridge import settings
from bridge.app import replaying, reviving
from bridge.cli import dead_changes
from bridge.cli.common import AsJson, ConfigPath, nothing, once
from bridge.cli.dead_words import (
    by_target,
    dead_row,
    inbound_row,
    inbound_short,
    pretty,
    short_row,
    shown,
)
from bridge.cli.options import Inbound, Where, with_options
from bridge.cli.output import Row, emit
from bridge.clock import SystemClock
from bridge.deadletters.replay import DeadEvent, Filters
from bridge.inspection.inbound import InboundLetter

commands = typer.Typer(
    help="What was given up on: look at it, retry, edit or discard it.",
    no_args_is_help=True,
)
_CLOCK = SystemClock()
_PRIVATE = 0o600

Subject = Annotated[
    str, typer.Argument(help="platform/account/native-id, as in redo/shop/123")
]


@commands.command(name="list")
@with_options
def list_(
    config: ConfigPath,
    where: Where,
    *,
    inbound: Inbound = False,
    as_json: AsJson = False,
) -> None:
    """List the dead events that wait for an operator; exit 4 if there are none.

    With --inbound: the observations that could not be read.
    """
    loaded = settings.load(config)
    if inbound:
        _list_inbound(
            once(reviving.find_inbound(loaded, where.filters())), as_json=as_json
        )
        return
    dead = once(replaying.find(loaded, where.filters()))
    if not dead:
        nothing("No dead event matches: nothing waits for an operator.")
    if as_json:
        emit(map(dead_row, dead), as_json=True)
        return
    now = _CLOCK.now()
    for target, events in by_target(dead).items():
        behind = sum(each.behind for each in events)
        title = f"{target}: {len(events)} dead, {behind} parked behind them"
        emit([short_row(each, now) for each in events], as_json=False, title=title)
    typer.echo("Look closer: `dead show SUBJECT`. Try again: `dead retry --dry-run`.")


def _list_inbound(letters: Sequence[InboundLetter], *, as_json: bool) -> None:
    if not letters:
        nothing("No unreadable observation matches.")
    now = _CLOCK.now()
    rows = [
        inbound_row(each) if as_json else inbound_short(each, now) for each in letters
    ]
    emit(rows, as_json=as_json)


@commands.command()
def show(
    subject: Subject,
    config: ConfigPath,
    *,
    target: Annotated[str | None, typer.Option(metavar="NAME")] = None,
    body: Annotated[
        bool,
        typer.Option("--body", help="The event's data too; it holds personal fields."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell all that is known of a return's dead events; exit 4 if it has none."""
    filters = Filters(subject=subject, target=target)
    loaded = settings.load(config)
    dead = once(replaying.find(loaded, filters))
    if not dead:
        nothing(
            f"{subject} has no dead event; `returns-bridge why {subject}` says more."
        )
    letters = once(replaying.letters_of(loaded, dead))
    now = _CLOCK.now()
    for each in dead:
        if as_json:
            emit([_whole(each) if body else dead_row(each)], as_json=True)
            continue
        for line in shown(each, letters.get((each.target, each.event_id)), now):
            typer.echo(line)
        if body and each.event is not None:
            typer.echo(pretty(each.event.body), nl=False)


@commands.command()
@with_options
def export(
    config: ConfigPath,
    where: Where,
    *,
    inbound: Inbound = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A new file; without it: stdout."),
    ] = None,
) -> None:
    """Write what matches with headers and bodies, one JSON object per line.

    Bodies hold personal fields: the file is readable for its owner alone.
    """
    loaded = settings.load(config)
    if inbound:
        letters = once(reviving.find_inbound(loaded, where.filters()))
        rows = [_whole_letter(each) for each in letters]
    else:
        rows = [_whole(each) for each in once(replaying.find(loaded, where.filters()))]
    if not rows:
        nothing("Nothing matches.")
    if output is None:
        sys.stdout.writelines(_lines(rows))
        return
    try:
        output.touch(_PRIVATE, exist_ok=False)
    except FileExistsError:
        raise typer.BadParameter(f"{output} exists: name another file") from None
    with output.open("w", encoding="utf-8") as file:
        file.writelines(_lines(rows))
    typer.echo(f"{len(rows)} written to {output}.", err=True)


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    return (to_json(row).decode() + "\n" for row in rows)


def _whole(dead: DeadEvent) -> Row:
    event = dead.event
    if event is None:
        return {**dead_row(dead), "body": None}
    chain = {"time": event.time, "source": event.source, "chain": event.chain}
    return {**dead_row(dead), **chain, **_body(event.body)}


def _whole_letter(found: InboundLetter) -> Row:
    headers = {
        name: value.decode(errors="replace")
        for name, value in found.letter.headers.items()
    }
    return {
        **inbound_row(found),
        "headers": headers,
        **_body(found.letter.value or b""),
    }


def _body(body: bytes) -> Row:
    """Return JSON as it is, anything else as base64."""
    try:
        return {"body": from_json(body)}
    except ValueError:
        return {"body_base64": base64.b64encode(body).decode()}


commands.command()(with_options(dead_changes.retry))
commands.command()(with_options(dead_changes.edit))
commands.command()(with_options(dead_changes.discard))
