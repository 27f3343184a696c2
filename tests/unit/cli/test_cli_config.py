"""`config check` and `config show`, as a shell sees them."""

import json
from pathlib import Path

import pytest

from bridge.cli import config
from bridge.cli.common import outcome

TEXT = """
kafka: {bootstrap: "kafka:9092"}
accounts:
  shop: {platform: redo, webhook_tokens: [{env: TOKEN}]}
privacy: {hash_key: {env: HASH_KEY}}
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOKEN", "webhook-token")
    monkeypatch.setenv("HASH_KEY", "hash-key")
    path = tmp_path / "bridge.yaml"
    path.write_text(TEXT)
    return path


def test_check_says_that_a_file_is_valid(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = outcome(config.commands, ["check", "--config", str(path)])

    assert code == 0
    assert capsys.readouterr().out == f"{path} is valid: 1 accounts, 0 targets.\n"


def test_the_file_may_be_named_by_the_environment(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_CONFIG", str(path))

    assert outcome(config.commands, ["check"]) == 0


def test_check_prints_every_problem_on_stderr_and_no_traceback(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKEN")
    path.write_text(TEXT + "kafca: 1\n")

    code = outcome(config.commands, ["check", "--config", str(path)])

    said = capsys.readouterr()
    assert (code, said.out) == (1, "")
    assert [line.split(": ")[1] for line in said.err.splitlines()] == [
        "accounts.shop.webhook_tokens[0]",
        "kafca",
    ]


def test_without_a_file_the_usage_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BRIDGE_CONFIG", raising=False)

    assert outcome(config.commands, ["check"]) == 2
    assert "--config" in capsys.readouterr().err


def test_show_masks_the_secrets(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = outcome(config.commands, ["show", "--config", str(path)])

    shown = capsys.readouterr().out
    assert code == 0
    assert "hash_key: '**********'" in shown
    assert "webhook-token" not in shown


def test_show_prints_json_on_demand(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = outcome(config.commands, ["show", "--json", "--config", str(path)])

    shown = json.loads(capsys.readouterr().out)
    assert code == 0
    assert shown["normalize"]["ownership"]["tick"] == "10ms"
    assert shown["accounts"]["shop"]["webhook_tokens"] == ["**********"]


def test_check_warns_of_what_leaves_news_unseen(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "token-of-the-webhooks")
    path.write_text(
        TEXT.replace("redo,", "returnlogic, api_key: {env: HASH_KEY},")
        + "targets: {look: {kind: fetch, account: shop}}\n"
    )

    code = outcome(config.commands, ["check", "--config", str(path)])

    said = capsys.readouterr()
    assert (code, said.out) == (0, f"{path} is valid: 1 accounts, 1 targets.\n")
    assert said.err.startswith(f"{path}: warning: accounts.shop has no poll.query")
