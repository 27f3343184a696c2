"""`returns-bridge sandbox loop` as a process: it serves, shops, and stops when told."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bridge.cli.common import Exit
from bridge.cli.main import main
from bridge.sandbox.loop_oauth import AUDIENCE
from bridge.sandbox.loop_simulator import LoopOptions
from bridge.sandbox.loop_standalone import MODES, LoopMode, in_modes
from tests.support import loopback
from tests.support.sandboxes import sandbox
from tests.unit.sandbox.conftest import Receiver
from tests.unit.sandbox.loop.conftest import told

Until = Callable[[Callable[[], bool]], Awaitable[None]]

CONFIG = """
kafka: {{bootstrap: unused:9092}}
accounts:
  shop:
    platform: loop
    api_key: {{file: {folder}/key}}
    key_header: X-Key
    webhook_secrets: [{{file: {folder}/secret}}]
  dock:
    platform: warehouse
    webhook_secrets: [{{file: {folder}/hook}}]
privacy: {{hash_key: {{file: {folder}/key}}}}
state_dir: {folder}
"""


async def test_without_settings_it_takes_the_demo_key_and_shoppers_come() -> None:
    async with (
        sandbox("loop", "--rate", "50", "--faults", "none") as address,
        loopback.client(headers={"X-Authorization": "demo-loop-key"}) as client,
        asyncio.timeout(10),
    ):
        rows: list[object] = []
        while not rows:
            rows = (await client.get(f"{address}/warehouse/return/list")).json()

    assert address.endswith("/api/2026-10")


async def test_it_plays_an_account_with_its_secrets(
    tmp_path: Path, receiver: Receiver, until: Until
) -> None:
    config = configured(tmp_path)
    played = ("--config", str(config), "--account", "shop", "--faults", "none")
    async with (
        sandbox("loop", *played, "--hook", receiver.url) as address,
        loopback.client() as client,
    ):
        known = await client.get(f"{address}/webhooks", headers={"X-Key": "demo-key"})
        await until(lambda: bool(receiver.requests))

    assert "x-loop-signature" in receiver.requests[0][0]
    assert len(known.json()["webhooks"]) == 11


async def test_it_runs_in_the_modes_that_are_named(
    receiver: Receiver, until: Until
) -> None:
    modes = ("label-request-uuids", "without-2026-07", "plain-errors")
    chosen = [word for mode in modes for word in ("--mode", mode)]
    still = ("--rate", "0", "--faults", "none", "--hook", receiver.url)
    async with (
        sandbox("loop", *chosen, *still) as address,
        loopback.client() as client,
    ):
        host = address.removesuffix("/api/2026-10")
        await client.post(f"{host}/sandbox/returns")
        await until(lambda: len(receiver.requests) == 2)
        gone = await client.get(f"{host}/api/v1/webhooks")
        refused = await client.get(f"{address}/webhooks")

    requests = [body for body in receiver.bodies if b"label.request.issued" in body]
    assert len(requests) == 1
    assert isinstance(json.loads(requests[0])["id"], str)
    assert gone.status_code == 404
    assert refused.text == "Refused with 401"


async def test_an_app_can_be_installed_where_it_runs_alone() -> None:
    still = ("--rate", "0", "--faults", "none")
    async with sandbox("loop", *still) as address, loopback.client() as client:
        host = address.removesuffix("/api/2026-10")
        asked = {
            "response_type": "code",
            "client_id": "demo-loop-app",
            "redirect_uri": "http://127.0.0.1:9/installed",
            "scope": "developer_tools",
            "state": "s",
            "organization": "7070",
            "audience": AUDIENCE,
        }
        sent = await client.get(f"{host}/authorize", params=asked)
        form = {
            "grant_type": "authorization_code",
            "code": told(sent)["code"],
            "client_id": "demo-loop-app",
            "client_secret": "demo-loop-app-secret",
        }
        pair = (await client.post(f"{host}/oauth/token", data=form)).json()
        bearer = {"Authorization": f"Bearer {pair['access_token']}"}
        answer = await client.get(f"{address}/webhooks", headers=bearer)

    assert answer.status_code == 200


@pytest.mark.parametrize("mode", LoopMode)
def test_every_mode_changes_something(mode: LoopMode) -> None:
    usual = LoopOptions(keys={}, secret="")

    assert MODES.keys() == set(LoopMode)
    assert in_modes(usual, [mode]) != usual


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--account", "shop"], Exit.USAGE),
        (["--account", "dock", "--config"], Exit.FAILED),
        (["--account", "nobody", "--config"], Exit.FAILED),
    ],
)
def test_what_does_not_belong_together_is_told(
    tmp_path: Path, arguments: list[str], code: Exit
) -> None:
    config = configured(tmp_path)
    given = [*arguments, str(config)] if "--config" in arguments else arguments

    assert main(["sandbox", "loop", *given]) == code


def configured(folder: Path) -> Path:
    """Write settings of a loop and of a warehouse account; return their path."""
    (folder / "key").write_text("demo-key")
    (folder / "secret").write_text("demo secret")
    (folder / "hook").write_text("whsec_b2xkLXNlY3JldC1vZi10ZXN0cw==")
    config = folder / "bridge.yaml"
    config.write_text(CONFIG.format(folder=folder))
    return config
