"""Which Kafka the tests run on, chosen once per run, and how to say what is missing.

The order: the address in `BRIDGE_TEST_KAFKA`; a container; Kafka's jars through Maven;
else the embedded broker for the tests marked `embedded_ok`. With
`BRIDGE_REQUIRE_KAFKA=1` nothing but a real Kafka will do.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypedDict

from bridge.sandbox.broker import EmbeddedBroker
from tests.support.broker import Broker, BrokerMissing, Kind, OwnBroker
from tests.support.container_broker import IMAGE, ContainerBroker
from tests.support.maven_broker import MavenBroker

REMEDY = (
    "To run them, start a Docker engine that has or can pull "
    f"{IMAGE}, or install Java 17 and Maven, or set BRIDGE_TEST_KAFKA=HOST:PORT."
)

#: How the reason of every skip for want of a Kafka begins.
WANTED = "needs a real Kafka"


def kafka_is_required() -> bool:
    """Tell whether the run must fail rather than skip."""
    return os.environ.get("BRIDGE_REQUIRE_KAFKA") == "1"


@dataclass(frozen=True, slots=True)
class GivenBroker:
    """A broker that somebody else runs."""

    bootstrap: str
    kind: Kind = "given"

    def close(self) -> None:
        """Leave it running: it is not ours."""


class EmbeddedTestBroker:
    """The in-memory broker behind the same face."""

    kind: Kind = "embedded"

    def __init__(self) -> None:
        self._broker = EmbeddedBroker()
        self.bootstrap = asyncio.run(self._broker.start())

    def close(self) -> None:
        self._broker.stop()


def _container(security: Mapping[str, str] | None) -> OwnBroker:
    broker = ContainerBroker(security)
    return _opened(broker, broker.open)


def _maven(security: Mapping[str, str] | None) -> OwnBroker:
    broker = MavenBroker(security)
    return _opened(broker, broker.open)


def _opened(broker: OwnBroker, start: Callable[[], None]) -> OwnBroker:
    try:
        start()
    except BrokerMissing:
        with suppress(Exception):
            broker.close()
        raise
    return broker


class Told(TypedDict):
    """What one process found, in values that pytest's workers can send."""

    reasons: dict[str, str]
    used: list[Kind]


@dataclass(slots=True)
class Choice:
    """The broker of this run, and why the better ones were not to be had."""

    reasons: dict[str, str] = field(default_factory=dict)
    used: dict[Kind, None] = field(default_factory=dict)
    _shared: Broker | None = None

    def shared(self) -> Broker:
        """Return the broker that the tests of this run share; start it if need be."""
        if self._shared is None:
            self._shared = self._choose()
            self.used[self._shared.kind] = None
        return self._shared

    def own(self, security: Mapping[str, str] | None = None) -> OwnBroker:
        """Start a broker that can be killed; raise BrokerMissing if none can be had.

        With `security` (`tests/support/security.py`) it takes nobody without.
        """
        for name, make in (("container", _container), ("maven", _maven)):
            if name in self.reasons:
                continue
            try:
                broker = make(security)
            except BrokerMissing as missing:
                self.reasons[name] = str(missing)
            else:
                self.used[broker.kind] = None
                return broker
        raise BrokerMissing(self.explain())

    def explain(self) -> str:
        """Say in one sentence what was tried."""
        tried = "; ".join(f"{name}: {why}" for name, why in self.reasons.items())
        return f"No real Kafka was found ({tried})."

    def tell(self) -> Told:
        """Return what a worker of pytest hands to the process that sums up."""
        return {"reasons": dict(self.reasons), "used": list(self.used)}

    def hear(self, told: Told) -> None:
        """Add what a worker told."""
        self.reasons.update(told["reasons"])
        self.used.update(dict.fromkeys(told["used"]))

    def close(self) -> None:
        if self._shared is not None:
            self._shared.close()

    def _choose(self) -> Broker:
        given = os.environ.get("BRIDGE_TEST_KAFKA")
        if given:
            return GivenBroker(given)
        self.reasons.setdefault("address", "BRIDGE_TEST_KAFKA is not set")
        try:
            return self.own()
        except BrokerMissing:
            if kafka_is_required():
                raise
            return EmbeddedTestBroker()
