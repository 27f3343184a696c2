"""Following instructions to what they came to: answers first, then receipts. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bridge.deadletters.instructions import EVERYTHING, Instruction
from bridge.streams.receipts import DEAD, Answer, Receipt, Sheet

APPLIED = "applied"
REFUSED = "refused"
#: What does not settle an instruction; a canary stops at these.
FAILURES = frozenset({DEAD, REFUSED})


@dataclass(frozen=True, slots=True)
class Result:
    """What one instruction came to.

    `result` is `refused`, `applied` (where nothing more is to come), or the outcome of
    the event's receipt; `detail` says why.
    """

    instruction: Instruction
    result: str
    detail: str = ""

    @property
    def failed(self) -> bool:
        """Tell whether an operator has to look at it again."""
        return self.result in FAILURES


@dataclass(slots=True)
class Following:
    """Instructions that were given, until each has come to something.

    A retried or edited event has come to something with its next receipt; a discard or
    a pause with its answer. One about a whole target needs `partitions` answers.
    """

    partitions: int
    waiting: dict[str, Instruction] = field(default_factory=dict)
    applied: dict[str, Instruction] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)

    def give(self, instructions: Iterable[Instruction]) -> None:
        """Wait for these from now on."""
        self.waiting |= {each.id: each for each in instructions}

    @property
    def open(self) -> int:
        """How many have not come to anything yet."""
        return len(self.waiting) + len(self.applied)

    def sheet(self, sheet: Sheet) -> Iterator[Result]:
        """Take a sheet that was written since; yield what is settled by it."""
        for answer in sheet.answers:
            yield from self._answer(answer)
        for receipt in sheet.receipts:
            yield from self._receipt(receipt)

    def _answer(self, answer: Answer) -> Iterator[Result]:
        instruction = self.waiting.get(answer.instruction)
        if instruction is None:
            return
        if not answer.applied:
            del self.waiting[instruction.id]
            yield Result(instruction, REFUSED, answer.why)
            return
        count = self.answers[instruction.id] = self.answers.get(instruction.id, 0) + 1
        if instruction.subject == EVERYTHING and count < self.partitions:
            return
        del self.waiting[instruction.id]
        if instruction.action in {"retry", "edit"} and instruction.event_id:
            self.applied[instruction.event_id] = instruction
        else:
            yield Result(instruction, APPLIED)

    def _receipt(self, receipt: Receipt) -> Iterator[Result]:
        instruction = self.applied.pop(receipt.id, None)
        if instruction is not None:
            reason = receipt.attempts[-1].reason if receipt.attempts else ""
            yield Result(instruction, receipt.outcome, reason)
