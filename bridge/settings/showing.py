"""The configuration as it is in force, as YAML that may be shown to anybody."""

from collections.abc import Mapping
from datetime import timedelta

import yaml
from pydantic import SecretStr

from bridge.durations import text_of
from bridge.settings.model import Settings

MASK = "**********"


class _Dumper(yaml.SafeDumper):
    """Plain YAML without anchors."""

    def ignore_aliases(self, _: object) -> bool:
        return True


def show(settings: Settings) -> str:
    """Return the settings as YAML, defaults filled in, secrets masked."""
    return dump(tree_of(settings))


def tree_of(settings: Settings) -> dict[str, object]:
    """Return the settings as the file would hold them, secrets masked."""
    tree = settings.model_dump()
    tree["targets"] = {
        name: {**target.pop("options"), **target}
        for name, target in tree["targets"].items()
    }
    return {key: plain(value) for key, value in tree.items()}


def dump(tree: object) -> str:
    """Return plain values as YAML in their own order."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def plain(value: object) -> object:
    """Return what YAML can hold; secrets masked, durations as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    return _scalar(value)


def _scalar(value: object) -> object:
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, timedelta):
        return text_of(value)
    known = isinstance(value, bool | int | float | None)
    return value if known else str(value)
