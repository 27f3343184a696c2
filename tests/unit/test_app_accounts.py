"""`accounts check` and `webhooks …` against a simulated Redo."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge import settings
from bridge.app import accounts, hooks
from bridge.cli.common import Exit
from bridge.cli.main import main
from bridge.clock import SystemClock
from bridge.errors import BridgeError, ConfigError
from bridge.sandbox.simulators import ShopOptions, ShopSimulator
from bridge.settings import Settings

HOOK = "https://bridge.example/hooks/shop"
SECRETS = {"API": "api-token", "BAD": "bad", "HOOK": "hook-token", "KEY": "k" * 32}


@pytest.fixture
async def simulator() -> AsyncIterator[ShopSimulator]:
    tokens = ShopOptions.full_access(SECRETS["API"])
    made = ShopSimulator(ShopOptions("s1", tokens))
    await made.start()
    yield made
    await made.stop()


def configured(simulator: ShopSimulator, **changed: object) -> Settings:
    account = {
        "platform": "redo",
        "base_url": simulator.url,
        "store_id": "s1",
        "api_token": {"env": "API"},
        "webhook_tokens": [{"env": "HOOK"}],
        "hook_url": HOOK,
    }
    return settings.build(
        {
            "kafka": {"bootstrap": "127.0.0.1:9092"},
            "privacy": {"hash_key": {"env": "KEY"}},
            "accounts": {
                "shop": {**account, **changed},
                "silent": {**account, "store_id": "s2", "api_token": None},
            },
        },
        SECRETS,
    )


async def test_every_account_is_called_read_only(simulator: ShopSimulator) -> None:
    rows = await accounts.check_accounts(configured(simulator))

    assert [(row.account, row.what, row.ok) for row in rows] == [
        ("shop", "poll", True),
        ("shop", "webhooks", True),
        ("silent", "-", None),
    ]
    assert {call.method for call in simulator.front.log.calls} == {"GET"}


async def test_a_credential_that_does_not_work_is_told(
    simulator: ShopSimulator,
) -> None:
    wrong = configured(simulator, api_token={"env": "BAD"})

    rows = await accounts.check_accounts(wrong, "shop")

    assert [row.ok for row in rows] == [False, False]
    assert rows[0].detail == "http_401"


async def test_an_account_that_is_not_there_is_refused(
    simulator: ShopSimulator,
) -> None:
    with pytest.raises(ConfigError, match="not configured"):
        await accounts.check_accounts(configured(simulator), "other")


async def test_registering_twice_registers_once(simulator: ShopSimulator) -> None:
    loaded = configured(simulator)

    planned = await hooks.register_webhooks(loaded, "shop", dry_run=True)
    none_yet = await hooks.list_webhooks(loaded, "shop")
    done = await hooks.register_webhooks(loaded, "shop", dry_run=False)
    again = await hooks.register_webhooks(loaded, "shop", dry_run=False)

    assert [each.result for each in planned] == ["planned"]
    assert none_yet == ()
    assert [each.result for each in done] == ["done"]
    assert again == []
    assert [each.url for each in await hooks.list_webhooks(loaded, "shop")] == [HOOK]


async def test_a_repair_moves_and_makes_nothing(simulator: ShopSimulator) -> None:
    loaded = configured(simulator)
    missing = await hooks.repair_webhooks(loaded, "shop", dry_run=False)
    await hooks.register_webhooks(
        loaded, "shop", "https://old.example/x", dry_run=False
    )

    moved = await hooks.repair_webhooks(loaded, "shop", dry_run=False)

    assert missing == []
    assert [each.change for each in moved] == [f"update return to {HOOK}"]


async def test_a_replay_is_asked_for_once_the_webhook_is_there(
    simulator: ShopSimulator,
) -> None:
    loaded, since = configured(simulator), SystemClock().now() - timedelta(hours=1)
    with pytest.raises(BridgeError, match="not_registered"):
        await hooks.replay_webhooks(loaded, "shop", since, dry_run=False)
    await hooks.register_webhooks(loaded, "shop", dry_run=False)

    planned = await hooks.replay_webhooks(loaded, "shop", since, dry_run=True)
    done = await hooks.replay_webhooks(loaded, "shop", since, dry_run=False)

    assert (planned.result, done.result) == ("planned", "asked for")


async def test_what_cannot_be_looked_after_says_why(simulator: ShopSimulator) -> None:
    loaded = configured(simulator, hook_url=None)

    with pytest.raises(ConfigError, match="hook_url, or --url"):
        await hooks.register_webhooks(loaded, "shop", dry_run=False)
    with pytest.raises(ConfigError, match="key for its API"):
        await hooks.list_webhooks(loaded, "silent")


async def test_a_platform_that_refuses_is_quoted_by_its_reason_alone(
    simulator: ShopSimulator,
) -> None:
    wrong = configured(simulator, api_token={"env": "BAD"})

    with pytest.raises(BridgeError, match="did not list its webhooks: http_401"):
        await hooks.list_webhooks(wrong, "shop")


def test_a_backfill_is_planned_before_it_is_ordered(simulator: ShopSimulator) -> None:
    loaded, now = configured(simulator), SystemClock().now()

    plan = accounts.plan_backfill(loaded, "shop", now - timedelta(days=21), now)

    assert plan.windows == 3 * 2
    assert plan.calls_per_minute == 15
    with pytest.raises(ConfigError, match="ends after it begins"):
        accounts.plan_backfill(loaded, "shop", now, now)
    with pytest.raises(ConfigError, match="cannot be polled"):
        accounts.plan_backfill(loaded, "silent", now - timedelta(days=1), now)


def command(argv: list[str], tmp_path: Path, url: str) -> int:
    """Run the command line with the settings as a file."""
    for name, secret in SECRETS.items():
        (tmp_path / name).write_text(secret)
    secrets = {name: {"file": str(tmp_path / name)} for name in SECRETS}
    tree = {
        "kafka": {"bootstrap": "127.0.0.1:9"},
        "privacy": {"hash_key": secrets["KEY"]},
        "accounts": {
            "shop": {
                "platform": "redo",
                "base_url": url,
                "store_id": "s1",
                "api_token": secrets["API"],
                "webhook_tokens": [secrets["HOOK"]],
                "hook_url": HOOK,
            }
        },
    }
    file = tmp_path / "bridge.yaml"
    file.write_text(settings.dump(tree))
    return main([*argv, "--config", str(file)])


async def test_the_commands_tell_what_they_did(
    simulator: ShopSimulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def said(*argv: str) -> tuple[int, str]:
        code = await asyncio.to_thread(command, list(argv), tmp_path, simulator.url)
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    assert (await said("accounts", "check"))[0] == Exit.DONE
    assert (await said("webhooks", "list", "shop"))[0] == Exit.NOTHING
    assert "planned" in (await said("webhooks", "register", "shop", "--dry-run"))[1]
    assert "done" in (await said("webhooks", "register", "shop"))[1]
    assert "as it should be" in (await said("webhooks", "repair", "shop"))[1]
    assert HOOK in (await said("webhooks", "list", "shop", "--json"))[1]
    replay = ("webhooks", "replay", "shop", "--since", "1h")
    assert "asked for" in (await said(*replay))[1]
    backfill = ("accounts", "backfill", "shop", "--since", "21d", "--dry-run")
    assert "6" in (await said(*backfill))[1]
