"""Small canonical events and letters for tests that do not care what is in them."""

from dataclasses import replace

from bridge.canonical.envelope import Event, chain_start, event_id
from bridge.canonical.events import ReturnUpdated
from bridge.canonical.model import Kind, Return
from bridge.canonical.states import State
from bridge.delivery.lanes import Letter, size_of
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


def whole_event(subject: str = "redo/shop/1", sequence: int = 1) -> Event:
    """Return an event whose body its model accepts."""
    _, account, native_id = subject.split("/")
    data = ReturnUpdated(
        return_=Return(
            subject=subject,
            platform="redo",
            account=account,
            native_id=native_id,
            number="R-1",
            kind=Kind.RETURN,
            state=State.APPROVED,
            observed_at=START,
        ),
        before={"/number": None},
        changed=("/number",),
    )
    body = data.model_dump_json(by_alias=True).encode()
    return replace(make_event(subject, sequence), type=ReturnUpdated.name, body=body)


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
        size=size_of(event.body),
    )
