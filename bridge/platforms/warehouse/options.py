"""Settings of a warehouse account and of its two kinds of target."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    model_validator,
)

from bridge.canonical.goods import DispositionCode
from bridge.errors import ConfigError
from bridge.platforms.access import BaseAddress, Token, WebAddress
from bridge.platforms.contract import AccountOptions, Privacy, TargetOptions
from bridge.platforms.meaning import Meaning
from bridge.platforms.warehouse.document import Terms
from bridge.platforms.warehouse.signing import check_secret
from bridge.platforms.warehouse.source import WarehouseSource
from bridge.platforms.warehouse.target_event import EventTarget, Mode
from bridge.platforms.warehouse.target_resource import ResourceTarget
from bridge.platforms.warehouse.telling import TooLate
from bridge.secret import Secret

SigningSecret = Annotated[Secret, AfterValidator(check_secret)]
AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z]+/[A-Za-z0-9_-]+$")]
StatusCode = Annotated[int, Field(ge=200, le=599)]


class WarehouseAccount(AccountOptions):
    """One warehouse.

    `webhook_secrets` (`whsec_…`) prove its reports, two during rotation. `announced_by`
    lists the accounts, as `platform/account`, whose returns are announced to it: it
    can speak about no other. `system` is its name in goods events. `base_url` is the
    API of the *resource* target, `token` the bearer token of both targets.
    """

    platform: Literal["warehouse"] = "warehouse"
    system: Annotated[str, StringConstraints(min_length=1)] = "generic"
    webhook_secrets: Annotated[
        tuple[SigningSecret, ...], Field(min_length=1, max_length=2)
    ]
    announced_by: tuple[AccountName, ...] = ()
    base_url: BaseAddress | None = None
    token: Token | None = None

    def source(self, account: str, privacy: Privacy) -> WarehouseSource:  # noqa: ARG002 - nothing here is personal or spendable
        """Make the account's inbound side."""
        return WarehouseSource(
            account,
            system=self.system,
            secrets=self.webhook_secrets,
            announced_by=frozenset(self.announced_by),
        )


class _AnnouncingOptions(TargetOptions):
    """What both kinds of target let one choose.

    `announce` returns when they are `approved` or already when `created`. `sender`
    off keeps every personal field back. `dispositions` maps a platform's reason code
    to what to ask for. `codes` gives single statuses another meaning.
    """

    announce: Literal["approved", "created"] = "approved"
    sender: bool = True
    warehouse_code: str | None = None
    too_late: TooLate = "skip"
    codes: Mapping[StatusCode, Meaning] = Field(default_factory=dict)
    dispositions: Mapping[str, DispositionCode] = Field(
        default_factory=lambda: {
            "damaged": DispositionCode.QUARANTINE,
            "defective": DispositionCode.QUARANTINE,
        }
    )

    @property
    def terms(self) -> Terms:
        return Terms(
            warehouse_code=self.warehouse_code,
            on_created=self.announce == "created",
            sender=self.sender,
            dispositions=self.dispositions,
        )

    def _warehouse(self, name: str, account: AccountOptions) -> WarehouseAccount:
        if isinstance(account, WarehouseAccount):
            return account
        raise ConfigError(
            f"targets.{name}: account {self.account} is on {account.platform}, "
            f"a {self.kind} target needs a warehouse account"
        )


class EventTargetOptions(_AnnouncingOptions):
    """Announcing to a receiver of webhooks.

    Signed with `signing_secrets` (`whsec_…`, two during rotation), or with the
    account's bearer token, or both. Signed and binary exclude each other.
    """

    kind: Literal["warehouse.event"] = "warehouse.event"
    url: WebAddress
    mode: Mode = "structured"
    signing_secrets: Annotated[tuple[SigningSecret, ...], Field(max_length=2)] = ()

    @model_validator(mode="after")
    def _signs_all_it_sends(self) -> "EventTargetOptions":
        if self.signing_secrets and self.mode == "binary":
            raise ValueError(
                "mode binary leaves its ce-* headers outside the signature: "
                "use mode structured, or a bearer token without signing_secrets"
            )
        return self

    def target(self, name: str, account: AccountOptions) -> EventTarget:
        """Make the target; raise ConfigError where nothing would prove the sender."""
        warehouse = self._warehouse(name, account)
        if not self.signing_secrets and warehouse.token is None:
            raise ConfigError(
                f"targets.{name}: set signing_secrets here or "
                f"accounts.{self.account}.token, or the receiver cannot know us"
            )
        return EventTarget(
            name,
            account=self.account,
            url=self.url,
            mode=self.mode,
            signing_secrets=self.signing_secrets,
            token=warehouse.token,
            terms=self.terms,
            too_late=self.too_late,
            codes=self.codes,
        )


class ResourceTargetOptions(_AnnouncingOptions):
    """Announcing by PUT to the account's `base_url`."""

    kind: Literal["warehouse.resource"] = "warehouse.resource"

    def target(self, name: str, account: AccountOptions) -> ResourceTarget:
        """Make the target; raise ConfigError for an account without API."""
        warehouse = self._warehouse(name, account)
        if warehouse.base_url is None or warehouse.token is None:
            raise ConfigError(
                f"targets.{name}: set accounts.{self.account}.base_url and "
                f"accounts.{self.account}.token, the target calls that API"
            )
        return ResourceTarget(
            name,
            base_url=warehouse.base_url,
            token=warehouse.token,
            terms=self.terms,
            too_late=self.too_late,
            codes=self.codes,
        )
