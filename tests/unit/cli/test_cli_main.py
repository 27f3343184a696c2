"""The command as a whole: its groups, its version, its usage errors."""

import sys
from ast import literal_eval
from importlib.metadata import version
from subprocess import check_output

import pytest

from bridge.cli import main as commands
from bridge.cli.late import load
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


@pytest.mark.parametrize("name", list(commands.COMMANDS))
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    entry = commands.COMMANDS[name]

    help_of_it = load(name, entry).help or ""

    assert " ".join(help_of_it.split("\n\n")[0].split()) == entry.summary


def test_the_list_of_commands_imports_none_of_them() -> None:
    listing = """
import sys
from bridge.cli import main as commands
from bridge.cli.late import load
from bridge.cli.main import main
main(["--help"])
print(sorted(name for name in sys.modules if name.startswith("bridge")))
"""
    said = check_output([sys.executable, "-c", listing], text=True)  # noqa: S603

    assert "Serve a simulated platform" in said
    known = ["__init__", "cli", "cli.common", "cli.late", "cli.main", "clock"]
    known += ["durations", "errors"]
    assert literal_eval(said.splitlines()[-1]) == [
        "bridge" if name == "__init__" else f"bridge.{name}" for name in known
    ]


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
