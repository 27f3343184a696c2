"""`topics`, as a shell sees it, without a broker."""

import json
import socket
from pathlib import Path

import pytest

from bridge.cli import topics
from bridge.cli.common import outcome

DEPLOY = Path(__file__).parents[3] / "deploy"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration whose broker does not exist."""
    monkeypatch.setenv("HASH_KEY", "hash-key")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    path = tmp_path / "bridge.yaml"
    path.write_text(
        f'kafka: {{bootstrap: "127.0.0.1:{port}"}}\n'
        "privacy: {hash_key: {env: HASH_KEY}}\n"
        "topics: {prefix: mine, partitions: 3}\n"
    )
    return path


def test_the_listed_topics_are_those_of_deploy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert outcome(topics.commands, ["list", "--yaml"]) == 0

    assert capsys.readouterr().out == (DEPLOY / "topics.yaml").read_text(), (
        "the table has changed: "
        "run `returns-bridge topics list --yaml > deploy/topics.yaml`"
    )


def test_a_list_as_json_has_a_topic_on_each_line(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome(topics.commands, ["list", "--json", "--config", str(path)]) == 0

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0]["topic"] == "mine.raw"
    assert rows[0]["config"]["cleanup.policy"] == "delete"
    assert {row["partitions"] for row in rows} == {3}


def test_a_list_for_people_has_a_line_for_each_topic(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert outcome(topics.commands, ["list"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:2] == ["returns.raw", "subject"]
    assert "delete 14 d" in lines[1]
    assert "compact" in lines[3]


@pytest.mark.parametrize("command", [["apply"], ["apply", "--dry-run"], ["check"]])
def test_a_broker_that_is_not_there_is_named_with_the_remedy(
    path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    code = outcome(topics.commands, [*command, "--config", str(path)])

    said = capsys.readouterr()
    assert (code, said.out) == (1, "")
    assert said.err.startswith("Kafka at 127.0.0.1:")
    assert " does not answer (" in said.err
    assert "kafka.bootstrap" in said.err
    assert "Traceback" not in said.err
