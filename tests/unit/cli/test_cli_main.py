"""The command as a whole: its groups, its version, its usage errors."""

from importlib.metadata import version

import pytest

from bridge.cli.main import main

COMMANDS = [
    ["run"],
    ["dev"],
    ["verify"],
    ["trace"],
    ["lag"],
    ["why"],
    ["pause"],
    ["resume"],
    ["dead", "list"],
    ["dead", "show"],
    ["dead", "export"],
    ["dead", "retry"],
    ["dead", "edit"],
    ["dead", "discard"],
    ["bench"],
    ["accounts", "connect"],
    ["topics", "apply"],
    ["topics", "check"],
    ["topics", "list"],
    ["config", "check"],
    ["config", "show"],
    ["schemas", "write"],
    ["sandbox", "shop"],
    ["sandbox", "loop"],
    ["sandbox", "warehouse"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--help"]) == 0

    said = capsys.readouterr().out
    assert " ".join(words) in said
    assert "Usage:" in said


@pytest.mark.parametrize(
    "words",
    [
        ["verify"],
        ["trace", "x"],
        ["why", "x"],
        ["lag"],
        ["topics", "list"],
        ["dead", "list"],
        ["dead", "retry"],
    ],
)
def test_every_list_can_be_had_as_json(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*words, "--help"])

    assert "--json" in capsys.readouterr().out


def test_the_version_is_that_of_the_package(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--version"]) == 0

    assert capsys.readouterr().out.strip() == version("returns-bridge")


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["run", "poll"],
        ["dev", "--returns", "0"],
        ["dev", "--faults", "x"],
        ["dev", "--platform", "redo,elsewhere"],
        ["dead", "retry", "--since", "yesterday"],
        ["dead", "list", "--colour", "red"],
        ["pause", "redo/shop/1"],
        ["sandbox", "shop", "--account", "x", "--config", "y", "--listen", "8101"],
    ],
    ids=" ".join,
)
def test_a_usage_error_exits_with_two(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2

    assert "Usage:" in capsys.readouterr().err


def test_a_configuration_that_is_not_there_is_no_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "--config", "/no/such.yaml"]) == 1

    assert capsys.readouterr().err.startswith("/no/such.yaml: there is no such file")
