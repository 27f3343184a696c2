"""`sandbox returngo|returnlogic`: platforms that sign nothing, for development."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bridge.errors import ConfigError
from bridge.sandbox.faults import Level
from bridge.sandbox.simulators import Place
from bridge.sandbox.unsigned import UnsignedRun, run_returngo, run_returnlogic


@dataclass(frozen=True, slots=True)
class UnsignedSandbox:
    """What the command line says; `rate` is new returns a second.

    `modes` are the simulator's, as `NAME=VALUE`.
    """

    host: str
    port: int
    hook_url: str | None
    faults: Level
    seed: int = 1
    rate: float = 0.5
    modes: Sequence[str] = ()

    def run(self) -> UnsignedRun:
        every = timedelta(seconds=1 / self.rate) if self.rate else None
        place = Place(self.host, self.port)
        return UnsignedRun(
            place, self.hook_url, every, self.faults, self.seed, _split(self.modes)
        )


def _split(modes: Sequence[str]) -> dict[str, str]:
    for mode in modes:
        if "=" not in mode:
            raise ConfigError(f"--mode {mode}: write NAME=VALUE")
    return {name: value for name, _, value in (mode.partition("=") for mode in modes)}


async def sandbox_returngo(options: UnsignedSandbox, *, per_day: int) -> None:
    """Play ReturnGO until told to stop."""
    await run_returngo(options.run(), per_day=per_day)


async def sandbox_returnlogic(options: UnsignedSandbox) -> None:
    """Play ReturnLogic until told to stop."""
    await run_returnlogic(options.run())
