"""`verify`, `trace`, `lag`: what the topics of a running system prove and tell."""

from typing import Annotated

import typer

from bridge import app, settings
from bridge.cli.common import AsJson, ConfigPath, Exit, Since, once
from bridge.cli.output import emit


def verify(config: ConfigPath, *, since: Since = None, as_json: AsJson = False) -> None:
    """Check every history and every target from events and receipts.

    Per target: subjects, events, gaps, inversions, overlaps, repeated effects, broken
    chains. Exit 1 if a promise was broken, 4 if there was nothing to check.
    """
    proof = once(app.verify(settings.load(config), since))
    if not proof.rows:
        _nothing("There are no events to check.")
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
    """Tell the history of one return: observations, events, attempts, in order.

    Exit 4 if the bridge has never heard of it.
    """
    steps = once(app.trace(settings.load(config), subject))
    if not steps:
        _nothing(f"Nothing is known about {subject}.")
    emit(steps, as_json=as_json)


def lag(config: ConfigPath, *, as_json: AsJson = False) -> None:
    """Tell how far each stage and target is behind, and the age of what waits."""
    emit(once(app.lag(settings.load(config))), as_json=as_json)


def _tell(lines: tuple[str, ...], *, kept: bool) -> None:
    for line in lines:
        typer.echo(line)
    typer.echo("Every promise was kept." if kept else "A promise was broken.")


def _nothing(sentence: str) -> None:
    typer.echo(sentence, err=True)
    raise typer.Exit(Exit.NOTHING)
