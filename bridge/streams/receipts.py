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
from bridge.values import value

#: Bytes of one sheet: below Kafka's default `message.max.bytes` of 1,048,588.
SHEET_LIMIT = 900_000

#: The outcome of a receipt whose event was given up on; a later receipt of the same
#: event (an operator's retry or discard) settles it.
DEAD = "dead"
#: The outcome of a receipt whose event an operator has given up for good.
DISCARDED = "discarded"


@value
class Attempt:
    """One conversation about one event: aware UTC times, outcome, short reason.

    `outcome` is `delivered`, `already_applied`, `skipped`, `failed`, `throttled`,
    `not_yet`, `refused` or `unauthorized`.
    """

    started_at: datetime
    ended_at: datetime
    outcome: str
    reason: str = ""


@value
class Receipt:
    """The entry of one finished event.

    `outcome` is its last attempt's, `dead`, or `discarded`. `tried` counts all its
    attempts, also those that `attempts` no longer remembers. `edited` tells that an
    operator has changed its body.
    """

    id: str
    subject: str
    sequence: int
    chain: str
    type: str
    outcome: str
    attempts: tuple[Attempt, ...]
    finished_at: datetime
    tried: int = 0
    edited: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one instruction; `why` says it in words when not applied.

    `sequence` is the event's; None for a pause, and where no event was found.
    """

    instruction: str
    action: str
    subject: str
    sequence: int | None
    applied: bool
    why: str
    at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one worker wrote in one commit: receipts in the order of finishing, answers.

    Answers travel on records of their own, before the receipts.
    """

    worker: str
    target: str
    partition: int
    receipts: tuple[Receipt, ...]
    answers: tuple[Answer, ...] = ()


class Pad:
    """What the next sheets are torn from: entries, encoded as they come.

    A finished event is at hand then, and its bytes take a third of the memory; without
    the comma, which makes a copy of them, they keep the 4 KiB that orjson wrote into.
    """

    def __init__(self, *, worker: str, target: str, partition: int) -> None:
        head = {
            "version": 1,
            "worker": worker,
            "target": target,
            "partition": partition,
        }
        self._head = orjson.dumps(head)[:-1] + b","
        self._receipts: list[bytes] = []
        self._answers: list[bytes] = []

    def receipt(self, receipt: Receipt) -> None:
        """Add the entry of a finished event."""
        self._receipts.append(orjson.dumps(_plain(receipt)) + b",")

    def answer(self, answer: Answer) -> None:
        """Add what became of an instruction."""
        self._answers.append(orjson.dumps(answer) + b",")

    def tear_off(self, limit: int = SHEET_LIMIT) -> list[bytes]:
        """Return the record values of all entries, each at most `limit` bytes.

        A single entry longer than `limit` stands alone; no entries, no records.
        """
        receipts, self._receipts = self._receipts, []
        answers, self._answers = self._answers, []
        return [
            *self._sheets(b'"receipts":[],"answers":[', answers, limit),
            *self._sheets(b'"receipts":[', receipts, limit),
        ]

    def _sheets(
        self, field: bytes, entries: list[bytes], limit: int
    ) -> Iterator[bytes]:
        start = self._head + field
        for part in _split(entries, limit - len(start) - len(b"]}")):
            yield start + b"".join(part)[:-1] + b"]}"


def encode_sheet(sheet: Sheet, limit: int = SHEET_LIMIT) -> list[bytes]:
    """Return the record values of `sheet`, as a `Pad` tears them off."""
    pad = Pad(worker=sheet.worker, target=sheet.target, partition=sheet.partition)
    for answer in sheet.answers:
        pad.answer(answer)
    for receipt in sheet.receipts:
        pad.receipt(receipt)
    return pad.tear_off(limit)


def _plain(receipt: Receipt) -> Mapping[str, object]:
    """Return `receipt` as orjson writes it at half of what a dataclass costs."""
    return {
        "id": receipt.id,
        "subject": receipt.subject,
        "sequence": receipt.sequence,
        "chain": receipt.chain,
        "type": receipt.type,
        "outcome": receipt.outcome,
        "attempts": [
            {
                "started_at": attempt.started_at,
                "ended_at": attempt.ended_at,
                "outcome": attempt.outcome,
                "reason": attempt.reason,
            }
            for attempt in receipt.attempts
        ],
        "finished_at": receipt.finished_at,
        "tried": receipt.tried,
        "edited": receipt.edited,
    }


def _split(entries: list[bytes], room: int) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    used = 0
    for entry in entries:
        if part and used + len(entry) - len(b",") > room:
            yield part
            part, used = [], 0
        part.append(entry)
        used += len(entry)
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
            answers=tuple(_answer(entry) for entry in sheet.get("answers", ())),
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
        tried=int(cast("int", entry.get("tried", len(attempts)))),
        edited=bool(entry.get("edited", False)),
    )


def _answer(entry: Mapping[str, object]) -> Answer:
    sequence = entry["sequence"]
    return Answer(
        instruction=str(entry["instruction"]),
        action=str(entry["action"]),
        subject=str(entry["subject"]),
        sequence=None if sequence is None else int(cast("int", sequence)),
        applied=bool(entry["applied"]),
        why=str(entry["why"]),
        at=datetime.fromisoformat(str(entry["at"])),
        author=str(entry["author"]),
    )


def _attempt(entry: Mapping[str, str]) -> Attempt:
    return Attempt(
        started_at=datetime.fromisoformat(entry["started_at"]),
        ended_at=datetime.fromisoformat(entry["ended_at"]),
        outcome=entry["outcome"],
        reason=entry["reason"],
    )
