"""One partition at one target, with everything around it faked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.canonical.envelope import Event
from bridge.deadletters import letter as letters
from bridge.deadletters.letter import DeadLetter
from bridge.delivery.dead import DeadEvents
from bridge.delivery.desk import Desk
from bridge.delivery.options import DeliveryOptions
from bridge.delivery.report import Report, Topics
from bridge.delivery.stage import DeliverWork
from bridge.streams.receipts import Receipt, decode_sheet
from bridge.streams.records import Outgoing, Record
from tests.support.clock import START, FakeClock, settle
from tests.support.fakes import FakeNetwork, FakeOwner, FakeTarget, event_record

TOPICS = Topics("returns.events", "returns.dead.wms", "returns.receipts.wms", 0)


@dataclass(slots=True)
class Partition:
    """One partition's work, and what it has written so far."""

    desk: Desk
    owner: FakeOwner
    work: DeliverWork
    receipts: list[Receipt] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    dead: list[Record] = field(default_factory=list)

    async def open(self, *, clean: bool = True) -> None:
        await self.work.restore(clean=clean)
        await settle()

    async def feed(
        self, *events: Event, offset: int = 0, written_at: datetime = START
    ) -> None:
        """Let the owner hand `events` on, with offsets from `offset` on."""
        for place, event in enumerate(events, offset):
            self.work.accept(event_record(event, place, written_at))
        await settle()

    def commit(self) -> None:
        """Read what the next commit would write."""
        for outgoing in self.work.collect():
            if outgoing.topic == TOPICS.receipts:
                self.receipts.extend(decode_sheet(outgoing.value or b"").receipts)
            else:
                self._bury(outgoing)
        self.work.committed({})

    def _bury(self, outgoing: Outgoing) -> None:
        assert outgoing.topic == TOPICS.dead
        headers = dict(outgoing.headers)
        place = len(self.dead)
        record = Record(TOPICS.dead, 0, place, 0, outgoing.key, outgoing.value, headers)
        self.dead.append(record)
        self.letters.append(letters.from_headers(headers, outgoing.key, outgoing.value))


@dataclass(slots=True)
class Bench:
    """A target with its network and clock; `partition` adds one of its partitions."""

    clock: FakeClock
    network: FakeNetwork
    target: FakeTarget
    desk: Desk
    partitions: list[Partition] = field(default_factory=list)

    def partition(self, dead: list[Record] | None = None) -> Partition:
        owner = FakeOwner()
        known = dead or []

        async def read(apply: Callable[[list[Record]], None]) -> int:
            apply(known)
            return len(known)

        report = Report(target="wms", worker="w1", topics=TOPICS)
        work = DeliverWork(owner, self.desk, DeadEvents(read), report)
        self.partitions.append(Partition(self.desk, owner, work))
        return self.partitions[-1]

    async def wait(self, seconds: float) -> None:
        await self.clock.advance(timedelta(seconds=seconds))


class MakeBench:
    """Makes a bench; what is left running at the end of the test is dropped."""

    def __init__(self) -> None:
        self.benches: list[Bench] = []

    def __call__(self, target: FakeTarget | None = None, **options: object) -> Bench:
        clock = FakeClock()
        network = FakeNetwork(clock)
        served = target or FakeTarget()
        numbers = DeliveryOptions.model_validate(options)
        desk = Desk(served, numbers, clock, network.send)
        self.benches.append(Bench(clock, network, served, desk))
        return self.benches[-1]
