"""The heavy steps of one observation: reading and folding, safe to run in a thread.

A mistake of ours about one body makes it a dead letter; the others go on.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from bridge.errors import UnreadableError
from bridge.normalize import fold as folding
from bridge.normalize.fold import Folded
from bridge.normalize.state import SubjectState
from bridge.platforms.contract import Observation, Reading, Source
from bridge.streams.topics import MESSAGE_LIMIT

P = ParamSpec("P")
T = TypeVar("T")

#: The largest record that the topics take, with room for its headers.
RECORD_LIMIT = MESSAGE_LIMIT - 64 * 1024


def read(source: Source, observation: Observation) -> Reading:
    """Translate the body; raise UnreadableError, whatever went wrong."""
    return _guarded(source.read, observation)


def fold(state: SubjectState, observation: Observation, reading: Reading) -> Folded:
    """Fold it; raise UnreadableError, whatever went wrong."""
    return _guarded(folding.fold, state, observation, reading)


def _guarded(step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Make a mistake of ours about one body a dead letter: the others go on."""
    try:
        return step(*args, **kwargs)
    except UnreadableError:
        raise
    except Exception as mistake:
        kind = type(mistake).__name__
        raise UnreadableError("internal_error", "$", kind) from mistake


def must_fit(folded: Folded) -> None:
    """Refuse what Kafka would never take: it would stop the whole partition."""
    bodies = (folded.snapshot or b"", *(event.body for event in folded.events))
    if max(map(len, bodies)) > RECORD_LIMIT:
        raise UnreadableError("too_large", "$", "its record would be too large")
