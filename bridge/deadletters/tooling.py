"""The headers by which Kafka's own tooling knows a dead letter. Pure.

Consoles and replay tools read what Kafka Connect and Spring for Apache Kafka write, so
a dead letter of ours carries both beside its own headers, as those two encode them:

    Connect  `__connect.errors.…`  all UTF-8 text, numbers too. The connector is the
             target, the task the partition, the stage Connect's own word.
    Spring   `kafka_dlt-…`         text is UTF-8; the partition is four bytes, offset
             and timestamp are eight, big-endian as a Java ByteBuffer has them.

Sources: `DeadLetterQueueReporter` (KIP-298); `DeadLetterPublishingRecoverer` and
`KafkaHeaders` of spring-kafka. A stack trace would name nothing that these do not.
"""

import struct
from dataclasses import dataclass

from bridge.canonical.envelope import Headers

CONNECT = "__connect.errors."
SPRING = "kafka_dlt-"
PREFIXES = (CONNECT, SPRING)

#: What cannot be read dies in Connect's converter, what is given up in its task.
_STAGES = {"unreadable": "VALUE_CONVERTER"}


@dataclass(frozen=True, slots=True)
class Mishap:
    """What happened to which record; `timestamp` is milliseconds, `message` a line."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    stage: str
    target: str
    cause: str
    message: str

    @property
    def exception(self) -> str:
        """The cause as a class is named: `returns_bridge.AttemptsSpent`."""
        name = "".join(word.capitalize() for word in self.cause.split("_"))
        return f"returns_bridge.{name}"


def tooling_headers(mishap: Mishap) -> Headers:
    """Return Connect's and Spring's headers."""
    return (*_connect(mishap), *_spring(mishap))


def _connect(mishap: Mishap) -> Headers:
    facts = {
        "topic": mishap.topic,
        "partition": str(mishap.partition),
        "offset": str(mishap.offset),
        "connector.name": mishap.target,
        "task.id": str(mishap.partition),
        "stage": _STAGES.get(mishap.cause, "TASK_PUT"),
        "class.name": f"bridge.{mishap.stage}",
        "exception.class.name": mishap.exception,
        "exception.message": mishap.message,
    }
    return tuple((CONNECT + name, fact.encode()) for name, fact in facts.items())


def _spring(mishap: Mishap) -> Headers:
    facts = {
        "original-topic": mishap.topic.encode(),
        "original-partition": struct.pack(">i", mishap.partition),
        "original-offset": struct.pack(">q", mishap.offset),
        "original-timestamp": struct.pack(">q", mishap.timestamp),
        "exception-fqcn": mishap.exception.encode(),
        "exception-message": mishap.message.encode(),
    }
    return tuple((SPRING + name, fact) for name, fact in facts.items())
