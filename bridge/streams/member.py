"""One member of a stage's consumer group: reads, and hands partitions to owners.

The assignment callback returns at once: while it runs aiokafka sends no heartbeats,
and a member whose callback outlasts the session time-out is expelled. It pauses the
new partitions and starts their owners; fencing, restoring and the handover run beside
it, and each partition is resumed when its owner is ready. The revocation callback is
awaited by the group, with heartbeats going on: there owners let go in order.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from bridge.clock import Clock
from bridge.streams.commits import Runtime
from bridge.streams.connection import KafkaOptions
from bridge.streams.holding import Holdings, Tell
from bridge.streams.offsets import CommittedOffsets
from bridge.streams.options import OwnershipOptions
from bridge.streams.owner import Owner
from bridge.streams.restore import as_record
from bridge.streams.work import Work
from bridge.telemetry import events, logger, metrics

MakeWork = Callable[[Owner], Work]

#: Bytes of one partition in one fetch; a larger batch still comes whole. With 1 MiB,
#: as aiokafka has it, what lies ready took 50 to 100 MiB more, and grew.
_FETCH = 256 * 1024
_RETRY = timedelta(seconds=1)

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """Which part a member plays: its group, the topic it reads, what it does.

    Of `instructions`, if there are any, the same partitions are read beside it.
    `owns` is told of how many of all partitions belong to this member, and how.
    """

    group: str
    topic: str
    make_work: MakeWork
    instructions: str | None = None
    owns: Tell = lambda _holding: None


class Member(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka is untyped
    """Runs one stage's group membership in this process until told to stop."""

    def __init__(
        self,
        kafka: KafkaOptions,
        part: Part,
        options: OwnershipOptions,
        clock: Clock,
    ) -> None:
        group = part.group
        self._group = group
        self._topic = part.topic
        self._instructions = part.instructions
        self._holdings = Holdings(part.owns)
        self._options = options
        self._make_work = part.make_work
        self._offsets = CommittedOffsets(kafka, group)
        self._runtime = Runtime(
            kafka=kafka,
            group=group,
            topic=part.topic,
            options=options,
            clock=clock,
            offsets=self._offsets,
            slots=asyncio.Semaphore(options.transactions(0)),
            instructions=part.instructions,
            took_over=self._holdings.took_over,
        )
        self._consumer = AIOKafkaConsumer(
            **kafka.consumer_kwargs(),
            group_id=group,
            group_instance_id=options.group_instance_id,
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=_ms(options.session_timeout),
            heartbeat_interval_ms=_ms(options.session_timeout / 5),
            rebalance_timeout_ms=_ms(options.rebalance_timeout),
            max_poll_interval_ms=_ms(options.rebalance_timeout),
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=_FETCH,
        )
        self._owners: dict[int, Owner] = {}
        self._openings: dict[int, asyncio.Task[None]] = {}
        self._paused: set[int] = set()
        self._assigned = False

    async def run(self, stop: asyncio.Event) -> None:
        """Take part until `stop` is set, then let everything go in order.

        Raises aiokafka's KafkaError if Kafka is away at the start or refuses us.
        """
        await self._consumer.start()
        try:
            topics = [self._topic, *filter(None, (self._instructions,))]
            self._consumer.subscribe(topics, listener=self)
            while not stop.is_set():
                await self._read_once()
        finally:
            await self._let_go()
            await self._consumer.stop()
            await self._offsets.stop()

    @property
    def joined(self) -> bool:
        """Whether the group has taken this member in, with all owners open."""
        return self._assigned and not self._openings

    # ------------------------------------------------------------ reading

    async def _read_once(self) -> None:
        self._steer()
        batches = await self._consumer.getmany(
            timeout_ms=20 if self._paused else 200,
            max_records=self._options.poll_records,
        )
        for place, messages in batches.items():
            owner = self._owners.get(place.partition)
            if owner is not None:
                hand = owner.take if place.topic == self._topic else owner.instruct
                hand([as_record(message) for message in messages])

    def _steer(self) -> None:
        """Read on where an owner wants more, and nowhere else."""
        assigned = self._numbers(self._consumer.assignment())
        for opening in self._openings.values():
            if opening.done():
                opening.result()  # raises what no retry can mend
        for number, owner in list(self._owners.items()):
            if owner.lost and number not in self._openings:
                self._holdings.let_go(number)
                self._start(number, delay=self._options.session_timeout)
            elif number in assigned and number not in self._openings:
                self._read_on(number, wanted=owner.wants_more)
                owner.take(())  # room may have come from another partition's end
        self._measure(assigned)

    def _numbers(self, places: Collection[TopicPartition]) -> set[int]:
        return {place.partition for place in places if place.topic == self._topic}

    def _read_on(self, number: int, *, wanted: bool) -> None:
        place = TopicPartition(self._topic, number)
        if wanted and number in self._paused:
            self._consumer.resume(place)
            self._paused.discard(number)
        elif not wanted and number not in self._paused:
            self._consumer.pause(place)
            self._paused.add(number)

    def _measure(self, assigned: Collection[int]) -> None:
        metrics.PARTITIONS_OWNED.labels(self._group).set(len(self._owners))
        metrics.PAUSED_PARTITIONS.labels(self._group, "flow").set(len(self._paused))
        for number in assigned:
            place = TopicPartition(self._topic, number)
            end = self._consumer.last_stable_offset(place)
            owner = self._owners.get(number)
            if owner is not None and end is not None and number not in self._openings:
                lag = max(0, end - owner.position)
                name = f"{self._topic}-{number}"
                metrics.CONSUMER_LAG.labels(self._group, name).set(lag)

    # ------------------------------------------------------------ the group's calls

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Pause what is new and start its owners; return at once."""
        numbers = sorted(self._numbers(assigned))
        log.info(events.PARTITIONS_ASSIGNED, group=self._group, partitions=numbers)
        self._assigned = True
        slots = asyncio.Semaphore(self._options.transactions(len(numbers)))
        self._runtime = replace(self._runtime, slots=slots)
        self._holdings.assigned(len(self._consumer.partitions_for_topic(self._topic)))
        for number in numbers:
            self._start(number, delay=timedelta())

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Let everything go; the group waits for it."""
        await self._let_go()
        numbers = sorted(self._numbers(revoked))
        log.info(events.PARTITIONS_REVOKED, group=self._group, partitions=numbers)

    # ------------------------------------------------------------ owners

    def _start(self, number: int, *, delay: timedelta) -> None:
        self._consumer.pause(*self._places(number))
        self._paused.add(number)
        opening = self._open(number, delay)
        self._openings[number] = asyncio.create_task(opening)

    def _places(self, number: int) -> list[TopicPartition]:
        topics = filter(None, (self._topic, self._instructions))
        return [TopicPartition(topic, number) for topic in topics]

    async def _open(self, number: int, delay: timedelta) -> None:
        """Make an owner and keep at it until it is open; then read on."""
        await self._runtime.clock.sleep(delay)
        while not await self._opened(number):
            await self._runtime.clock.sleep(_RETRY)
        del self._openings[number]

    async def _opened(self, number: int) -> bool:
        former = self._owners.get(number)
        if former is not None:
            await former.close()
        owner = Owner(self._runtime, number, self._make_work)
        self._owners[number] = owner
        try:
            await self._seek(owner, await owner.open())
        except (KafkaError, OSError) as broken:
            log.warning(
                events.OWNER_WAITING,
                group=self._group,
                partition=number,
                reason=type(broken).__name__,
            )
            return False
        return True

    async def _seek(self, owner: Owner, position: int | None) -> None:
        events_place, *others = self._places(owner.partition)
        await self._seek_to(events_place, position)
        for place in others:
            await self._seek_to(place, owner.instructions_from)
            self._consumer.resume(place)
        log.info(
            events.OWNER_OPENED,
            group=self._group,
            partition=owner.partition,
            position=position,
        )

    async def _seek_to(self, place: TopicPartition, position: int | None) -> None:
        if position is None:
            await self._consumer.seek_to_beginning(place)
        else:
            self._consumer.seek(place, position)

    async def _let_go(self) -> None:
        openings, self._openings = self._openings, {}
        for opening in openings.values():
            opening.cancel()
        await asyncio.gather(*openings.values(), return_exceptions=True)
        owners, self._owners = self._owners, {}
        self._paused.clear()
        await asyncio.gather(
            *(owner.release() for number, owner in owners.items()),
            return_exceptions=True,
        )
        self._holdings.let_go(*owners)


def _ms(duration: timedelta) -> int:
    return int(duration / timedelta(milliseconds=1))
