"""Fakes for the door: a platform with one token, a Kafka that remembers, a clock."""

import asyncio
import hmac
from datetime import UTC, datetime, timedelta

import orjson
from prometheus_client import REGISTRY

from bridge.errors import AuthenticityError, UnavailableError
from bridge.inbound.asgi import App
from bridge.inbound.health import health_app
from bridge.inbound.options import InboundOptions
from bridge.inbound.webhooks import Webhooks, route
from bridge.platforms.contract import InboundRequest, Observation, Reading
from bridge.streams.records import Outgoing
from bridge.streams.topics import TopicNames

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TOKEN = "tok-4711"  # noqa: S105  a fake's


class FakeSource:
    """A platform whose senders show a bearer token and name the return in `id`."""

    def __init__(self, platform: str, account: str) -> None:
        self.platform = platform
        self.account = account
        self.asked = 0
        self.stumbles = False
        self.believed = True

    def authenticate(self, request: InboundRequest) -> None:
        self.asked += 1
        shown = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(shown, f"Bearer {TOKEN}".encode()):
            raise AuthenticityError("wrong token", reason="wrong_token")

    def locate(self, request: InboundRequest) -> str | None:
        if self.stumbles:
            raise RecursionError("too deep")
        try:
            found = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            return None
        native = found.get("id") if isinstance(found, dict) else None
        return None if native is None else f"{self.platform}/{self.account}/{native}"

    def credible(self, request: InboundRequest) -> bool:
        if request.body.startswith(b'{"id": "deep"'):
            raise RecursionError("too deep")
        return self.believed

    def delivery_id(self, request: InboundRequest) -> str | None:
        return request.headers.get("x-delivery")

    def read(self, observation: Observation) -> Reading:
        raise AssertionError(f"the door reads nothing: {observation.id}")


class FakeKafka:
    """Remembers what it was given; can be away or slow."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.waits: list[timedelta] = []
        self.away = False
        self.broken: Exception | None = None
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def publish(self, record: Outgoing, wait: timedelta) -> None:
        self.waits.append(wait)
        self.asked.set()
        if self.broken is not None:
            raise self.broken
        await self.gate.wait()
        if self.away:
            raise UnavailableError("Kafka did not acknowledge in time")
        self.records.append(record)


class FixedClock:
    """It is always noon."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, duration: timedelta) -> None:
        raise AssertionError(f"nobody sleeps here: {duration}")


def whole_app(
    source: FakeSource, kafka: FakeKafka, options: InboundOptions | None = None
) -> App:
    """Return webhooks and health together, as a process serves them."""
    webhooks = Webhooks(
        {source.account: source},
        kafka.publish,
        topics=TopicNames(),
        options=options or InboundOptions(),
        clock=FixedClock(),
    )
    return route(webhooks, health_app())


def metric(name: str, **labels: str) -> float:
    """Return a metric's present value, 0 if it was never counted."""
    return REGISTRY.get_sample_value(f"returns_bridge_{name}", labels) or 0.0
