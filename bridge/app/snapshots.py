"""The newest snapshots, read once from their topic: which returns there are."""

from collections.abc import Callable
from typing import TypeVar

from bridge.canonical.reference import subject_of
from bridge.canonical.snapshot import Snapshot
from bridge.canonical.states import TERMINAL
from bridge.normalize.state import decode
from bridge.settings import Settings
from bridge.streams.records import Record
from bridge.streams.restore import read_once

T = TypeVar("T")


async def snapshots(
    settings: Settings, prefix: str, of: Callable[[Snapshot], T]
) -> dict[str, T]:
    """Return what `of` says of each return whose subject begins with `prefix`.

    Only that is held in memory, not the snapshots.
    """
    found: dict[str, T] = {}

    def note(records: list[Record]) -> None:
        for record in records:
            subject = (record.key or b"").decode("utf-8", "replace")
            if subject.startswith(prefix):
                found.pop(subject, None)
                snapshot = decode(record.value).snapshot if record.value else None
                if snapshot is not None:
                    found[subject] = of(snapshot)

    topic = settings.topic_names.snapshots
    for partition in range(settings.topics.partitions):
        await read_once(settings.kafka, topic, partition, note)
    return found


async def living(settings: Settings, account: str) -> list[str]:
    """Return the subjects of an account that are known and not at their end."""
    prefix = subject_of(settings.accounts[account].platform, account, "")
    states = await snapshots(settings, prefix, lambda snapshot: snapshot.state)
    return sorted(subject for subject, state in states.items() if state not in TERMINAL)
