"""In which of the generic forms the warehouse tells things (wms.md, section 7).

A snapshot in a CloudEvents envelope, the same bare, or deltas with permanent ids. What
some systems leave out hurts, so it can be left out here: the reference, the number of
the document's state, the zone of its times.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from pydantic import JsonValue

from bridge.sandbox.front import Json
from bridge.sandbox.warehouse_documents import Document
from bridge.sandbox.warehouse_snapshot import snapshot

FACTS = "wms.warehouse-facts/1"
Form = Literal["cloudevents", "bare", "facts"]


@dataclass(frozen=True, slots=True)
class Wording:
    """How reports are written. Facts have ids and so need neither number nor time."""

    form: Form = "cloudevents"
    echoes_reference: bool = True
    numbered: bool = True
    zoned: bool = True

    @property
    def content_type(self) -> str:
        envelope = self.form == "cloudevents"
        return "application/cloudevents+json" if envelope else "application/json"


@dataclass(slots=True)
class _Told:
    """What was said of one document so far, and how it stood then."""

    status: str = ""
    counts: Counter[tuple[str, ...]] = field(default_factory=Counter)


class Writer:
    """Writes the bodies of one account's reports, in order."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._told: dict[str, _Told] = {}
        self._scans = count(1)

    def body(self, id_: str, document: Document, wording: Wording) -> Json:
        """Return the body of report `id_`: the document as it is, or what is new."""
        if wording.form == "facts":
            return self._facts(document, wording)
        told = _worded(snapshot(document), wording)
        if wording.form == "bare":
            return told
        return {
            "specversion": "1.0",
            "id": id_,
            "source": f"urn:wms:{self._account}",
            "type": "wms.return.changed",
            "subject": document.wms_return_id,
            "time": told["updated_at"],
            "datacontenttype": "application/json",
            "dataschema": "urn:returns-bridge:wms.return-snapshot:1",
            "data": told,
        }

    def _facts(self, document: Document, wording: Wording) -> Json:
        now = _worded(snapshot(document), wording)
        told = self._told.setdefault(document.wms_return_id, _Told())
        facts: list[JsonValue] = [
            {
                "id": f"{self._account}-scan-{next(self._scans)}",
                "occurred_at": now["occurred_at"],
                **fact,
            }
            for fact in _news(document, told)
        ]
        told.status = document.status
        told.counts = _counts(document)
        ids = {name: now[name] for name in ("wms_return_id", "reference")}
        return {"spec": FACTS, **ids, "facts": facts}


def _worded(told: Json, wording: Wording) -> Json:
    """Leave out what this system does not tell."""
    told = dict(told)
    if not wording.echoes_reference:
        told["reference"] = None
    if not wording.numbered:
        del told["version"]
    if not wording.zoned:
        for name in ("occurred_at", "updated_at"):
            told[name] = str(told[name]).removesuffix("Z").replace("T", " ")
    return told


#: By status: the fact that tells it; others show in what was counted.
_STAGES = {
    "awaiting": "announced",
    "arrived": "arrived",
    "completed": "completed",
    "cancelled": "cancelled",
}
_ENDS = frozenset({"completed", "cancelled"})
_DONE = {"A": ("restocked", None), "D": ("withheld", "quarantine")}
_DISPOSED = frozenset({"dispose", "donate", "return_to_merchant"})


def _counts(document: Document) -> Counter[tuple[str, ...]]:
    """Return every counter of a document, by what it counts."""
    counts: Counter[tuple[str, ...]] = Counter()
    for line in document.lines:
        key = (line.line_key, line.sku or "")
        counts["received", *key] = line.received
        for outcome, quantity in line.outcomes.items():
            counts[outcome, *key] = quantity
    for code, quantity in document.discrepancies.items():
        counts["discrepancy", code] = quantity
    return counts


def _news(document: Document, told: _Told) -> Iterator[Json]:
    """Yield what has happened since, a fact each; an end comes last."""
    moved = document.status != told.status
    stage = _STAGES.get(document.status.lower()) if moved else None
    ended = stage in _ENDS
    if moved and told.status.lower() in _ENDS and not ended:
        yield {"kind": "corrected", "quantity": 0}
    if stage is not None and not ended:
        yield {"kind": stage}
    now = _counts(document)
    for key in dict.fromkeys((*told.counts, *now)):
        if now[key] != told.counts[key]:
            yield _fact(key, now[key] - told.counts[key])
    if document.rejected_reason is not None and moved:
        yield {"kind": "rejected", "reason": document.rejected_reason}
    if moved and document.status == "not_arrived":
        yield {"kind": "discrepancy", "discrepancy": "not_arrived", "quantity": 1}
    if ended:
        yield {"kind": stage}


def _fact(key: tuple[str, ...], delta: int) -> Json:
    """Return one counter's move."""
    what, *where = key
    if what == "discrepancy":
        return {"kind": what, "discrepancy": where[0], "quantity": delta}
    place: Mapping[str, JsonValue] = {"line_key": where[0], "sku": where[1] or None}
    if what == "received":
        kind = "received" if delta > 0 else "corrected"
        return {"kind": kind, "quantity": delta, **place}
    kind, disposition = _DONE.get(what, ("withheld", what))
    if what in _DISPOSED:
        kind = "disposed"
    return {
        "kind": kind,
        "disposition": "quarantine" if what == "U" else disposition,
        "quantity": delta,
        **place,
    }
