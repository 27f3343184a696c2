"""Settings of a ReturnGO account."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, PositiveInt

from bridge.platforms.access import BaseAddress, PathToken, Token
from bridge.platforms.bodies import needing
from bridge.platforms.contract import AccountOptions, Privacy, TargetOptions
from bridge.platforms.limits import Limit, Limits
from bridge.platforms.returngo.api import Api
from bridge.platforms.returngo.care import ReturnGoCare
from bridge.platforms.returngo.look import ReturnGoReader
from bridge.platforms.returngo.pace import Pace
from bridge.platforms.returngo.poll import (
    CHANGED,
    SWEEP,
    TRANSACTIONS,
    ReturnGoPoll,
)
from bridge.platforms.returngo.rules import DEFAULT_RULES, Rule
from bridge.platforms.returngo.source import ReturnGoSource
from bridge.platforms.returngo.target import Bodies, ReturnGoTarget
from bridge.platforms.ruled import account_for, opened
from bridge.platforms.walk import Pass, PollOptions, Positive

_LONGEST = timedelta(days=365)
_WITHOUT_LIMIT = 1_000_000


class ReturnGoPollOptions(PollOptions):
    """When and how fast: a day's calls decide, and are shared with fetches and writes.

    `calls_per_day` is polling's part of the key's 2,000. `changes_per_day` is how many
    RMAs are expected to change: the rest of the calls goes to open RMAs.
    `filter_offset` is added to the UTC times of filters, whose zone is not documented.
    """

    every: Positive = timedelta(minutes=30)
    overlap: Annotated[timedelta, Field(ge=timedelta(0))] = timedelta(minutes=5)
    calls_per_day: PositiveInt | None = 1_150
    changes_per_day: Annotated[int, Field(ge=0)] = 500
    filter_offset: timedelta = timedelta()

    def pace(self) -> Pace:
        """Return the arithmetic of these numbers."""
        return Pace(
            calls_per_day=self.calls_per_day or _WITHOUT_LIMIT,
            every=self.every,
            sweep_every=self.sweep_every,
            changes_per_day=self.changes_per_day,
        )


#: 2,000 a day and 100 a second for a key (returngo.md, section 1).
BUDGET = (
    Limit(requests=100, per=timedelta(seconds=1)),
    Limit(requests=2_000, per=timedelta(days=1)),
)


class ReturnGoAccount(AccountOptions):
    """One shop on ReturnGO.

    `shop` is the shop's platform host, `api_key` that of its owner. `webhook_tokens`
    stand at the end of the address that webhooks are sent to, two during rotation.
    `notify_only_refunds`: the merchant lets ReturnGO only ask for refunds, and wants
    them to be paid by whoever hears `refund.requested`. Leave it off otherwise: each
    refund would be paid twice.
    """

    platform: Literal["returngo"] = "returngo"
    budget: Limits = BUDGET
    base_url: BaseAddress = "https://api.returngo.ai"
    shop: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}$")]
    api_key: Token | None = None
    webhook_tokens: Annotated[tuple[PathToken, ...], Field(min_length=1, max_length=2)]
    notify_only_refunds: bool = False
    poll: ReturnGoPollOptions = ReturnGoPollOptions()
    hook_url: BaseAddress | None = None

    @property
    def hints(self) -> bool:
        """Nothing is signed: no webhook is more than a hint."""
        return True

    @property
    def identity(self) -> tuple[str, ...]:
        """Return the shop's host, in whatever case it is written."""
        return self.base_url, self.shop.lower()

    def source(self, account: str, privacy: Privacy) -> ReturnGoSource:
        """Make the account's inbound side."""
        return ReturnGoSource(
            account,
            self.webhook_tokens,
            privacy,
            notify_only=self.notify_only_refunds,
        )

    def polling(self, account: str) -> ReturnGoPoll | None:
        """Make its polling; None if it is switched off or there is no key."""
        options, api = self.poll, self.api()
        if api is None or not options.enabled:
            return None
        sweep = Pass(SWEEP, every=options.sweep_every, history=False)
        passes = (Pass(CHANGED), Pass(TRANSACTIONS), sweep)
        return ReturnGoPoll(
            account,
            api,
            rhythm=options.rhythm(*passes, longest=_LONGEST),
            pace=options.pace(),
            filter_offset=options.filter_offset,
        )

    def fetching(self, account: str) -> ReturnGoReader | None:
        """Make its fetching; None if there is no key."""
        api = self.api()
        return ReturnGoReader(account, api) if api else None

    def caring(self, account: str) -> ReturnGoCare | None:
        """Make the care of its webhooks; None if there is no key."""
        api = self.api()
        return ReturnGoCare(account, api, self.webhook_tokens) if api else None

    def api(self) -> Api | None:
        """Return how its API is called; None without a key."""
        if self.api_key is None:
            return None
        return Api(self.base_url, self.shop, self.api_key)


CommentBody = Annotated[
    dict[str, JsonValue], AfterValidator(lambda body: needing(body, "text"))
]
StatusBody = Annotated[
    dict[str, JsonValue], AfterValidator(lambda body: needing(body, "status"))
]

#: What the sheet finds most likely (returngo.md, section 6).
COMMENT_BODY: dict[str, JsonValue] = {"htmlText": "$text"}
STATUS_BODY: dict[str, JsonValue] = {"status": "$status"}


class ReturnGoTargetOptions(TargetOptions):
    """Which events are written back to ReturnGO, and how.

    The forms of the bodies are guesses: `$text` and `$status` stand where they go.
    """

    kind: Literal["returngo"] = "returngo"
    rules: tuple[Rule, ...] = DEFAULT_RULES
    comment_body: CommentBody = COMMENT_BODY
    status_body: StatusBody = STATUS_BODY

    def target(self, name: str, account: AccountOptions) -> ReturnGoTarget:
        """Make the target; raise ConfigError for a foreign or key-less account."""
        own = account_for(name, account, of=ReturnGoAccount, named=self.account)
        setting = f"accounts.{self.account}.api_key"
        api = opened(own.api(), target=name, by=setting)
        bodies = Bodies(comment=self.comment_body, status=self.status_body)
        return ReturnGoTarget(
            name, account=self.account, api=api, rules=self.rules, bodies=bodies
        )
