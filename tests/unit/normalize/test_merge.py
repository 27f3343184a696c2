"""Whose word counts for the state of a return, and what a bare snapshot holds."""

from datetime import UTC, datetime

import pytest

from bridge.canonical.goods import GoodsDocument, GoodsStatus
from bridge.canonical.model import Kind
from bridge.canonical.states import State
from bridge.normalize.merge import merge, settle, unannounced

AT = datetime(2027, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("platform", "found", "settled"),
    [
        (None, None, State.UNKNOWN),
        (None, State.RECEIVED, State.RECEIVED),
        (State.APPROVED, None, State.APPROVED),
        (State.APPROVED, State.RECEIVED, State.RECEIVED),
        (State.INSPECTED, State.RECEIVED, State.INSPECTED),
        (State.CLOSED, State.RECEIVED, State.CLOSED),
        (State.REJECTED, State.INSPECTED, State.REJECTED),
        (State.UNKNOWN, State.INSPECTED, State.UNKNOWN),
        (State.APPROVED, State.UNKNOWN, State.APPROVED),
    ],
)
def test_the_further_on_the_way_counts_and_an_end_is_the_platforms(
    platform: State | None, found: State | None, settled: State
) -> None:
    assert settle(platform, found) is settled


def test_documents_stand_in_the_order_of_their_keys() -> None:
    def document(account: str, return_id: str) -> GoodsDocument:
        return GoodsDocument(
            system="wms",
            account=account,
            return_id=return_id,
            status=GoodsStatus.AWAITING,
            occurred_at=AT,
        )

    goods = (document("b", "1"), document("a", "2"), document("a", "1"))

    merged = merge(unannounced("redo/shop/1", AT), None, goods, AT)

    assert [(found.account, found.return_id) for found in merged.goods] == [
        ("a", "1"),
        ("a", "2"),
        ("b", "1"),
    ]


def test_an_unannounced_return_knows_its_subject_only() -> None:
    bare = unannounced("warehouse/main/a/b", AT)

    assert (bare.platform, bare.account, bare.native_id) == ("warehouse", "main", "a/b")
    assert (bare.kind, bare.state) == (Kind.UNANNOUNCED, State.UNKNOWN)
