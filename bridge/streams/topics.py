"""The topics as data: one table of what each holds, and what it needs of the broker.

Nothing here talks to Kafka; `topic_admin` compares and creates. All co-partitioned
topics have the same number of partitions and Kafka's default partitioner on the key,
so partition p of each of them holds the same subjects. That number is fixed when the
topics are created.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Literal

Profile = Literal["production", "single-node"]

PARTITIONS = 12
PER_TARGET = ".<target>"
#: Largest record batch in bytes: a body at the inbound limit of 2 MiB, its snapshot
#: before and after, and head-room. Producers need the same `max_request_size`.
MESSAGE_LIMIT = 8 * 1024 * 1024

#: Replication and `min.insync.replicas` of each profile.
PROFILES: Mapping[Profile, tuple[int, int]] = MappingProxyType(
    {"production": (3, 2), "single-node": (1, 1)}
)


@dataclass(frozen=True, slots=True)
class TopicRow:
    """One line of the table. `keep` is the retention; None means compacted.

    A row whose name ends in `.<target>` stands for one topic per target. `bodies`
    marks topics whose records may be as large as `MESSAGE_LIMIT`.
    """

    name: str
    key: str
    writer: str
    holds: str
    keep: timedelta | None = None
    co_partitioned: bool = True
    bodies: bool = True


def _days(days: int) -> timedelta:
    return timedelta(days=days)


#: Design section 4, line by line.
TABLE: tuple[TopicRow, ...] = (
    TopicRow(
        "raw",
        key="subject (account when unreadable)",
        writer="webhooks, polls, re-fetch",
        holds="observations: the bodies, byte for byte",
        keep=_days(14),
    ),
    TopicRow(
        "events",
        key="subject",
        writer="normalize",
        holds="canonical events, CloudEvents binary mode",
        keep=_days(90),
    ),
    TopicRow(
        "snapshots",
        key="subject",
        writer="normalize",
        holds="snapshot, sequence, chain and vendor version of every subject",
    ),
    TopicRow(
        "hints",
        key="subject",
        writer="webhooks, polls",
        holds="hints: fetch this return",
        keep=_days(3),
    ),
    TopicRow(
        "links",
        key="outside reference",
        writer="deliver, normalize",
        holds="which subject an outside reference, id or tracking number belongs to",
        co_partitioned=False,
        bodies=False,
    ),
    TopicRow(
        "cursors",
        key="account",
        writer="polls, operators",
        holds="cursors: where each poll left off; orders to polls",
        bodies=False,
    ),
    TopicRow(
        "instructions",
        key="subject",
        writer="operators",
        holds="instructions: retry, edit, discard, pause, resume",
        keep=_days(30),
    ),
    TopicRow(
        "dead.inbound",
        key="subject",
        writer="normalize",
        holds="dead letters: observations that cannot be read",
        keep=_days(90),
    ),
    TopicRow(
        "dead" + PER_TARGET,
        key="subject",
        writer="deliver",
        holds="dead letters: events that the target was given up on",
        keep=_days(90),
    ),
    TopicRow(
        "parked" + PER_TARGET,
        key="event id",
        writer="deliver",
        holds="waiting and dead events of lanes that left the log",
    ),
    TopicRow(
        "receipts" + PER_TARGET,
        key="none (written to the partition of its subjects)",
        writer="deliver",
        holds="sheets: the receipts of the events finished in one commit",
        keep=_days(30),
        bodies=False,
    ),
)

#: Rows whose retention a configuration may change.
RETAINED = tuple(row.name for row in TABLE if row.keep is not None)


@dataclass(frozen=True, slots=True)
class TopicNames:
    """The full names of the topics under one prefix."""

    prefix: str = "returns"

    @property
    def raw(self) -> str:
        return f"{self.prefix}.raw"

    @property
    def events(self) -> str:
        return f"{self.prefix}.events"

    @property
    def snapshots(self) -> str:
        return f"{self.prefix}.snapshots"

    @property
    def hints(self) -> str:
        return f"{self.prefix}.hints"

    @property
    def links(self) -> str:
        return f"{self.prefix}.links"

    @property
    def cursors(self) -> str:
        return f"{self.prefix}.cursors"

    @property
    def instructions(self) -> str:
        return f"{self.prefix}.instructions"

    @property
    def dead_inbound(self) -> str:
        return f"{self.prefix}.dead.inbound"

    def dead(self, target: str) -> str:
        return f"{self.prefix}.dead.{target}"

    def parked(self, target: str) -> str:
        return f"{self.prefix}.parked.{target}"

    def receipts(self, target: str) -> str:
        return f"{self.prefix}.receipts.{target}"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic as the bridge needs it; `config` in Kafka's own words."""

    name: str
    row: TopicRow
    partitions: int
    replication: int
    config: Mapping[str, str]


def specs(
    names: TopicNames,
    targets: Collection[str],
    *,
    partitions: int = PARTITIONS,
    profile: Profile = "production",
    retention: Mapping[str, timedelta] = MappingProxyType({}),
) -> tuple[TopicSpec, ...]:
    """Return every topic that a configuration needs, in the table's order.

    `retention` replaces the table's by row name (`{"raw": 30 days}`).
    """
    replication, in_sync = PROFILES[profile]
    return tuple(
        TopicSpec(
            name=f"{names.prefix}.{name}",
            row=row,
            partitions=partitions,
            replication=replication,
            config=_config(row, retention.get(row.name, row.keep), in_sync),
        )
        for row in TABLE
        for name in _expand(row, targets)
    )


def _expand(row: TopicRow, targets: Collection[str]) -> Iterator[str]:
    if not row.name.endswith(PER_TARGET):
        yield row.name
        return
    for target in targets:
        yield f"{row.name.removesuffix(PER_TARGET)}.{target}"


def _config(row: TopicRow, keep: timedelta | None, in_sync: int) -> Mapping[str, str]:
    config = {
        "cleanup.policy": "delete",
        "min.insync.replicas": str(in_sync),
        "unclean.leader.election.enable": "false",
    }
    if row.bodies:
        config["max.message.bytes"] = str(MESSAGE_LIMIT)
    if keep is not None:
        return config | {"retention.ms": str(keep // timedelta(milliseconds=1))}
    # Compacted soon and often: a new owner reads the whole partition.
    return config | {
        "cleanup.policy": "compact",
        "min.cleanable.dirty.ratio": "0.2",
        "segment.ms": str(timedelta(hours=6) // timedelta(milliseconds=1)),
    }
