"""Receipts: what each finished event came to, many on one sheet per commit.

A record costs the client about 35 µs to send, so the receipts of a tick travel
together; a sheet above the topic's message limit is split. Sheets are plain JSON,
written and read with orjson on the hot path. Which outcome an event came to is
decided elsewhere; here are only the values and their codec.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import orjson

from bridge.errors import UnreadableError

#: Bytes of one sheet: below Kafka's default `message.max.bytes` of 1,048,588.
SHEET_LIMIT = 900_000

#: The outcome of a receipt whose event was given up on; a later receipt of the same
#: event (an operator's retry or discard) settles it.
DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One conversation about one event: aware UTC times, outcome, short reason.

    `outcome` is `delivered`, `already_applied`, `skipped`, `failed`, `throttled`,
    `not_yet`, `refused` or `unauthorized`.
    """

    started_at: datetime
    ended_at: datetime
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The entry of one finished event; `outcome` is its last attempt's, or `dead`."""

    id: str
    subject: str
    sequence: int
    chain: str
    type: str
    outcome: str
    attempts: tuple[Attempt, ...]
    finished_at: datetime


@dataclass(frozen=True, slots=True)
class Sheet:
    """The receipts that one worker wrote in one commit, in the order of finishing."""

    worker: str
    target: str
    partition: int
    receipts: tuple[Receipt, ...]


def encode_sheet(sheet: Sheet, limit: int = SHEET_LIMIT) -> list[bytes]:
    """Return the record values of `sheet`, each at most `limit` bytes.

    A single receipt longer than `limit` stands alone; no receipts, no records.
    """
    head = orjson.dumps(
        {
            "version": 1,
            "worker": sheet.worker,
            "target": sheet.target,
            "partition": sheet.partition,
        }
    )
    start = head[:-1] + b',"receipts":['
    entries = [orjson.dumps(receipt) for receipt in sheet.receipts]
    room = limit - len(start) - len(b"]}")
    return [start + b",".join(part) + b"]}" for part in _split(entries, room)]


def _split(entries: list[bytes], room: int) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    used = 0
    for entry in entries:
        if part and used + len(entry) > room:
            yield part
            part, used = [], 0
        part.append(entry)
        used += len(entry) + 1
    if part:
        yield part


def decode_sheet(value: bytes) -> Sheet:
    """Read a record's value; raise UnreadableError if it is no sheet.

    Fields that this version does not know are ignored.
    """
    try:
        sheet = orjson.loads(value)
        return Sheet(
            worker=str(sheet["worker"]),
            target=str(sheet["target"]),
            partition=int(sheet["partition"]),
            receipts=tuple(_receipt(entry) for entry in sheet["receipts"]),
        )
    except (KeyError, TypeError, ValueError) as broken:
        reason = f"not a sheet of receipts: {type(broken).__name__}"
        raise UnreadableError("not_a_sheet", "$", reason) from broken


def _receipt(entry: Mapping[str, object]) -> Receipt:
    attempts = cast("list[Mapping[str, str]]", entry["attempts"])
    return Receipt(
        id=str(entry["id"]),
        subject=str(entry["subject"]),
        sequence=int(cast("int", entry["sequence"])),
        chain=str(entry["chain"]),
        type=str(entry["type"]),
        outcome=str(entry["outcome"]),
        attempts=tuple(_attempt(attempt) for attempt in attempts),
        finished_at=datetime.fromisoformat(str(entry["finished_at"])),
    )


def _attempt(entry: Mapping[str, str]) -> Attempt:
    return Attempt(
        started_at=datetime.fromisoformat(entry["started_at"]),
        ended_at=datetime.fromisoformat(entry["ended_at"]),
        outcome=entry["outcome"],
        reason=entry["reason"],
    )
