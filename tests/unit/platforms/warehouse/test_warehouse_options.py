"""Settings of warehouse accounts and targets: what is refused, what is made."""

from datetime import timedelta

import pytest
from pydantic import SecretStr, ValidationError

from bridge.canonical.goods import DispositionCode
from bridge.errors import ConfigError
from bridge.platforms.contract import AccountOptions, Privacy, Source
from bridge.platforms.limits import Limit
from bridge.platforms.warehouse import OFFER
from bridge.platforms.warehouse.options import (
    EventTargetOptions,
    ResourceTargetOptions,
    WarehouseAccount,
)
from bridge.platforms.warehouse.source import WarehouseSource
from bridge.platforms.warehouse.target_event import EventTarget
from bridge.platforms.warehouse.target_resource import ResourceTarget

KEY = SecretStr("whsec_ZGVtby1rZXktZG8tbm90LXVzZS0wMDAx")
TOKEN = SecretStr("demo-token")
API = "https://warehouse.example/api/"
HOOK = "https://warehouse.example/hooks/returns"


class _OtherAccount(AccountOptions):
    platform: str = "redo"

    def source(self, account: str, privacy: Privacy) -> Source:
        raise AssertionError(account, privacy)


def _account(**more: object) -> WarehouseAccount:
    return WarehouseAccount.model_validate({"webhook_secrets": [KEY], **more})


def _event_target(**more: object) -> EventTargetOptions:
    return EventTargetOptions.model_validate({"account": "east", "url": HOOK, **more})


def test_the_package_offers_one_account_and_two_targets() -> None:
    assert OFFER.account is WarehouseAccount
    assert {
        kind: options.model_fields["kind"].default
        for kind, options in OFFER.targets.items()
    } == {
        "warehouse.event": "warehouse.event",
        "warehouse.resource": "warehouse.resource",
    }


def test_an_account_makes_its_source() -> None:
    account = _account(system="acme-wms", announced_by=["redo/acme-outdoor"])

    source = account.source("east", Privacy(b"k"))

    assert source == WarehouseSource(
        "east", "acme-wms", (KEY,), announced_by=frozenset({"redo/acme-outdoor"})
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"webhook_secrets": []},
        {"webhook_secrets": [KEY, KEY, KEY]},
        {"webhook_secrets": [SecretStr("whsec_")]},
        {"webhook_secrets": ["whsec_ZGVtby1rZXktZG8tbm90LXVzZS0wMDAx"]},
        {"announced_by": ["acme-outdoor"]},
        {"token": SecretStr("two words")},
        {"token": SecretStr("")},
        {"base_url": "warehouse.example"},
        {"base_url": "ftp://warehouse.example"},
        {"base_url": "https://"},
        {"base_url": "https://warehouse.example:port"},
        {"base_url": "https://warehouse.example/#there"},
        {"base_url": "https://warehouse.example/?key=1"},
        {"system": ""},
        {"secret": KEY},
    ],
)
def test_an_account_that_cannot_work_is_refused_discreetly(
    wrong: dict[str, object],
) -> None:
    with pytest.raises(ValidationError) as refused:
        _account(**wrong)

    assert "two words" not in str(refused.value)


def test_a_warehouse_has_no_limit_but_what_the_settings_say() -> None:
    limit = {"points": 60, "per": timedelta(seconds=1), "burst": 4004}

    assert _account().budget == ()
    assert _account(budget=[limit]).budget == (Limit.model_validate(limit),)


def test_an_event_target_signs_or_has_a_token() -> None:
    signed = _event_target(signing_secrets=[KEY]).target("t", _account())
    unsigned = _event_target(mode="binary").target("t", _account(token=TOKEN))

    assert isinstance(signed, EventTarget)
    assert (signed.signing_secrets, signed.token) == ((KEY,), None)
    assert (unsigned.mode, unsigned.token) == ("binary", TOKEN)
    with pytest.raises(ConfigError, match="signing_secrets"):
        _event_target().target("t", _account())


def test_signed_and_binary_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="outside the signature"):
        _event_target(signing_secrets=[KEY], mode="binary")


def test_what_a_target_lets_one_choose_reaches_it() -> None:
    chosen = {
        "announce": "created",
        "sender": False,
        "warehouse_code": "EAST-1",
        "too_late": "refuse",
        "codes": {403: "throttled"},
        "dispositions": {"worn": "refurbish"},
    }

    target = _event_target(signing_secrets=[KEY], **chosen).target("t", _account())

    assert (target.terms.on_created, target.terms.sender) == (True, False)
    assert target.terms.warehouse_code == "EAST-1"
    assert target.terms.dispositions == {"worn": DispositionCode.REFURBISH}
    assert (target.too_late, target.codes) == ("refuse", {403: "throttled"})


def test_a_resource_target_needs_an_api() -> None:
    options = ResourceTargetOptions(account="east")

    target = options.target("t", _account(base_url=API, token=TOKEN))

    assert isinstance(target, ResourceTarget)
    assert target.base_url == "https://warehouse.example/api"
    assert target.terms.dispositions["damaged"] is DispositionCode.QUARANTINE
    for account in (_account(token=TOKEN), _account(base_url=API)):
        with pytest.raises(ConfigError, match="base_url"):
            options.target("t", account)


def test_a_target_of_another_platforms_account_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a warehouse account"):
        ResourceTargetOptions(account="shop").target("t", _OtherAccount())
