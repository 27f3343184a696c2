"""From one observation to the events it makes: `fold`. Pure.

**Which news counts.** A document (the platform's view, or one warehouse's report) is
taken if its version is greater than the one taken last, and dropped otherwise:
versions are totally ordered, so the greatest one has the last word in whatever order,
and however often, observations arrive. Facts count once by their sender's own id. A
document that is newer and says the same makes no event but is kept with its version:
what lies between the two versions must stay old news after a restart as well. Where a
platform says a return in parts, the same holds for each field
(`bridge/normalize/views.py`). Requests count once by kind and correlation id.

What depends on the order of arrival: `observed_at`, sequence and chain (the history
is what *we* saw, in that order), and in warehouse documents what only a difference can
say: the epochs of counters, which count the falls that were seen, the zeros they leave
behind, and a status that an unknown one left standing. The items of the return are not
handed to the goods functions to split a SKU's count over lines: the result would
depend on whether the platform's view came first.

**The order of events** of one observation: first what the platform said, in the order
of `bridge/canonical/diff.py`. A warehouse's news: `return.created` if the return was
not known, the goods events in the order of `bridge/normalize/goods.py`, then the
state of the return that follows from them. Requests come last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.canonical.diff import diff, paid
from bridge.canonical.draft import Draft
from bridge.canonical.draft import encode as encode_draft
from bridge.canonical.envelope import Cause, Event, seal
from bridge.canonical.goods import GoodsDocument
from bridge.canonical.model import Return
from bridge.canonical.snapshot import Snapshot
from bridge.canonical.states import State, is_expected
from bridge.errors import UnreadableError
from bridge.normalize.goods import fold_facts, fold_report
from bridge.normalize.merge import merge, unannounced
from bridge.normalize.requests import asked, asked_at, asking, untold
from bridge.normalize.state import (
    GoodsSection,
    SubjectState,
    document_key,
    encode,
)
from bridge.normalize.views import is_news, take
from bridge.platforms.contract import (
    GoodsFacts,
    GoodsReport,
    Observation,
    PlatformView,
    Reading,
    Request,
    Requests,
)

#: The events of one observation, in bytes. Each carries the whole snapshot, so a
#: return of thousands of lines that all change at once would fill the memory.
EVENTS_LIMIT = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Folded:
    """What an observation came to.

    `snapshot` is the record for `returns.snapshots`, None where the observation was
    old news and nothing is to be written. `unexpected` is a move of the state that is
    not in the table of `bridge/canonical/states.py`: published all the same, to be
    counted.
    """

    state: SubjectState
    events: tuple[Event, ...] = ()
    snapshot: bytes | None = None
    unexpected: tuple[State, State] | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """The subject after an observation; `learned` are fields of its state."""

    after: Snapshot
    drafts: Sequence[Draft]
    occurred_at: datetime | None
    learned: dict[str, object]


def fold(state: SubjectState, observation: Observation, reading: Reading) -> Folded:
    """Return the subject's new state and the events between, numbered and chained.

    Raises UnreadableError where the body is about another subject than the
    observation (`other_subject`) or would make more than `EVENTS_LIMIT` bytes of
    events (`too_many_events`).
    """
    step = _step(state, observation, reading)
    return Folded(state) if step is None else _publish(state, observation, step)


def _step(
    state: SubjectState, observation: Observation, reading: Reading
) -> _Step | None:
    """Take the reading in; None where it is old news."""
    match reading:
        case PlatformView():
            return _view(state, observation, reading)
        case Requests():
            return _requests(state, observation, reading)
        case GoodsReport():
            return _report(state, observation, reading)
        case _:
            return _facts(state, observation, reading)


def _view(
    state: SubjectState, observation: Observation, reading: PlatformView
) -> _Step | None:
    view = reading.view
    _must_be_of(state, reading.subject)
    if reading.says is not None:
        return _part_of_view(state, observation, reading)
    if not is_news(state.version, observation, reading.version):
        return None
    goods = _documents(state)
    merged = merge(view, view.state, goods, observation.received_at)
    after = _with_requests(merged, state)
    return _Step(
        after,
        diff(state.snapshot, after, announced=state.announced),
        view.updated_at,
        {"version": reading.version, "platform_state": view.state},
    )


def _part_of_view(
    state: SubjectState, observation: Observation, reading: PlatformView
) -> _Step | None:
    taken = take(state, reading, observation.received_at)
    if taken is None:
        return None
    merged = merge(taken.view, taken.state, taken.view.goods, observation.received_at)
    after = _with_requests(merged, state)
    return _Step(
        after,
        diff(state.snapshot, after, announced=state.announced),
        reading.view.updated_at,
        taken.learned,
    )


def _requests(
    state: SubjectState, observation: Observation, reading: Requests
) -> _Step | None:
    _must_be_of(state, reading.subject)
    fresh = untold(reading.requests, state.requests_seen)
    said = reading.view and _view(state, observation, reading.view)
    if said is None and not fresh:
        return None
    step = said or _unchanged(state, observation)
    after = step.after
    if fresh:
        after = _with_requests(after.model, state, fresh.values())
    seen = {"requests_seen": state.requests_seen | fresh.keys()}
    return _Step(
        after,
        (*step.drafts, *map(asking, fresh.values())),
        asked_at(fresh.values()) or step.occurred_at,
        step.learned | seen,
    )


def _with_requests(
    view: Return, state: SubjectState, fresh: Iterable[Request] = ()
) -> Snapshot:
    """Return the snapshot with what the platform has asked, of which it tells once."""
    requests = asked(state.snapshot, fresh)
    return Snapshot(
        view.model_copy(update={"requests": requests}) if requests else view
    )


def _unchanged(state: SubjectState, observation: Observation) -> _Step:
    """Return the subject as it stands; one not heard of yet is begun."""
    at = observation.received_at
    known = state.return_ or unannounced(state.subject, at)
    after = Snapshot(merge(known, state.platform_state, known.goods, at))
    return _Step(after, diff(state.snapshot, after, announced=state.announced), at, {})


def _must_be_of(state: SubjectState, subject: str) -> None:
    if subject != state.subject:
        raise UnreadableError("other_subject", "$", "the body is of another return")


def _report(
    state: SubjectState, observation: Observation, reading: GoodsReport
) -> _Step | None:
    key = document_key(reading.document)
    section = state.goods.get(key, GoodsSection())
    if section.version is not None and reading.version <= section.version:
        return None
    document, drafts = fold_report(_document(state, key), reading.document)
    learned = section.model_copy(update={"version": reading.version})
    return _found(state, observation, document, drafts=drafts, section=learned)


def _facts(
    state: SubjectState, observation: Observation, reading: GoodsFacts
) -> _Step | None:
    key = f"{reading.account}/{reading.return_id}"
    section = state.goods.get(key, GoodsSection())
    if section.facts_seen.issuperset(fact.id for fact in reading.facts):
        return None
    document, seen, drafts = fold_facts(
        _document(state, key), reading, section.facts_seen
    )
    learned = section.model_copy(update={"facts_seen": seen})
    return _found(state, observation, document, drafts=drafts, section=learned)


def _document(state: SubjectState, key: str) -> GoodsDocument | None:
    known = (known for known in _documents(state) if document_key(known) == key)
    return next(known, None)


def _documents(state: SubjectState) -> tuple[GoodsDocument, ...]:
    """Return what warehouses said so far; most returns are read back without any."""
    if state.snapshot is None or not state.snapshot.plain["goods"]:
        return ()
    return state.snapshot.model.goods


def _found(
    state: SubjectState,
    observation: Observation,
    document: GoodsDocument,
    *,
    drafts: tuple[Draft, ...],
    section: GoodsSection,
) -> _Step:
    """Put one warehouse document in its place among the subject's others."""
    key = document_key(document)
    view = state.return_ or unannounced(state.subject, observation.received_at)
    others = (known for known in view.goods if document_key(known) != key)
    after = Snapshot(
        merge(view, state.platform_state, (*others, document), observation.received_at)
    )
    moves = diff(state.snapshot, after, announced=state.announced)
    created = 1 if state.return_ is None else 0
    return _Step(
        after,
        (*moves[:created], *drafts, *moves[created:]),
        document.occurred_at,
        {"goods": state.goods | {key: section}},
    )


def _publish(state: SubjectState, observation: Observation, step: _Step) -> Folded:
    snapshot = step.after.json
    events = _seal(state, observation, step, snapshot)
    last = events[-1] if events else state
    learned = state.model_copy(
        update={
            **step.learned,
            "snapshot": step.after,
            "sequence": last.sequence,
            "chain": last.chain,
            "announced": state.announced | paid(step.after.model).keys(),
        }
    )
    return Folded(
        learned, events, encode(learned, snapshot), _unexpected(state, step.after.model)
    )


def _seal(
    state: SubjectState, observation: Observation, step: _Step, snapshot: bytes
) -> tuple[Event, ...]:
    if len(step.drafts) * len(snapshot) > EVENTS_LIMIT:
        raise UnreadableError("too_many_events", "$", "too much changed at once")
    bodies = [(draft.type.name, encode_draft(draft, snapshot)) for draft in step.drafts]
    cause = Cause(
        source=f"/{observation.platform}/{observation.account}",
        time=step.occurred_at or observation.received_at,
        causation_id=observation.id,
        traceparent=observation.traceparent,
    )
    return tuple(seal(state.subject, state.sequence, state.chain, cause, bodies))


def _unexpected(state: SubjectState, after: Return) -> tuple[State, State] | None:
    if state.snapshot is None:
        return None
    before = state.snapshot.state
    return None if is_expected(before, after.state) else (before, after.state)
