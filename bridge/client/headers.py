"""The headers of records that other teams read or write, as JSON Schemas of text.

Kafka headers are bytes; each of these is UTF-8 text, but for the three numbers that
Spring writes in binary. Tests keep the names equal to what the codecs write.
"""

from collections.abc import Mapping

from bridge.canonical.schemas import DIALECT, Schema

#: CloudEvents 1.0, Kafka binding, binary mode (`bridge/canonical/envelope.py`).
_EVENT = {
    "ce_specversion": "1.0",
    "ce_id": "UUIDv5 of subject and sequence; the same on every delivery",
    "ce_type": "returns.<noun>.<past verb>.v1",
    "ce_source": "the account whose news made the event",
    "ce_subject": "platform/account/native-id",
    "ce_time": "when the fact happened, ISO 8601",
    "ce_sequence": "number within the subject: 1, 2, 3 …, without gaps",
    "ce_partitionkey": "the subject",
    "ce_chain": "running hash over the subject's events, 32 hex digits",
    "ce_causationid": "the observation that made the event",
    "content-type": "application/json",
}
_TRACE = {"traceparent": "W3C trace context"}

#: `bridge/deadletters/tooling.py`: what Kafka Connect and Spring for Kafka call it.
_TOOLING = {
    "__connect.errors.topic": "as dead-topic",
    "__connect.errors.partition": "as dead-partition",
    "__connect.errors.offset": "as dead-offset",
    "__connect.errors.connector.name": "the target, or inbound",
    "__connect.errors.task.id": "as dead-partition",
    "__connect.errors.stage": "TASK_PUT, or VALUE_CONVERTER for what is unreadable",
    "__connect.errors.class.name": "bridge.normalize or bridge.deliver",
    "__connect.errors.exception.class.name": "the cause, as returns_bridge.Refused",
    "__connect.errors.exception.message": "dead-reason and dead-detail",
    "kafka_dlt-original-topic": "as dead-topic",
    "kafka_dlt-original-partition": "as dead-partition; 4 bytes, big-endian",
    "kafka_dlt-original-offset": "as dead-offset; 8 bytes, big-endian",
    "kafka_dlt-original-timestamp": "as dead-timestamp; 8 bytes, big-endian",
    "kafka_dlt-exception-fqcn": "the cause, as returns_bridge.Refused",
    "kafka_dlt-exception-message": "dead-reason and dead-detail",
}

#: `bridge/deadletters/letter.py`.
_DEAD = {
    "dead-stage": "normalize or deliver",
    "dead-cause": "refused, attempts_spent, too_old, never_came or unreadable",
    "dead-reason": "short and stable",
    "dead-detail": "a sentence without personal fields, may be empty",
    "dead-path": "JSON path of the offending value, $ for the whole body",
    "dead-at": "when it was given up, ISO 8601",
    "dead-attempts": "how often it was tried; 0 for bad input",
    "dead-topic": "topic of the original record",
    "dead-partition": "its partition",
    "dead-offset": "its offset",
    "dead-timestamp": "its timestamp, milliseconds since the epoch",
    **_TOOLING,
}
_DEAD_OPTIONAL = {
    "dead-target": "the target, if the stage is deliver",
    "dead-first-tried-at": "ISO 8601",
    "dead-last-tried-at": "ISO 8601",
    "dead-event-id": "the event's id, if the original is an event",
    "dead-event-subject": "its subject",
    "dead-event-sequence": "its sequence",
    "dead-event-type": "its short type",
    "dead-http-status": "of the answer that decided it",
    "dead-answer": "an excerpt of that answer, without secrets and personal fields",
    "dead-headers-dropped": "how many original headers were too large to be kept",
}

#: `bridge/streams/raw.py`.
_RAW = {
    "observation": "id of the observation; its events name it as their cause",
    "platform": "the platform",
    "account": "the account, as the bridge's settings name it",
    "channel": "webhook, poll, fetch or replay",
    "received-at": "when it came in, ISO 8601 with offset",
    "content-type": "of the body",
}
_RAW_OPTIONAL = {"delivery-id": "the sender's own id of the delivery", **_TRACE}


def _headers(
    title: str, required: Mapping[str, str], optional: Mapping[str, str]
) -> Schema:
    return {
        "type": "object",
        "title": title,
        "required": list(required),
        "properties": {
            name: {"type": "string", "description": meaning}
            for name, meaning in {**required, **optional}.items()
        },
    }


EVENT = _headers("headers of a canonical event", _EVENT, _TRACE)
RAW = _headers("headers of an observation", _RAW, _RAW_OPTIONAL)
DEAD_LETTER: Schema = {
    "$schema": DIALECT,
    **_headers("headers of a dead letter", _DEAD, _DEAD_OPTIONAL),
}
