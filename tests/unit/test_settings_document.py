"""YAML as the configuration reads it."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from bridge.errors import ConfigError
from bridge.settings.document import parse, read


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as refused:
        read(path)
    return str(refused.value).removeprefix(f"{path}: ")


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "bridge.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("200ms", timedelta(milliseconds=200)),
        ("5s", timedelta(seconds=5)),
        ("1.5s", timedelta(seconds=1.5)),
        ("10min", timedelta(minutes=10)),
        ("8h", timedelta(hours=8)),
        ("14d", timedelta(days=14)),
    ],
)
def test_a_duration_is_a_number_with_its_unit(text: str, value: timedelta) -> None:
    assert parse(f"lease: {text}") == {"lease": value}


@pytest.mark.parametrize("text", ["'5s'", "5 s", "5m", "s5", "-5s", "5sec"])
def test_other_texts_stay_texts(text: str) -> None:
    assert isinstance(parse(text), str)


def test_only_true_and_false_are_truth_values() -> None:
    assert parse("[on, off, yes, no, true, False]") == [
        "on",
        "off",
        "yes",
        "no",
        True,
        False,
    ]


def test_a_tag_without_a_duration_is_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="not a duration"):
        parse("!duration soon")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: the key a stands twice: remove one"),
        ("x: {a: 1, a: 1}", "line 1: the key a stands twice: remove one"),
        ("1d: 3", "line 1: the key 1d is no text: put it in quotes"),
        ("? [a]\n: 1", "line 1: a key is no text: put it in quotes"),
        ("a: [", "line 1: expected the node content, but found '<stream end>'"),
        ("a:\n\tb: 1", "line 2: a tab where spaces are due: indent with spaces"),
        ("a: b: c", "line 1: mapping values are not allowed here"),
        ("a: !!python/object:os.system x", "line 1: could not determine a construc"),
        ("- a", "is not a mapping: write `section:` lines"),
        ("a: \0", "is not YAML: "),
        (b"a: \xff", "is not UTF-8: save it as UTF-8"),
        ("[" * 3000, "is not YAML: nested too deep"),
    ],
)
def test_what_is_no_configuration_is_refused_with_its_line(
    tmp_path: Path, content: str | bytes, problem: str
) -> None:
    assert refusal(written(tmp_path, content)).startswith(problem)


def test_a_missing_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.yaml") == (
        "there is no such file: copy deploy/bridge.example.yaml, "
        "or name another one with --config"
    )


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "cannot be read (Is a directory)" in refusal(tmp_path)


def test_an_empty_file_is_an_empty_tree(tmp_path: Path) -> None:
    assert read(written(tmp_path, "# nothing yet\n")).tree == {}


def test_anchors_and_merges_may_be_used(tmp_path: Path) -> None:
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n"

    assert read(written(tmp_path, text)).tree["b"] == {"x": 1, "y": 3}
