"""Bodies of calls as the settings write them."""

import pytest
from pydantic import JsonValue

from bridge.platforms.bodies import filled, needing

WORDS: dict[str, JsonValue] = {"text": "it came", "amount": 38.5}


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ("$text", "it came"),
        ("$amount", 38.5),
        ("$unknown", "$unknown"),
        ("costs $amount", "costs $amount"),
        ({"a": {"$text": "$text"}, "b": True}, {"a": {"$text": "it came"}, "b": True}),
        (["$text", 7, None], ["it came", 7, None]),
    ],
)
def test_a_text_that_is_a_word_becomes_its_value(
    template: JsonValue, body: JsonValue
) -> None:
    assert filled(template, WORDS) == body


@pytest.mark.parametrize(
    "template", [{"text": "$text"}, {"a": [1, {"b": "$text"}], "isPublic": False}]
)
def test_a_body_may_have_its_word_anywhere(template: dict[str, JsonValue]) -> None:
    assert needing(template, "text") is template


@pytest.mark.parametrize("template", [{}, {"$text": 1}, {"text": "text", "a": [None]}])
def test_a_body_without_its_word_is_a_mistake(template: dict[str, JsonValue]) -> None:
    with pytest.raises(ValueError, match=r"\$text"):
        needing(template, "text")
