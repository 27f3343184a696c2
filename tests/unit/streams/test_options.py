"""How many transactions a member of a group opens at once."""

import pytest

from bridge.streams.options import OwnershipOptions


@pytest.mark.parametrize(
    ("partitions", "transactions"),
    [(0, 2), (1, 2), (12, 2), (17, 2), (18, 3), (60, 10)],
)
def test_many_partitions_have_more_transactions_open(
    partitions: int, transactions: int
) -> None:
    assert OwnershipOptions().transactions(partitions) == transactions
