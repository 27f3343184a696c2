"""What is refused of accounts that are each valid by themselves."""

import pytest

from bridge.errors import ConfigError
from bridge.platforms.returnlogic.seal import make_key
from bridge.settings import Settings, account_warnings, build, show

ENVIRON = {"KEY": "the-key", "OTHER": "another-key", "HOOK": "token-of-the-hook"} | {
    "DOCK": "whsec_ZGVtby1rZXktZG8tbm90LXVzZS0wMDAx",
    "SEAL": make_key(),
    "NEXT_SEAL": make_key(),
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
        "token_keys": [{"env": "SEAL"}],
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


def test_a_token_file_without_a_key_is_refused_with_the_way_to_make_one() -> None:
    unsealed = {name: each for name, each in oauth("t1").items() if "keys" not in name}

    with pytest.raises(ConfigError) as refused:
        made({"a": returnlogic(oauth=unsealed)}, fetches("a"))

    (line,) = str(refused.value).splitlines()
    assert line.startswith("settings: accounts.a.oauth: token_keys is missing: t1 is")
    assert "`returns-bridge config make-key`" in line


@pytest.mark.parametrize("key", ["the-key", "", "kühn" * 11, "A" * 43])
def test_what_is_no_key_is_refused_and_not_shown(key: str) -> None:
    accounts: Section = {"a": returnlogic(oauth=oauth("t1"))}
    tree = {
        "kafka": {"bootstrap": "kafka:9092"},
        "privacy": {"hash_key": {"env": "KEY"}},
        "accounts": accounts,
        "targets": fetches("a"),
    }

    with pytest.raises(ConfigError, match=r"oauth\.token_keys") as refused:
        build(tree, ENVIRON | {"SEAL": key})

    assert not key or key not in str(refused.value).replace("token_keys", "")


def test_keys_of_a_token_file_are_masked() -> None:
    keys = [{"env": "NEXT_SEAL"}, {"env": "SEAL"}]
    sealed = oauth("t1") | {"token_keys": keys}

    shown = show(made({"a": returnlogic(oauth=sealed)}, fetches("a")))

    assert ENVIRON["SEAL"] not in shown
    assert ENVIRON["NEXT_SEAL"] not in shown
    assert "token_keys:\n      - '**********'\n      - '**********'\n" in shown


def test_three_keys_are_one_too_many() -> None:
    sealed = oauth("t1") | {"token_keys": [{"env": "SEAL"}] * 3}

    with pytest.raises(ConfigError, match=r"oauth.token_keys: should .* at most 2"):
        made({"a": returnlogic(oauth=sealed)}, fetches("a"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "its webhooks are not watched either: set hook_url"),
        ({"hook_url": "https://bridge.example/hooks/a"}, "read again after a gap"),
    ],
)
def test_an_account_that_is_not_polled_for_want_of_a_query_is_warned_of(
    changes: Section, words: str
) -> None:
    known = made({"a": returnlogic(**KEYED, **changes)}, fetches("a"))

    (warning,) = account_warnings(known)

    assert warning.startswith("accounts.a has no poll.query and is not polled")
    assert warning.endswith(words)


@pytest.mark.parametrize(
    "account",
    [
        returnlogic(**KEYED, poll={"query": "/rmas?since={since}"}),
        returnlogic(**KEYED, poll={"enabled": False}),
        returngo(),
        redo(),
        loop(),
    ],
)
def test_what_is_polled_or_was_switched_off_or_has_no_key_is_not_warned_of(
    account: Section,
) -> None:
    hinted = account["platform"] in {"returngo", "returnlogic"}
    targets = fetches("a") if hinted else {}

    assert list(account_warnings(made({"a": account}, targets))) == []
