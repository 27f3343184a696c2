"""`returns-bridge sandbox loop` as a process: it serves, shops, and stops when told."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from bridge.cli.common import Exit
from bridge.cli.main import main
from tests.support.sandboxes import sandbox
from tests.unit.sandbox.conftest import Receiver

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
        httpx.AsyncClient(headers={"X-Authorization": "demo-loop-key"}) as client,
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
        httpx.AsyncClient() as client,
    ):
        known = await client.get(f"{address}/webhooks", headers={"X-Key": "demo-key"})
        await until(lambda: bool(receiver.requests))

    assert "x-loop-signature" in receiver.requests[0][0]
    assert len(known.json()["webhooks"]) == 11


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
