import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.streams.options import WINDOW_LIMIT
from bridge.streams.progress import Mark, Progress

METADATA_LIMIT = 4_096  # the broker's offset.metadata.max.bytes
OPEN = Mark(released=False, owner="a1.7")


def test_the_lowest_unfinished_offset_is_committed() -> None:
    progress = Progress(10)
    for offset in (10, 11, 12):
        progress.deliver(offset)

    progress.finish(11)

    assert progress.position == 10
    progress.finish(10)
    assert progress.position == 12
    progress.finish(12)
    assert progress.position == 13


def test_gaps_between_offsets_are_no_unfinished_work() -> None:
    progress = Progress(0)
    for offset in (3, 9):
        progress.deliver(offset)
        progress.finish(offset)

    assert progress.position == 10


def test_a_successor_is_not_given_finished_offsets_again() -> None:
    progress = Progress(5)
    for offset in range(5, 12):
        progress.deliver(offset)
    for offset in (6, 9, 11):
        progress.finish(offset)

    successor, mark = Progress.decode(progress.position, progress.encode(OPEN))

    assert mark == OPEN
    assert successor.position == 5
    assert [o for o in range(5, 13) if successor.deliver(o)] == [5, 7, 8, 10, 12]


def test_offsets_finished_by_a_predecessor_are_passed_over() -> None:
    progress = Progress(5)
    for offset in (5, 6, 7):
        progress.deliver(offset)
    progress.finish(6)
    progress.finish(7)
    successor, _ = Progress.decode(5, progress.encode(OPEN))

    successor.deliver(5)
    successor.finish(5)
    successor.deliver(6)
    successor.deliver(7)

    assert successor.position == 8


def test_the_window_is_full_before_the_metadata_is() -> None:
    progress = Progress(0)
    progress.deliver(0)

    assert progress.fits(WINDOW_LIMIT - 1)
    assert not progress.fits(WINDOW_LIMIT)
    progress.finish(0)
    assert progress.fits(WINDOW_LIMIT * 3)


@given(finished=st.sets(st.integers(1, WINDOW_LIMIT - 1)), released=st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_finished_set_survives_the_commit_and_fits(
    *, finished: set[int], released: bool
) -> None:
    progress = Progress(0)
    progress.deliver(0)
    for offset in sorted(finished):
        progress.deliver(offset)
        progress.finish(offset)
    mark = Mark(released, "0f3a9c21.123456")

    metadata = progress.encode(mark)
    successor, found = Progress.decode(0, metadata)

    assert len(metadata) < METADATA_LIMIT
    assert found == mark
    assert all(not successor.deliver(offset) for offset in sorted(finished))


def test_the_worst_finished_set_fits_into_the_metadata() -> None:
    dice = random.Random(7)  # noqa: S311 - a pattern, no secret
    progress = Progress(0)
    progress.deliver(0)
    for offset in range(1, WINDOW_LIMIT):
        progress.deliver(offset)
        if dice.random() < 0.5:
            progress.finish(offset)

    assert len(progress.encode(OPEN)) < METADATA_LIMIT


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        "somebody else's",
        "rb1;o;a1.7;00000000;",
        "rb2;o;a1.7;00000000;",
        "rb1;x;a1.7;00000000;",
        "a;b;c;d;e",
    ],
)
def test_foreign_or_corrupt_metadata_is_not_believed(metadata: str) -> None:
    progress, mark = Progress.decode(40, metadata)

    assert mark is None
    assert progress.position == 40
    assert progress.deliver(41)


def test_a_corrupt_bitset_behind_a_right_checksum_repeats_and_loses_nothing() -> None:
    text, bits = "o;a1.7", "not base64!"
    checksum = f"{zlib.crc32(f'{text};{bits}'.encode()):08x}"

    progress, mark = Progress.decode(3, f"rb1;{text};{checksum};{bits}")

    assert mark is not None
    assert progress.deliver(4)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_no_unfinished_offset_is_ever_behind_the_committed_one(
    data: st.DataObject,
) -> None:
    offsets = data.draw(
        st.lists(st.integers(0, 500), unique=True, min_size=1).map(sorted)
    )
    order = data.draw(st.permutations(offsets))
    progress = Progress(0)
    for offset in offsets:
        progress.deliver(offset)
    open_ = set(offsets)

    for offset in order:
        progress.finish(offset)
        open_.discard(offset)

        assert progress.position == min(open_, default=offsets[-1] + 1)


def is_crowded(progress: Progress) -> bool:
    return progress.crowded


def test_a_window_that_is_three_quarters_full_is_crowded() -> None:
    progress = Progress(0, window=8)
    assert not is_crowded(progress)
    for offset in range(6):
        progress.deliver(offset)
    assert not is_crowded(progress)

    progress.deliver(6)

    assert is_crowded(progress)
    progress.finish(0)
    assert not is_crowded(progress)
