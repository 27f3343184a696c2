"""Odd values of vendors' JSON, and where an error points."""

import pytest

from bridge.errors import UnreadableError
from bridge.platforms.reading import (
    Count,
    Flag,
    Id,
    Many,
    Number,
    Payload,
    Time,
    is_object,
    parse,
    stamp,
)


class Line(Payload):
    quantity: Count | None = None


class Sample(Payload):
    id: Id | None = None
    amount: Number | None = None
    at: Time | None = None
    is_open: Flag = False
    lines: Many[Line] = ()


def read(text: str) -> Sample:
    return parse(Sample, text.encode())


@pytest.mark.parametrize(
    ("text", "id_"), [('"7"', "7"), ("7", "7"), ("7.0", "7"), ("7.5", "7.5")]
)
def test_an_id_is_text_whichever_type_it_comes_in(text: str, id_: str) -> None:
    assert read(f'{{"id": {text}}}').id == id_


@pytest.mark.parametrize(
    ("text", "amount"),
    [('"1e2"', "100"), ('".5"', "0.5"), ('"+3"', "3"), ('""', ""), ("41.8", "41.8")],
)
def test_a_number_is_plain_decimal_text(text: str, amount: str) -> None:
    assert read(f'{{"amount": {text}}}').amount == amount


@pytest.mark.parametrize("text", ["true", "[]", '"word"', '"1e99"', '"Infinity"'])
def test_what_is_no_number_is_an_error_with_its_place(text: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read(f'{{"amount": {text}}}')

    assert (caught.value.reason, caught.value.path) == ("shape", "$.amount")


@pytest.mark.parametrize("text", ["7", '"soon"', '"0001-01-01T00:00:00+14:00"'])
def test_what_is_no_time_is_an_error(text: str) -> None:
    with pytest.raises(UnreadableError):
        read(f'{{"at": {text}}}')


def test_a_place_within_a_list_is_named() -> None:
    with pytest.raises(UnreadableError) as caught:
        read('{"lines": [{}, {"quantity": -1}]}')

    assert caught.value.path == "$.lines[1].quantity"


def test_null_reads_as_absent_and_flags_come_as_numbers() -> None:
    assert read('{"id": null, "isOpen": null, "lines": null}') == Sample()
    assert read('{"isOpen": 1}').is_open


@pytest.mark.parametrize("text", ["", "<html>", '{"a": NaN}'])
def test_what_is_no_json_says_so(text: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read(text)

    assert caught.value.reason == "not_json"


def test_a_stamp_sorts_as_its_time_does() -> None:
    texts = (
        "2027-03-02T10:15:00.5Z",
        "2027-03-02T12:15:00+02:00",
        "2027-03-02T10:15:01",
    )
    times = [read(f'{{"at": "{text}"}}').at for text in texts]

    assert stamp(None) == ""
    assert sorted(map(stamp, times)) == [stamp(times[n]) for n in (1, 0, 2)]


@pytest.mark.parametrize(
    ("body", "is_one"),
    [(b"{}", True), (b"[]", False), (b"<html>", False), (b"", False)],
)
def test_only_a_json_object_is_one(body: bytes, is_one: bool) -> None:  # noqa: FBT001
    assert is_object(body) is is_one
