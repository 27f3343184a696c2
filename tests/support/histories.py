"""Returns with long histories, made by the real source and the real fold."""

import asyncio
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata
from pydantic import SecretStr

from bridge.canonical.envelope import Event, to_headers
from bridge.normalize.fold import fold
from bridge.normalize.state import start
from bridge.platforms.contract import Observation, Privacy
from bridge.platforms.redo.source import RedoSource
from bridge.streams.raw import to_raw
from bridge.streams.records import Outgoing
from bridge.streams.topics import TopicNames
from tests.support.clock import START

_BODY = Path(__file__).parents[1] / "payloads/redo/return_created__refund.json"
_SOURCE = RedoSource("shop", (SecretStr("token"),), Privacy(hash_key=b"key"))


def observations(subject_number: int, versions: int) -> Iterator[Observation]:
    """Yield the webhooks of one return whose quantity changes again and again."""
    body = orjson.loads(_BODY.read_bytes())
    native_id = body["return"]["id"] = f"f00d{subject_number:020d}"
    for version in range(versions):
        body["at"] = body["return"]["updatedAt"] = f"2027-03-02T11:{version:02d}:00Z"
        body["return"]["items"][0]["quantity"] = version + 1
        yield Observation(
            id=f"{native_id}-{version}",
            subject=f"redo/shop/{native_id}",
            platform="redo",
            account="shop",
            channel="webhook",
            received_at=START,
            body=orjson.dumps(body),
        )


def _history(subject_number: int, versions: int) -> Iterator[list[Event]]:
    """Yield the canonical events of that return, those of one webhook together."""
    state = None
    for observation in observations(subject_number, versions):
        state = state or start(observation.subject)
        folded = fold(state, observation, _SOURCE.read(observation))
        state = folded.state
        yield list(folded.events)


def events(subject_number: int, versions: int) -> list[Event]:
    """Return the canonical events of that return."""
    return [event for made in _history(subject_number, versions) for event in made]


def mixed(subjects: range, versions: int) -> Iterator[Event]:
    """Yield the events of many returns, one webhook of each return after another."""
    histories = [_history(number, versions) for number in subjects]
    for together in zip_longest(*histories, fillvalue=[]):
        for made in together:
            yield from made


def published(names: TopicNames, event: Event) -> Outgoing:
    """Return the record that the normaliser writes of an event."""
    return Outgoing(names.events, event.subject.encode(), event.body, to_headers(event))


async def send_event(
    producer: AIOKafkaProducer, names: TopicNames, event: Event
) -> asyncio.Future[RecordMetadata]:
    """Hand an event to `producer`; the future is its acknowledgement."""
    acknowledged: asyncio.Future[RecordMetadata] = await producer.send(
        names.events,
        event.body,
        key=event.subject.encode(),
        headers=list(to_headers(event)),
    )
    return acknowledged


async def publish_events(
    bootstrap: str, names: TopicNames, subjects: range, versions: int
) -> int:
    """Write the events of many returns, mixed; return how many."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    count = 0
    for event in mixed(subjects, versions):
        await send_event(producer, names, event)
        count += 1
    await producer.stop()
    return count


async def publish_observations(
    bootstrap: str, names: TopicNames, subjects: range, versions: int
) -> int:
    """Write the observations of many returns, mixed; return how many."""
    lanes = [list(observations(number, versions)) for number in subjects]
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    for at in range(versions):
        for lane in lanes:
            record = to_raw(lane[at], names.raw)
            await producer.send(
                record.topic,
                record.value,
                key=record.key,
                headers=list(record.headers),
            )
    await producer.stop()
    return len(lanes) * versions
