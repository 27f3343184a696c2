"""From an HTTP answer to the class of its cause."""

import httpx
import pytest

from bridge.platforms import PLATFORMS
from bridge.platforms.loop import api as loop
from bridge.platforms.meaning import (
    JUDGED,
    SHARED,
    Meaning,
    Table,
    fields_of,
    meaning_of,
)
from bridge.platforms.redo.answers import TABLE
from bridge.platforms.returngo import api as returngo
from bridge.platforms.returnlogic import api as returnlogic
from bridge.platforms.warehouse.answers import API, RECEIVER

TABLES = {
    "redo": TABLE,
    "loop": loop.TABLE,
    "returngo": returngo.TABLE,
    "returnlogic": returnlogic.TABLE,
    "warehouse.resource": API,
    "warehouse.event": RECEIVER,
}
BESIDES = {"returnlogic": {503}}
"""What a vendor gives a meaning of its own: maintenance, here."""

FETCHING = "fetch"
"""Reads a return as its platform's poll does, and is judged with it."""


def test_every_target_that_is_offered_has_a_table() -> None:
    offered = {kind for offer in PLATFORMS.values() for kind in offer.targets}

    assert TABLES.keys() == offered - {FETCHING}


@pytest.mark.parametrize("name", TABLES)
def test_every_table_judges_by_itself_what_http_leaves_open(name: str) -> None:
    table = TABLES[name]

    assert table.keys() == {*SHARED, *JUDGED, *BESIDES.get(name, ())}
    assert {status: table[status] for status in SHARED} == SHARED


@pytest.mark.parametrize(
    ("status", "wait_named", "meaning"),
    [
        (200, False, "delivered"),
        (204, True, "delivered"),
        (301, False, "failed"),
        (402, False, "refused"),
        (429, False, "throttled"),
        (500, True, "failed"),
        (503, False, "failed"),
        (503, True, "throttled"),
        (599, False, "failed"),
    ],
)
def test_what_the_table_does_not_say_its_class_says(
    status: int, *, wait_named: bool, meaning: Meaning
) -> None:
    assert meaning_of(status, SHARED, wait_named=wait_named) == meaning


def test_the_table_goes_first() -> None:
    table: Table = {503: "refused"}

    assert meaning_of(503, table, wait_named=True) == "refused"


@pytest.mark.parametrize("body", [b"", b"[1]", b"null", b"\xff", b"[" * 5_000])
def test_a_body_that_is_no_object_has_no_fields(body: bytes) -> None:
    assert fields_of(httpx.Response(400, content=body)) == {}


def test_the_fields_of_an_object_are_read() -> None:
    assert fields_of(httpx.Response(400, json={"code": 1})) == {"code": 1}
