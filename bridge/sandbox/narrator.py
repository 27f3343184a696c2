"""Tells the journal, in words, what the calls to a simulated system came to."""

from collections.abc import Callable, Mapping

from bridge.canonical import reference as references
from bridge.sandbox.calls import Call
from bridge.sandbox.journal import Journal, Kind

_FOR_GOOD = frozenset({400, 401, 403, 404, 409, 422})
_FIRST_ERROR = 400


def narrator(journal: Journal) -> Callable[[Call], None]:
    """Return a listener for a `CallLog` that notes what is worth a line."""

    def tell(call: Call) -> None:
        kind = _kind(call)
        if kind is not None:
            journal.note(kind, _words(call, journal.names))

    return tell


def _kind(call: Call) -> Kind | None:
    """A shop's own effects are not told here: the shop tells them itself."""
    if not call.answered:
        return Kind.RETRIED
    if call.status >= _FIRST_ERROR:
        return Kind.REFUSED if call.status in _FOR_GOOD else Kind.RETRIED
    told = call.effect is None or call.server == "shop"
    return None if told else Kind.DELIVERED


def _words(call: Call, names: Mapping[str, str]) -> str:
    what = f"{call.server} {call.method} {_about(call, names)}"
    if call.revision is not None:
        what += f" revision {call.revision}"
    return f"{what}: {call.status if call.answered else 'answer lost'}"


def _about(call: Call, names: Mapping[str, str]) -> str:
    """Return the return's name and its parcel, or what the call says of itself."""
    name = names.get(call.subject.rpartition("/")[2])
    parsed = references.parse(call.reference or "")
    if name is None:
        return call.reference or call.subject
    return name if parsed is None else f"{name} parcel {parsed[1]}"
