"""The bridge in one process: the roles it plays, started and stopped together."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import timedelta

from bridge.app.polling import PollStage, poll_stage
from bridge.app.stages import (
    DeliverStage,
    deliver_stage,
    make_sources,
    make_turns,
    normalize_member,
)
from bridge.app.tokens import check_tokens
from bridge.clock import Clock
from bridge.inbound.asgi import App
from bridge.inbound.health import health_app
from bridge.inbound.serve import HttpServer
from bridge.inbound.webhooks import Webhooks, route
from bridge.settings import Settings, account_warnings
from bridge.streams.cluster import cluster_id
from bridge.streams.member import Member
from bridge.streams.publisher import Publisher
from bridge.streams.topic_admin import check_topics
from bridge.telemetry import events, logger

INGEST, POLL, NORMALIZE, DELIVER = "ingest", "poll", "normalize", "deliver"
#: What each word of the command line stands for.
ROLES: Mapping[str, Collection[str]] = {
    "all": (INGEST, POLL, NORMALIZE, DELIVER),
    INGEST: (INGEST,),
    POLL: (POLL,),
    NORMALIZE: (NORMALIZE,),
    DELIVER: (DELIVER,),
}
_REACHABLE_WITHIN = timedelta(milliseconds=900)

log = logger(__name__)


class Bridge:
    """The roles of one process."""

    def __init__(
        self, settings: Settings, roles: Collection[str], *, clock: Clock
    ) -> None:
        self._settings = settings
        self._roles = roles
        self._clock = clock
        self._stop = asyncio.Event()
        self._publisher = Publisher(settings.kafka, clock=clock)
        self._server: HttpServer | None = None
        self._members: dict[str, Member] = {}
        self._stages: list[DeliverStage] = []
        self._polls: PollStage | None = None
        self._running: list[asyncio.Task[None]] = []

    async def start(self) -> int:
        """Start every role; return the port of webhooks, health and metrics.

        Raises ConfigError where settings and topics do not fit, or kept tokens cannot
        be used, UnavailableError where Kafka does not answer.
        """
        settings = self._settings
        if {POLL, DELIVER} & set(self._roles):
            for name in settings.accounts:
                check_tokens(settings, name)
        await check_topics(
            settings.kafka, settings.topic_specs(), embedded=settings.kafka.embedded
        )
        await self._make_members()
        if INGEST in self._roles:
            await self._publisher.start()
        self._server = HttpServer(self._app(), settings.inbound)
        port = await self._server.start()
        self._running = [
            asyncio.create_task(member.run(self._stop), name=name)
            for name, member in self._members.items()
        ]
        log.info(events.PROCESS_STARTED, roles=sorted(self._roles))
        return port

    async def _make_members(self) -> None:
        settings, clock = self._settings, self._clock
        turns = make_turns(settings, clock)
        if NORMALIZE in self._roles:
            cluster = await cluster_id(settings.kafka)
            self._members[NORMALIZE] = normalize_member(settings, cluster, clock)
        if POLL in self._roles:
            for warning in account_warnings(settings):
                log.warning(events.ACCOUNT_WARNED, detail=warning)
            self._polls = poll_stage(settings, turns, clock)
            if self._polls is not None:
                self._members[POLL] = self._polls.member
        if DELIVER in self._roles:
            self._stages = [
                deliver_stage(settings, name, turns, clock) for name in settings.targets
            ]
            self._members |= {
                f"{DELIVER} {stage.name}": stage.member for stage in self._stages
            }

    def _app(self) -> App:
        health = health_app(self._not_ready)
        if INGEST not in self._roles:
            return health
        webhooks = Webhooks(
            make_sources(self._settings),
            self._publisher.publish,
            topics=self._settings.topic_names,
            options=self._settings.inbound,
            clock=self._clock,
        )
        return route(webhooks, health)

    async def _not_ready(self) -> str | None:
        raw = self._settings.topic_names.raw
        waiting = [name for name, member in self._members.items() if not member.joined]
        if waiting:
            return f"{', '.join(waiting)} has not joined its group yet"
        if INGEST in self._roles and not await self._publisher.reachable(
            raw, _REACHABLE_WITHIN
        ):
            return f"Kafka at {self._settings.kafka.address} does not answer"
        return None

    async def run(self) -> None:
        """Work until `ask_to_stop`, or until a role breaks; its error is raised."""
        if not self._running:
            await self._stop.wait()
            return
        await asyncio.wait(self._running, return_when=asyncio.FIRST_EXCEPTION)
        for task in self._running:
            if task.done():
                task.result()

    def ask_to_stop(self) -> None:
        """Begin to let go; `run` returns when all is done."""
        log.info(events.PROCESS_STOPPING)
        self._stop.set()

    async def stop(self) -> None:
        """Stop every part in order: the door first, then the stages."""
        self._stop.set()
        if self._server is not None:
            await self._server.stop()
        await self._publisher.stop()
        await asyncio.gather(*self._running, return_exceptions=True)
        for stage in (*self._stages, self._polls):
            if stage is not None:
                await stage.close()
        if self._running:
            log.info(events.PROCESS_STOPPED)

    def failed(self) -> BaseException | None:
        """Return what broke a role, None while all are well."""
        return next(
            (
                task.exception()
                for task in self._running
                if task.done() and not task.cancelled()
            ),
            None,
        )

    @property
    def busy(self) -> int:
        """How many subjects have something under way at a target."""
        return sum(stage.desk.busy for stage in self._stages)
