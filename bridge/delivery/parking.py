"""Parking: which lanes leave the log, and what is kept of them. No clock, no Kafka.

A lane that holds up the log is written to the shelf and its offsets are finished, in
one commit: because its head has been waiting for long, because many letters stand
behind a head that was tried more than once, or because the window of offsets fills up.
New letters of a parked lane join it there. When it is worked off it is gone, and the
subject is back in the log.

A head that was tried in vain and is still in the log has a note on the shelf.
"""

from datetime import datetime

from bridge.deadletters.parked import Trouble
from bridge.deadletters.standing import WaitReason
from bridge.delivery.lanes import UNTRIED, Lane, Lanes, Letter, order_of
from bridge.delivery.options import DeliveryOptions
from bridge.delivery.ownership import Ownership
from bridge.delivery.shelf import Shelf

#: What holds up one lane and not all of them: reason enough to leave the log.
OWN_REASONS = (
    WaitReason.RETRY,
    WaitReason.THROTTLED,
    WaitReason.NOT_YET,
    WaitReason.PAUSED,
)


class Parking:
    """The lanes of one partition, and where they stand: in the log or outside.

    `notes` are those of a predecessor, by event id, of events still to come.
    """

    def __init__(
        self, lanes: Lanes, shelf: Shelf, owner: Ownership, options: DeliveryOptions
    ) -> None:
        self.notes: dict[str, Trouble] = {}
        self._options = options
        self._lanes = lanes
        self._shelf = shelf
        self._owner = owner

    def recall(self, letter: Letter) -> bool:
        """Let `letter` remember what a predecessor noted; False without a note."""
        note = self.notes.pop(letter.event.id, None) if self.notes else None
        if note is None:
            return False
        letter.trouble, letter.kept = note, True
        return True

    def join(self, lane: Lane, letter: Letter) -> None:
        """Queue a letter behind the others of its subject, in the log or outside."""
        if not lane.parked:
            self.recall(letter)
            self._lanes.join(lane, letter)
            if lane.why in OWN_REASONS and self._is_crowded(lane):
                self.park(lane)
        elif order_of(letter) <= order_of(lane.letters[-1]):
            self._owner.finish(letter.offset)  # it is here; the commit told nothing
        else:
            self._lanes.join(lane, letter)
            self._leave(letter)

    def keep(self, letter: Letter) -> None:
        """Write with the next commit how it stands with a letter."""
        self._shelf.keep(letter)
        self._owner.note()

    def finish(self, letter: Letter) -> None:
        """The letter is done with: in the log, and on the shelf."""
        if letter.parked or letter.trouble is not UNTRIED:
            self._shelf.forget(letter)
        if letter.parked:
            self._owner.note()
        else:
            self._owner.finish(letter.offset)

    def park(self, lane: Lane) -> None:
        """Let the lane leave the log."""
        if not lane.parked:
            self._lanes.park(lane)
            # All of them: only what is parked is ever absent.
            for letter in [one for one in lane.letters if isinstance(one, Letter)]:
                self._leave(letter)

    def _leave(self, letter: Letter) -> None:
        letter.parked = True
        self._shelf.keep(letter)
        self._owner.finish(letter.offset)

    def consider(self, lane: Lane, head: Letter, until: datetime) -> None:
        """Park a lane whose head now waits `until` then, if it holds up the log."""
        since = head.trouble.first_failed_at or until
        if until - since > self._options.park_after or self._is_crowded(lane):
            self.park(lane)

    def make_room(self) -> None:
        """Park every lane that waits for reasons of its own."""
        for lane in self._lanes.waiting_for(*OWN_REASONS):
            self.park(lane)

    def _is_crowded(self, lane: Lane) -> bool:
        head = lane.head
        tried = head.trouble.tried if isinstance(head, Letter) else 0
        return tried > 1 and len(lane.letters) > self._options.park_behind
