"""What accounts must be to each other and to targets; of one alone, itself knows."""

from collections.abc import Iterator
from typing import TypeGuard

from bridge.platforms.care import CaredFor
from bridge.platforms.contract import AccountOptions
from bridge.platforms.walk import Polled, PollOptions
from bridge.settings.model import Settings


def account_problems(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the account and what is wrong with it; no secret is in the words."""
    yield from _named_twice(settings)
    yield from _never_fetched(settings)


def _named_twice(settings: Settings) -> Iterator[tuple[str, str]]:
    """Two accounts of one shop: all its returns would be announced and paid twice."""
    known: dict[tuple[str, ...], str] = {}
    for name, account in settings.accounts.items():
        if account.identity is None:
            continue
        other = known.setdefault((account.platform, *account.identity), name)
        if other != name:
            yield name, f"is the same shop as accounts.{other}: keep one of them"


def _never_fetched(settings: Settings) -> Iterator[tuple[str, str]]:
    """Hints that nobody reads: no return of the account would ever be seen."""
    fetched = {
        target.options.account
        for target in settings.targets.values()
        if target.options.reads == "hints"
    }
    for name, account in settings.accounts.items():
        if account.hints and name not in fetched:
            problem = (
                "its webhooks are only hints, and nothing reads the returns they "
                f"point at: add a target {{kind: fetch, account: {name}}}"
            )
            yield name, problem


def account_warnings(settings: Settings) -> Iterator[str]:
    """Yield what is allowed, and leaves news of an account unseen.

    Polling that was switched off was meant to be.
    """
    for name, account in settings.accounts.items():
        if _could_be_polled(account, name):
            watched = (
                "its webhooks are watched, and returns that are known are read again "
                "after a gap"
                if account.hook_url
                else "its webhooks are not watched either: set hook_url"
            )
            yield (
                f"accounts.{name} has no poll.query and is not polled: what no webhook "
                f"brings stays unseen; {watched}"
            )


def _could_be_polled(account: AccountOptions, name: str) -> TypeGuard[CaredFor]:
    """Tell whether an account with a key is not polled for want of a query alone."""
    if not (isinstance(account, Polled) and isinstance(account, CaredFor)):
        return False
    own = getattr(account, "poll", None)
    wanted = isinstance(own, PollOptions) and own.enabled and hasattr(own, "query")
    unpolled = account.polling(name) is None and account.caring(name) is not None
    return wanted and unpolled
