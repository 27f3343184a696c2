"""Giving decisions to the engine with somebody watching: asked first, shown, stoppable.

Nothing is kept here: which events are still dead says what is left to do. So a stopped
command goes on where it stopped when it is run again.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from bridge.app import instructing, replaying
from bridge.cli.common import Exit, once
from bridge.cli.dead_words import dead_row, result_line, result_row, tally
from bridge.cli.options import Signed
from bridge.cli.output import emit
from bridge.deadletters.instructions import Instruction
from bridge.deadletters.replay import DeadEvent, batches, refusal
from bridge.inspection.following import REFUSED, Result
from bridge.settings import Settings

Advance = Callable[[], None]

#: Results told one by one; of more only the failures are.
_FEW = 20


@dataclass(slots=True)
class Giving:
    """One run: what was given, what came of it; counts for the last word."""

    settings: Settings
    decision: replaying.Decision
    signed: Signed
    as_json: bool
    given: int = 0
    open: int = 0
    results: list[Result] = field(default_factory=list)

    def run(self, chosen: Sequence[DeadEvent], steps: Sequence[int | None]) -> None:
        """Carry the decision out in steps, and end the command with its exit code."""
        fit = self._fit(chosen)
        if not fit:
            raise typer.Exit(Exit.REFUSED)
        self._ask(len(fit))
        try:
            for batch in batches(fit, steps):
                if not self._batch(batch, len(fit)):
                    break
        except KeyboardInterrupt:
            self._say(
                f"Stopped after {self.given} of {len(fit)}. What was given is carried "
                "out; run the same command again for the rest."
            )
            raise
        self._end(len(fit))

    def _fit(self, chosen: Sequence[DeadEvent]) -> list[DeadEvent]:
        """Return what the engine will not refuse, and tell of the rest."""
        fit = []
        for dead in chosen:
            why = refusal(dead, self.decision.action, force=self.decision.force)
            if why is None:
                fit.append(dead)
                continue
            if self.as_json:
                row = {**dead_row(dead), "result": REFUSED, "detail": why}
                emit([row], as_json=True)
            self._say(f"{dead.subject} event {dead.sequence}: refused: {why}")
        return fit

    def _ask(self, count: int) -> None:
        if self.signed.yes or not sys.stdin.isatty():
            return
        events = f"{count} event{'' if count == 1 else 's'}"
        typer.confirm(
            f"{self.decision.action.capitalize()} {events}?", abort=True, err=True
        )

    def _batch(self, batch: Sequence[DeadEvent], total: int) -> bool:
        """Give one batch; tell whether the next may follow."""
        before = len(self.results)
        with _bar(self.decision.action, len(batch), total) as advance:

            def given(_: Instruction) -> None:
                self.given += 1

            def told(result: Result) -> None:
                self.results.append(result)
                advance()

            watch = instructing.Watch(self.signed.wait, given, told)
            instructions = [self.decision.about(each) for each in batch]
            outcomes = once(instructing.instruct(self.settings, instructions, watch))
        self.open += outcomes.open
        self._tell(self.results[before:])
        return not outcomes.failed or not self.signed.wait

    def _tell(self, results: Sequence[Result]) -> None:
        if self.as_json:
            emit(map(result_row, results), as_json=True)
            return
        few = len(results) <= _FEW
        for result in results:
            if few or result.failed:
                typer.echo(result_line(result))

    def _end(self, total: int) -> None:
        left = total - self.given
        parts = [tally(self.results)] if self.results else []
        if self.open:
            why = "after the wait" if self.signed.wait else "yet: not waited for"
            parts.append(f"{self.open} without a result {why}")
        if left:
            parts.append(f"{left} not begun: the step before did not go well")
        self._say(f"{'; '.join(parts)}.")
        died = any(each.failed and each.result != REFUSED for each in self.results)
        waited = bool(self.signed.wait) and self.open
        if died or waited or left:
            raise typer.Exit(Exit.FAILED)
        if any(each.result == REFUSED for each in self.results):
            raise typer.Exit(Exit.REFUSED)

    def _say(self, sentence: str) -> None:
        typer.echo(sentence, err=True)


@contextmanager
def _bar(action: str, count: int, total: int) -> Iterator[Advance]:
    """Show a bar on a terminal's stderr; nothing where there is none."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        step = "" if count == total else f" (step of {count})"
        task = bar.add_task(f"{action}{step}", total=count)
        yield lambda: bar.advance(task)
