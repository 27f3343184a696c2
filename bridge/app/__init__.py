"""The composition root: the only place where parts meet."""

from bridge.app.bench import BenchOptions, bench
from bridge.app.dev import DevOptions, dev
from bridge.app.inspecting import lag, trace, verify, why
from bridge.app.instructing import Outcomes, Watch, instruct, pause
from bridge.app.replaying import (
    Decision,
    Forecast,
    find,
    forecast,
    known_target,
    letters_of,
)
from bridge.app.reviving import find_inbound, settle_inbound
from bridge.app.running import run
from bridge.app.sandboxes import SandboxOptions, sandbox_shop, sandbox_warehouse
from bridge.app.schemas import write_schemas

__all__ = [
    "BenchOptions",
    "Decision",
    "DevOptions",
    "Forecast",
    "Outcomes",
    "SandboxOptions",
    "Watch",
    "bench",
    "dev",
    "find",
    "find_inbound",
    "forecast",
    "instruct",
    "known_target",
    "lag",
    "letters_of",
    "pause",
    "run",
    "sandbox_shop",
    "sandbox_warehouse",
    "settle_inbound",
    "trace",
    "verify",
    "why",
    "write_schemas",
]
