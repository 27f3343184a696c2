"""What a warehouse found, as platforms are told: is it all good, and in which words.

Shared by the targets that write to platforms; which event makes them write what is
each one's own rules. Texts hold codes, counts and article numbers, no person.
"""

from string import Template
from typing import Annotated

from pydantic import AfterValidator

from bridge.canonical.event_data import EventData
from bridge.canonical.events import TYPES
from bridge.canonical.goods import (
    ConditionCode,
    DispositionCode,
    GoodsDocument,
    GoodsLine,
    GoodsStatus,
)
from bridge.canonical.goods import Outcome as GoodsOutcome
from bridge.canonical.goods_events import GoodsEventData, LineFact
from bridge.canonical.model import Return

WORDS = frozenset({"type", "number", "state", "warehouse", "reference", "lines"})
"""What a text may name as `$word`."""

_MOST_LINES = 20
_SPOILT = frozenset(
    {ConditionCode.DAMAGED, ConditionCode.DEFECTIVE, ConditionCode.INCOMPLETE}
)


def _known_type(name: str) -> str:
    if name not in TYPES:
        raise ValueError("not an event type, for instance goods.received")
    return name


def _renderable(text: str) -> str:
    template = Template(text)
    unknown = sorted(set(template.get_identifiers()) - WORDS)
    if not template.is_valid() or unknown:
        raise ValueError(f"write $word (or $$) with a word of {sorted(WORDS)}")
    return text


EventName = Annotated[str, AfterValidator(_known_type)]
"""The short name of an event type."""

Wording = Annotated[str, AfterValidator(_renderable)]
"""A text with `$word`s out of `WORDS`."""


def all_good(view: Return) -> bool:
    """Tell whether every unit that was to come is back, sound and restocked.

    Over all warehouse documents of the return but cancelled ones: the counts are
    those announced, they make up the return's own quantities (lines that the shopper
    keeps left out), and no unit is withheld, disposed of, rejected or spoilt.
    """
    documents = [
        document
        for document in view.goods
        if document.status is not GoodsStatus.CANCELLED
    ]
    received = sum(line.received for found in documents for line in found.lines)
    due = sum(item.quantity for item in view.items if not item.keeps_goods)
    return 0 < received == due and all(map(_document_good, documents))


def _document_good(document: GoodsDocument) -> bool:
    return (
        document.rejected_reason is None
        and not document.discrepancies
        and all(map(_line_good, document.lines))
    )


def _line_good(line: GoodsLine) -> bool:
    decided = [outcome for outcome in line.outcomes if outcome.quantity]
    return (
        line.received == line.expected
        and line.received == sum(outcome.quantity for outcome in decided)
        and all(map(_outcome_good, decided))
    )


def _outcome_good(outcome: GoodsOutcome) -> bool:
    spoilt = outcome.condition is not None and outcome.condition.code in _SPOILT
    return outcome.disposition is DispositionCode.RESTOCK and not spoilt


def render(template: str, type_: str, data: EventData) -> str:
    """Return the text with its words filled in."""
    view = data.return_
    words = {
        "type": type_,
        "number": view.number or "",
        "state": view.state.value,
        "warehouse": "",
        "reference": "",
        "lines": "",
    }
    if isinstance(data, GoodsEventData):
        words["warehouse"] = data.warehouse.account
        words["reference"] = data.reference or ""
        words["lines"] = _list(data.lines)
    return Template(template).substitute(words)


def _list(lines: tuple[LineFact, ...]) -> str:
    shown = [_describe(line) for line in lines[:_MOST_LINES]]
    hidden = len(lines) - len(shown)
    return "; ".join([*shown, f"and {hidden} more lines"] if hidden else shown)


def _describe(line: LineFact) -> str:
    """Return for instance `RUG-90: 1 of 2, restock, damaged`."""
    facts = [_count(line)]
    if line.disposition is not None:
        facts.append(line.disposition.code.value)
    if line.condition is not None:
        facts.append(line.condition.code.value)
    if line.discrepancy is not None:
        facts.append(f"{line.discrepancy.quantity} {line.discrepancy.code.value}")
    words = ", ".join(filter(None, facts)).replace("_", " ")
    return f"{line.sku or line.line_key or 'parcel'}: {words}"


def _count(line: LineFact) -> str:
    if line.total is None:
        return ""
    return (
        f"{line.total}" if line.expected is None else f"{line.total} of {line.expected}"
    )
