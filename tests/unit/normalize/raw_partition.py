"""One partition of the normalise stage: the real source and store, no Kafka."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from bridge.canonical.envelope import Event, chain_next, chain_start
from bridge.canonical.envelope import from_headers as event_of
from bridge.deadletters.letter import DeadLetter
from bridge.deadletters.letter import from_headers as letter_of
from bridge.normalize.stage import NormalizeWork, Setting
from bridge.platforms.contract import (
    InboundRequest,
    Observation,
    Privacy,
    Source,
)
from bridge.platforms.redo.source import RedoSource
from bridge.streams.raw import to_raw
from bridge.streams.records import Outgoing, Record
from bridge.streams.topics import TopicNames
from tests.support.clock import START, FakeClock
from tests.support.fakes import FakeOwner

PAYLOADS = Path(__file__).parents[2] / "payloads" / "redo"
TOPICS = TopicNames()
SUBJECT = "redo/demo/f00d00000000000000001001"
REDO = RedoSource("demo", (SecretStr("token"),), Privacy(b"key"))
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


CREATED = payload("return_created__refund")
IN_TRANSIT = payload("return_updated__in_transit")
COMPLETE = payload("return_updated__complete_refund")


def minimal(number: int, **more: object) -> bytes:
    return json.dumps({"return": {"id": f"r{number}", **more}}).encode()


class Snapshots:
    """One partition of the snapshots topic; only what was committed is in it."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.end = 0

    def write(self, outgoing: Outgoing) -> None:
        self.append(outgoing.key or b"", outgoing.value)

    def append(self, key: bytes, value: bytes | None) -> None:
        self.records.append(Record(TOPICS.snapshots, 0, self.end, 0, key, value))
        self.end += 2  # transaction markers take offsets too

    async def read(self, start: int, apply: Callable[[list[Record]], None]) -> int:
        apply([])
        for record in self.records:
            if record.offset >= start:
                apply([record])
        return self.end


@dataclass(slots=True)
class Partition:
    """One partition's work, what it read and what it wrote."""

    work: NormalizeWork
    owner: FakeOwner
    topic: Snapshots
    events: list[Event] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    raw: list[Outgoing] = field(default_factory=list)
    offset: int = 0

    async def read(self, *bodies: bytes, key: str | None = None) -> None:
        """Let the owner hand on webhooks of account `demo`."""
        for body in bodies:
            subject = key or REDO.locate(InboundRequest({}, body, START)) or "demo"
            await self.read_raw(observed(body, subject))

    async def read_raw(self, outgoing: Outgoing) -> None:
        key, value, headers = outgoing.key, outgoing.value, dict(outgoing.headers)
        record = Record(outgoing.topic, 0, self.offset, 7, key, value, headers)
        self.offset += 1
        self.work.accept(record)
        await self.owner.all_done()

    def collect(self) -> list[Outgoing]:
        """Return what the next commit has to write, and sort it."""
        outgoings = self.work.collect()
        for outgoing in outgoings:
            headers, value = dict(outgoing.headers), outgoing.value
            if outgoing.topic == TOPICS.events:
                self.events.append(event_of(headers, value or b""))
            elif outgoing.topic == TOPICS.dead_inbound:
                self.letters.append(letter_of(headers, outgoing.key, value))
            elif outgoing.topic == TOPICS.raw:
                self.raw.append(outgoing)
        return outgoings

    def write(self) -> dict[str, int]:
        """Let Kafka commit; the local store does not know of it yet."""
        for outgoing in self.collect():
            if outgoing.topic == TOPICS.snapshots:
                self.topic.write(outgoing)
        return {TOPICS.snapshots: self.topic.end}

    def commit(self) -> None:
        self.work.committed(self.write())


def observed(
    body: bytes, subject: str, account: str = "demo", trace: str | None = None
) -> Outgoing:
    observation = Observation(
        id="delivery-1",
        subject=subject,
        platform="redo",
        account=account,
        channel="webhook",
        received_at=START,
        body=body,
        traceparent=trace,
    )
    return to_raw(observation, TOPICS.raw)


class Workers:
    """Opens the partition again and again, over one state directory."""

    def __init__(self, state_dir: Path) -> None:
        self.topic = Snapshots()
        self._state_dir = state_dir
        self._open: list[Partition] = []

    async def open(
        self, cluster: str = "c1", source: Source = REDO, *, restored: bool = True
    ) -> Partition:
        setting = Setting(
            TOPICS, {"demo": source}, self._state_dir, cluster, FakeClock()
        )
        owner = FakeOwner()
        work = NormalizeWork(owner, setting, self.topic.read)
        if restored:
            await work.restore(clean=True)
        self._open.append(Partition(work, owner, self.topic))
        return self._open[-1]

    def close(self) -> None:
        for partition in self._open:
            partition.work.drop()


def assert_one_history(events: list[Event]) -> None:
    chain = chain_start(SUBJECT)
    for number, event in enumerate(events, 1):
        chain = chain_next(chain, event.id, event.type, event.body)
        assert (event.subject, event.sequence, event.chain) == (SUBJECT, number, chain)
