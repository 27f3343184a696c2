"""The state of one partition's subjects on local disk: a RocksDB that may vanish.

It is a copy of the compacted topic up to `position` and nothing more: what is missing,
behind, foreign or broken is thrown away and read from the topic again. A batch and its
position are written as one, after the Kafka transaction they belong to; a crash
between the two leaves an older position, and applying the same records again comes to
the same. Writes are not synced to disk: after a machine's crash the tail may be gone,
position and values together.

Calls are synchronous: a read takes some 10 microseconds, a batch some 40 for each 7 KB
value; opening takes tens of milliseconds, so open many in a thread or one by one.
"""

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from rocksdict import (
    BlockBasedOptions,
    Cache,
    DbClosedError,
    DBCompressionType,
    Options,
    Rdict,
    WriteBatch,
)

from bridge.errors import BridgeError, ConfigError

_META = b"\x00meta"
_MEBIBYTE = 1024 * 1024


class StoreBrokenError(BridgeError):
    """The local state could not be read or written; it has been thrown away.

    The owner lets go and opens again: the store starts anew at position 0.
    """

    reason = "store_broken"


@dataclass(frozen=True, slots=True)
class Opened:
    """How a store was opened.

    `shared` is False where another owner holds the directory asked for, as during a
    handover, and a private one beside it is used; `wiped` says what was thrown away
    and why, None for nothing.
    """

    directory: Path
    shared: bool
    wiped: str | None


class StateStore:
    """Values by subject, with the topic position they stand at. Not thread-safe."""

    def __init__(self, database: Rdict, identity: str, opened: Opened) -> None:
        self._database = database
        self._identity = identity
        self._position = 0
        self.opened = opened

    @classmethod
    def open(cls, path: Path, identity: str) -> Self:
        """Open the store at `path`, or beside it where another owner holds that.

        `identity` names what it is a copy of (cluster, topic, its id, partition): a
        store of anything else is wiped. Raises ConfigError where `path` cannot be
        used at all.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            directory, database, wiped = _open_free(path)
        except (OSError, _UnusableError) as broken:
            raise ConfigError(
                f"cannot keep local state in {path}: {broken}; set the state "
                "directory to a writable one on a local disk"
            ) from broken
        opened = Opened(directory, shared=directory == path, wiped=wiped)
        store = cls(database, identity, opened)
        store._check()
        return store

    @property
    def position(self) -> int:
        """The next offset of the topic to apply; 0 for a new store."""
        return self._position

    def get(self, key: bytes) -> bytes | None:
        """Return the value of `key`, None where there is none."""
        with self._guarded():
            value: bytes | None = self._database.get(key)
        return value

    def apply(self, items: Iterable[tuple[bytes, bytes | None]], position: int) -> None:
        """Write values (None deletes) and the next offset to apply, all or nothing."""
        batch = WriteBatch(raw_mode=True)
        for key, value in items:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(_META, self._meta(position))
        with self._guarded():
            self._database.write(batch)
        self._position = position

    def clear(self) -> None:
        """Throw everything away: the topic is shorter than the position says."""
        self._database.close()
        self._database = _anew(self.opened.directory)
        self._position = 0

    def close(self) -> None:
        """Let go of the directory; a private one is removed. May be called again."""
        with suppress(DbClosedError):
            self._database.close()
        if not self.opened.shared:
            shutil.rmtree(self.opened.directory, ignore_errors=True)

    def _meta(self, position: int) -> bytes:
        meta = {"format": 1, "identity": self._identity, "position": position}
        return json.dumps(meta).encode()

    def _check(self) -> None:
        """Take over the position, or start anew where it is not of our topic."""
        try:
            meta = self._database.get(_META)
            position = 0 if meta is None else int(json.loads(meta)["position"])
            fits = meta in (None, self._meta(position))
        except Exception:  # noqa: BLE001 - whatever is wrong with it, it is worthless
            fits, position = False, 0
        if fits:
            self._position = position
            return
        self.clear()
        self.opened = replace(self.opened, wiped="not a copy of this topic")

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Throw the store away if RocksDB fails; the topic has all of it."""
        try:
            yield
        except DbClosedError:
            raise
        except Exception as broken:  # rocksdict raises nothing narrower
            self.close()
            Rdict.destroy(str(self.opened.directory))
            raise StoreBrokenError(
                f"local state in {self.opened.directory} was unusable ({broken}) and "
                "has been thrown away; it is read from the topic again"
            ) from broken


class _UnusableError(Exception):
    """RocksDB cannot work in a directory even after it was emptied."""


def _open_free(path: Path) -> tuple[Path, Rdict, str | None]:
    """Open `path`, else the first private directory beside it that nobody holds.

    What a crashed owner left in a private one is taken over like any other copy.
    """
    directory, slot = path, 0
    while True:
        try:
            return directory, Rdict(str(directory), _options()), None
        except Exception as broken:  # noqa: BLE001 - rocksdict raises nothing narrower
            if f"{directory}/LOCK" not in str(broken):
                return directory, _anew(directory), str(broken)
        slot += 1
        directory = path.with_name(f"{path.name}.private-{slot}")


def _anew(directory: Path) -> Rdict:
    try:
        Rdict.destroy(str(directory))
        return Rdict(str(directory), _options())
    except Exception as broken:
        raise _UnusableError(str(broken)) from broken


def _options() -> Options:
    """Small: a process has a store per partition open, a dozen or more."""
    table = BlockBasedOptions()
    table.set_block_cache(Cache(2 * _MEBIBYTE))
    table.set_bloom_filter(10, block_based=False)
    options = Options(raw_mode=True)
    options.create_if_missing(create_if_missing=True)
    options.set_block_based_table_factory(table)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_write_buffer_size(2 * _MEBIBYTE)
    options.set_max_write_buffer_number(2)
    options.set_level_zero_file_num_compaction_trigger(8)
    options.set_max_total_wal_size(8 * _MEBIBYTE)
    options.set_max_open_files(64)
    options.set_keep_log_file_num(1)
    options.set_max_log_file_size(_MEBIBYTE)
    options.set_stats_dump_period_sec(0)
    return options
