"""References lead back to their subject by themselves, or are nobody's."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.canonical.reference import LIMIT, parse, reference_of, subject_of

PLATFORMS = st.from_regex(r"[a-z]{1,12}", fullmatch=True)
ACCOUNTS = st.from_regex(r"[A-Za-z0-9_-]{1,16}", fullmatch=True)
NATIVE_IDS = st.from_regex(r"[A-Za-z0-9_.-]{1,24}", fullmatch=True)


@settings(deadline=None)
@given(PLATFORMS, ACCOUNTS, NATIVE_IDS, st.integers(0, 999))
def test_a_reference_leads_back_to_its_subject_and_parcel(
    platform: str, account: str, native_id: str, parcel: int
) -> None:
    subject = subject_of(platform, account, native_id)

    reference = reference_of(subject, parcel)

    assert reference is None or parse(reference) == (subject, parcel)
    assert (reference is None) == (len(f"{subject}-{parcel}") > LIMIT)


def test_a_reference_is_written_with_dots() -> None:
    assert reference_of("redo/shop/f00d", 1) == "redo.shop.f00d-1"


@pytest.mark.parametrize("native_id", ["a/b", "a b", "ä", "", "x" * LIMIT])
def test_a_subject_that_cannot_make_a_reference_gets_none(native_id: str) -> None:
    assert reference_of(f"redo/shop/{native_id}", 1) is None


@pytest.mark.parametrize(
    "text", ["", "RMA-17", "redo.shop.f00d", "redo.shop.f00d-1234"]
)
def test_any_other_text_is_nobodys(text: str) -> None:
    assert parse(text) is None
