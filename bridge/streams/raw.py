"""The record of `returns.raw`: the body byte for byte, the rest in headers.

The key is the subject, or the account's name where no subject could be found.
"""

import hashlib
import re
from datetime import datetime
from typing import cast, get_args

from bridge.errors import UnreadableError
from bridge.platforms.contract import Channel, Observation
from bridge.streams.records import Outgoing, Record

_CHANNELS = frozenset(get_args(Channel))
_PLAIN = re.compile(r"[!-~]{1,128}")


def observation_id(
    account: str, subject: str, body: bytes, delivery_id: str | None
) -> str:
    """Return the causation id: the sender's delivery id, else a hash of what came.

    An id that is no plain text of at most 128 characters is hashed as well. Hashes
    are 32 hex digits of SHA-256.
    """
    if delivery_id is None:
        digest = hashlib.sha256(f"{account}\n{subject}\n".encode())
        digest.update(body)
        return digest.hexdigest()[:32]
    if _PLAIN.fullmatch(delivery_id):
        return delivery_id
    return hashlib.sha256(delivery_id.encode("utf-8", "replace")).hexdigest()[:32]


def to_raw(
    observation: Observation, topic: str, delivery_id: str | None = None
) -> Outgoing:
    """Return the record of `observation`; `delivery_id` is the sender's, if any."""
    headers = [
        ("observation", observation.id),
        ("platform", observation.platform),
        ("account", observation.account),
        ("channel", observation.channel),
        ("received-at", observation.received_at.isoformat()),
        ("content-type", observation.content_type),
    ]
    if delivery_id is not None:
        headers.append(("delivery-id", delivery_id[:256]))
    if observation.traceparent is not None:
        headers.append(("traceparent", observation.traceparent))
    return Outgoing(
        topic=topic,
        key=observation.subject.encode(),
        value=observation.body,
        headers=tuple(
            (name, value.encode("utf-8", "replace")) for name, value in headers
        ),
    )


def from_raw(record: Record) -> Observation:
    """Rebuild the observation of a record; raise UnreadableError if it holds none."""
    try:
        text = {name: value.decode() for name, value in record.headers.items()}
        return Observation(
            id=text["observation"],
            subject=(record.key or b"").decode() or text["account"],
            platform=text["platform"],
            account=text["account"],
            channel=_channel(text["channel"]),
            received_at=_aware(text["received-at"]),
            body=record.value or b"",
            content_type=text["content-type"],
            traceparent=text.get("traceparent"),
        )
    except (KeyError, ValueError) as broken:
        reason = f"not an observation: {type(broken).__name__}"
        raise UnreadableError("not_an_observation", "$", reason) from broken


def _channel(text: str) -> Channel:
    if text not in _CHANNELS:
        raise ValueError("channel")
    return cast("Channel", text)


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("received-at")
    return moment
