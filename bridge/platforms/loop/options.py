"""Settings of a Loop account, or of one on a server that speaks Loop's language."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from bridge.platforms.access import BaseAddress, Token
from bridge.platforms.contract import AccountOptions, Privacy, TargetOptions
from bridge.platforms.limits import Limit, Limits
from bridge.platforms.loop.api import Api
from bridge.platforms.loop.care import LoopCare
from bridge.platforms.loop.fetch import LoopFetch
from bridge.platforms.loop.poll import LoopPoll, LoopPollOptions
from bridge.platforms.loop.rules import DEFAULT_RULES, Rule
from bridge.platforms.loop.source import Dialect, LoopSource
from bridge.platforms.loop.target import LoopTarget
from bridge.platforms.ruled import account_for, opened
from bridge.secret import Secret


def _not_empty(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value():
        raise ValueError("a webhook secret is not empty")
    return secret


WebhookSecret = Annotated[Secret, AfterValidator(_not_empty)]
"""What Loop's Developer tools page shows."""

HeaderName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$", to_lower=True)
]
"""A header, in lower case."""

ApiVersion = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,32}$")]
"""A dated version (`2026-10`), `v1` or `unstable`."""

Confirmable = Literal["return", "label", "return.processing"]
"""A topic that may be looked up instead of believed."""


#: 300 a minute and key (loop.md, section 1).
BUDGET = (Limit(requests=300, per=timedelta(minutes=1)),)


class LoopAccount(AccountOptions):
    """One shop on Loop.

    `webhook_secrets`: what signs webhooks, two during rotation. `api_key`: with the
    scopes Returns, and Developer Tools for the care of webhooks; only targets, polls
    and fetches use it. `confirm` names topics that are not believed: their returns
    are looked up, which needs a fetch target.

    Redo's Loop-compatible server (redo.md, section 13): `host:
    https://loop-api.getredo.com`, `version: v1`, `reopens: true`.
    """

    platform: Literal["loop"] = "loop"
    budget: Limits = BUDGET
    host: BaseAddress = "https://api.loopreturns.com"
    version: ApiVersion = "2026-10"
    key_header: HeaderName = "x-authorization"
    api_key: Token | None = None
    signature_header: HeaderName = "x-loop-signature"
    webhook_secrets: Annotated[
        tuple[WebhookSecret, ...], Field(min_length=1, max_length=2)
    ]
    confirm: frozenset[Confirmable] = frozenset()
    reopens: bool = False
    hook_url: BaseAddress | None = None
    poll: LoopPollOptions = LoopPollOptions()

    @property
    def hints(self) -> bool:
        """Tell whether any topic is to be confirmed."""
        return bool(self.confirm)

    @property
    def identity(self) -> tuple[str, ...]:
        """Return what Loop gives one shop alone: its webhook secret."""
        return self.host, self.webhook_secrets[0].get_secret_value()

    @property
    def base_url(self) -> str:
        """Where the calls of this version begin."""
        return f"{self.host}/api/{self.version}"

    def source(self, account: str, privacy: Privacy) -> LoopSource:
        """Make the account's inbound side."""
        dialect = Dialect(self.signature_header, self.confirm, self.reopens)
        return LoopSource(account, self.webhook_secrets, privacy, dialect)

    def polling(self, account: str) -> LoopPoll | None:
        """Make its polling; it takes an api_key."""
        api = self.api()
        if api is None or not self.poll.enabled:
            return None
        return LoopPoll(account, api, self.poll)

    def fetching(self, account: str) -> LoopFetch | None:
        """Make its fetching; it takes an api_key."""
        api = self.api()
        return None if api is None else LoopFetch(account, api)

    def caring(self, account: str) -> LoopCare | None:
        """Make the care of its webhooks; it takes an api_key."""
        api = self.api()
        return None if api is None else LoopCare(account, api)

    def api(self) -> Api | None:
        """Return how its API is called; None without an api_key."""
        if self.api_key is None:
            return None
        return Api(self.base_url, self.key_header, self.api_key)


class LoopTargetOptions(TargetOptions):
    """Which events are written back to Loop, and how."""

    kind: Literal["loop"] = "loop"
    rules: tuple[Rule, ...] = DEFAULT_RULES

    def target(self, name: str, account: AccountOptions) -> LoopTarget:
        """Make the target; raise ConfigError for a foreign or key-less account."""
        own = account_for(name, account, of=LoopAccount, named=self.account)
        setting = f"accounts.{self.account}.api_key"
        api = opened(own.api(), target=name, by=setting)
        return LoopTarget(name, account=self.account, api=api, rules=self.rules)
