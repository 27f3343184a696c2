"""The differences between the topics as wanted and as they are; pure.

A missing topic, another number of partitions or another clean-up policy breaks a
promise: no role starts on it. Any other difference (retention, replication …) may be
an operator's choice: it is told, and mended where Kafka can.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.streams.topics import TopicSpec

_BLOCKING = frozenset({"topic", "partitions", "cleanup.policy"})
_FIXED = frozenset({"partitions", "replication"})


@dataclass(frozen=True, slots=True)
class Existing:
    """One topic as the broker has it; `overrides` are the values set on itself."""

    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about one topic that is not as wanted; `found` is None if absent."""

    topic: str
    setting: str
    wanted: str
    found: str | None

    @property
    def blocking(self) -> bool:
        """Tell whether a role must not start."""
        return self.setting in _BLOCKING

    @property
    def mendable(self) -> bool:
        """Tell whether `topics apply` can change it."""
        return self.setting not in _FIXED

    @property
    def verdict(self) -> str:
        """What is wrong and what to do, the same for every topic it befalls."""
        if self.setting == "topic":
            return f"missing: {self._remedy}"
        found = "not set" if self.found is None else self.found
        return f"{self.setting} is {found}, wanted {self.wanted}: {self._remedy}"

    @property
    def _remedy(self) -> str:
        if self.mendable:
            return "run `returns-bridge topics apply`"
        if self.setting == "replication":
            return "reassign its replicas with Kafka's own tool"
        return (
            "it cannot be changed, subjects would change their partition; set "
            f"topics.partitions to {self.found} in every process, or start anew "
            "under another topics.prefix"
        )


def differences(
    specs: Sequence[TopicSpec], existing: Mapping[str, Existing]
) -> list[Difference]:
    """Compare `specs` with the topics by name, in the order of `specs`."""
    return [
        found for spec in specs for found in _compare(spec, existing.get(spec.name))
    ]


def partition_differences(
    specs: Sequence[TopicSpec], existing: Mapping[str, Existing]
) -> list[Difference]:
    """Compare the numbers of partitions alone, of the topics that are there."""
    return [
        found
        for spec in specs
        if spec.name in existing
        for found in _compare_partitions(spec, existing[spec.name])
    ]


def sentences(found: Iterable[Difference]) -> str:
    """Say every difference once, a line each, with the topics it befalls."""
    topics: dict[str, list[str]] = {}
    for each in found:
        topics.setdefault(each.verdict, []).append(each.topic)
    return "\n".join(
        f"topic{'s' if len(names) > 1 else ''} {', '.join(names)}: {verdict}"
        for verdict, names in topics.items()
    )


def _compare(spec: TopicSpec, there: Existing | None) -> Iterator[Difference]:
    if there is None:
        yield Difference(spec.name, "topic", "present", None)
        return
    yield from _compare_partitions(spec, there)
    if there.replication < spec.replication:
        wanted, found = str(spec.replication), str(there.replication)
        yield Difference(spec.name, "replication", wanted, found)
    for key, value in spec.config.items():
        present = there.config.get(key)
        if _words(present) != _words(value):
            yield Difference(spec.name, key, value, present)


def _compare_partitions(spec: TopicSpec, there: Existing) -> Iterator[Difference]:
    if spec.row.co_partitioned and there.partitions != spec.partitions:
        wanted, found = str(spec.partitions), str(there.partitions)
        yield Difference(spec.name, "partitions", wanted, found)


def _words(value: str | None) -> frozenset[str]:
    return frozenset((value or "").split(","))
