"""What is refused of accounts that are each valid by themselves."""

import pytest

from bridge.errors import ConfigError
from bridge.settings import Settings, build

ENVIRON = {"KEY": "the-key", "OTHER": "another-key", "HOOK": "token-of-the-hook"} | {
    "DOCK": "whsec_ZGVtby1rZXktZG8tbm90LXVzZS0wMDAx"
}

Section = dict[str, object]


def made(accounts: Section, targets: Section | None = None) -> Settings:
    return build(
        {
            "kafka": {"bootstrap": "kafka:9092"},
            "privacy": {"hash_key": {"env": "KEY"}},
            "accounts": accounts,
            "targets": targets or {},
        },
        ENVIRON,
    )


def redo(**more: object) -> Section:
    return {"platform": "redo", "webhook_tokens": [{"env": "HOOK"}], **more}


def loop(variable: str = "HOOK", **more: object) -> Section:
    return {"platform": "loop", "webhook_secrets": [{"env": variable}], **more}


def returngo(**more: object) -> Section:
    return {
        "platform": "returngo",
        "shop": "fernhollow.example",
        "api_key": {"env": "KEY"},
        "webhook_tokens": [{"env": "HOOK"}],
        **more,
    }


def returnlogic(**more: object) -> Section:
    return {"platform": "returnlogic", "webhook_tokens": [{"env": "HOOK"}], **more}


def oauth(file: str) -> Section:
    return {
        "client_id": "app",
        "client_secret": {"env": "KEY"},
        "token_file": file,
    }


def fetches(*accounts: str) -> Section:
    return {f"f-{name}": {"kind": "fetch", "account": name} for name in accounts}


KEYED: Section = {"api_key": {"env": "KEY"}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (redo(store_id="s1"), redo(store_id="s1", api_token={"env": "KEY"})),
        (redo(api_token={"env": "KEY"}), redo(api_token={"env": "KEY"})),
        (loop(), loop(reopens=True)),
        (returngo(), returngo(shop="FERNHOLLOW.example")),
        (returnlogic(**KEYED), returnlogic(**KEYED)),
        (returnlogic(oauth=oauth("t1")), returnlogic(oauth=oauth("t1"))),
    ],
)
def test_two_accounts_of_one_shop_are_refused_with_both_names(
    one: Section, other: Section
) -> None:
    hinted = one["platform"] in {"returngo", "returnlogic"}
    targets = fetches("a", "b") if hinted else {}

    with pytest.raises(ConfigError) as refused:
        made({"a": one, "b": other}, targets)

    assert str(refused.value) == (
        "settings: accounts.b: is the same shop as accounts.a: keep one of them"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (redo(), redo()),
        (redo(store_id="s1"), redo(store_id="s2")),
        (redo(store_id="s1"), redo(store_id="s1", base_url="https://other.example")),
        (loop(), loop("OTHER")),
        (returnlogic(**KEYED), returnlogic(oauth=oauth("t1"))),
        (returnlogic(**KEYED), returngo()),
    ],
)
def test_accounts_of_different_shops_stand_beside_each_other(
    one: Section, other: Section
) -> None:
    hinted = one["platform"] in {"returngo", "returnlogic"}
    targets = fetches("a", "b") if hinted else {}

    assert set(made({"a": one, "b": other}, targets).accounts) == {"a", "b"}


@pytest.mark.parametrize(
    "account",
    [returngo(), returnlogic(**KEYED), loop(confirm=["label"], api_key={"env": "KEY"})],
)
def test_an_account_that_only_hints_needs_a_fetch_target(account: Section) -> None:
    with pytest.raises(ConfigError) as refused:
        made({"a": account})

    assert str(refused.value) == (
        "settings: accounts.a: its webhooks are only hints, and nothing reads the "
        "returns they point at: add a target {kind: fetch, account: a}"
    )
    assert made({"a": account}, fetches("a")).accounts["a"].hints


def test_what_does_not_tell_its_shop_may_be_there_twice() -> None:
    dock = {"platform": "warehouse", "webhook_secrets": [{"env": "DOCK"}]}

    assert set(made({"a": dock, "b": dock}).accounts) == {"a", "b"}


def test_an_account_whose_webhooks_are_believed_needs_none() -> None:
    settings = made({"a": loop(), "b": redo()})

    assert not any(account.hints for account in settings.accounts.values())
