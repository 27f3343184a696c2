"""The configuration as it is shown: complete, readable again, without a secret."""

from datetime import timedelta

import pytest

from bridge.settings import Settings, build, show
from bridge.settings.document import parse
from bridge.settings.showing import MASK

ENVIRON = {"TOKEN": "webhook-token", "API": "api-token", "HASH_KEY": "hash-key"}
TREE = {
    "kafka": {
        "bootstrap": "k:1",
        "security": "sasl_ssl",
        "mechanism": "PLAIN",
        "username": "me",
        "password": {"env": "API"},
    },
    "accounts": {
        "shop": {
            "platform": "redo",
            "webhook_tokens": [{"env": "TOKEN"}],
            "api_token": {"env": "API"},
        }
    },
    "targets": {"back": {"kind": "redo", "account": "shop"}},
    "privacy": {"hash_key": {"env": "HASH_KEY"}},
}


@pytest.fixture
def settings() -> Settings:
    return build(TREE, ENVIRON)


def test_no_secret_is_shown(settings: Settings) -> None:
    shown = show(settings)

    assert not [secret for secret in ENVIRON.values() if secret in shown]
    assert shown.count(MASK) == 4


def test_no_secret_is_in_the_text_of_the_settings(settings: Settings) -> None:
    assert not [secret for secret in ENVIRON.values() if secret in repr(settings)]


def test_what_is_shown_is_the_file_with_the_defaults_filled_in(
    settings: Settings,
) -> None:
    shown = parse(show(settings))

    assert isinstance(shown, dict)
    assert shown["kafka"]["bootstrap"] == ["k:1"]
    assert shown["kafka"]["password"] == MASK
    assert shown["normalize"]["ownership"]["tick"] == timedelta(milliseconds=10)
    assert shown["targets"]["back"]["account"] == "shop"
    assert shown["targets"]["back"]["delivery"]["max_age"] == timedelta(hours=10)
