from datetime import UTC, datetime, timedelta

import pytest

from bridge.canonical.envelope import Cause, from_headers, seal, to_headers
from bridge.deadletters import letter
from bridge.deadletters.letter import About, DeadLetter, Position, Tries
from bridge.errors import UnreadableError
from bridge.platforms.contract import HttpAnswer

NOW = datetime(2026, 11, 21, 3, 30, tzinfo=UTC)
ORIGIN = Position("returns.events", 3, 77, 1_763_695_800_000)


def unreadable(**changes: object) -> DeadLetter:
    fields: dict[str, object] = {
        "stage": "normalize",
        "reason": "not_json",
        "origin": ORIGIN,
        "died_at": NOW,
        "key": b"redo/shop/1",
        "value": b"\xff{",
        "headers": {"account": b"shop"},
        "path": "$.return.items[3]",
    }
    return DeadLetter(**(fields | changes))  # type: ignore[arg-type] # fields by name


def round_trip(dead: DeadLetter) -> DeadLetter:
    return letter.from_headers(dict(dead.to_headers()), dead.key, dead.value)


def test_an_unreadable_observation_keeps_its_bytes_and_says_why() -> None:
    dead = unreadable()

    again = round_trip(dead)

    assert again == dead
    assert again.about is None
    assert again.tries == Tries()


def test_an_event_given_up_on_names_itself_its_target_and_its_tries() -> None:
    dead = unreadable(
        stage="deliver",
        target="wms",
        about=About("id-4", "redo/shop/1", 4, "return.approved"),
        tries=Tries(20, NOW - timedelta(hours=1), NOW),
        cause="attempts_spent",
        answer=HttpAnswer(422, '{"code":"gone"}'),
    )

    again = round_trip(dead)

    assert again == dead


def test_a_dead_event_can_still_be_read_as_an_event() -> None:
    cause = Cause("/redo/shop", NOW, "delivery-1")
    event = seal("redo/shop/1", 0, "", cause, [("return.created", b"{}")])[0]
    dead = unreadable(value=event.body, headers=dict(to_headers(event)))

    again = from_headers(dict(dead.to_headers()), event.body)

    assert again == event


def test_a_letter_that_dies_again_keeps_only_its_last_death() -> None:
    first = unreadable(reason="gone", target="wms")

    second = unreadable(reason="refused", headers=dict(first.to_headers()))

    names = [name for name, _ in second.to_headers()]
    assert len(names) == len(set(names))
    assert round_trip(second).reason == "refused"
    assert round_trip(second).headers == {"account": b"shop"}
    assert round_trip(second).target is None


def test_a_detail_is_one_short_line_that_encodes() -> None:
    dead = unreadable(detail="no\nsuch\x00\ud800 field " + "x" * 10_000)

    headers = dict(dead.to_headers())

    assert len(headers["dead-detail"]) == letter.TEXT_LIMIT
    assert headers["dead-detail"].startswith(b"no such   field x")


@pytest.mark.parametrize(
    "headers", [{}, dict(unreadable().to_headers()) | {"dead-offset": b"seven"}]
)
def test_other_records_are_no_dead_letters(headers: dict[str, bytes]) -> None:
    with pytest.raises(UnreadableError) as caught:
        letter.from_headers(headers, b"k", b"v")

    assert caught.value.reason == "not_a_letter"


def test_the_value_does_not_show_in_the_representation() -> None:
    assert "xff" not in repr(unreadable())


def test_connect_tooling_finds_the_origin_as_text() -> None:
    headers = dict(given_up().to_headers())

    assert {
        name.removeprefix("__connect.errors."): text.decode()
        for name, text in headers.items()
        if name.startswith("__connect.errors.")
    } == {
        "topic": "returns.events",
        "partition": "3",
        "offset": "77",
        "connector.name": "wms",
        "task.id": "3",
        "stage": "TASK_PUT",
        "class.name": "bridge.deliver",
        "exception.class.name": "returns_bridge.AttemptsSpent",
        "exception.message": "gone: 20 failures",
    }


def test_spring_tooling_finds_the_origin_in_java_bytes() -> None:
    headers = dict(given_up().to_headers())

    assert {
        name.removeprefix("kafka_dlt-"): value
        for name, value in headers.items()
        if name.startswith("kafka_dlt-")
    } == {
        "original-topic": b"returns.events",
        "original-partition": b"\0\0\0\3",
        "original-offset": b"\0\0\0\0\0\0\0\x4d",
        "original-timestamp": (1_763_695_800_000).to_bytes(8, "big"),
        "exception-fqcn": b"returns_bridge.AttemptsSpent",
        "exception-message": b"gone: 20 failures",
    }


def given_up() -> DeadLetter:
    return unreadable(
        stage="deliver",
        target="wms",
        cause="attempts_spent",
        reason="gone",
        detail="20 failures",
    )


def test_what_is_unreadable_died_in_the_converter_as_connect_has_it() -> None:
    headers = dict(unreadable().to_headers())

    assert headers["__connect.errors.stage"] == b"VALUE_CONVERTER"
    assert headers["__connect.errors.connector.name"] == b"inbound"
    assert headers["__connect.errors.exception.message"] == b"not_json"


def test_headers_are_bounded_and_the_small_ones_are_kept() -> None:
    originals = {"b": b"2", "huge": b"x" * 100_000, "a": b"1", "large": b"y" * 16_000}
    dead = unreadable(
        headers=originals | {f"many-{n}": b"z" * 100 for n in range(500)},
        detail="d" * 9_000,
        path="$" * 9_000,
        answer=HttpAnswer(500, "e" * 9_000),
    )

    headers = dict(dead.to_headers())

    assert (headers["a"], headers["b"]) == (b"1", b"2")
    assert not {"huge", "large"} & headers.keys()
    assert int(headers["dead-headers-dropped"]) > 2
    assert sum(len(name) + len(text) for name, text in headers.items()) < 24 * 1024


def test_a_letter_of_an_earlier_version_has_no_cause() -> None:
    headers = dict(unreadable().to_headers())
    del headers["dead-cause"]

    assert letter.from_headers(headers, b"k", b"v").cause == ""
