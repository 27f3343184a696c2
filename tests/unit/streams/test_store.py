"""The local copy: what survives a crash, what is thrown away, who may hold it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rocksdict import DbClosedError, Options, Rdict

from bridge.errors import ConfigError
from bridge.streams.store import StateStore, StoreBrokenError

IDENTITY = "cluster-1/returns.snapshots/topic-id-1/3"

#: Opens the store, writes a batch, says so, and dies without closing.
CRASH = """
import os, sys
from pathlib import Path
from bridge.streams.store import StateStore
store = StateStore.open(Path(sys.argv[1]), sys.argv[2])
store.apply([(b"a", b"1"), (b"b", b"2")], 7)
os._exit(9)
"""

#: Holds the store until its input ends.
HOLD = """
import sys
from pathlib import Path
from bridge.streams.store import StateStore
store = StateStore.open(Path(sys.argv[1]), "held")
print("held", flush=True)
sys.stdin.read()
store.close()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "3"


@pytest.fixture
def store(path: Path) -> Iterator[StateStore]:
    opened = StateStore.open(path, IDENTITY)
    yield opened
    opened.close()


def test_a_new_store_is_empty_and_begins_at_the_beginning(store: StateStore) -> None:
    assert store.position == 0
    assert store.get(b"a") is None
    assert store.opened.shared
    assert store.opened.wiped is None


def test_values_and_position_come_back_after_a_clean_close(path: Path) -> None:
    first = StateStore.open(path, IDENTITY)
    first.apply([(b"a", b"1"), (b"b", b"2"), (b"c", b"3")], 5)
    first.apply([(b"a", b"11"), (b"b", None)], 7)
    first.close()

    again = StateStore.open(path, IDENTITY)

    assert (again.position, again.opened.wiped) == (7, None)
    assert [again.get(key) for key in (b"a", b"b", b"c")] == [b"11", None, b"3"]
    again.close()


def test_what_was_applied_survives_a_killed_process(path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", CRASH, path, IDENTITY], check=False)  # noqa: S603 - our own program

    again = StateStore.open(path, IDENTITY)

    assert died.returncode == 9
    assert (again.position, again.get(b"a"), again.get(b"b")) == (7, b"1", b"2")
    again.close()


def test_applying_again_from_an_older_position_comes_to_the_same(path: Path) -> None:
    log = [(b"a", b"1"), (b"b", b"2"), (b"a", b"3"), (b"b", None)]
    crashed = StateStore.open(path, IDENTITY)
    crashed.apply(log[:2], 2)
    crashed.close()  # the transaction of the last two was committed, this was not

    again = StateStore.open(path, IDENTITY)
    again.apply(log[again.position :], len(log))
    again.apply(log[1:], len(log))

    assert (again.position, again.get(b"a"), again.get(b"b")) == (4, b"3", None)
    again.close()


def test_a_copy_of_another_topic_is_wiped(path: Path) -> None:
    other = StateStore.open(path, "another")
    other.apply([(b"a", b"1")], 5)
    other.close()

    store = StateStore.open(path, IDENTITY)

    assert (store.position, store.get(b"a")) == (0, None)
    assert store.opened.wiped is not None
    store.close()


@pytest.mark.parametrize("meta", [b"garbage", b"[]", b'{"position":"x"}', b"{}"])
def test_a_position_that_cannot_be_read_is_wiped(path: Path, meta: bytes) -> None:
    broken = StateStore.open(path, IDENTITY)
    broken.apply([(b"\x00meta", None)], 1)
    broken.apply([(b"a", b"1")], 1)
    broken.close()
    rewrite(path, b"\x00meta", meta)

    store = StateStore.open(path, IDENTITY)

    assert (store.position, store.get(b"a")) == (0, None)
    store.close()


def rewrite(path: Path, key: bytes, value: bytes) -> None:
    database = Rdict(str(path), Options(raw_mode=True))
    database[key] = value
    database.close()


def test_a_store_that_does_not_open_is_wiped_but_foreign_files_stay(path: Path) -> None:
    whole = StateStore.open(path, IDENTITY)
    whole.apply([(b"a", b"1")], 5)
    whole.close()
    for manifest in path.glob("MANIFEST-*"):
        manifest.write_bytes(b"garbage")
    (path / "notes.txt").write_text("mine")

    store = StateStore.open(path, IDENTITY)

    assert (store.position, store.get(b"a")) == (0, None)
    assert store.opened.wiped is not None
    assert (path / "notes.txt").read_text() == "mine"
    store.close()


def test_a_broken_block_throws_the_store_away(path: Path) -> None:
    corrupt(path)
    store = StateStore.open(path, IDENTITY)

    assert store.position == 5
    with pytest.raises(StoreBrokenError, match="thrown away"):
        read_all(store)
    store.close()

    again = StateStore.open(path, IDENTITY)
    assert (again.position, again.get(b"1")) == (0, None)
    again.close()


def read_all(store: StateStore) -> None:
    for number in range(1000):
        store.get(b"%d" % number)


def corrupt(path: Path) -> None:
    """Leave a store with a broken data block behind the one that holds the position."""
    store = StateStore.open(path, IDENTITY)
    store.apply([(b"%d" % number, bytes(1000)) for number in range(1000)], 5)
    store.close()
    (table,) = path.glob("*.sst")
    content = bytearray(table.read_bytes())
    content[8000:8064] = bytes(64)
    table.write_bytes(content)


def test_a_position_beyond_the_topic_is_cleared(store: StateStore) -> None:
    store.apply([(b"a", b"1")], 5)

    store.clear()

    assert (store.position, store.get(b"a")) == (0, None)
    store.apply([(b"b", b"1")], 1)
    assert store.get(b"b") == b"1"


def test_a_second_opening_gets_a_private_copy_that_goes_when_closed(
    path: Path, store: StateStore
) -> None:
    store.apply([(b"a", b"1")], 5)

    second = StateStore.open(path, IDENTITY)
    third = StateStore.open(path, IDENTITY)
    second.apply([(b"b", b"2")], 9)

    directories = {one.opened.directory for one in (store, second, third)}
    assert len(directories) == 3
    assert not second.opened.shared
    assert (second.position, third.position, store.position) == (9, 0, 5)
    second.close()
    third.close()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_another_process_may_hold_the_directory(path: Path) -> None:
    holder = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", HOLD, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"

        store = StateStore.open(path, IDENTITY)

        assert not store.opened.shared
        store.close()


def test_what_a_crash_left_in_a_private_directory_is_taken_over(
    path: Path, store: StateStore
) -> None:
    first = StateStore.open(path, IDENTITY)
    private = first.opened.directory
    first.close()
    subprocess.run([sys.executable, "-c", CRASH, private, IDENTITY], check=False)  # noqa: S603 - our own program

    again = StateStore.open(path, IDENTITY)

    assert store.opened.directory == path
    assert (again.opened.directory, again.position) == (private, 7)
    again.close()
    assert not private.exists()


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_place_that_cannot_hold_a_store_is_a_configuration_error(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_text("not a directory")

    with pytest.raises(ConfigError, match="state directory"):
        StateStore.open(tmp_path / name, IDENTITY)


def test_a_closed_store_says_so(path: Path) -> None:
    store = StateStore.open(path, IDENTITY)
    store.close()

    with pytest.raises(DbClosedError):
        store.get(b"a")
    with pytest.raises(DbClosedError):
        store.apply([], 1)
