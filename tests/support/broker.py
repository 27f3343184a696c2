"""What a test may ask of a broker, and how every broker of the tests is set up."""

import socket
from abc import abstractmethod
from collections.abc import Mapping
from typing import Literal, Protocol

from bridge.streams.connection import KafkaOptions

KAFKA_VERSION = "4.1.1"

#: The name under which a broker's security says how its clients come: SSL or SASL_SSL.
PROTOCOL = "protocol"

Kind = Literal["given", "container", "maven", "embedded"]


class BrokerMissing(Exception):
    """No broker of this kind can be had here; the message is the reason."""


class Broker(Protocol):
    """A Kafka that answers at `bootstrap`; `kind` says where it comes from."""

    @property
    def kind(self) -> Kind: ...

    @property
    def bootstrap(self) -> str: ...

    @abstractmethod
    def close(self) -> None:
        """Stop it and remove what it leaves behind."""


class OwnBroker(Broker, Protocol):
    """A broker of one test's own, on a port that survives kill and start.

    Every method blocks until it has happened; call them in a thread.
    """

    def kill(self) -> None:
        """Send SIGKILL; what was acknowledged stays on disk."""
        ...

    def stop(self) -> None:
        """Stop in an orderly way."""
        ...

    def start(self) -> None:
        """Start again after `kill` or `stop`; returns when the broker is up."""
        ...

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers."""
        ...

    def unpause(self) -> None:
        """Let a frozen broker go on."""
        ...


def options_of(broker: Broker) -> KafkaOptions:
    """Return how the bridge reaches `broker`."""
    return KafkaOptions.model_validate(
        {"bootstrap": broker.bootstrap, "embedded": broker.kind == "embedded"}
    )


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def properties(
    listen: str,
    port: int,
    controller_port: int,
    security: Mapping[str, str] | None = None,
) -> Mapping[str, str]:
    """Return server.properties of one KRaft node advertised at 127.0.0.1:`port`.

    `listen` is the address inside. The short broker session lets a killed broker
    come back at once: the controller is the same process and keeps the old
    registration for that long. With `security` (`tests/support/security.py`) that
    address takes nobody without it, and only the node itself talks without.
    """
    plain, protocols = (
        f"PLAINTEXT://{listen}",
        "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    )
    told = f"PLAINTEXT://127.0.0.1:{port}"
    if security is not None:
        inner = f"PLAINTEXT://localhost:{free_port()}"
        plain, told = (
            f"{inner},SECURED://{listen}",
            f"{inner},SECURED://127.0.0.1:{port}",
        )
        protocols = f"{protocols},SECURED:{security[PROTOCOL]}"
    return {
        "node.id": "1",
        "process.roles": "broker,controller",
        "listeners": f"{plain},CONTROLLER://localhost:{controller_port}",
        "advertised.listeners": told,
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"1@localhost:{controller_port}",
        "listener.security.protocol.map": protocols,
        "auto.create.topics.enable": "false",
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "2000",
        "group.initial.rebalance.delay.ms": "0",
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        **_of_listener(security or {}),
    }


def _of_listener(security: Mapping[str, str]) -> Mapping[str, str]:
    return {
        f"listener.name.secured.{name}": value
        for name, value in security.items()
        if name != PROTOCOL
    }
