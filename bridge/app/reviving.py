"""Unreadable observations for operators: which there are, and reading them anew."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from bridge.app.replaying import Decision
from bridge.clock import Clock, SystemClock
from bridge.deadletters.replay import Filters
from bridge.deadletters.settled import How, Settled
from bridge.inspection.inbound import InboundLetter, inbound_letters
from bridge.settings import Settings
from bridge.streams.publisher import Publisher
from bridge.streams.records import Outgoing

_CLOCK: Clock = SystemClock()
_ACKNOWLEDGED_WITHIN = timedelta(seconds=20)


async def find_inbound(settings: Settings, filters: Filters) -> list[InboundLetter]:
    """Return the unreadable observations that are meant, the oldest first."""
    return await inbound_letters(settings.kafka, settings.topic_names, filters)


async def settle_inbound(
    settings: Settings,
    chosen: Sequence[InboundLetter],
    decision: Decision,
    told: Callable[[InboundLetter], None],
) -> None:
    """Retry or discard unreadable observations, one after the other.

    A retry writes the original body to `returns.raw` once more, channel `replay`; the
    normaliser reads it as if it had just come. Then the letter is marked as dealt
    with. Stopped in between, the next run does the last one twice: no harm.
    """
    publisher = Publisher(settings.kafka)
    await publisher.start()
    try:
        for found in chosen:
            if decision.action == "retry":
                again = _again(found, settings.topic_names.raw)
                await publisher.publish(again, _ACKNOWLEDGED_WITHIN)
            mark = _mark(found, decision, settings.topic_names.dead_inbound)
            await publisher.publish(mark, _ACKNOWLEDGED_WITHIN)
            told(found)
    finally:
        await publisher.stop()


def _again(found: InboundLetter, topic: str) -> Outgoing:
    headers = {**found.letter.headers, "channel": b"replay"}
    letter = found.letter
    return Outgoing(topic, letter.key, letter.value, tuple(headers.items()))


def _mark(found: InboundLetter, decision: Decision, topic: str) -> Outgoing:
    how: How = "replayed" if decision.action == "retry" else "discarded"
    mark = Settled(found.offset, how, decision.author, decision.reason, at=_CLOCK.now())
    return Outgoing(
        topic, found.letter.key, None, mark.to_headers(), partition=found.partition
    )
