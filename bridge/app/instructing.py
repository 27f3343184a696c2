"""Giving instructions to the engine, and following what becomes of them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bridge.clock import Clock, SystemClock
from bridge.deadletters.instructions import EVERYTHING, Action, Instruction, encode
from bridge.deadletters.instructions import new_id as new_instruction_id
from bridge.errors import UnreadableError
from bridge.inspection.following import Following, Result
from bridge.settings import Settings
from bridge.streams.publisher import Publisher
from bridge.streams.receipts import decode_sheet
from bridge.streams.records import Outgoing
from bridge.streams.scan import Place, partition_for
from bridge.streams.tail import Tail, open_tail

Told = Callable[[Result], None]
Given = Callable[[Instruction], None]

_CLOCK: Clock = SystemClock()
_ACKNOWLEDGED_WITHIN = timedelta(seconds=20)
_LOOK = timedelta(milliseconds=500)


def _silent(_: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How long to wait for what instructions come to, and whom to tell.

    With no `patience` they are given, and nothing is waited for.
    """

    patience: timedelta = timedelta(minutes=2)
    given: Given = _silent
    told: Told = _silent


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a batch of instructions came to; `open` ones had no result in time."""

    results: Sequence[Result]
    open: int

    @property
    def failed(self) -> bool:
        """Tell whether one failed or has not come to anything yet."""
        return bool(self.open) or any(each.failed for each in self.results)


async def instruct(
    settings: Settings, instructions: Sequence[Instruction], watch: Watch
) -> Outcomes:
    """Write `instructions`, all of one target, in order, and wait for their results.

    Raises UnavailableError when Kafka does not acknowledge; what was written before
    that counts. Cancelling it stops writing; nothing is half-written.
    """
    following = Following(settings.topics.partitions)
    async with open_tail(settings.kafka, _places(settings, instructions)) as tail:
        await _publish(settings, instructions, watch.given)
        following.give(instructions)
        results = await _follow(tail, following, watch)
    return Outcomes(results, following.open)


async def pause(
    settings: Settings, action: Action, subject: str, watch: Watch, **said: str
) -> Outcomes:
    """Pause or resume a subject, or a whole target (`*`).

    `said` are target, author and reason.
    """
    instruction = Instruction(
        id=new_instruction_id(),
        action=action,
        subject=subject,
        target=said["target"],
        author=said["author"],
        reason=said["reason"],
        issued_at=_CLOCK.now(),
    )
    return await instruct(settings, (instruction,), watch)


async def _publish(
    settings: Settings, instructions: Sequence[Instruction], given: Given
) -> None:
    publisher = Publisher(settings.kafka)
    await publisher.start()
    try:
        for instruction in instructions:
            for partition in _partitions(settings, instruction.subject):
                key, value = encode(instruction)
                topic = settings.topic_names.instructions
                record = Outgoing(topic, key, value, partition=partition)
                await publisher.publish(record, _ACKNOWLEDGED_WITHIN)
            given(instruction)
    finally:
        await publisher.stop()


async def _follow(tail: Tail, following: Following, watch: Watch) -> list[Result]:
    results: list[Result] = []
    deadline = _CLOCK.monotonic() + watch.patience.total_seconds()
    while following.open and (left := deadline - _CLOCK.monotonic()) > 0:
        for record in await tail.next(min(_LOOK, timedelta(seconds=left))):
            try:
                sheet = decode_sheet(record.value or b"")
            except UnreadableError:
                continue  # `verify` tells of it
            for result in following.sheet(sheet):
                results.append(result)
                watch.told(result)
    return results


def _places(
    settings: Settings, instructions: Sequence[Instruction]
) -> Collection[Place]:
    names = settings.topic_names
    return {
        Place(names.receipts(each.target), partition)
        for each in instructions
        for partition in _partitions(settings, each.subject)
    }


def _partitions(settings: Settings, subject: str) -> Sequence[int]:
    count = settings.topics.partitions
    if subject == EVERYTHING:
        return range(count)
    return (partition_for(subject.encode(), count),)
