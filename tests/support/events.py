"""Small canonical events and letters for tests that do not care what is in them."""

from bridge.canonical.envelope import Event, chain_start, event_id
from bridge.delivery.lanes import Letter
from tests.support.clock import START


def make_event(subject: str = "redo/shop/1", sequence: int = 1) -> Event:
    """Return an event with a small body."""
    return Event(
        id=event_id(subject, sequence),
        type="return.approved",
        subject=subject,
        sequence=sequence,
        chain=chain_start(subject),
        time=START,
        source="/redo/shop",
        causation_id="cause",
        body=b'{"return":{}}',
    )


def make_letter(
    subject: str = "redo/shop/1", sequence: int = 1, offset: int = 0
) -> Letter:
    """Return a letter with such an event."""
    event = make_event(subject, sequence)
    return Letter(
        event=event,
        offset=offset,
        timestamp=int(START.timestamp() * 1000) + offset,
        headers={},
        size=len(event.body),
    )
