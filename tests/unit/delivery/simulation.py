"""A small world for the deliver stage: Kafka, a target, operators; workers may die.

Kafka keeps what was committed and fences whoever is not the owner. The target has the
effect of a call at the end of the call, whether or not anybody still listens. What
must never happen is noted as a violation while it happens.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import httpx
import orjson

from bridge.canonical.envelope import Cause, Event, chain_start, seal
from bridge.deadletters import instructions
from bridge.deadletters.instructions import Action, Instruction
from bridge.delivery.calls import Calls
from bridge.delivery.conversation import CallFailed
from bridge.errors import LostOwnership
from bridge.streams.progress import Mark, Progress
from bridge.streams.receipts import DEAD, DISCARDED, Receipt, Sheet, decode_sheet
from bridge.streams.records import Outgoing, Record
from tests.support.clock import START
from tests.support.fakes import event_record
from tests.support.simulated_time import LoopClock
from tests.unit.delivery.bench import PARKED, TOPICS, KeptRecords

_BEHAVIOURS = {
    7: "fails",
    8: "is busy",
    9: "refuses",
    10: "knows nobody",
    11: "lost before",
    12: "lost after",
    13: "not yet",
    14: "refuses",
}
_REJECTIONS = {
    "fails": 500,
    "is busy": 429,
    "refuses": 422,
    "knows nobody": 401,
    "not yet": 425,
}
_DURATIONS = (0, 0, 0.01, 1, 6, 14.9)
_CAUSE = Cause(source="/redo/shop", time=START, causation_id="cause")
_PAYLOADS = Path(__file__).parents[2] / "payloads/events"
_EXAMPLE = orjson.loads((_PAYLOADS / "return.created__v1.json").read_bytes())
BODY = orjson.dumps(_EXAMPLE["data"])


class Tape:
    """Every choice of one run, in order; zeros when it has ended."""

    def __init__(self, choices: bytes) -> None:
        self._choices = choices
        self._place = 0

    @property
    def ended(self) -> bool:
        return self._place >= len(self._choices)

    def next(self) -> int:
        self._place += 1
        return 0 if self._place > len(self._choices) else self._choices[self._place - 1]


@dataclass(slots=True)
class World:
    """What outlives every worker: time, Kafka, the target, and what went wrong."""

    tape: Tape
    on_dead: str
    clock: LoopClock = field(default_factory=LoopClock)
    violations: list[str] = field(default_factory=list)
    log: list[tuple[Record, Event]] = field(default_factory=list)
    events: dict[str, Event] = field(default_factory=dict)
    lanes: dict[str, list[Event]] = field(default_factory=dict)
    orders: list[Record] = field(default_factory=list)
    kept: KeptRecords = field(default_factory=KeptRecords)
    owner: object = None
    position: int = 0
    metadata: str = ""
    instructed: int | None = None
    sheets: list[Sheet] = field(default_factory=list)
    dead: list[Record] = field(default_factory=list)
    receipted: dict[str, str] = field(default_factory=dict)
    _judged: int = 0

    @property
    def end(self) -> int:
        """The last offset."""
        return self.log[-1][0].offset if self.log else -1

    def publish(self, subject: str) -> None:
        """Write the next event of `subject`; offsets have gaps as on Kafka."""
        lane = self.lanes.setdefault(subject, [])
        chain = lane[-1].chain if lane else chain_start(subject)
        news = [("return.created", BODY)]
        (event,) = seal(subject, len(lane), chain, _CAUSE, news)
        self.events[event.id] = event
        lane.append(event)
        offset = self.end + 1 + len(self.log) % 2
        self.log.append((event_record(event, offset, self.clock.now()), event))

    def order(self, action: Action, subject: str, **more: object) -> None:
        """Write an instruction; every third one twice, as a hasty producer might."""
        number = len(self.orders)
        instruction = Instruction.model_validate(
            {
                "id": f"{number:032x}",
                "action": action,
                "target": "wms",
                "subject": subject,
                "author": "operator",
                "reason": "simulated",
                "issued_at": self.clock.now(),
                **more,
            }
        )
        key, value = instructions.encode(instruction)
        for _ in range(2 if number % 3 == 2 else 1):
            place = len(self.orders)
            self.orders.append(Record("returns.instructions", 0, place, 0, key, value))

    # ------------------------------------------------------------ commits

    def commit(
        self,
        batch: list[Outgoing],
        progress: tuple[int, str],
        instructed: int | None,
    ) -> None:
        """Write one transaction: everything of it, at once."""
        sheets = list[Sheet]()
        for outgoing in batch:
            if outgoing.topic == TOPICS.receipts:
                sheets.append(decode_sheet(outgoing.value or b""))
            elif outgoing.topic == PARKED:
                self.kept.write(outgoing)
            else:
                headers = dict(outgoing.headers)
                key, value = outgoing.key, outgoing.value
                self.dead.append(Record(outgoing.topic, 0, 0, 0, key, value, headers))
        self._file(sheets)
        self.position, self.metadata = progress
        self.instructed = instructed
        self._judge_position()

    def _judge_position(self) -> None:
        """Whatever lies behind the position has a receipt or is parked."""
        while self._judged < len(self.log):
            record, event = self.log[self._judged]
            if record.offset >= self.position:
                return
            self._judged += 1
            if event.id not in self.receipted and not self.kept.holds(event.id):
                self.violations.append(f"committed past {event.sequence}, no trace")

    def finished(self, offset: int) -> bool:
        """Tell whether the last commit calls `offset` finished."""
        progress, _ = Progress.decode(self.position, self.metadata)
        return offset < self.position or not progress.deliver(offset)

    def _file(self, sheets: list[Sheet]) -> None:
        self.sheets += sheets
        for receipt in (receipt for sheet in sheets for receipt in sheet.receipts):
            self._judge_receipt(receipt)
            self.receipted[receipt.id] = receipt.outcome
        for answer in (answer for sheet in sheets for answer in sheet.answers):
            if answer.applied and answer.action in ("retry", "edit"):
                event = self.lanes[answer.subject][(answer.sequence or 0) - 1]
                del self.receipted[event.id]

    def _judge_receipt(self, receipt: Receipt) -> None:
        before = self.receipted.get(receipt.id)
        if before is not None and (before, receipt.outcome) != (DEAD, DISCARDED):
            what = f"{receipt.outcome} after {before}"
            self.violations.append(f"{receipt.subject} {receipt.sequence}: {what}")

    def is_done(self, event: Event) -> bool:
        """Tell whether a commit says that later events may follow `event`."""
        outcome = self.receipted.get(event.id)
        return outcome is not None and (outcome != DEAD or self.on_dead == "skip")


class Caller(Protocol):
    """The worker that a call comes from."""

    def was_told(self, event: Event) -> bool:
        """Tell whether its latest conversation about `event` knew of a lost answer."""


class SimulatedNetwork:
    """The network to the target and the target behind it, which is idempotent."""

    def __init__(self, world: World) -> None:
        self.applied: dict[str, list[int]] = {}
        self._world = world
        self._busy: set[str] = set()
        self._answered: dict[str, Caller] = {}

    def port(
        self, worker: Caller
    ) -> Callable[[httpx.Request, Calls], Coroutine[None, None, httpx.Response]]:
        """Return the network as `worker` sees it."""
        return lambda request, calls: self._send(request, calls, worker)

    async def _send(
        self, request: httpx.Request, calls: Calls, worker: Caller
    ) -> httpx.Response:
        event = self._world.events[request.headers["Idempotency-Key"]]
        self._judge_start(event, worker)
        choice = self._world.tape.next()
        serving = asyncio.create_task(self._serve(event, choice))
        try:
            async with asyncio.timeout(None) as timer:
                with calls.running(timer):
                    status = await asyncio.shield(serving)
        except TimeoutError as cut:
            raise LostOwnership("cut short") from cut
        if status is None:
            raise CallFailed("read_timeout", sent=True)
        if status in (200, 208):
            self._answered[event.id] = worker
        return httpx.Response(status)

    def _judge_start(self, event: Event, worker: Caller) -> None:
        if event.subject in self._busy:
            self._violated("was called during another call of its subject", event)
        if event.id in self._world.receipted:
            self._violated("was called after its receipt", event)
        if self._answered.get(event.id) is worker:
            self._violated("was called after its answer", event)
        applied = self._of(event)
        if event.sequence in applied and not worker.was_told(event):
            self._violated("was called without a word of a lost answer", event)
        for earlier in self._world.lanes[event.subject][: event.sequence - 1]:
            if earlier.sequence not in applied and not self._world.is_done(earlier):
                self._violated(f"was called before {earlier.sequence} was done", event)

    async def _serve(self, event: Event, choice: int) -> int | None:
        """Take a while, have the effect or not, and answer or not (None)."""
        self._busy.add(event.subject)
        await self._world.clock.sleep(timedelta(seconds=_DURATIONS[choice % 6]))
        self._busy.discard(event.subject)
        behaviour = _BEHAVIOURS.get(choice // 6 % 15, "well")
        if behaviour == "lost before":
            return None
        status = self._answer(event, behaviour)
        return None if behaviour == "lost after" else status

    def _answer(self, event: Event, behaviour: str) -> int:
        if behaviour in _REJECTIONS and event.sequence not in self._of(event):
            return _REJECTIONS[behaviour]
        return self._apply(event)

    def _of(self, event: Event) -> list[int]:
        return self.applied.setdefault(event.subject, [])

    def _apply(self, event: Event) -> int:
        applied = self._of(event)
        if event.sequence in applied:
            return 208
        if applied and event.sequence < applied[-1]:
            self._violated(f"was applied after {applied[-1]}", event)
        applied.append(event.sequence)
        return 200

    def _violated(self, what: str, event: Event) -> None:
        name = f"{event.subject} {event.sequence}"
        self._world.violations.append(f"{self._world.clock.now()}: {name} {what}")


def committed(progress: Progress, mark: Mark) -> tuple[int, str]:
    """Return the commit as Kafka keeps it: position and metadata."""
    return progress.position, progress.encode(mark)
