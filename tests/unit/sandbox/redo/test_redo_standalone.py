"""`returns-bridge sandbox redo` as a process: it serves, shops, and stops when told."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bridge.cli.common import Exit
from bridge.cli.main import main
from bridge.sandbox.redo_modes import Chosen, Mode
from bridge.sandbox.redo_odd import Oddity
from tests.support import loopback
from tests.support.sandboxes import sandbox
from tests.support.waiting import wait_until
from tests.unit.sandbox.conftest import Receiver

Until = Callable[[Callable[[], bool]], Awaitable[None]]

CONFIG = """
kafka: {{bootstrap: unused:9092}}
accounts:
  shop:
    platform: redo
    store_id: own-store
    api_token: {{file: {folder}/token}}
    webhook_tokens: [{{file: {folder}/hook}}]
  dock:
    platform: warehouse
    webhook_secrets: [{{file: {folder}/secret}}]
privacy: {{hash_key: {{file: {folder}/token}}}}
state_dir: {folder}
"""
QUIET = ("redo", "--faults", "none")
DEMO = {"authorization": "Bearer demo-redo-token"}


@pytest.mark.timeout(120)
async def test_without_settings_it_takes_the_demo_token_and_who_registers_is_told(
    receiver: Receiver, until: Until
) -> None:
    modes = ("--mode", "plain-http", "--mode", "bare-problems", "--odd", "empty")
    callback = {"url": receiver.url, "auth": {"bearer": {"token": "mine"}}}
    hook = {"webhook": {"callback": callback, "topic": "return"}}
    async with (
        sandbox(*QUIET, "--rate", "20", *modes, "--burst", "11") as address,
        loopback.client(base_url=address, headers=DEMO) as client,
    ):
        made = await client.post("/stores/demo-store/webhooks", json=hook)
        nobody = await client.get("/returns/nobody")
        await until(lambda: len(receiver.bodies) > 3)

    assert (made.status_code, nobody.json()) == (201, {})
    assert b"{}" in receiver.bodies
    assert receiver.requests[0][0]["authorization"] == "Bearer mine"


@pytest.mark.timeout(120)
async def test_it_plays_an_account_with_its_secrets_and_so_many_scopes(
    tmp_path: Path, receiver: Receiver, until: Until
) -> None:
    played = ("--config", str(configured(tmp_path)), "--account", "shop")
    limits = ("--scope", "returns_read", "--per-second", "1000", "--retries", "0")
    headers = {"authorization": "Bearer own-token"}
    async with (
        sandbox(*QUIET, *played, *limits, "--hook", receiver.url) as address,
        loopback.client(base_url=address, headers=headers) as client,
    ):
        may = await client.get("/stores/own-store/returns")
        may_not = await client.get("/stores/own-store/webhooks")
        await until(lambda: bool(receiver.requests))

    assert (may.status_code, may_not.status_code) == (200, 403)
    assert receiver.requests[0][0]["authorization"] == "Bearer own-hook"
    assert json.loads(receiver.bodies[0])["type"] == "created"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--account", "shop"], Exit.USAGE),
        (["--scope", "everything"], Exit.USAGE),
        (["--mode", "upside-down"], Exit.USAGE),
        (["--account", "dock", "--config"], Exit.FAILED),
        (["--account", "nobody", "--config"], Exit.FAILED),
    ],
)
def test_what_does_not_belong_together_is_told(
    tmp_path: Path, arguments: list[str], code: Exit
) -> None:
    config = configured(tmp_path)
    given = [*arguments, str(config)] if "--config" in arguments else arguments

    assert main(["sandbox", "redo", *given]) == code


def test_every_mode_switches_something_on() -> None:
    plain = Chosen()

    for mode in set(Mode) - {Mode.EARLY_PAYMENT}:
        chosen = Chosen((mode,))
        assert (chosen.traps(), chosen.ways()) != (plain.traps(), plain.ways())


def test_what_is_counted_is_passed_on() -> None:
    chosen = Chosen(odd=[Oddity.NULLS], retries=2, per_second=7, broken_every=3)

    ways = chosen.ways()

    assert (ways.posting.retries, list(ways.odd)) == (2, [Oddity.NULLS])
    assert (ways.temper.per_second, ways.temper.broken_every) == (7, 3)


@pytest.mark.timeout(120)
async def test_merchants_pay_early_if_that_is_switched_on(
    receiver: Receiver,
) -> None:
    def moved_on() -> bool:
        bodies = [json.loads(body)["return"] for body in receiver.bodies]
        return any(
            body["status"] == "complete" and parcel["status"] == "delivered"
            for body in bodies
            for parcel in body["shipments"]
        )

    early = ("--mode", "early-payment", "--rate", "10", "--hook", receiver.url)
    async with sandbox(*QUIET, *early):
        await wait_until(moved_on, what="a payment before the arrival")


def configured(folder: Path) -> Path:
    """Write settings of a redo and of a warehouse account; return their path."""
    (folder / "token").write_text("own-token")
    (folder / "hook").write_text("own-hook")
    (folder / "secret").write_text("whsec_b2xkLXNlY3JldC1vZi10ZXN0cw==")
    config = folder / "bridge.yaml"
    config.write_text(CONFIG.format(folder=folder))
    return config
