"""`webhooks list|register|repair|replay`: the care of one account's webhooks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from bridge.app.accounts import account_of
from bridge.app.polling import care_of, sender
from bridge.clock import SystemClock
from bridge.errors import BridgeError, ConfigError
from bridge.inbound.conversing import Send, converse
from bridge.platforms.care import Care, Change, Done, Failure, Registration
from bridge.platforms.contract import Throttled
from bridge.settings import Settings

_CLOCK = SystemClock()


class CareFailed(BridgeError):
    """The platform did not do what was asked of it."""

    reason = "care_failed"


@dataclass(frozen=True, slots=True)
class Mended:
    """One change, made or only planned."""

    change: str
    result: str


@dataclass(frozen=True, slots=True)
class _Keeper:
    """One account's webhooks, ready to be asked about."""

    care: Care
    url: str | None
    send: Send

    async def survey(self) -> tuple[Registration, ...]:
        present = await converse(self.care.survey(_CLOCK.now()), self.send)
        if not isinstance(present, tuple):
            raise CareFailed(_sentence(self.care, "list its webhooks", present))
        return present

    def wanted_url(self) -> str:
        if self.url is None:
            raise ConfigError(
                f"say where the webhooks should come: accounts.{self.care.account}"
                ".hook_url, or --url"
            )
        return self.url

    async def mend(self, change: Change) -> Mended:
        done = await converse(self.care.mend(change, _CLOCK.now()), self.send)
        if not isinstance(done, Done):
            raise CareFailed(_sentence(self.care, change.what, done))
        return Mended(change.what, f"done{': ' if done.note else ''}{done.note}")


async def list_webhooks(settings: Settings, account: str) -> tuple[Registration, ...]:
    """Return what is registered at the platform, also by others."""
    async with _keeper(settings, account, None) as keeper:
        return await keeper.survey()


async def register_webhooks(
    settings: Settings, account: str, url: str | None = None, *, dry_run: bool
) -> list[Mended]:
    """Register what is missing and mend what is wrong; nothing where all is well."""
    return await _mend(
        settings, account, url, ("create", "update", "activate"), dry_run
    )


async def repair_webhooks(
    settings: Settings, account: str, url: str | None = None, *, dry_run: bool
) -> list[Mended]:
    """Mend what is registered: where it leads, and whether it is on."""
    return await _mend(settings, account, url, ("update", "activate"), dry_run)


async def _mend(
    settings: Settings,
    account: str,
    url: str | None,
    kinds: Sequence[str],
    dry_run: bool,  # noqa: FBT001 - private, from a command's own flag
) -> list[Mended]:
    async with _keeper(settings, account, url) as keeper:
        present = await keeper.survey()
        changes = [
            change
            for change in keeper.care.changes(present, keeper.wanted_url())
            if change.kind in kinds
        ]
        if dry_run:
            return [Mended(change.what, "planned") for change in changes]
        return [await keeper.mend(change) for change in changes]


async def replay_webhooks(
    settings: Settings, account: str, since: datetime, *, dry_run: bool
) -> Mended:
    """Ask the platform for everything since then once more."""
    async with _keeper(settings, account, None) as keeper:
        what = f"replay since {since.isoformat(timespec='seconds')}"
        present = await keeper.survey()
        replay = keeper.care.replay(present, keeper.url or "", since, _CLOCK.now())
        if replay is None:
            raise CareFailed(
                f"{keeper.care.platform} cannot replay its webhooks: run "
                f"`returns-bridge accounts backfill {account} --since …`"
            )
        if dry_run:
            replay.close()
            return Mended(what, "planned")
        done = await converse(replay, keeper.send)
        if not isinstance(done, Done):
            raise CareFailed(_sentence(keeper.care, what, done))
        return Mended(what, "asked for")


@asynccontextmanager
async def _keeper(
    settings: Settings, account: str, url: str | None
) -> AsyncIterator[_Keeper]:
    found = care_of(account, settings.accounts[account_of(settings, account)])
    if found is None:
        raise ConfigError(
            f"webhooks of accounts.{account} cannot be looked after by API: set the "
            "key for its API, or do it in the platform's own settings"
        )
    care, configured = found
    send, close = sender(settings.polling)
    try:
        yield _Keeper(care, url or configured, send)
    finally:
        await close()


def _sentence(care: Care, what: str, failure: Failure) -> str:
    """Say what a platform did not do, and why, without a word of its own."""
    if isinstance(failure, Throttled):
        return f"{care.platform} did not {what}: it asks for time, try again later"
    return f"{care.platform} did not {what}: {failure.reason}"
