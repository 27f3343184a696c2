"""The measured process, as the measuring one sees it: started, heard, stopped.

They speak JSON, one object per line. The child is given its order on its standard
input and answers on its standard output; the end of its input tells it to stop. What
breaks in the child comes back as `{"error": …}` and is raised here.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import orjson
import psutil
from pydantic_core import to_json

from bridge.app.benchmarks.orders import Words
from bridge.errors import BridgeError

Said = Mapping[str, object]

_MODULE = "bridge.app.benchmarks.worker"
_START_LIMIT = timedelta(seconds=60)
_MEBIBYTE = 1024 * 1024
_LINE_LIMIT = 16 * _MEBIBYTE


class Child:
    """One running worker; made by `started`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._usage = psutil.Process(process.pid)

    async def hear(self, within: timedelta = _START_LIMIT) -> Said:
        """Return the child's next words; raise BridgeError for an error or silence."""
        if self._process.stdout is None:
            raise BridgeError("the measured process has no output")
        try:
            async with asyncio.timeout(within.total_seconds()):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise BridgeError(
                f"the measured process was not done within {within}: is the machine "
                "busy with something else?"
            ) from None
        words: Said = orjson.loads(line or b'{"error": "the measured process died"}')
        if "error" in words:
            raise BridgeError(str(words["error"]))
        return words

    async def stop(self, within: timedelta = _START_LIMIT) -> Said:
        """Tell it to stop; return its last words."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        return await self.hear(within)

    def kill(self) -> None:
        """End it with SIGKILL, as a machine that fails would."""
        self._process.kill()

    @property
    def cpu(self) -> float:
        """The CPU seconds it has used so far."""
        times = self._usage.cpu_times()
        return float(times.user + times.system)

    @property
    def memory(self) -> float:
        """Its resident memory now, in MiB."""
        return float(self._usage.memory_info().rss) / _MEBIBYTE


@asynccontextmanager
async def started(part: str, order: Words) -> AsyncIterator[Child]:
    """Start a worker for `part`; it does not outlive the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", _MODULE),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_LIMIT,
    )
    try:
        if process.stdin is not None:
            process.stdin.write(to_json({"part": part, **order.model_dump()}) + b"\n")
            await process.stdin.drain()
        yield Child(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Wait a moment for it to go by itself, then make it go."""
    try:
        async with asyncio.timeout(10):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
