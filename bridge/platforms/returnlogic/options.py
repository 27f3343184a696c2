"""Settings of a ReturnLogic account; what its sheet only guesses is configuration."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, PositiveInt, model_validator

from bridge.platforms.access import BaseAddress, PathToken, Token
from bridge.platforms.contract import (
    AccountOptions,
    Options,
    Privacy,
    TargetOptions,
)
from bridge.platforms.limits import Limit, Limits
from bridge.platforms.returnlogic.api import Api
from bridge.platforms.returnlogic.care import ReturnLogicCare
from bridge.platforms.returnlogic.look import ReturnLogicReader
from bridge.platforms.returnlogic.oauth import Client, FixedKey, Tokens
from bridge.platforms.returnlogic.poll import LISTED, ReturnLogicPoll
from bridge.platforms.returnlogic.rules import DEFAULT_RULES, Rule
from bridge.platforms.returnlogic.seal import MAKE_KEY, Seal, SealKey
from bridge.platforms.returnlogic.sealed_file import SealedFile
from bridge.platforms.returnlogic.source import ReturnLogicSource
from bridge.platforms.returnlogic.target import ReturnLogicTarget, Ways
from bridge.platforms.returnlogic.token_file import TokenFile
from bridge.platforms.ruled import account_for, opened
from bridge.platforms.walk import Pass, PollOptions, Positive
from bridge.secret import Secret

_LONGEST = timedelta(days=90)
Path_ = Annotated[str, Field(pattern=r"^/[!-~]*$")]
PathOfOne = Annotated[str, Field(pattern=r"^/[!-~]*\{id\}[!-~]*$")]
"""A path with the RMA's `{id}`."""


class ReturnLogicPollOptions(PollOptions):
    """When and how polls go; without a `query` there are none.

    `query` is the list's path with `{since}`, `{until}` and perhaps `{page}`. Polls
    take one of the two calls a second that a credential has, and 50 of the 120 a
    minute.
    """

    every: Positive = timedelta(minutes=10)
    calls_per_second: PositiveInt | None = 1
    calls_per_minute: PositiveInt = 50
    query: Path_ | None = None


class OAuthOptions(Options):
    """Our app at ReturnLogic, and the file in which the team's tokens are kept.

    `token_keys` seal the file: the first closes it, a second opens it as well while
    keys are changed.
    """

    client_id: str
    client_secret: Secret
    token_file: Path
    token_keys: Annotated[tuple[SealKey, ...], Field(max_length=2)] = ()

    @model_validator(mode="after")
    def _sealed(self) -> Self:
        if not self.token_keys:
            raise ValueError(
                f"token_keys is missing: {self.token_file} is sealed with it. Make a "
                f"key with `{MAKE_KEY}`, keep it as a secret, and write "
                "token_keys: [{env: NAME}] or [{file: PATH}]"
            )
        return self

    def tokens(self) -> TokenFile:
        """Return where the tokens are kept."""
        return TokenFile(SealedFile(self.token_file, Seal(self.token_keys)))


#: Two a second and 120 a minute for a key (returnlogic.md, section 1). Calls do not
#: arrive as evenly as they leave here, so a second is a little longer than one.
BUDGET = (
    Limit(requests=2, per=timedelta(seconds=1.05)),
    Limit(requests=120, per=timedelta(minutes=1)),
)


class ReturnLogicAccount(AccountOptions):
    """One team on ReturnLogic.

    Calls go out with `api_key`, or with `oauth`'s tokens, one of both.
    `webhook_tokens` stand at the end of the address that webhooks are sent to, two
    during rotation. `rma_path` reads an RMA by its `{id}`.
    """

    platform: Literal["returnlogic"] = "returnlogic"
    budget: Limits = BUDGET
    base_url: BaseAddress = "https://api.returnlogic.com/v1"
    api_key: Token | None = None
    oauth: OAuthOptions | None = None
    webhook_tokens: Annotated[tuple[PathToken, ...], Field(min_length=1, max_length=2)]
    rma_path: PathOfOne = "/rmas/{id}"
    webhooks_path: Path_ = "/webhooks"
    poll: ReturnLogicPollOptions = ReturnLogicPollOptions()
    hook_url: BaseAddress | None = None

    @property
    def hints(self) -> bool:
        """Nothing is signed: no webhook is more than a hint."""
        return True

    @property
    def identity(self) -> tuple[str, ...] | None:
        """Return what one team alone has: its key, or the file of its tokens."""
        if self.api_key is not None:
            return self.base_url, self.api_key.get_secret_value()
        return (self.base_url, str(self.oauth.token_file)) if self.oauth else None

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if self.api_key is not None and self.oauth is not None:
            raise ValueError("give api_key or oauth, not both")
        return self

    def source(self, account: str, privacy: Privacy) -> ReturnLogicSource:
        """Make the account's inbound side."""
        return ReturnLogicSource(account, self.webhook_tokens, privacy)

    def polling(self, account: str) -> ReturnLogicPoll | None:
        """Make its polling; None without credential or query, or switched off."""
        api, options = self.api(), self.poll
        if api is None or options.query is None or not options.enabled:
            return None
        rhythm = options.rhythm(Pass(LISTED), longest=_LONGEST)
        return ReturnLogicPoll(account, api, query=options.query, rhythm=rhythm)

    def fetching(self, account: str) -> ReturnLogicReader | None:
        """Make its fetching; None without a credential."""
        api = self.api()
        return ReturnLogicReader(account, api, self.rma_path) if api else None

    def caring(self, account: str) -> ReturnLogicCare | None:
        """Make the care of its webhooks; None without a credential."""
        api, path = self.api(), self.webhooks_path
        return ReturnLogicCare(account, api, path, self.webhook_tokens) if api else None

    def client(self) -> Client | None:
        """Return our app as ReturnLogic knows it; None with an API key."""
        if self.oauth is None:
            return None
        return Client(self.base_url, self.oauth.client_id, self.oauth.client_secret)

    def tokens(self) -> Tokens | None:
        """Return where the team's tokens are kept; None without a credential."""
        if self.api_key is not None:
            return FixedKey(self.api_key)
        return self.oauth.tokens() if self.oauth else None

    def api(self) -> Api | None:
        """Return the team's API; None without a credential."""
        tokens = self.tokens()
        return Api(self.base_url, tokens, self.client()) if tokens else None


#: By command and result; success of an exchange and of a gift card, and failure of an
#: exchange are documented, without their paths (returnlogic.md, section 5).
ACKNOWLEDGE_PATHS = {
    f"{command}.{result}": f"/rmas/{{id}}/{word}/{result}"
    for command, word in {
        "ProcessRefund": "refund",
        "ProcessGiftCard": "giftcard",
        "ProcessExchange": "exchange",
        "ProcessWarranty": "warranty",
        "ProcessRestock": "restock",
    }.items()
    for result in ("success", "failure")
}


def _known(paths: dict[str, str]) -> dict[str, str]:
    unknown = sorted(paths.keys() - ACKNOWLEDGE_PATHS.keys())
    if unknown:
        raise ValueError("write command and result, for instance ProcessRefund.success")
    return paths


class ReturnLogicTargetOptions(TargetOptions):
    """Which commands are acknowledged to ReturnLogic, and how.

    `acknowledge_paths` replaces single lines of `ACKNOWLEDGE_PATHS`.
    """

    kind: Literal["returnlogic"] = "returnlogic"
    rules: tuple[Rule, ...] = DEFAULT_RULES
    acknowledge_method: Literal["POST", "PUT", "PATCH"] = "POST"
    acknowledge_paths: Annotated[dict[str, PathOfOne], AfterValidator(_known)] = Field(
        default_factory=dict
    )

    def target(self, name: str, account: AccountOptions) -> ReturnLogicTarget:
        """Make the target; ConfigError for a foreign account or one without token."""
        own = account_for(name, account, of=ReturnLogicAccount, named=self.account)
        setting = f"accounts.{self.account}.api_key, or its oauth"
        api = opened(own.api(), target=name, by=setting)
        paths = ACKNOWLEDGE_PATHS | self.acknowledge_paths
        return ReturnLogicTarget(
            name,
            account=self.account,
            api=api,
            rules=self.rules,
            ways=Ways(self.acknowledge_method, paths),
        )
