from datetime import UTC, datetime, timedelta

import pytest

from bridge.canonical.envelope import Cause, from_headers, seal, to_headers
from bridge.deadletters import letter
from bridge.deadletters.letter import About, DeadLetter, Position, Tries
from bridge.errors import UnreadableError

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

    assert len(headers["dead-detail"]) == letter.DETAIL_LIMIT
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
