"""`sandbox returngo|returnlogic`: platforms that sign nothing, for development."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.app.alone import Alone
from bridge.errors import ConfigError
from bridge.sandbox.unsigned import UnsignedRun, run_returngo, run_returnlogic


@dataclass(frozen=True, slots=True)
class UnsignedSandbox(Alone):
    """One of them that runs by itself; `modes` are its own, as `NAME=VALUE`."""

    seed: int = 1
    rate: float = 0.5
    modes: Sequence[str] = ()

    def run(self) -> UnsignedRun:
        every = self.every if self.rate else None
        modes = _split(self.modes)
        return UnsignedRun(
            self.place, self.hook_url, every, self.faults, self.seed, modes
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
