"""`POST /hooks/{account}[/{token}]`: authenticate, find the subject, publish, answer.

The door reads nothing: a body that is authentic goes to `returns.raw` byte for byte,
readable or not, and is answered when Kafka has it. Of a body that its source does not
believe only the subject goes on, to `returns.hints`: look at this return. No
deduplication here: the normaliser does it.
"""

import zlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter
from typing import cast

from prometheus_client import Counter

from bridge.clock import Clock
from bridge.errors import AuthenticityError, UnavailableError
from bridge.inbound.asgi import (
    Answer,
    App,
    Receive,
    Scope,
    Send,
    answer,
    header_pairs,
    send_and_close,
    send_answer,
)
from bridge.inbound.body import BodyReader, Disconnected
from bridge.inbound.options import InboundOptions
from bridge.inbound.problems import (
    FAILED,
    METHOD_NOT_ALLOWED,
    OF_WEBHOOKS,
    UNAUTHENTIC,
    UNAVAILABLE,
    UNKNOWN_ACCOUNT,
    Refused,
    Unread,
)
from bridge.platforms.contract import Hint, InboundRequest, Observation, Source
from bridge.streams.hints import to_hint
from bridge.streams.raw import observation_id, to_raw
from bridge.streams.records import Outgoing
from bridge.streams.topics import TopicNames
from bridge.telemetry import events, logger, metrics, tracing

#: Returns when Kafka has the record; raises UnavailableError within the time given.
Publish = Callable[[Outgoing, timedelta], Awaitable[None]]
#: Every configured account's inbound side, by the account's name.
Accounts = Mapping[str, Source]

PREFIX = "/hooks/"
_TRIED = answer(200, b"", b"")
_ANSWERS = {problem.reason: problem.answer() for problem in OF_WEBHOOKS}
_RESULTS = {503: "unavailable", 500: "failed"}
_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class _Door:
    """One account: its source, and how its sender is answered."""

    account: str
    source: Source
    accepted: Answer
    count: Counter
    allow_head: bool
    kafka_wait: timedelta


class Webhooks:
    """The ASGI app below `/hooks/`."""

    def __init__(
        self,
        accounts: Accounts,
        publish: Publish,
        *,
        topics: TopicNames,
        options: InboundOptions,
        clock: Clock,
    ) -> None:
        self._doors = {
            account: _door(account, source, options)
            for account, source in accounts.items()
        }
        self._decoys = tuple(accounts.values())
        self._publish = publish
        self._topics = topics
        self._clock = clock
        self._bodies = BodyReader(options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one webhook, whatever it is and whatever goes wrong."""
        below = cast("str", scope["path"]).removeprefix(PREFIX)
        account, _, token = below.partition("/")
        began = perf_counter()
        try:
            accepted = await self._serve(account, token, scope, receive)
        except Disconnected:
            self._count(account, "refused", "disconnected")
        except Refused as refused:
            await self._refuse(account, refused, receive, send)
        except Exception as broken:  # noqa: BLE001  our mistake must not stop the rest
            label = metrics.known(account, self._doors)
            _log.error(events.WEBHOOK_FAILED, account=label, error=broken)
            await self._refuse(account, Refused(FAILED), receive, send)
        else:
            await send_answer(send, accepted)
        metrics.INBOUND_SECONDS.labels().observe(perf_counter() - began)

    async def _serve(
        self, account: str, token: str, scope: Scope, receive: Receive
    ) -> Answer:
        door = self._doors.get(account)
        if scope["method"] == "HEAD" and door is not None and door.allow_head:
            return _TRIED
        if scope["method"] != "POST":
            raise Unread(METHOD_NOT_ALLOWED)
        body = await self._bodies.read(header_pairs(scope), receive)
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in header_pairs(scope)
        }
        request = InboundRequest(headers, body, self._clock.now(), token)
        if door is None:
            self._pretend(account, request)
            raise Refused(UNKNOWN_ACCOUNT)
        _authenticate(door.source, request)
        await self._keep(door, request)
        door.count.inc()
        return door.accepted

    def _pretend(self, account: str, request: InboundRequest) -> None:
        """Take as long for an account that is not there as for one that is."""
        if self._decoys:
            decoy = self._decoys[zlib.crc32(account.encode()) % len(self._decoys)]
            with suppress(AuthenticityError):
                decoy.authenticate(request)

    async def _keep(self, door: _Door, request: InboundRequest) -> None:
        with tracing.span("webhook", tracing.extract(request.headers)) as span:
            subject = _asked(door, "locate", door.source.locate, request)
            delivery = _asked(door, "delivery_id", door.source.delivery_id, request)
            observation = _observation(
                door,
                request,
                subject=subject or door.account,
                delivery=delivery,
                traceparent=span.traceparent,
            )
            believed = subject is None or _believes(door, request)
            record = (
                to_raw(observation, self._topics.raw, delivery)
                if believed
                else to_hint(_hint(observation), self._topics.hints)
            )
            try:
                await self._publish(record, door.kafka_wait)
            except UnavailableError as away:
                raise Refused(UNAVAILABLE, away.reason) from away
        metrics.INBOUND_BODY_BYTES.labels().observe(len(request.body))
        _log.debug(
            events.WEBHOOK_ACCEPTED,
            account=door.account,
            subject=observation.subject,
            observation=observation.id,
        )

    async def _refuse(
        self, account: str, refused: Refused, receive: Receive, send: Send
    ) -> None:
        status = refused.problem.status
        self._count(account, _RESULTS.get(status, "refused"), refused.reason)
        if account in self._doors:
            _log.warning(
                events.WEBHOOK_REFUSED,
                account=account,
                status=status,
                reason=refused.reason,
            )
        answer = _ANSWERS[refused.problem.reason]
        if isinstance(refused, Unread):
            await send_and_close(receive, send, answer)
        else:
            await send_answer(send, answer)

    def _count(self, account: str, result: str, reason: str) -> None:
        label = metrics.known(account, self._doors)
        metrics.INBOUND_REQUESTS.labels(label, result, reason).inc()


def route(webhooks: App, elsewhere: App) -> App:
    """Return the app that sends what is below `/hooks/` one way, the rest the other."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        below = cast("str", scope["path"]).startswith(PREFIX)
        await (webhooks if below else elsewhere)(scope, receive, send)

    return app


def _door(account: str, source: Source, options: InboundOptions) -> _Door:
    ways = options.answer(account)
    return _Door(
        account=account,
        source=source,
        accepted=answer(ways.status, ways.body.encode(), ways.content_type.encode()),
        count=metrics.INBOUND_REQUESTS.labels(account, "accepted", ""),
        allow_head=ways.allow_head,
        kafka_wait=ways.kafka_wait or options.kafka_wait,
    )


def _authenticate(source: Source, request: InboundRequest) -> None:
    try:
        source.authenticate(request)
    except AuthenticityError as false:
        raise Refused(UNAUTHENTIC, false.reason) from false


def _believes(door: _Door, request: InboundRequest) -> bool:
    """Ask the source; one that stumbles over the body is not believed."""
    try:
        return door.source.credible(request)
    except Exception as broken:  # noqa: BLE001  a body must never be lost to a mistake
        _log.error(
            events.WEBHOOK_FAILED, account=door.account, asked="credible", error=broken
        )
        return False


def _hint(observation: Observation) -> Hint:
    return Hint(observation.subject, "webhook", observation.id, observation.received_at)


def _asked(
    door: _Door,
    what: str,
    question: Callable[[InboundRequest], str | None],
    request: InboundRequest,
) -> str | None:
    """Ask the source; what is authentic is kept even if it stumbles over the body."""
    try:
        return question(request)
    except Exception as broken:  # noqa: BLE001  a body must never be lost to a mistake
        _log.error(
            events.WEBHOOK_FAILED, account=door.account, asked=what, error=broken
        )
        return None


def _observation(
    door: _Door,
    request: InboundRequest,
    *,
    subject: str,
    delivery: str | None,
    traceparent: str | None,
) -> Observation:
    return Observation(
        id=observation_id(door.account, subject, request.body, delivery),
        subject=subject,
        platform=door.source.platform,
        account=door.account,
        channel="webhook",
        received_at=request.received_at,
        body=request.body,
        content_type=request.headers.get("content-type", "application/json")[:256],
        traceparent=traceparent,
    )
