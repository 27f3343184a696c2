"""Bodies of calls as the settings write them: JSON with `$word`s to be filled in.

For calls whose body a vendor does not document. A text that is a word and nothing else
(`"$amount"`) becomes the word's value, of whatever type.
"""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue


def filled(template: JsonValue, words: Mapping[str, JsonValue]) -> JsonValue:
    """Return `template` with its words filled in; other texts stay as they are."""
    match template:
        case str() if template.startswith("$"):
            return words.get(template.removeprefix("$"), template)
        case dict():
            return {name: filled(value, words) for name, value in template.items()}
        case list():
            return [filled(value, words) for value in template]
        case _:
            return template


def texts_in(template: JsonValue) -> Iterator[str]:
    """Yield every text of `template`, names of fields left out."""
    match template:
        case str():
            yield template
        case dict():
            yield from (text for part in template.values() for text in texts_in(part))
        case list():
            yield from (text for part in template for text in texts_in(part))
        case _:
            pass


def needing(template: dict[str, JsonValue], word: str) -> dict[str, JsonValue]:
    """Return `template` if it uses `$word`, else raise ValueError."""
    if f"${word}" not in texts_in(template):
        raise ValueError(f'write "${word}" where it belongs in the body')
    return template
