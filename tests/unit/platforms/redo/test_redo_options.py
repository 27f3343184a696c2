"""Settings of a Redo account and target, and what they refuse."""

from datetime import timedelta
from typing import Literal

import pytest
from pydantic import SecretStr, ValidationError

from bridge.errors import ConfigError
from bridge.platforms.contract import AccountOptions, Privacy, Source
from bridge.platforms.fetching import FetchTargetOptions
from bridge.platforms.limits import Limit
from bridge.platforms.redo import OFFER
from bridge.platforms.redo.options import RedoAccount, RedoTargetOptions
from bridge.platforms.redo.rules import DEFAULT_RULES
from bridge.platforms.redo.source import RedoSource

HOOK = SecretStr("hook-token")


class ForeignAccount(AccountOptions):
    """An account of another platform."""

    platform: Literal["other"] = "other"

    def source(self, account: str, privacy: Privacy) -> Source:
        return RedoSource(account, (), privacy)


def account(**options: object) -> RedoAccount:
    return RedoAccount.model_validate({"webhook_tokens": [HOOK], **options})


def test_the_offer_names_the_options_of_account_and_target() -> None:
    assert OFFER.account is RedoAccount
    assert OFFER.targets == {"redo": RedoTargetOptions, "fetch": FetchTargetOptions}


def test_an_account_has_the_live_host_as_default() -> None:
    assert account().base_url == "https://api.getredo.com/v2.2"
    assert account(base_url="http://127.0.0.1:8081/").base_url.endswith(":8081")


def test_an_account_keeps_within_the_one_rate_that_redo_names() -> None:
    more = {"requests": 5, "per": timedelta(seconds=1)}

    assert account().budget == (Limit(requests=100, per=timedelta(seconds=1)),)
    assert account(budget=[more]).budget == (Limit.model_validate(more),)
    assert account(budget=[]).budget == ()


def test_an_account_makes_its_source() -> None:
    source = account().source("demo", Privacy(b"key"))

    assert (source.platform, source.account) == ("redo", "demo")


@pytest.mark.parametrize(
    "options",
    [
        {"webhook_tokens": []},
        {"webhook_tokens": [HOOK, HOOK, HOOK]},
        {"webhook_tokens": ["literal"]},
        {"webhook_tokens": [SecretStr("")]},
        {"webhook_tokens": [SecretStr("two words")]},
        {"webhook_tokens": [SecretStr("line\n")]},
        {"api_token": SecretStr("schlüssel")},
        {"base_url": "api.getredo.com"},
        {"base_url": "ftp://api.getredo.com"},
        {"base_url": "https://api.getredo.com/?a=b"},
        {"base_url": "https://api.getredo.com/#a"},
        {"base_url": "https://"},
        {"base_url": "http://[::1"},
        {"unknown": 1},
    ],
)
def test_settings_that_cannot_work_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        account(**options)

    assert "schlüssel" not in str(caught.value)


def test_a_target_is_made_from_its_account() -> None:
    options = RedoTargetOptions(account="demo")

    target = options.target("to-redo", account(api_token=SecretStr("secret")))

    assert target.name == "to-redo"
    assert options.rules == DEFAULT_RULES


def test_a_target_needs_the_token_of_its_account() -> None:
    with pytest.raises(ConfigError, match=r"accounts\.demo\.api_token"):
        RedoTargetOptions(account="demo").target("to-redo", account())


def test_a_target_needs_an_account_of_its_own_platform() -> None:
    with pytest.raises(ConfigError, match="needs a redo account"):
        RedoTargetOptions(account="shop").target("to-redo", ForeignAccount())
