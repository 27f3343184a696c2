"""Simulators as processes of their own: started, and told to stop."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.broker import free_port


async def started(*arguments: str) -> asyncio.subprocess.Process:
    """Run Python with `arguments`."""
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
    )


async def stopped(process: asyncio.subprocess.Process) -> str:
    """Ask a process to stop, see that it did so well, and return what it printed."""
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(20):
        printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()


@asynccontextmanager
async def sandbox(*arguments: str) -> AsyncIterator[str]:
    """Run `sandbox` with `arguments` until the block ends; give its API's address."""
    command = ("-m", "bridge", "sandbox", *arguments, "--port", str(free_port()))
    process = await started(*command)
    assert process.stdout is not None
    async with asyncio.timeout(60):
        address = (await process.stdout.readline()).decode().strip()
    try:
        yield address
    finally:
        await stopped(process)
