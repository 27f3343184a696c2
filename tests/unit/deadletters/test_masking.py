"""What of an answer may be kept, and what never is."""

from string import ascii_lowercase

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.deadletters.masking import LIMIT, MASK, excerpt


def kept(content: object) -> object:
    return orjson.loads(excerpt(orjson.dumps(content)))


@pytest.mark.parametrize(
    "content",
    [
        {"type": "com.getredo.api:return/item-not-found"},
        {"code": "INVALID_STATE", "status": 422},
        {"errors": [{"code": "unknown_sku", "pointer": "/lines/0/sku"}]},
        {"errors": ["invalid-sku", "gone"]},
        {"statusCode": 429, "retryable": True, "reason": None},
        {"error": {"type": "about:blank"}, "count": 7},
        [{"errorCode": "too_late"}],
    ],
)
def test_codes_places_and_small_numbers_are_kept(content: object) -> None:
    assert kept(content) == content


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ({"message": "Ada Example lives here"}, {"message": MASK}),
        ({"title": "gone"}, {"title": MASK}),
        ({"code": "Ada Example"}, {"code": MASK}),
        ({"code": "ABCD1234"}, {"code": MASK}),
        ({"type": "ada@example.com"}, {"type": MASK}),
        ({"gift_card": {"code": "abc-def"}}, {"gift_card": MASK}),
        ({"customer": {"status": "vip"}}, {"customer": MASK}),
        ({"apiToken": 12}, {"apiToken": MASK}),
        ({"postalCode": 101}, {"postalCode": MASK}),
        ({"ada@example.com": 1}, {MASK: MASK}),
        ({"count": 491_701_234}, {"count": MASK}),
        ({"amount": 12.5}, {"amount": MASK}),
        ({"reason": "x" * 81}, {"reason": MASK}),
    ],
)
def test_texts_names_and_numbers_of_people_are_masked(
    content: object, shown: object
) -> None:
    assert kept(content) == shown


@pytest.mark.parametrize(
    "body", [b"<html>Ada</html>", b"Ada", b'"Ada"', b"\xff", b"[" * 3_000]
)
def test_of_what_is_no_object_only_the_length_is_told(body: bytes) -> None:
    assert excerpt(body) == f"({len(body)} bytes, not shown)"


def test_nothing_is_told_of_nothing() -> None:
    assert excerpt(b"") == ""


def test_a_body_too_long_to_look_into_is_not_shown() -> None:
    assert excerpt(b'{"a": 1}' + b" " * 100_000) == "(100008 bytes, not shown)"


def test_what_is_nested_deep_or_very_long_is_cut() -> None:
    deep: object = 1
    for _ in range(50):
        deep = {"error": deep}

    assert MASK in excerpt(orjson.dumps(deep))
    assert len(excerpt(orjson.dumps({"errors": ["not-found"] * 10_000}))) <= LIMIT
    assert (
        len(excerpt(orjson.dumps({sign * 40: "b" for sign in ascii_lowercase})))
        == LIMIT
    )


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json.map(orjson.dumps) | st.binary())
@example(b'{"a": NaN}')
def test_no_body_raises_and_every_excerpt_is_one_short_line(body: bytes) -> None:
    text = excerpt(body)

    assert len(text) <= LIMIT
    assert text.isprintable()


@given(st.text(st.characters(categories=["Lu", "Ll", "Nd"]), min_size=3, max_size=40))
def test_no_name_under_any_field_comes_through(name: str) -> None:
    person = f"{name} Secret-{name}"
    fields = ("message", "code", "type", "errors", "detail", "firstName", "pointer")

    text = excerpt(orjson.dumps(dict.fromkeys(fields, person)))

    assert person not in text
