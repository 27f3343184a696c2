"""The configuration as a tree of plain values: YAML, then environment, then secrets.

Reads text and files; knows no option by name. Problems are collected, not raised.
"""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import yaml
from pydantic import SecretStr

from bridge.durations import DURATION, duration_of
from bridge.errors import ConfigError

Tree = dict[str, object]
At = tuple[str | int, ...]

PREFIX = "BRIDGE_"
#: Top-level values that a variable without `__` may set.
SCALARS = frozenset({"worker", "state_dir"})

_BOOL = "tag:yaml.org,2002:bool"


class _Loader(yaml.SafeLoader):
    """Plain YAML, with durations as scalars; a key is a text and stands once."""

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 - PyYAML's signature
    ) -> dict[Hashable, object]:
        seen = set()
        for key, _ in node.value:
            if key.tag not in {"tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"}:
                named = (
                    f"the key {key.value}" if isinstance(key.value, str) else "a key"
                )
                raise _error(key, f"{named} is no text: put it in quotes")
            if key.value in seen:
                raise _error(key, f"the key {key.value} stands twice: remove one")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _error(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _duration(_: yaml.SafeLoader, node: yaml.ScalarNode) -> timedelta:
    duration = duration_of(node.value)
    if duration is None:
        raise _error(node, "not a duration: write 200ms, 5s, 10min, 8h or 14d")
    return duration


# As YAML 1.2 has it, and as people expect: `on` and `off` are texts.
_Loader.yaml_implicit_resolvers = {
    sign: [each for each in resolvers if each[0] != _BOOL]
    for sign, resolvers in _Loader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    _BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("!duration", DURATION, list("0123456789"))
_Loader.add_constructor("!duration", _duration)


def parse(text: str) -> object:
    """Return the plain values of one YAML text; raise yaml.YAMLError."""
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as broken:
        raise yaml.YAMLError(f"{broken.reason} at sign {broken.position}") from broken
    try:
        return loader.get_single_data()
    except RecursionError:
        raise yaml.YAMLError("nested too deep") from None
    finally:
        loader.dispose()


@dataclass(slots=True)
class Document:
    """The tree with where it came from, and what is wrong with it so far.

    `variables` tells which part of the tree an environment variable has set.
    """

    tree: Tree
    origin: str
    variables: dict[At, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    unresolved: set[At] = field(default_factory=set)

    def complain(self, at: At, problem: str) -> None:
        """Add a problem: where, which key, what to do."""
        key = f"{_dotted(at)}: "
        line = f"{self._origin(at)}: {key}{problem.removeprefix(key)}"
        if line not in self.problems and not self._is_known(at):
            self.problems.append(line)

    def _is_known(self, at: At) -> bool:
        """Tell whether it is about a secret that is missing, or the list of it."""
        return at in self.unresolved or (*at, 0) in self.unresolved

    def refuse(self) -> None:
        """Raise ConfigError with all problems, one per line, if there are any."""
        if self.problems:
            raise ConfigError("\n".join(self.problems))

    def _origin(self, at: At) -> str:
        for end in range(len(at), 0, -1):
            if at[:end] in self.variables:
                return f"environment variable {self.variables[at[:end]]}"
        return self.origin


def read(path: Path) -> Document:
    """Read a file; raise ConfigError if it is not there, or is not a YAML mapping."""
    try:
        tree = parse(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file: copy deploy/bridge.example.yaml, "
            "or name another one with --config"
        ) from None
    except OSError as broken:
        raise ConfigError(
            f"{path}: cannot be read ({broken.strerror}): correct its rights"
        ) from broken
    except UnicodeDecodeError as broken:
        raise ConfigError(f"{path}: is not UTF-8: save it as UTF-8") from broken
    except yaml.YAMLError as broken:
        raise ConfigError(f"{path}: {_yaml_problem(broken)}") from broken
    if not isinstance(tree, dict | None):
        raise ConfigError(f"{path}: is not a mapping: write `section:` lines")
    return Document(tree or {}, str(path))


def _yaml_problem(broken: yaml.YAMLError) -> str:
    if not isinstance(broken, yaml.MarkedYAMLError) or broken.problem_mark is None:
        return f"is not YAML: {broken}"
    line = broken.problem_mark.line + 1
    problem = broken.problem or "is not YAML"
    if "'\\t'" in problem:
        problem = "a tab where spaces are due: indent with spaces"
    return f"line {line}: {problem}"


def override(document: Document, environ: Mapping[str, str]) -> None:
    """Put the values of `BRIDGE_SECTION__KEY` variables into the tree."""
    for name, text in sorted(environ.items()):
        parts = name.removeprefix(PREFIX).lower().split("__")
        if not name.startswith(PREFIX) or (len(parts) == 1 and parts[0] not in SCALARS):
            continue
        at = _place(document.tree, parts)
        document.variables[at] = name
        try:
            _put(document.tree, at, parse(text))
        except yaml.YAMLError as broken:
            document.complain(at, f"the value is not YAML ({_yaml_problem(broken)})")


def _place(tree: Tree, parts: list[str]) -> tuple[str, ...]:
    """Find the keys that `parts` mean: `-` cannot stand in a variable's name."""
    node: object = tree
    keys = []
    for part in parts:
        known = node if isinstance(node, dict) else {}
        key = next((each for each in known if each.replace("-", "_") == part), part)
        keys.append(key)
        node = known.get(key)
    return tuple(keys)


def _put(tree: Tree, at: tuple[str, ...], value: object) -> None:
    node = tree
    for key in at[:-1]:
        child = node.get(key)
        if not isinstance(child, dict):
            child = node[key] = {}
        node = child
    node[at[-1]] = value


def resolve_secrets(document: Document, environ: Mapping[str, str]) -> None:
    """Replace every reference in the tree by the secret it leads to."""
    resolver = _Resolver(document, environ)
    try:
        for key, child in document.tree.items():
            document.tree[key] = resolver.resolve(child, (key,))
    except RecursionError:
        raise ConfigError(
            f"{document.origin}: nested too deep, or an alias that contains itself"
        ) from None


@dataclass(frozen=True, slots=True)
class _Resolver:
    """Walks the tree and follows its references."""

    document: Document
    environ: Mapping[str, str]

    def resolve(self, node: object, at: At) -> object:
        if isinstance(node, list):
            return [self.resolve(child, (*at, i)) for i, child in enumerate(node)]
        if not isinstance(node, dict):
            return node
        if len(node) == 1 and set(node) <= {"env", "file"}:
            return self._secret(node, at)
        return {key: self.resolve(child, (*at, key)) for key, child in node.items()}

    def _secret(self, reference: Mapping[str, object], at: At) -> SecretStr:
        ((kind, name),) = reference.items()
        try:
            follow = self._from_environment if kind == "env" else _from_file
            return SecretStr(follow(str(name)))
        except ValueError as missing:
            self.document.complain(at, str(missing))
            self.document.unresolved.add(at)  # so that nothing complains of it again
            return SecretStr("?")

    def _from_environment(self, name: str) -> str:
        secret = self.environ.get(name)
        if not secret:
            raise ValueError(f"the variable {name} is not set or empty: export {name}")
        return secret


def _from_file(name: str) -> str:
    try:
        secret = Path(name).read_text("utf-8").rstrip("\r\n")
    except OSError as broken:
        raise ValueError(
            f"the file {name} cannot be read ({broken.strerror}): create it, "
            "or allow this user to read it"
        ) from broken
    except UnicodeDecodeError:  # its text would show the secret
        raise ValueError(f"the file {name} is not UTF-8: save it as text") from None
    if not secret:
        raise ValueError(f"the file {name} is empty: write the secret into it")
    return secret


def _dotted(at: At) -> str:
    text = ""
    for part in at:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".") or "(whole file)"
