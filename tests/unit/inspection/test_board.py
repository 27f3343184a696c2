"""The parked topic folded: the last record of a key counts, a tombstone ends it."""

from datetime import UTC, datetime

from bridge.deadletters import parked, standing
from bridge.deadletters.parked import Death, Kind, ParkedEvent, Pause, State, Trouble
from bridge.deadletters.standing import Standing
from bridge.inspection.board import Board
from bridge.inspection.dead import dead_on
from bridge.inspection.lag import waits_of
from bridge.inspection.reached import reached
from bridge.streams.offsets import Committed
from bridge.streams.progress import Mark, Progress
from bridge.streams.records import Record
from tests.support.events import make_event

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DEATH = Death("http_422", "/items/0", "refused", NOW)


def kept(
    subject: str, sequence: int, death: Death | None = None, kind: Kind = "parked"
) -> ParkedEvent:
    event = make_event(subject, sequence)
    trouble = Trouble(tried=2, last_outcome="failed")
    state = State(kind, subject, sequence, 10 + sequence, 0, NOW, trouble, death)
    headers = {"ce_id": event.id.encode()}
    return ParkedEvent(event.id, state, event.body, headers)


def record(key: bytes, value: bytes | None, headers: dict[str, bytes]) -> Record:
    return Record("returns.parked.wms", 0, 7, 0, key, value, headers)


def take(board: Board, event: ParkedEvent) -> None:
    key, value, headers = parked.encode(event)
    board.take(record(key, value, dict(headers)))


def test_lanes_are_in_the_order_of_the_log_whatever_came_last() -> None:
    board = Board()
    for sequence in (3, 1, 2):
        take(board, kept("redo/shop/1", sequence))

    lane = board.lanes()["redo/shop/1"]

    assert [each.state.sequence for each in lane] == [1, 2, 3]
    assert {each.body for each in lane} == {b""}


def test_a_tombstone_ends_a_record_and_a_later_one_counts() -> None:
    board = Board()
    take(board, kept("redo/shop/1", 1))
    take(board, kept("redo/shop/1", 1, DEATH))
    take(board, kept("redo/shop/1", 2))
    board.take(record(kept("redo/shop/1", 2).event_id.encode(), None, {}))

    (only,) = board.events.values()

    assert only.state.death == DEATH


def test_only_bodies_of_dead_events_are_kept_if_they_are_wanted() -> None:
    board = Board(bodies=True)
    take(board, kept("redo/shop/1", 1, DEATH))
    take(board, kept("redo/shop/1", 2))

    bodies = [each.body for each in board.lanes()["redo/shop/1"]]

    assert bodies == [make_event().body, b""]


def test_a_pause_holds_its_subject_or_all_until_it_is_lifted() -> None:
    board = Board()
    one = Pause("redo/shop/1", "i-1", "ada", "", NOW)
    all_ = Pause("*", "i-2", "bob", "", NOW)
    for pause in (one, all_):
        board.take(record(*parked.encode_pause(pause), {}))

    assert board.pause_of("redo/shop/1") == one
    assert board.pause_of("redo/shop/2") == all_

    board.take(record(parked.pause_key("*"), None, {}))

    assert board.pause_of("redo/shop/2") is None


def test_a_standing_is_the_last_one_written() -> None:
    board = Board()
    told = Standing(worker="w-1", at=NOW)
    board.take(record(*standing.encode(told, 0), {}))

    assert board.standing == told

    board.take(record(standing.key_of(0), None, {}))

    assert board.standing is None


def test_what_cannot_be_read_is_told_until_it_is_gone() -> None:
    board = Board()
    board.take(record(b"odd", b"{}", {}))
    board.take(record(b"doubt", b"17", {}))

    (told,) = board.unreadable.values()

    assert told.startswith("returns.parked.wms, partition 0, offset 7: ")

    board.take(record(b"odd", None, {}))

    assert not board.unreadable


def test_lanes_are_counted_by_what_their_heads_wait_for() -> None:
    board = Board()
    take(board, kept("redo/shop/1", 1))
    take(board, kept("redo/shop/1", 2))
    take(board, kept("redo/shop/2", 1, DEATH))
    take(board, kept("redo/shop/3", 1))
    pause = Pause("redo/shop/3", "i-1", "ada", "", NOW)
    board.take(record(*parked.encode_pause(pause), {}))

    assert waits_of(board) == {"dead": 1, "paused": 1, "retry": 1}


def test_a_dead_event_knows_what_is_ahead_of_it_and_behind() -> None:
    board = Board(bodies=True)
    take(board, kept("redo/shop/1", 1))
    take(board, kept("redo/shop/1", 2, DEATH))
    take(board, kept("redo/shop/1", 3))

    (dead,) = dead_on(board, "wms", 5)

    assert (dead.sequence, dead.ahead, dead.behind) == (2, (1,), 1)
    assert dead.event is None
    assert dead.type == "unknown"


def test_progress_is_a_question_to_offsets() -> None:
    progress = Progress(3)
    for offset in (3, 4, 5):
        progress.deliver(offset)
    progress.finish(4)
    commit = Committed(3, progress.encode(Mark(released=False, owner="o")))

    far = reached(commit, 0, 9)

    assert [offset for offset in range(9) if far.finished(offset)] == [0, 1, 2, 4]


def test_without_a_commit_only_what_is_deleted_is_finished() -> None:
    far = reached(None, 5, 9)

    assert far.finished(4)
    assert not far.finished(5)
