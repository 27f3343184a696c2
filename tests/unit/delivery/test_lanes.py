from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.deadletters.standing import WaitReason
from bridge.delivery.lanes import (
    REMEMBERED,
    Absent,
    Lane,
    Lanes,
    Letter,
    Memory,
    without_body,
)
from bridge.streams.receipts import Attempt
from tests.support.clock import START
from tests.support.events import make_letter


def parked_letter(subject: str = "redo/shop/1", sequence: int = 1) -> Letter:
    letter = make_letter(subject, sequence)
    letter.parked, letter.kept, letter.place = True, True, sequence * 10
    return letter


def test_letters_of_a_subject_queue_in_one_lane() -> None:
    lanes = Lanes(Memory())

    lane = lanes.open(make_letter(sequence=1))
    lanes.join(lane, make_letter(sequence=2))

    assert lanes.get("redo/shop/1") is lane
    assert [letter.sequence for letter in lane.letters] == [1, 2]
    assert lanes.get("redo/shop/2") is None


def test_an_empty_lane_is_forgotten() -> None:
    memory = Memory()
    lanes = Lanes(memory)
    lane = lanes.open(make_letter())

    more = lanes.advance(lane)

    assert not more
    assert (lanes.busy, lanes.size, memory.size) == (0, 0, 0)
    assert lanes.oldest() is None
    assert lanes.get("redo/shop/1") is None


def test_memory_is_counted_over_all_partitions() -> None:
    memory = Memory()
    one, other = Lanes(memory), Lanes(memory)
    one.open(make_letter())

    other.open(make_letter())

    assert memory.size == one.size + other.size == 2 * make_letter().size


def test_a_held_lane_is_not_busy() -> None:
    lanes = Lanes(Memory())
    lane = lanes.open(make_letter())
    lanes.wait(lane, WaitReason.RETRY, 1.0)
    assert (lanes.waiting(WaitReason.RETRY), lanes.held, lanes.busy) == (1, 0, 1)

    lanes.wait(lane, WaitReason.DEAD, 2.0)

    assert (lanes.waiting(WaitReason.RETRY), lanes.held, lanes.busy) == (0, 1, 0)
    assert lanes.waiting_for(WaitReason.DEAD) == [lane]
    assert (lane.since, lane.turn) == (2.0, 2)


def test_the_oldest_letter_is_the_one_read_first() -> None:
    lanes = Lanes(Memory())
    lanes.open(make_letter("redo/shop/2", offset=9))
    lanes.open(make_letter("redo/shop/1", offset=5))

    assert lanes.oldest() == int(START.timestamp() * 1000) + 5


def test_of_very_many_attempts_the_first_and_the_latest_are_remembered() -> None:
    letter = make_letter()
    attempts = [
        Attempt(START, START + timedelta(seconds=n), "throttled") for n in range(100)
    ]

    for attempt in attempts:
        letter.note(attempt)

    assert len(letter.attempts) == REMEMBERED
    assert letter.attempts[0] == attempts[0]
    assert letter.attempts[-1] == attempts[-1]


# ------------------------------------------------------------- parked lanes


def test_a_parked_lane_that_waits_gives_its_bodies_up_and_gets_them_back() -> None:
    lanes = Lanes(Memory())
    letters = [parked_letter(sequence=number) for number in (1, 2)]
    lane = lanes.restore("redo/shop/1", letters)
    whole = lanes.size
    lanes.wait(lane, WaitReason.RETRY, 0.0)

    lanes.evict()

    assert lanes.size == 0
    assert [type(letter) for letter in lane.letters] == [Absent, Absent]
    lanes.refill(lane, {letters[0].event_id: letters[0]})
    assert lane.head is letters[0]
    assert lanes.size == whole // 2


def test_a_lane_at_work_keeps_its_bodies() -> None:
    lanes = Lanes(Memory())
    lane = lanes.restore("redo/shop/1", [parked_letter()])

    lanes.evict()

    assert isinstance(lane.head, Letter)


def test_a_lane_without_bodies_is_not_looked_through_again() -> None:
    lanes = Lanes(Memory())
    lane = lanes.restore("redo/shop/1", [parked_letter(), parked_letter(sequence=2)])
    lanes.wait(lane, WaitReason.DEAD, 0.0)
    lanes.evict()
    before = lane.letters

    lanes.evict()

    assert lane.letters is before


def test_a_letter_whose_place_is_not_known_keeps_its_body() -> None:
    letter = make_letter()

    assert without_body(letter) is letter


def test_parked_events_are_counted_until_their_lane_is_worked_off() -> None:
    lanes = Lanes(Memory())
    lane = lanes.restore("redo/shop/1", [without_body(parked_letter())])
    assert lanes.parked == 1

    assert not lanes.advance(lane)

    assert lanes.parked == 0


def test_a_mended_letter_has_its_new_size() -> None:
    lanes = Lanes(Memory())
    letter = make_letter()
    lanes.open(letter)

    lanes.resize(letter, 1_000)

    assert (letter.size, lanes.size) == (1_000, 1_000)


@given(st.data())
def test_each_lane_hands_out_its_letters_in_order_whatever_the_others_do(
    data: st.DataObject,
) -> None:
    subjects = data.draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=60))
    lanes, ready, seen = Lanes(Memory()), list[Lane](), list[tuple[str, int]]()
    numbers = Counter[str]()
    todo = list(subjects)
    while todo or ready:
        if todo and (not ready or data.draw(st.booleans())):
            numbers[todo[0]] += 1
            ready += put(lanes, make_letter(todo[0], numbers[todo.pop(0)]))
            continue
        lane = ready.pop(data.draw(st.integers(0, len(ready) - 1)))
        assert lane not in ready
        seen.append((lane.subject, lane.head.sequence))
        ready += [lane] if lanes.advance(lane) else []

    assert {subject: [n for of, n in seen if of == subject] for subject in numbers} == {
        subject: list(range(1, count + 1)) for subject, count in numbers.items()
    }
    assert lanes.size == 0


def put(lanes: Lanes, letter: Letter) -> list[Lane]:
    """Queue a letter; return its lane if that has just become ready."""
    lane = lanes.get(letter.event.subject)
    if lane is None:
        return [lanes.open(letter)]
    lanes.join(lane, letter)
    return []
