"""What the normaliser keeps of one subject, and how `returns.snapshots` carries it.

The record is the published snapshot with what numbering and folding need beside it:
`{"return": …, "sequence": …, "chain": …, "version": …, …}`. It is a table anyone may
read and the whole state of a subject: an owner that has it needs nothing else.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

import orjson
from pydantic import (
    ConfigDict,
    Field,
    NonNegativeInt,
    PlainSerializer,
    ValidationError,
)

from bridge.canonical.base import Model
from bridge.canonical.envelope import chain_start
from bridge.canonical.goods import GoodsDocument
from bridge.canonical.model import Return
from bridge.canonical.snapshot import Snapshot
from bridge.canonical.states import State
from bridge.errors import BridgeError
from bridge.platforms.contract import Version


class CorruptStateError(BridgeError):
    """A record of `returns.snapshots` is not the state of a subject.

    The message names the place in the record, never a value out of it.
    """

    reason = "corrupt_state"


_NEEDED = (
    *(name for name, field in Return.model_fields.items() if field.is_required()),
    "schema_version",
)


def _in_order(names: Iterable[str]) -> list[str]:
    return sorted(names)


Names = Annotated[frozenset[str], PlainSerializer(_in_order)]
"""A set of texts, written in order so that equal states are equal bytes."""


class GoodsSection(Model):
    """What is known of one warehouse document beside the document itself.

    `version` is that of the last report (None where only facts came), `facts_seen`
    the sender's ids of all facts ever counted in.
    """

    version: Version | None = None
    facts_seen: Names = frozenset()


class Said(Model):
    """Which fields of the return were last said at which version."""

    version: Version
    fields: tuple[str, ...]


class SubjectState(Model):
    """One subject as the normaliser left it.

    `snapshot` is the published one: the platform's view and the warehouses' documents
    merged; `return_` is its typed form. `platform_state` is the state as the
    platform says it, which news from a warehouse may be ahead of; it and `version`
    are None until the platform's view was seen. Where a platform says a return in parts
    (`bridge/normalize/views.py`), `said` and `parcels` have the versions of fields and
    parcels instead, and `stated` the state before its parcels moved it. `goods` has one
    section per warehouse document, by `document_key`. `announced` are the money facts
    told so far (`bridge/canonical/diff.py`), `requests_seen` the requests told, as
    `kind/correlation id`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    schema_version: Literal[1] = 1
    subject: str
    sequence: NonNegativeInt
    chain: str
    snapshot: Snapshot | None = Field(default=None, exclude=True)
    version: Version | None = None
    platform_state: State | None = None
    stated: State | None = None
    said: tuple[Said, ...] = ()
    parcels: dict[str, Version] = Field(default_factory=dict)
    goods: dict[str, GoodsSection] = Field(default_factory=dict)
    announced: Names = frozenset()
    requests_seen: Names = frozenset()

    @property
    def return_(self) -> Return | None:
        """The published return; None before the first news."""
        return None if self.snapshot is None else self.snapshot.model


def start(subject: str) -> SubjectState:
    """Return the state of a subject before its first event."""
    return SubjectState(subject=subject, sequence=0, chain=chain_start(subject))


def document_key(document: GoodsDocument) -> str:
    """Return the key of a warehouse's document: `account/return_id`."""
    return f"{document.account}/{document.return_id}"


def encode(state: SubjectState, snapshot: bytes) -> bytes:
    """Return the record of `state`; `snapshot` is its return, encoded already."""
    return b'{"return":' + snapshot + b"," + state.model_dump_json().encode()[1:]


def decode(record: bytes) -> SubjectState:
    """Read a record of `returns.snapshots`; raise CorruptStateError if it is none.

    Fields that this version does not know are ignored: during a rolling upgrade the
    writer may be newer.
    """
    try:
        fields = orjson.loads(record)
        fields["snapshot"] = _snapshot(fields.pop("return", None))
        return SubjectState.model_validate(fields, extra="ignore")
    except ValidationError as broken:
        error = broken.errors(include_input=False, include_url=False)[0]
        place = "".join(f"/{step}" for step in error["loc"])
        raise _corrupt(f"{error['type']} at {place}") from None
    except (ValueError, TypeError, AttributeError):
        raise _corrupt("no JSON object at its beginning") from None


def _snapshot(plain: object) -> Snapshot | None:
    """Return the snapshot of a record; its inner shape is judged where it is read."""
    if plain is None:
        return None
    if not isinstance(plain, dict):
        raise _corrupt("no JSON object at /return")
    missing = next((name for name in _NEEDED if name not in plain), None)
    if missing or plain["schema_version"] != 1:
        raise _corrupt(f"missing or unknown at /return/{missing or 'schema_version'}")
    return Snapshot.from_plain(plain)


def _corrupt(what: str) -> CorruptStateError:
    return CorruptStateError(
        f"a snapshot record is not of schema version 1: {what}; run the bridge version "
        "that wrote it, or restore the record of this key in the snapshots topic"
    )
