"""`dev`: the real bridge between simulated systems, on the embedded broker."""

import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import SystemRandom

from rich.console import Console

from bridge import telemetry
from bridge.app.bridge import ROLES, Bridge
from bridge.app.demo_settings import WAREHOUSE, account_of, demo_settings
from bridge.app.demo_stands import behind
from bridge.app.inspecting import verify
from bridge.clock import SystemClock
from bridge.errors import BridgeError
from bridge.sandbox import dev as demo
from bridge.sandbox.dev import Stands, Verdict
from bridge.sandbox.faults import Level
from bridge.sandbox.sandbox import DevOptions as Run
from bridge.sandbox.sandbox import Doors, Wiring
from bridge.sandbox.storefronts import Platform
from bridge.settings import Settings


@dataclass(frozen=True, slots=True)
class DevOptions:
    """What the command line says of one run."""

    plain: bool
    returns: int
    duration: timedelta
    faults: Level
    seed: int | None
    platforms: tuple[Platform, ...] = ("redo",)


async def dev(options: DevOptions) -> bool:
    """Play the demo; print what it proved; return whether every promise held."""
    telemetry.configure(telemetry.TelemetryOptions(log_level="error"))
    seed = SystemRandom().randrange(10**6) if options.seed is None else options.seed
    console = Console(soft_wrap=True, highlight=False)
    with tempfile.TemporaryDirectory(prefix="returns-bridge-") as scratch:
        played = await demo.play(
            _World(Path(scratch), console),
            Run(
                returns=options.returns,
                duration=options.duration,
                faults=options.faults,
                seed=seed,
                plain=options.plain,
                platforms=options.platforms,
            ),
            clock=SystemClock(),
        )
    for line in (*played.lines, f"Play it again with --seed {seed}."):
        console.print(line, markup=False)
    return played.ok


class _World:
    """The bridge as the demo plays it."""

    def __init__(self, scratch: Path, console: Console) -> None:
        self._scratch = scratch
        self._console = console
        self._bridge: Bridge | None = None
        self._settings: Settings | None = None

    async def start_bridge(self, kafka: str, wiring: Wiring) -> Doors:
        port = _free_port()  # known beforehand: the watch has to know our addresses
        self._settings = demo_settings(kafka, wiring, self._scratch, port)
        self._bridge = Bridge(self._settings, ROLES["all"], clock=SystemClock())
        door = f"http://127.0.0.1:{await self._bridge.start()}/hooks"
        self._tell(kafka, f"{door}/{WAREHOUSE}", wiring.report_secret)
        shops = {name: f"{door}/{account_of(name)}" for name in wiring.shops}
        return Doors(shops, f"{door}/{WAREHOUSE}")

    def _tell(self, kafka: str, hook: str, secret: str) -> None:
        """Say how to take part while it runs; the secret is as old as the run."""
        report = f"WAREHOUSE_REPORT_SECRET={secret} python deploy/examples/producer.py"
        for line in (
            "While it runs, other programs may take part:",
            f"  python deploy/examples/consumer.py {kafka} --embedded",
            f"  {report} {hook}",
        ):
            self._console.print(line, markup=False)

    async def settled(self) -> bool:
        bridge = self._started
        broken = bridge.failed()
        if broken is not None:
            raise BridgeError(f"a part of the bridge broke: {broken}") from broken
        return bridge.busy == 0

    @property
    def _started(self) -> Bridge:
        if self._bridge is None:
            raise BridgeError("the bridge was not started")
        return self._bridge

    async def behind(self, stands: Stands) -> Sequence[str]:
        return await behind(self._known, stands)

    async def verify(self) -> Verdict:
        proof = await verify(self._known, None)
        return Verdict(proof.kept and not proof.waiting, proof.lines)

    @property
    def _known(self) -> Settings:
        if self._settings is None:
            raise BridgeError("the bridge was not started")
        return self._settings

    async def stop_bridge(self) -> None:
        if self._bridge is not None:
            await self._bridge.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
