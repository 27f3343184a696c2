"""The composition root: the only place where parts meet."""

from bridge.app.accounts import (
    account_status,
    cancel_backfill,
    check_accounts,
    cursor_of,
    order_backfill,
    plan_backfill,
)
from bridge.app.bench import BenchOptions, bench
from bridge.app.connecting import connect_account
from bridge.app.dev import DevOptions, dev
from bridge.app.hooks import (
    Mended,
    list_webhooks,
    register_webhooks,
    repair_webhooks,
    replay_webhooks,
)
from bridge.app.inspecting import lag, trace, verify, why
from bridge.app.instructing import Outcomes, Watch, instruct, pause
from bridge.app.loop_sandbox import LoopSandbox, sandbox_loop
from bridge.app.redo_sandbox import RedoSandbox, sandbox_redo
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
from bridge.app.sandboxes import (
    SandboxOptions,
    WarehouseSandbox,
    sandbox_shop,
    sandbox_warehouse,
)
from bridge.app.schemas import write_schemas
from bridge.app.tokens import make_key
from bridge.app.unsigned_sandboxes import (
    UnsignedSandbox,
    sandbox_returngo,
    sandbox_returnlogic,
)
from bridge.sandbox.loop_standalone import LoopMode
from bridge.sandbox.simulators import Place
from bridge.sandbox.warehouse_documents import Handling
from bridge.sandbox.warehouse_modes import WarehouseMode

__all__ = [
    "BenchOptions",
    "Decision",
    "DevOptions",
    "Forecast",
    "Handling",
    "LoopMode",
    "LoopSandbox",
    "Mended",
    "Outcomes",
    "Place",
    "RedoSandbox",
    "SandboxOptions",
    "UnsignedSandbox",
    "WarehouseMode",
    "WarehouseSandbox",
    "Watch",
    "account_status",
    "bench",
    "cancel_backfill",
    "check_accounts",
    "connect_account",
    "cursor_of",
    "dev",
    "find",
    "find_inbound",
    "forecast",
    "instruct",
    "known_target",
    "lag",
    "letters_of",
    "list_webhooks",
    "make_key",
    "order_backfill",
    "pause",
    "plan_backfill",
    "register_webhooks",
    "repair_webhooks",
    "replay_webhooks",
    "run",
    "sandbox_loop",
    "sandbox_redo",
    "sandbox_returngo",
    "sandbox_returnlogic",
    "sandbox_shop",
    "sandbox_warehouse",
    "settle_inbound",
    "trace",
    "verify",
    "why",
    "write_schemas",
]
