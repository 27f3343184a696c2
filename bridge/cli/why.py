"""`why`, `pause`, `resume`: what one return waits for, and holding it up oneself."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import typer

from bridge import settings
from bridge.app import inspecting, instructing, replaying
from bridge.cli.common import AsJson, ConfigPath, Exit, nothing, once
from bridge.cli.dead_words import result_line, result_row
from bridge.cli.options import Signed, with_options
from bridge.cli.output import ago, emit
from bridge.clock import SystemClock
from bridge.deadletters.instructions import Action
from bridge.deadletters.standing import Standing
from bridge.inspection.following import REFUSED
from bridge.inspection.trace import tries_said
from bridge.inspection.why import NOTHING, Why

_CLOCK = SystemClock()

Subject = Annotated[
    str, typer.Argument(help="platform/account/native-id, as in redo/shop/123")
]
OrAll = Annotated[
    str, typer.Argument(help="platform/account/native-id, or * for the whole target")
]
Target = Annotated[str, typer.Option(metavar="NAME", help="At this target.")]


def why(subject: Subject, config: ConfigPath, *, as_json: AsJson = False) -> None:
    """Answer what a return is waiting for, at each target; exit 4 if it is unknown.

    Works from any machine: the answer comes from the topics.
    """
    answers = once(inspecting.why(settings.load(config), subject))
    if not answers:
        nothing(f"Nothing is known about {subject}.")
    if as_json:
        emit(answers, as_json=True)
        return
    now = _CLOCK.now()
    for answer in answers:
        for line in _told(answer, now):
            typer.echo(line)


@with_options
def pause(
    subject: OrAll,
    config: ConfigPath,
    target: Target,
    signed: Signed,
    *,
    as_json: AsJson = False,
) -> None:
    """Stop calls about one return at a target, or (with *) all calls to it.

    A call under way may end. Events wait, use up no attempt, and keep their order.
    """
    _hold(settings.load(config), ("pause", subject, target), signed, as_json)


@with_options
def resume(
    subject: OrAll,
    config: ConfigPath,
    target: Target,
    signed: Signed,
    *,
    as_json: AsJson = False,
) -> None:
    """End a pause; what waited goes on in order. Exit 3 if there was none."""
    _hold(settings.load(config), ("resume", subject, target), signed, as_json)


def _hold(
    loaded: settings.Settings,
    what: tuple[Action, str, str],
    signed: Signed,
    as_json: bool,  # noqa: FBT001 - handed on
) -> None:
    action, subject, target = what
    replaying.known_target(loaded, target)
    watch = instructing.Watch(signed.wait)
    said = {"target": target, "author": signed.author, "reason": signed.because}
    outcomes = once(instructing.pause(loaded, action, subject, watch, **said))
    if as_json:
        emit(map(result_row, outcomes.results), as_json=True)
    else:
        for result in outcomes.results:
            typer.echo(result_line(result))
    if any(each.result == REFUSED for each in outcomes.results):
        raise typer.Exit(Exit.REFUSED)
    if outcomes.open and signed.wait:
        typer.echo(
            "No answer yet: it is carried out as soon as a worker owns the partition.",
            err=True,
        )
        raise typer.Exit(Exit.FAILED)


def _told(answer: Why, now: datetime) -> Iterator[str]:
    head = f"{answer.subject} at {answer.target}: "
    if answer.waiting_for == NOTHING:
        yield head + answer.detail + _last(answer, now)
    else:
        yield head + f"waiting ({answer.waiting_for}): {answer.detail}"
        yield from _event(answer, now)
    if answer.given_up:
        yield _line("given up", f"{answer.given_up} events; later ones have passed")
    yield from _standing(answer.standing, now)


def _event(answer: Why, now: datetime) -> Iterator[str]:
    number = "" if answer.sequence is None else f"{answer.sequence} "
    yield _line("event", f"{number}{answer.type or ''} {answer.event_id}")
    if answer.since is not None:
        yield _line("since", f"{_time(answer.since)}, {ago(answer.since, now)}")
    kept = answer.kept
    if kept is not None and kept.death is not None:
        detail = f": {kept.death.detail}" if kept.death.detail else ""
        yield _line("cause", f"{kept.death.cause}, {kept.death.reason}{detail}")
    if kept is not None and kept.trouble.tried:
        yield _line("attempts", tries_said(kept.trouble))
    if kept is not None and kept.trouble.next_try_at is not None and not kept.death:
        next_try = kept.trouble.next_try_at
        yield _line("next try", f"{_time(next_try)}, {ago(next_try, now)}")
    yield _line("behind it", f"{answer.behind} events; {answer.parked} of all parked")
    if answer.last is not None:
        yield _line("before it", _last(answer, now).removeprefix(": "))


def _last(answer: Why, now: datetime) -> str:
    last = answer.last
    if last is None:
        return ""
    when = f"{_time(last.at)}, {ago(last.at, now)}"
    number = "" if last.sequence is None else f"event {last.sequence} "
    return f": last {last.outcome} {number}{last.type}, {when}"


def _standing(standing: Standing | None, now: datetime) -> Iterator[str]:
    if standing is None:
        yield _line("breaker", "unknown: no worker has told of it")
        return
    told = f"told by {standing.worker} {ago(standing.at, now)}"
    breaker = standing.breaker
    since = f" since {_time(breaker.since)}" if breaker.since else ""
    probe = (
        f", next probe {ago(breaker.next_probe_at, now)}"
        if (breaker.next_probe_at)
        else ""
    )
    yield _line("breaker", f"{breaker.state}{since}{probe} ({told})")
    budget = standing.budget
    if budget is None:
        yield _line("budget", "no call waits for it")
        return
    blocked = (
        f", blocked until {_time(budget.blocked_until)}"
        if (budget.blocked_until)
        else ""
    )
    yield _line(
        "budget",
        f"{budget.available:.1f} free, {budget.per_second:.2f}/s, "
        f"{budget.waiting} wait for it{blocked}",
    )


def _line(name: str, text: str) -> str:
    return f"  {name:<10}{text}"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S %z}"
