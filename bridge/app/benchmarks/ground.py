"""The ground a benchmark stands on: a broker of one's own, and topics made for it."""

import ipaddress
import uuid
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

from pydantic import JsonValue

from bridge.app.benchmarks.bodies import ACCOUNT
from bridge.errors import ConfigError
from bridge.streams.connection import KafkaOptions
from bridge.streams.topic_admin import apply_topics, delete_topics
from bridge.streams.topics import PARTITIONS, TopicNames, specs

TARGET = "bench-dock"
WAREHOUSE = "bench-warehouse"

#: What a signing secret looks like (Standard Webhooks); nobody checks it here.
_SIGNING = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def loopback(bootstrap: str | None) -> str:
    """Return the address if it is one of this machine's own; else raise ConfigError."""
    if bootstrap is None:
        raise ConfigError(
            "bench measures against a real Kafka on this machine and none was given: "
            "start one, for instance with `docker run --rm -p 127.0.0.1:9092:9092 "
            "apache/kafka:4.1.1`, and name it with --kafka 127.0.0.1:9092"
        )
    for address in bootstrap.split(","):
        host = address.strip().rpartition(":")[0].strip("[]")
        if not _is_loopback(host):
            raise ConfigError(
                f"{address.strip()} is not on this machine's loopback: a load test "
                "belongs on a broker of your own; use --kafka 127.0.0.1:PORT"
            )
    return bootstrap


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Ground:
    """A prefix of its own on the broker, a folder for state, and the secrets."""

    kafka: KafkaOptions
    names: TopicNames
    folder: Path
    partitions: int = PARTITIONS
    token: str = field(default_factory=lambda: token_hex(16), repr=False)

    @property
    def bootstrap(self) -> str:
        return self.kafka.address

    def tree(self, warehouse: str | None = None) -> dict[str, JsonValue]:
        """Return settings: one shop, and the warehouse at that address if any."""
        state = self.folder / uuid.uuid4().hex
        tree: dict[str, JsonValue] = {
            "kafka": {"bootstrap": self.bootstrap},
            "topics": {
                "prefix": self.names.prefix,
                "profile": "single-node",
                "partitions": self.partitions,
            },
            "inbound": {"port": 0},
            "state_dir": str(state),
            "privacy": {"hash_key": {"env": "HASH_KEY"}},
            "accounts": {ACCOUNT: _shop(), WAREHOUSE: _warehouse()},
        }
        return tree if warehouse is None else {**tree, "targets": _targets(warehouse)}

    @property
    def secrets(self) -> dict[str, str]:
        """Return what the settings of `tree` refer to."""
        return {"TOKEN": self.token, "SIGNING": _SIGNING, "HASH_KEY": self.token}


def _shop() -> JsonValue:
    return {"platform": "redo", "webhook_tokens": [{"env": "TOKEN"}]}


def _warehouse() -> JsonValue:
    return {
        "platform": "warehouse",
        "webhook_secrets": [{"env": "SIGNING"}],
        "announced_by": [f"redo/{ACCOUNT}"],
    }


def _targets(url: str) -> JsonValue:
    return {
        TARGET: {
            "kind": "warehouse.event",
            "account": WAREHOUSE,
            "url": url,
            "signing_secrets": [{"env": "SIGNING"}],
        }
    }


@asynccontextmanager
async def ground(
    kafka: KafkaOptions, targets: Collection[str] = (), partitions: int = PARTITIONS
) -> AsyncIterator[Ground]:
    """Make all topics under a prefix of its own, and delete them afterwards."""
    names = TopicNames(f"bench-{uuid.uuid4().hex[:8]}")
    wanted = specs(names, targets, profile="single-node", partitions=partitions)
    with TemporaryDirectory(prefix="returns-bridge-bench-") as folder:
        await apply_topics(kafka, wanted)
        try:
            yield Ground(kafka, names, Path(folder), partitions)
        finally:
            await delete_topics(kafka, [spec.name for spec in wanted])
