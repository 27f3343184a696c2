"""What the normaliser keeps of one subject, and how `returns.snapshots` carries it.

The record is the published snapshot with what numbering and folding need beside it:
`{"return": …, "sequence": …, "chain": …, "version": …, …}`. It is a table anyone may
read and the whole state of a subject: an owner that has it needs nothing else.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

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
from bridge.canonical.states import State
from bridge.errors import BridgeError
from bridge.platforms.contract import Version


class CorruptStateError(BridgeError):
    """A record of `returns.snapshots` is not the state of a subject.

    The message names the place in the record, never a value out of it.
    """

    reason = "corrupt_state"


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


class SubjectState(Model):
    """One subject as the normaliser left it.

    `return_` is the published snapshot: the platform's view and the warehouses'
    documents merged. `platform_state` is the state as the platform says it, which
    news from a warehouse may be ahead of; it and `version` are None until the
    platform's view was seen. `goods` has one section per warehouse document, by
    `document_key`. `announced` are the money facts told so far
    (`bridge/canonical/diff.py`), `requests_seen` the correlation ids of requests.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_version: Literal[1] = 1
    subject: str
    sequence: NonNegativeInt
    chain: str
    return_: Annotated[Return | None, Field(alias="return")] = None
    version: Version | None = None
    platform_state: State | None = None
    goods: dict[str, GoodsSection] = Field(default_factory=dict)
    announced: Names = frozenset()
    requests_seen: Names = frozenset()


def start(subject: str) -> SubjectState:
    """Return the state of a subject before its first event."""
    return SubjectState(subject=subject, sequence=0, chain=chain_start(subject))


def document_key(document: GoodsDocument) -> str:
    """Return the key of a warehouse's document: `account/return_id`."""
    return f"{document.account}/{document.return_id}"


def encode(state: SubjectState, snapshot: bytes) -> bytes:
    """Return the record of `state`; `snapshot` is its return, encoded already."""
    rest = state.model_dump_json(exclude={"return_"}, by_alias=True).encode()
    return b'{"return":' + snapshot + b"," + rest[1:]


def decode(record: bytes) -> SubjectState:
    """Read a record of `returns.snapshots`; raise CorruptStateError if it is none.

    Fields that this version does not know are ignored: during a rolling upgrade the
    writer may be newer.
    """
    try:
        return SubjectState.model_validate_json(record, extra="ignore")
    except ValidationError as broken:
        error = broken.errors(include_input=False, include_url=False)[0]
        place = "".join(f"/{step}" for step in error["loc"])
        message = (
            f"a snapshot record is not of schema version 1: {error['type']} at "
            f"{place or 'its beginning'}; run the bridge version that wrote it, or "
            "restore the record of this key in the snapshots topic"
        )
        raise CorruptStateError(message) from None
