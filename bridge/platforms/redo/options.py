"""Settings of a Redo account and of a Redo target."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from bridge.platforms.access import BaseAddress, Token
from bridge.platforms.contract import AccountOptions, Privacy, TargetOptions
from bridge.platforms.limits import Limit, Limits
from bridge.platforms.redo.api import Api, Store
from bridge.platforms.redo.care import RedoCare
from bridge.platforms.redo.fetch import RedoFetch
from bridge.platforms.redo.poll import RedoPoll, RedoPollOptions
from bridge.platforms.redo.rules import DEFAULT_RULES, Rule
from bridge.platforms.redo.source import RedoSource
from bridge.platforms.redo.target import RedoTarget
from bridge.platforms.ruled import account_for, opened

#: 100 a second and store is the only rate that Redo names, for its event calls; all
#: others have one that it does not tell (redo.md, section 3).
BUDGET = (Limit(requests=100, per=timedelta(seconds=1)),)


class RedoAccount(AccountOptions):
    """One store on Redo.

    `webhook_tokens`: what Redo sends us, two during rotation. `api_token`: the secret
    of an API client with returns_read and returns_write; only targets and polls use
    it. `store_id` is for calls about the store as a whole: polls, webhooks.
    `hook_url` is where Redo shall send its webhooks, as the internet sees it.
    """

    platform: Literal["redo"] = "redo"
    base_url: BaseAddress = "https://api.getredo.com/v2.2"
    store_id: str | None = None
    api_token: Token | None = None
    budget: Limits = BUDGET
    webhook_tokens: Annotated[tuple[Token, ...], Field(min_length=1, max_length=2)]
    hook_url: BaseAddress | None = None
    poll: RedoPollOptions = RedoPollOptions()

    @property
    def identity(self) -> tuple[str, ...] | None:
        """Return the store; without a store_id its API client, which is one store's."""
        if self.store_id is not None:
            return self.base_url, self.store_id
        return (
            (self.base_url, self.api_token.get_secret_value())
            if self.api_token
            else None
        )

    def source(self, account: str, privacy: Privacy) -> RedoSource:
        """Make the account's inbound side."""
        return RedoSource(account, self.webhook_tokens, privacy)

    def polling(self, account: str) -> RedoPoll | None:
        """Make its polling; it takes a store_id and an api_token."""
        store = self._store()
        if store is None or not self.poll.enabled:
            return None
        return RedoPoll(account, store, self.poll)

    def fetching(self, account: str) -> RedoFetch | None:
        """Make its fetching; it takes an api_token."""
        if self.api_token is None:
            return None
        return RedoFetch(account, Api(self.base_url, self.api_token))

    def caring(self, account: str) -> RedoCare | None:
        """Make the care of its webhooks; it takes a store_id and an api_token."""
        store = self._store()
        token = self.webhook_tokens[0]
        return None if store is None else RedoCare(account, store, token)

    def _store(self) -> Store | None:
        if self.store_id is None or self.api_token is None:
            return None
        return Store(Api(self.base_url, self.api_token), self.store_id)


class RedoTargetOptions(TargetOptions):
    """Which events are written back to Redo, and how."""

    kind: Literal["redo"] = "redo"
    rules: tuple[Rule, ...] = DEFAULT_RULES

    def target(self, name: str, account: AccountOptions) -> RedoTarget:
        """Make the target; raise ConfigError for a foreign or token-less account."""
        own = account_for(name, account, of=RedoAccount, named=self.account)
        setting = f"accounts.{self.account}.api_token"
        return RedoTarget(
            name,
            account=self.account,
            base_url=own.base_url,
            token=opened(own.api_token, target=name, by=setting),
            rules=self.rules,
        )
