"""`sandbox` without an account, or with half of what an account takes."""

from pathlib import Path

import pytest

from bridge.cli.main import main


@pytest.mark.parametrize("system", ["warehouse", "loop", "redo"])
@pytest.mark.parametrize(
    ("written", "missing"),
    [(["--config", "bridge.yaml"], "--account"), (["--account", "a"], "--config")],
)
def test_an_account_and_its_settings_belong_together(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    system: str,
    written: list[str],
    missing: str,
) -> None:
    monkeypatch.delenv("BRIDGE_CONFIG", raising=False)

    code = main(["sandbox", system, *written])

    assert code == 2
    assert f"needs {missing}" in capsys.readouterr().err


def test_an_account_finds_its_settings_in_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BRIDGE_CONFIG", str(tmp_path / "missing.yaml"))

    code = main(["sandbox", "warehouse", "--account", "a"])

    assert code == 1
    assert "missing.yaml" in capsys.readouterr().err
