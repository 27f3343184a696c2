from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.lanes import REMEMBERED, Lane, Lanes, Place
from bridge.streams.receipts import Attempt
from tests.support.clock import START
from tests.support.events import make_letter


def test_only_the_first_letter_makes_a_lane_ready() -> None:
    lanes = Lanes()

    first = lanes.add(make_letter(sequence=1))
    second = lanes.add(make_letter(sequence=2))

    assert first is not None
    assert second is None
    assert first.head.event.sequence == 1


def test_an_empty_lane_is_forgotten() -> None:
    lanes = Lanes()
    lane = lanes.add(make_letter())
    assert lane is not None

    more = lanes.advance(lane)

    assert not more
    assert lanes.busy == 0
    assert lanes.size == 0
    assert lanes.oldest() is None
    assert lanes.add(make_letter(sequence=2)) is not None


def test_a_held_lane_is_not_busy_and_not_waiting() -> None:
    lanes = Lanes()
    lane = lanes.add(make_letter())
    assert lane is not None
    lanes.move(lane, Place.WAITING)
    assert (lanes.waiting, lanes.held, lanes.busy) == (1, 0, 1)

    lanes.move(lane, Place.HELD)

    assert (lanes.waiting, lanes.held, lanes.busy) == (0, 1, 0)


def test_the_oldest_letter_is_the_one_read_first() -> None:
    lanes = Lanes()
    lanes.add(make_letter("redo/shop/2", offset=9))
    lanes.add(make_letter("redo/shop/1", offset=5))

    assert lanes.oldest() == int(START.timestamp() * 1000) + 5


def test_of_very_many_attempts_the_first_and_the_latest_are_remembered() -> None:
    letter = make_letter()
    attempts = [
        Attempt(START, START + timedelta(seconds=n), "throttled") for n in range(100)
    ]

    for attempt in attempts:
        letter.note(attempt)

    assert letter.tried == 100
    assert len(letter.attempts) == REMEMBERED
    assert letter.attempts[0] == attempts[0]
    assert letter.attempts[-1] == attempts[-1]


@given(st.data())
def test_each_lane_hands_out_its_letters_in_order_whatever_the_others_do(
    data: st.DataObject,
) -> None:
    subjects = data.draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=60))
    lanes, ready, seen = Lanes(), list[Lane](), dict[str, list[int]]()
    counts: dict[str, int] = {}
    todo = list(subjects)
    while todo or ready:
        if todo and (not ready or data.draw(st.booleans())):
            subject = todo.pop(0)
            counts[subject] = counts.get(subject, 0) + 1
            lane = lanes.add(make_letter(subject, counts[subject]))
            if lane is not None:
                ready.append(lane)
            continue
        lane = ready.pop(data.draw(st.integers(0, len(ready) - 1)))
        assert lane not in ready
        seen.setdefault(lane.subject, []).append(lane.head.event.sequence)
        if lanes.advance(lane):
            ready.append(lane)

    assert seen == {subject: list(range(1, n + 1)) for subject, n in counts.items()}
    assert lanes.size == 0
