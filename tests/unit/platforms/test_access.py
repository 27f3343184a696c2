"""How the settings name an API, and what they refuse."""

import pytest
from pydantic import SecretStr, TypeAdapter, ValidationError

from bridge.platforms.access import (
    BaseAddress,
    PathToken,
    Token,
    WebAddress,
    known_token,
    shown_address,
)

TOKEN: TypeAdapter[SecretStr] = TypeAdapter(Token)
PATH: TypeAdapter[SecretStr] = TypeAdapter(PathToken)
WEB: TypeAdapter[str] = TypeAdapter(WebAddress)
BASE: TypeAdapter[str] = TypeAdapter(BaseAddress)


@pytest.mark.parametrize("text", ["", "two words", "line\n", "schlüssel", "a\x7fb"])
def test_a_token_that_would_break_a_header_is_refused_unseen(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TOKEN.validate_python(SecretStr(text))

    assert not text or text not in str(refused.value)


def test_a_token_is_given_by_reference() -> None:
    assert TOKEN.validate_python(SecretStr("abc")).get_secret_value() == "abc"
    with pytest.raises(ValidationError, match="by reference"):
        TOKEN.validate_python("abc")


@pytest.mark.parametrize(
    "text",
    ["host", "ftp://host", "https://", "http://[::1", "https://h:p", "http://h#a"],
)
def test_what_is_no_web_address_is_refused(text: str) -> None:
    for address in (WEB, BASE):
        with pytest.raises(ValidationError, match=r"web address|write http"):
            address.validate_python(text)


def test_one_thing_may_be_named_by_a_query_but_not_what_paths_are_added_to() -> None:
    text = "https://host/hook?shop=1"

    assert WEB.validate_python(text) == text
    with pytest.raises(ValidationError, match="without query"):
        BASE.validate_python(text)


def test_paths_are_added_to_an_address_without_a_slash_at_its_end() -> None:
    assert BASE.validate_python("https://host/api/") == "https://host/api"
    assert WEB.validate_python("https://host/api/") == "https://host/api/"


@pytest.mark.parametrize("text", ["short", "with/slashes/in-it", "with?query#and-more"])
def test_a_token_in_a_path_is_long_and_has_no_signs_of_a_path(text: str) -> None:
    with pytest.raises(ValidationError):
        PATH.validate_python(SecretStr(text))


def test_any_of_the_tokens_is_known_and_no_other() -> None:
    tokens = (SecretStr("one"), SecretStr("two"))

    assert known_token("one", tokens)
    assert known_token("two", tokens)
    assert not known_token("", tokens)
    assert not known_token("\ud800", tokens)


def test_no_token_of_an_address_is_shown() -> None:
    tokens = (SecretStr("present-token"), SecretStr("former-token"))
    base = "https://a.example/hooks/demo"

    assert shown_address(f"{base}/present-token", tokens) == base
    assert shown_address(f"{base}/former-token", tokens) == f"{base}/(former token)"
    assert shown_address("https://b.example/x?key=1", tokens) == "https://b.example/x"
