"""The AsyncAPI 3 document: every topic, every event type, who writes and who reads.

FastStream describes the channels; payloads are the JSON Schemas beside the document,
referred to by relative path, so that no shape is written down twice.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI, License

from bridge.canonical.events import TYPES
from bridge.canonical.schemas import Schema
from bridge.client.headers import EVENT, RAW
from bridge.streams.topics import PER_TARGET, TABLE, TopicRow

#: The address in the document; a reader puts its own broker there.
SERVER = "localhost:9092"
#: The version of the contract, not of the software: all event types are `v1`.
VERSION = "1.0.0"
_DESCRIPTION = """\
Canonical events of returns, in order per subject, and the topics behind them.

Read `returns.events` and `returns.snapshots`, committed transactions only. A field
you do not know is to be ignored. `returns.raw` takes observations of accounts that
the bridge is configured for. The other topics are the bridge's own."""


@dataclass(frozen=True, slots=True)
class Message:
    """One kind of record: its name, topic row, payload and header schemas."""

    name: str
    row: TopicRow
    payload: Schema
    headers: Schema | None = None
    content_type: str = "application/json"


_EVENT_HEADERS: Schema = {"$ref": "#/components/schemas/EventHeaders"}
_RAW_HEADERS: Schema = {"$ref": "#/components/schemas/RawHeaders"}
_DEAD_HEADERS: Schema = {"$ref": "./dead-letter-headers.json"}
_OWN: Schema = {"description": "The bridge's own; not a promise."}
_BYTES: Schema = {"description": "The original bytes, whatever they are."}
_ANY = "application/octet-stream"

#: What the records of each row are, beside events, which have one kind per type.
_PAYLOADS: Mapping[str, tuple[Schema, Schema | None, str]] = {
    "raw": (_BYTES, _RAW_HEADERS, _ANY),
    "snapshots": ({"$ref": "./snapshot.json"}, None, "application/json"),
    "dead.inbound": (_BYTES, _DEAD_HEADERS, _ANY),
    "dead.<target>": (_BYTES, _DEAD_HEADERS, _ANY),
    "receipts.<target>": ({"$ref": "./receipt-sheet.json"}, None, "application/json"),
}

#: Rows that others may write; an instruction is written by nobody else.
_RECEIVED = ("raw", "instructions")


def messages() -> Iterator[Message]:
    """Return every kind of record, in the order of the topics table."""
    for row in TABLE:
        if row.name == "events":
            for name in TYPES:
                payload: Schema = {"$ref": f"./events/{name}.json"}
                yield Message(f"returns.{name}.v1", row, payload, _EVENT_HEADERS)
        else:
            yield Message(
                _channel(row), row, *_PAYLOADS.get(row.name, (_OWN, None, _ANY))
            )


def document(prefix: str = "returns") -> Schema:
    """Return the document as JSON-ready values."""
    kinds = list(messages())
    generated = _generated(kinds, prefix)
    described = cast("Mapping[str, Schema]", generated["channels"])
    channels: dict[str, Schema] = {}
    for kind in kinds:
        key = _channel(kind.row)
        channel = channels.setdefault(key, _described(kind, described[kind.name]))
        cast("Schema", channel["messages"])[kind.name] = {
            "$ref": f"#/components/messages/{kind.name}"
        }
    return {
        "asyncapi": generated["asyncapi"],
        **generated,
        "channels": dict(channels),
        "operations": {
            f"{action}.{key}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{key}"},
            }
            for action, key in _operations()
        },
        "components": {
            "messages": {kind.name: _message(kind) for kind in kinds},
            "schemas": {"EventHeaders": EVENT, "RawHeaders": RAW},
        },
    }


def _generated(kinds: list[Message], prefix: str) -> Schema:
    broker = KafkaBroker(SERVER)
    for kind in kinds:
        broker.publisher(_address(kind.row, prefix), title=kind.name)
    specification = AsyncAPI(
        broker,
        title="Returns bridge",
        version=VERSION,
        description=_DESCRIPTION,
        license=License(name="Apache-2.0"),
    )
    return cast("Schema", specification.to_specification().to_jsonable())


def _channel(row: TopicRow) -> str:
    return row.name.replace(PER_TARGET, ".target")


def _address(row: TopicRow, prefix: str) -> str:
    return f"{prefix}.{row.name.replace(PER_TARGET, '.{target}')}"


def _described(kind: Message, generated: Schema) -> Schema:
    row = kind.row
    clean_up = "compacted" if row.keep is None else f"kept {row.keep.days} days"
    target: Schema = {"description": "The name of a target in the bridge's settings."}
    return {
        **generated,
        "description": f"{row.holds}. Key: {row.key}. Writer: {row.writer}. "
        f"By default {clean_up}.",
        "messages": {},
        **({"parameters": {"target": target}} if PER_TARGET in row.name else {}),
    }


def _operations() -> Iterator[tuple[str, str]]:
    for row in TABLE:
        if row.name != "instructions":
            yield "send", _channel(row)
        if row.name in _RECEIVED:
            yield "receive", _channel(row)


def _message(kind: Message) -> Schema:
    described: Schema = {
        "name": kind.name,
        "title": kind.name,
        "contentType": kind.content_type,
        "payload": kind.payload,
    }
    key: Schema = {"type": "string", "description": kind.row.key}
    if not kind.row.key.startswith("none"):
        described["bindings"] = {"kafka": {"key": key, "bindingVersion": "0.4.0"}}
    if kind.headers is not None:
        described["headers"] = kind.headers
    return described
