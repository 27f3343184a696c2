"""Putting the stages together: what each group member reads, owns and does."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from bridge.app.polling import POLLING, callers_of
from bridge.clock import Clock
from bridge.delivery.budget import Budget
from bridge.delivery.calls import Caller
from bridge.delivery.desk import Desk
from bridge.delivery.options import DeliveryOptions
from bridge.delivery.report import Report, Topics
from bridge.delivery.shelf import ParkedTopic
from bridge.delivery.stage import DeliverWork
from bridge.delivery.turns import Turns
from bridge.normalize.stage import NormalizeWork, Setting
from bridge.platforms.contract import Source, Target
from bridge.settings import Settings
from bridge.streams.connection import KafkaOptions
from bridge.streams.groups import deliver_group, normalize_group
from bridge.streams.member import Member, Part
from bridge.streams.options import OwnershipOptions
from bridge.streams.owner import Owner
from bridge.streams.records import Record
from bridge.streams.restore import Reader, read_to_end
from bridge.streams.topics import TopicNames

Apply = Callable[[list[Record]], None]


def make_sources(settings: Settings) -> dict[str, Source]:
    """Return the inbound side of every configured account."""
    privacy = settings.privacy.privacy()
    return {
        name: options.source(name, privacy)
        for name, options in settings.accounts.items()
    }


def make_target(settings: Settings, name: str) -> Target:
    """Return one configured target; ConfigError if its account is of another sort."""
    options = settings.targets[name].options
    return options.target(name, settings.accounts[options.account])


def normalize_member(settings: Settings, cluster: str, clock: Clock) -> Member:
    """Return this process's member of the normalise stage."""
    names = settings.topic_names
    setting = Setting(
        topics=names,
        sources=make_sources(settings),
        state_dir=settings.state_dir,
        cluster=cluster,
        clock=clock,
    )

    def make(owner: Owner) -> NormalizeWork:
        read = _reader(settings.kafka, names.snapshots, owner.partition)
        return NormalizeWork(owner, setting, read)

    part = Part(normalize_group(settings.topics.prefix), names.raw, make)
    return Member(settings.kafka, part, settings.normalize.ownership, clock)


@dataclass(frozen=True, slots=True)
class Served:
    """One target as it is served: what it is, how, and where its topics are."""

    target: Target
    worker: str
    names: TopicNames
    delivery: DeliveryOptions
    ownership: OwnershipOptions
    reads: Literal["events", "hints"] = "events"


def served(settings: Settings, name: str) -> Served:
    """Return one target of the settings as it is served."""
    options = settings.targets[name]
    return Served(
        target=make_target(settings, name),
        worker=settings.worker,
        names=settings.topic_names,
        delivery=options.delivery,
        ownership=options.ownership,
        reads=options.options.reads,
    )


def deliver_member(
    kafka: KafkaOptions, served: Served, desk: Desk, reader: Reader
) -> Member:
    """Return this process's member of one target's deliver stage."""
    names, target = served.names, served.target.name
    topic = names.hints if served.reads == "hints" else names.events

    def make(owner: Owner) -> DeliverWork:
        number = owner.partition
        topics = Topics(
            topic,
            names.dead(target),
            names.receipts(target),
            number,
            raw=names.raw,
        )
        report = Report(target=target, worker=served.worker, topics=topics)
        read = _reader(kafka, names.parked(target), number)
        parked = ParkedTopic(
            names.parked(target), number, partial(read, 0), partial(reader.read, number)
        )
        work = DeliverWork(owner, desk, report, parked)
        owner.listen(work.instruct)
        return work

    group = deliver_group(names.prefix, target)
    part = Part(group, topic, make, names.instructions, desk.own)
    return Member(kafka, part, served.ownership, desk.clock)


@dataclass(frozen=True, slots=True)
class DeliverStage:
    """One target in this process: its group member, its desk, its connections."""

    name: str
    member: Member
    desk: Desk
    close: Callable[[], Awaitable[None]]


def make_turns(settings: Settings, clock: Clock) -> Mapping[str, Turns]:
    """Return the line at each account's credential.

    All targets of an account in a process, and its polling, stand in the same line.
    Its budget knows all of them from the start: shares of all processes make a whole.
    """
    partitions = settings.topics.partitions
    budgets = {
        name: Budget(account.budget) for name, account in settings.accounts.items()
    }
    for name, target in settings.targets.items():
        budgets[target.options.account].own(name, 0, partitions)
    for name in callers_of(settings):
        budgets[name].own(POLLING, 0, partitions)
    return {name: Turns(budget, clock) for name, budget in budgets.items()}


def deliver_stage(
    settings: Settings, name: str, turns: Mapping[str, Turns], clock: Clock
) -> DeliverStage:
    """Put one target's stage together."""
    parts = served(settings, name)
    caller = Caller(parts.delivery, parts.ownership.call_deadline)
    line = turns[settings.targets[name].options.account]
    desk = Desk(parts.target, parts.delivery, clock, caller.send, line)
    reader = Reader(settings.kafka, parts.names.parked(name), clock)
    member = deliver_member(settings.kafka, parts, desk, reader)

    async def close() -> None:
        await caller.close()
        await reader.close()

    return DeliverStage(name, member, desk, close)


def _reader(
    kafka: KafkaOptions, topic: str, partition: int
) -> Callable[[int, Apply], Awaitable[int]]:
    def read(start: int, apply: Apply) -> Awaitable[int]:
        return read_to_end(kafka, topic, partition, start=start, apply=apply)

    return read
