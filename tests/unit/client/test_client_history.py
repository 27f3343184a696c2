"""What the client remembers of each subject."""

from bridge.client.history import History, Seen
from bridge.client.received import Gap


def test_a_subject_never_seen_leaves_no_gap() -> None:
    history = History(10)

    assert history.judge("a", 57) is Seen.NEW


def test_the_next_event_is_new() -> None:
    history = History(10)
    history.note("a", 1)

    assert history.judge("a", 2) is Seen.NEW


def test_an_event_handled_before_is_a_duplicate_however_old_it_is() -> None:
    history = History(10)
    history.note("a", 5)

    assert [history.judge("a", sequence) for sequence in (1, 5)] == [
        Seen.DUPLICATE,
        Seen.DUPLICATE,
    ]


def test_an_event_ahead_tells_which_events_are_missing() -> None:
    history = History(10)
    history.note("a", 5)

    assert history.judge("a", 9) == Gap("a", 6, 8)


def test_subjects_do_not_disturb_each_other() -> None:
    history = History(10)
    history.note("a", 5)

    assert history.judge("b", 2) is Seen.NEW


def test_after_a_rebalance_a_gap_is_no_longer_proved_but_a_duplicate_is() -> None:
    history = History(10)
    history.note("a", 5)

    history.rebalanced()

    assert history.judge("a", 9) is Seen.NEW
    assert history.judge("a", 5) is Seen.DUPLICATE


def test_a_subject_seen_again_after_a_rebalance_proves_gaps_again() -> None:
    history = History(10)
    history.rebalanced()
    history.note("a", 9)

    assert history.judge("a", 11) == Gap("a", 10, 10)


def test_the_memory_is_bounded_and_forgets_the_least_recent_subject() -> None:
    history = History(2)
    for subject in ("a", "b", "c"):
        history.note(subject, 1)

    assert history.judge("a", 1) is Seen.NEW
    assert history.judge("c", 1) is Seen.DUPLICATE
