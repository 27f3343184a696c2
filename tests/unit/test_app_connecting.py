"""The tokens of an installation: `accounts connect`, and whether they are usable."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_core import to_json

from bridge import settings
from bridge.app import accounts, connecting, tokens
from bridge.app.bridge import ROLES, Bridge
from bridge.app.connecting import ConnectFailed
from bridge.app.tokens import check_tokens
from bridge.cli.main import main
from bridge.clock import SystemClock
from bridge.errors import ConfigError
from bridge.platforms.returnlogic.options import ReturnLogicAccount
from bridge.platforms.returnlogic.seal import Seal
from bridge.sandbox.returnlogic import ReturnLogicOptions, ReturnLogicSimulator
from bridge.settings import Settings

CODE = "demo-code-1"
SECRETS = {
    "APP": "demo-secret",
    "HOOK": "hook-token-of-the-test",
    "KEY": "k" * 32,
    "SEAL": tokens.make_key(),
}


@pytest.fixture
async def simulator() -> AsyncIterator[ReturnLogicSimulator]:
    made = ReturnLogicSimulator(ReturnLogicOptions(code=CODE))
    await made.start()
    yield made
    await made.stop()


def tree(base_url: str, token_file: Path) -> dict[str, object]:
    team = {
        "platform": "returnlogic",
        "base_url": base_url,
        "webhook_tokens": [{"env": "HOOK"}],
        "oauth": {
            "client_id": "demo-client",
            "client_secret": {"env": "APP"},
            "token_file": str(token_file),
            "token_keys": [{"env": "SEAL"}],
        },
    }
    shop = {"platform": "redo", "webhook_tokens": [{"env": "HOOK"}]}
    return {
        "kafka": {"bootstrap": "127.0.0.1:9092"},
        "privacy": {"hash_key": {"env": "KEY"}},
        "accounts": {"team": team, "shop": shop},
        "targets": {"fetch": {"kind": "fetch", "account": "team"}},
    }


def configured(simulator: ReturnLogicSimulator, token_file: Path) -> Settings:
    return settings.build(tree(simulator.url, token_file), SECRETS)


async def test_a_code_becomes_tokens_that_the_account_calls_with(
    simulator: ReturnLogicSimulator, tmp_path: Path
) -> None:
    known = configured(simulator, tmp_path / "tokens")

    await connecting.connect_account(known, "team", CODE)

    (row,) = await accounts.check_accounts(known, "team")
    assert (row.what, row.ok) == ("webhooks", True)


async def test_a_code_counts_once_and_a_refusal_leaves_the_tokens(
    simulator: ReturnLogicSimulator, tmp_path: Path
) -> None:
    known = configured(simulator, tmp_path / "tokens")
    await connecting.connect_account(known, "team", CODE)

    with pytest.raises(ConnectFailed, match="the code was refused") as refused:
        await connecting.connect_account(known, "team", CODE)

    assert CODE not in str(refused.value)
    account = known.accounts["team"]
    assert isinstance(account, ReturnLogicAccount)
    tokens = account.tokens()
    assert tokens is not None
    assert tokens.current() is not None


async def test_maintenance_is_told_as_such(
    simulator: ReturnLogicSimulator, tmp_path: Path
) -> None:
    simulator.api.temper.maintenance = True

    with pytest.raises(ConnectFailed, match="http_503: try again"):
        await connecting.connect_account(
            configured(simulator, tmp_path / "tokens"), "team", CODE
        )


async def test_tokens_that_do_not_open_are_told_before_anything_is_called(
    simulator: ReturnLogicSimulator, tmp_path: Path
) -> None:
    known = configured(simulator, tmp_path / "tokens")
    await connecting.connect_account(known, "team", CODE)
    other = settings.build(
        tree(simulator.url, tmp_path / "tokens"), SECRETS | {"SEAL": tokens.make_key()}
    )
    calls = len(simulator.front.log.calls)

    (row,) = await accounts.check_accounts(other, "team")
    with pytest.raises(ConfigError, match=r"^accounts.team: .* does not open"):
        await connecting.connect_account(other, "team", CODE)
    with pytest.raises(ConfigError, match=r"^accounts.team: .* does not open"):
        await Bridge(other, ROLES["deliver"], clock=SystemClock()).start()

    assert (row.what, row.ok) == ("tokens", False)
    assert "put that key into token_keys" in row.detail.lower()
    assert len(simulator.front.log.calls) == calls
    check_tokens(known, "team")


async def test_an_account_that_no_code_is_for_says_so(
    simulator: ReturnLogicSimulator, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="only a returnlogic account"):
        await connecting.connect_account(
            configured(simulator, tmp_path / "tokens"), "shop", CODE
        )


async def test_the_command_shows_no_token(
    simulator: ReturnLogicSimulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "bridge.yaml"
    path.write_bytes(to_json(tree(simulator.url, tmp_path / "tokens")))

    words = ["accounts", "connect", "team", "--config", str(path), "--code", CODE]
    assert await asyncio.to_thread(main, words) == 0

    assert capsys.readouterr().out == "team is connected.\n"


def test_a_key_is_made_by_command(capsys: pytest.CaptureFixture[str]) -> None:
    made = []
    for _ in range(2):
        assert main(["config", "make-key"]) == 0
        made.append(capsys.readouterr().out.removesuffix("\n"))

    assert made[0] != made[1]
    for key in made:
        seal = Seal([SecretStr(key)])
        assert seal.open(seal.close(b"x")).plain == b"x"
