"""`/healthz`, `/readyz` and `/metrics`: for the orchestrator, not for senders."""

from collections.abc import Awaitable, Callable
from typing import cast

import orjson

from bridge.inbound.asgi import (
    Answer,
    App,
    Receive,
    Scope,
    Send,
    answer,
    send_and_close,
    send_answer,
)
from bridge.inbound.problems import NOT_FOUND, READ_ONLY
from bridge.telemetry import metrics

#: Returns None when the role can do its work, else why not; within a second.
Ready = Callable[[], Awaitable[str | None]]

_JSON = b"application/json"
_ALIVE = answer(200, b'{"status":"ok"}', _JSON)
_READY = answer(200, b'{"status":"ready"}', _JSON)
_NOT_FOUND, _READ_ONLY = NOT_FOUND.answer(), READ_ONLY.answer()


async def always_ready() -> str | None:
    """Answer for a role without anything to wait for."""
    return None


def health_app(ready: Ready = always_ready) -> App:
    """Return the ASGI app of a role's health, for a role without webhooks as well."""

    async def healthz() -> Answer:
        return _ALIVE

    async def readyz() -> Answer:
        reason = await ready()
        if reason is None:
            return _READY
        body = orjson.dumps({"status": "not ready", "reason": reason})
        return answer(503, body, _JSON, (b"retry-after", b"1"))

    async def all_metrics() -> Answer:
        return answer(200, metrics.render(), metrics.CONTENT_TYPE.encode())

    paths = {"/healthz": healthz, "/readyz": readyz, "/metrics": all_metrics}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = paths.get(cast("str", scope["path"]))
        if path is None:
            await send_and_close(receive, send, _NOT_FOUND)
        elif scope["method"] in {"GET", "HEAD"}:
            await send_answer(send, await path())
        else:
            await send_and_close(receive, send, _READ_ONLY)

    return app
