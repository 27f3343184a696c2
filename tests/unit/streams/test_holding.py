"""Which partitions count as a member's, and whose they were."""

from datetime import timedelta

from bridge.streams.holding import Holding, Holdings

LEASE = timedelta(seconds=5)


def test_a_partition_counts_from_its_take_over_until_it_is_let_go() -> None:
    told: list[Holding] = []
    holdings = Holdings(told.append)

    holdings.assigned(4)
    holdings.took_over(0, None)
    holdings.took_over(1, timedelta())
    holdings.took_over(2, LEASE)
    holdings.let_go(1)
    holdings.let_go(0, 2)

    assert told == [
        Holding(0, 4),
        Holding(1, 4),
        Holding(2, 4, inherited=1),
        Holding(3, 4, inherited=1, quiet=LEASE),
        Holding(2, 4),
        Holding(0, 4),
    ]


def test_a_partition_taken_over_twice_counts_once() -> None:
    told: list[Holding] = []
    holdings = Holdings(told.append)
    holdings.assigned(4)

    holdings.took_over(3, LEASE)
    holdings.took_over(3, LEASE)

    assert told[-1].partitions == 1


def test_before_the_group_has_given_anything_nothing_is_told() -> None:
    told: list[Holding] = []

    Holdings(told.append).let_go()

    assert told == []
