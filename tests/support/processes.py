"""Real processes of the bridge, to be killed, frozen and read."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import orjson


@dataclass(slots=True)
class Worker:
    """One running `returns-bridge` and the file its output goes to."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL: no last word."""
        self.process.kill()
        self.process.wait(10)

    def freeze(self) -> None:
        """SIGSTOP: it stays, and does nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on as if no time had passed."""
        self.process.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM: ask it to stop in an orderly way."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, within: timedelta = timedelta(seconds=30)) -> int:
        """Return its exit code."""
        return self.process.wait(within.total_seconds())

    def output(self) -> str:
        """Return everything it has printed so far."""
        return self.log.read_text(errors="replace")

    def lines(self) -> Iterator[Mapping[str, object]]:
        """Iterate the structured log lines; other lines are passed over."""
        for line in self.log.read_bytes().splitlines():
            if line.startswith(b"{") and line.endswith(b"}"):
                yield orjson.loads(line)

    def has_logged(self, event: str, **fields: object) -> bool:
        """Tell whether a log line of this name with these fields is there."""
        wanted = {"event": event, **fields}.items()
        return any(wanted <= line.items() for line in self.lines())


class Workers:
    """The processes of one test; all of them end with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._all: list[Worker] = []

    def spawn(
        self, *arguments: str, name: str = "", env: Mapping[str, str] | None = None
    ) -> Worker:
        """Start `python -m bridge` with `arguments`; `env` is added to ours."""
        name = name or f"worker-{len(self._all) + 1}"
        log = self._folder / f"{name}-{len(self._all)}.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(  # noqa: S603 # our own command
                [sys.executable, "-m", "bridge", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env={**os.environ, **(env or {})},
            )
        worker = Worker(name, log, process)
        self._all.append(worker)
        return worker

    def close(self) -> None:
        """End every process that is left, frozen ones too."""
        for worker in self._all:
            if worker.running:
                worker.kill()

    def tails(self, characters: int = 2_000) -> str:
        """Return the end of each one's output, for a failing test's message."""
        return "\n".join(
            f"--- {worker.name}\n{worker.output()[-characters:]}"
            for worker in self._all
        )
