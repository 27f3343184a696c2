"""From a file and an environment to valid settings, or every problem at once."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError

from bridge.errors import ConfigError
from bridge.platforms import PLATFORMS
from bridge.platforms.contract import AccountOptions, Offer, TargetOptions
from bridge.settings.accounts import account_problems
from bridge.settings.document import (
    At,
    Document,
    Tree,
    override,
    parse,
    read,
    resolve_secrets,
)
from bridge.settings.model import (
    DeliverOptions,
    Settings,
    TargetSettings,
    account_name,
    target_name,
)
from bridge.settings.problems import problems_of
from bridge.settings.showing import dump, plain

M = TypeVar("M", bound=BaseModel)
Platforms = Mapping[str, Offer]

_SHARED = tuple(DeliverOptions.model_fields)


def load(
    path: Path,
    environ: Mapping[str, str] | None = None,
    platforms: Platforms = PLATFORMS,
) -> Settings:
    """Read the file, apply the environment (the process's own unless given).

    Raises ConfigError with every problem found, one per line.
    """
    if environ is None:
        environ = os.environ  # read here, and nowhere else
    settings = _settings(read(path), environ, platforms)
    if settings.kafka.embedded:
        raise ConfigError(
            f"{path}: kafka.embedded is for the broker inside `returns-bridge dev`, "
            "which keeps nothing: remove it"
        )
    return settings


def build(
    tree: Mapping[str, object],
    environ: Mapping[str, str],
    platforms: Platforms = PLATFORMS,
) -> Settings:
    """Do the same for a tree made in code, as if it were written in a file."""
    written = cast("Tree", parse(dump(plain(tree))))
    return _settings(Document(written, "settings"), environ, platforms)


def _settings(
    document: Document, environ: Mapping[str, str], platforms: Platforms
) -> Settings:
    override(document, environ)
    resolve_secrets(document, environ)
    tree = document.tree
    raw_accounts = _section(document, "accounts")
    raw_targets = _section(document, "targets")
    accounts = {
        name: account
        for name, raw in raw_accounts.items()
        if (account := _account(document, name, raw, platforms)) is not None
    }
    targets = {
        name: target
        for name, raw in raw_targets.items()
        if (target := _target(document, name, raw, platforms)) is not None
    }
    whole = {**tree, "accounts": accounts, "targets": targets}
    settings = _valid(document, Settings, whole, ())
    if settings is not None and not document.problems:
        _make(document, settings)
    document.refuse()
    return cast("Settings", settings)


def _section(document: Document, name: str) -> Tree:
    section = document.tree.get(name) or {}
    if isinstance(section, dict):
        return section
    document.complain((name,), "should be a mapping")
    return {}


def _valid(document: Document, model: type[M], tree: object, at: At) -> M | None:
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        for below, problem in problems_of(error, model, tree):
            document.complain((*at, *below), problem)
        return None


def _account(
    document: Document, name: str, raw: object, platforms: Platforms
) -> AccountOptions | None:
    at = ("accounts", name)
    options = _mapping(document, raw, at)
    _named(document, account_name, at)
    if options is None:
        return None
    offer = platforms.get(str(options.get("platform")))
    if offer is None:
        known = ", ".join(sorted(platforms))
        document.complain((*at, "platform"), f"should name a platform: one of {known}")
        return None
    return _valid(document, offer.account, options, at)


def _target(
    document: Document, name: str, raw: object, platforms: Platforms
) -> TargetSettings | None:
    at = ("targets", name)
    options = _mapping(document, raw, at)
    _named(document, target_name, at)
    if options is None:
        return None
    shared = _valid(document, DeliverOptions, _with_defaults(document, options), at)
    model = _target_model(document, options, platforms, at)
    if model is None:
        return None
    own = {key: value for key, value in options.items() if key not in _SHARED}
    valid = _valid(document, model, own, at)
    if valid is None or shared is None:
        return None
    return TargetSettings(
        options=valid, delivery=shared.delivery, ownership=shared.ownership
    )


def _target_model(
    document: Document, options: Tree, platforms: Platforms, at: At
) -> type[TargetOptions] | None:
    accounts = _section(document, "accounts")
    account = accounts.get(str(options.get("account")))
    if account is None:
        known = ", ".join(accounts) or "none is there yet"
        document.complain(
            (*at, "account"), f"should name one of the accounts ({known})"
        )
        return None
    platform = str(account.get("platform")) if isinstance(account, dict) else ""
    offer = platforms.get(platform)
    if offer is None:  # the account has been complained of
        return None
    kind = str(options.get("kind"))
    if kind not in offer.targets:
        known = ", ".join(sorted(offer.targets)) or "none"
        problem = f"should be a kind of target that {platform} offers: {known}"
        document.complain((*at, "kind"), problem)
        return None
    return offer.targets[kind]


def _with_defaults(document: Document, options: Tree) -> Tree:
    """Lay what a target says about delivery and ownership over the defaults."""
    defaults = _section(document, "deliver")
    if _valid(document, DeliverOptions, defaults, ("deliver",)) is None:
        defaults = {}
    return {key: _laid_over(defaults.get(key), options.get(key)) for key in _SHARED}


def _laid_over(default: object, own: object) -> object:
    if own is None:
        own = {}
    if isinstance(default, dict) and isinstance(own, dict):
        return {**default, **own}
    return own


def _mapping(document: Document, raw: object, at: At) -> Tree | None:
    if isinstance(raw, dict):
        return raw
    document.complain(at, "should be a mapping")
    return None


def _named(
    document: Document, check: Callable[[str], str], at: tuple[str, str]
) -> None:
    try:
        check(at[-1])
    except ValueError as wrong:
        document.complain(at, str(wrong))


def _make(document: Document, settings: Settings) -> None:
    """Make every source and target once: what only they can tell is told now."""
    for name in settings.inbound.answers.keys() - settings.accounts.keys():
        known = ", ".join(settings.accounts) or "none is there yet"
        problem = f"should name one of the accounts ({known})"
        document.complain(("inbound", "answers", name), problem)
    for name, problem in account_problems(settings):
        document.complain(("accounts", name), problem)
    privacy = settings.privacy.privacy()
    for name, account in settings.accounts.items():
        with _complaint(document, ("accounts", name)):
            account.source(name, privacy)
    for name, target in settings.targets.items():
        with _complaint(document, ("targets", name)):
            target.options.target(name, settings.accounts[target.options.account])


@contextmanager
def _complaint(document: Document, at: At) -> Iterator[None]:
    try:
        yield
    except ConfigError as wrong:
        document.complain(at, str(wrong))
