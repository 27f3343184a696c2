"""Settings of a Loop account, and what they refuse."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr, ValidationError

from bridge.platforms.contract import InboundRequest, Privacy
from bridge.platforms.loop import OFFER
from bridge.platforms.loop.options import LoopAccount
from bridge.platforms.loop.source import LoopSource

HOOK = SecretStr("hook secret of any signs")


def account(**options: object) -> LoopAccount:
    return LoopAccount.model_validate({"webhook_secrets": [HOOK], **options})


def test_the_offer_names_the_options_of_an_account() -> None:
    assert OFFER.account is LoopAccount


def test_an_account_speaks_to_the_live_host_in_a_dated_version() -> None:
    assert account().base_url == "https://api.loopreturns.com/api/2026-10"
    assert account().key_header == "x-authorization"


def test_host_version_and_headers_of_a_compatible_server_are_configured() -> None:
    redo = account(
        host="https://loop-api.getredo.com/", version="v1", key_header="X-Key"
    )

    assert redo.base_url == "https://loop-api.getredo.com/api/v1"
    assert redo.key_header == "x-key"


def test_an_account_makes_its_source() -> None:
    source = account(confirm=["return"]).source("demo", Privacy(b"key"))

    assert isinstance(source, LoopSource)
    assert (source.platform, source.account) == ("loop", "demo")
    request = InboundRequest({}, b'{"topic":"return"}', datetime.now(UTC))
    assert not source.credible(request)


@pytest.mark.parametrize(
    "options",
    [
        {"webhook_secrets": []},
        {"webhook_secrets": [HOOK, HOOK, HOOK]},
        {"webhook_secrets": ["literal"]},
        {"webhook_secrets": [SecretStr("")]},
        {"api_key": SecretStr("two words")},
        {"host": "api.loopreturns.com"},
        {"version": "2026/10"},
        {"key_header": "x key"},
        {"confirm": ["giftcard"]},
        {"unknown": 1},
    ],
)
def test_what_cannot_work_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        account(**options)
