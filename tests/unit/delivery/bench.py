"""One partition at one target, with everything around it faked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.canonical.envelope import Event
from bridge.deadletters import instructions
from bridge.deadletters import letter as letters
from bridge.deadletters.instructions import Action, Instruction
from bridge.deadletters.letter import DeadLetter
from bridge.deadletters.parked import STATE
from bridge.deadletters.standing import is_standing
from bridge.delivery.desk import Desk
from bridge.delivery.options import DeliveryOptions
from bridge.delivery.report import Report, Topics
from bridge.delivery.shelf import ParkedTopic
from bridge.delivery.stage import DeliverWork
from bridge.streams.receipts import Answer, Receipt, decode_sheet
from bridge.streams.records import Outgoing, Record
from tests.support.clock import START, FakeClock, settle
from tests.support.fakes import FakeNetwork, FakeOwner, FakeTarget, event_record

TOPICS = Topics("returns.events", "returns.dead.wms", "returns.receipts.wms", 0)
PARKED = "returns.parked.wms"


class KeptRecords:
    """The records of a partition's parked topic; `told` is off while Kafka is vague."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.reads: list[Sequence[int]] = []
        self.told = True
        self._live: dict[str, Record] = {}

    def write(self, outgoing: Outgoing) -> None:
        headers, offset = dict(outgoing.headers), len(self.records)
        key, value = outgoing.key, outgoing.value
        record = Record(PARKED, 0, offset, 0, key, value, headers)
        self.records.append(record)
        self._live.pop((key or b"").decode(), None)
        if value is not None:
            self._live[(key or b"").decode()] = record

    def ends(self) -> dict[str, int]:
        return {PARKED: len(self.records)} if self.told else {}

    def live(self) -> dict[str, Record]:
        """What compaction leaves: the last record of each key; no news."""
        return {
            key: record
            for key, record in self._live.items()
            if not is_standing(key.encode())
        }

    def holds(self, event_id: str) -> bool:
        """Tell whether an event is kept outside the log."""
        record = self._live.get(event_id)
        return record is not None and b'"kind":"parked"' in record.headers[STATE]

    async def read(self, apply: Callable[[list[Record]], None]) -> int:
        apply(self.records)
        return len(self.records)

    async def read_back(self, places: Sequence[int]) -> list[Record]:
        self.reads.append(places)
        return [record for record in self.records if record.offset in places]

    def topic(self) -> ParkedTopic:
        return ParkedTopic(PARKED, 0, self.read, self.read_back)


@dataclass(slots=True)
class Partition:
    """One partition's work, and what it has written so far."""

    desk: Desk
    owner: FakeOwner
    work: DeliverWork
    kept: KeptRecords
    receipts: list[Receipt] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)

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

    async def instruct(self, action: Action, subject: str, **more: object) -> None:
        """Hand an operator's instruction on, and commit what it did."""
        await self.order(action, subject, **more)
        self.commit()
        await settle()

    async def order(self, action: Action, subject: str, **more: object) -> None:
        """Hand an operator's instruction on."""
        number = len(self.owner.obeyed)
        facts = {"id": f"{number:032x}", "action": action, "subject": subject}
        facts |= {"target": "wms", "author": "ada", "reason": "because"}
        instruction = Instruction.model_validate({**facts, "issued_at": START, **more})
        key, value = instructions.encode(instruction)
        record = Record("returns.instructions", 0, number, 0, key, value)
        self.work.instruct(record)
        await settle()

    def commit(self) -> None:
        """Write what the next commit would write."""
        for outgoing in self.work.collect():
            if outgoing.topic == TOPICS.receipts:
                sheet = decode_sheet(outgoing.value or b"")
                self.receipts.extend(sheet.receipts)
                self.answers.extend(sheet.answers)
            elif outgoing.topic == PARKED:
                self.kept.write(outgoing)
            else:
                self._bury(outgoing)
        self.work.committed(self.kept.ends())

    def _bury(self, outgoing: Outgoing) -> None:
        assert outgoing.topic == TOPICS.dead
        headers = dict(outgoing.headers)
        self.letters.append(letters.from_headers(headers, outgoing.key, outgoing.value))


@dataclass(slots=True)
class Bench:
    """A target with its network and clock; `partition` adds one of its partitions."""

    clock: FakeClock
    network: FakeNetwork
    target: FakeTarget
    desk: Desk
    partitions: list[Partition] = field(default_factory=list)

    def partition(self, kept: KeptRecords | None = None) -> Partition:
        """Add a partition; `kept` is what a predecessor has parked."""
        owner, kept = FakeOwner(), kept or KeptRecords()
        report = Report(target="wms", worker="w1", topics=TOPICS)
        work = DeliverWork(owner, self.desk, report, kept.topic())
        self.partitions.append(Partition(self.desk, owner, work, kept))
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
