"""The composition root: the only place where parts meet."""

from bridge.app.bench import BenchOptions, bench
from bridge.app.dev import DevOptions, dev
from bridge.app.inspecting import lag, trace, verify
from bridge.app.running import run
from bridge.app.sandboxes import SandboxOptions, sandbox_shop, sandbox_warehouse
from bridge.app.schemas import write_schemas

__all__ = [
    "BenchOptions",
    "DevOptions",
    "SandboxOptions",
    "bench",
    "dev",
    "lag",
    "run",
    "sandbox_shop",
    "sandbox_warehouse",
    "trace",
    "verify",
    "write_schemas",
]
