"""The record of every call a simulated system got: what the checker reads.

A `Call` is written when its answer is decided and before the first byte leaves, or,
when the answer is lost on purpose, when the caller has gone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the simulator saw it.

    `started` and `ended` are monotonic seconds of the simulator's process. `key` is
    the webhook-id or idempotency key, `revision` the document's revision, where the
    request had one. `effect` counts the simulator's effects (1, 2, 3 …) in the order
    in which they took place; None if the call changed nothing. `answered` is False
    when the caller did not get the answer.
    """

    server: str
    method: str
    path: str
    subject: str
    reference: str | None
    key: str | None
    revision: int | None
    status: int
    effect: int | None
    answered: bool
    fault: str | None
    started: float
    ended: float
    started_at: datetime


_CALL = TypeAdapter(Call)


class CallLog:
    """Calls in the order of their ends; also in a JSON-lines file when one is given.

    `listener` hears of every call once it is noted.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        listener: Callable[[Call], None] = lambda _: None,
    ) -> None:
        self.calls: list[Call] = []
        self._path = path
        self._listener = listener
        self._effects = 0

    def next_effect(self) -> int:
        """Return the number of an effect that takes place now."""
        self._effects += 1
        return self._effects

    def record(self, call: Call) -> None:
        self.calls.append(call)
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(_CALL.dump_json(call) + b"\n")
        self._listener(call)


def read_calls(path: Path) -> Iterator[Call]:
    """Yield the calls of a JSON-lines file that a `CallLog` wrote."""
    with path.open("rb") as file:
        for line in file:
            yield _CALL.validate_json(line)
