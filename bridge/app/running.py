"""`run`: the bridge against a real Kafka, until SIGTERM or Ctrl-C."""

import asyncio
import signal

from bridge import telemetry
from bridge.app.bridge import ROLES, Bridge
from bridge.app.process import calm_collector
from bridge.clock import SystemClock
from bridge.settings import Settings


async def run(settings: Settings, role: str) -> None:
    """Play `role` (`all`, `ingest`, `poll`, `normalize`, `deliver`) until told to stop.

    Raises ConfigError or UnavailableError when it must not or cannot start.
    """
    telemetry.configure(settings.telemetry)
    bridge = Bridge(settings, ROLES[role], clock=SystemClock())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, bridge.ask_to_stop)
    try:
        await bridge.start()
        calm_collector()
        await bridge.run()
    finally:
        await bridge.stop()
