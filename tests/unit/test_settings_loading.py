"""From a file and an environment to settings, and what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.platforms.redo.options import RedoAccount
from bridge.settings import Settings, build, load

ENVIRON = {"TOKEN": "webhook-token", "API": "api-token", "HASH_KEY": "hash-key"}
VALID = """
kafka:
  bootstrap: kafka:9092
accounts:
  my-shop:
    platform: redo
    webhook_tokens: [{env: TOKEN}]
    api_token: {env: API}
targets:
  back:
    kind: redo
    account: my-shop
privacy:
  hash_key: {env: HASH_KEY}
"""


def loaded(tmp_path: Path, text: str, **environ: str) -> Settings:
    path = tmp_path / "bridge.yaml"
    path.write_text(text)
    return load(path, ENVIRON | environ)


def refusal(tmp_path: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, text, **environ)
    return str(refused.value).replace(f"{tmp_path}/", "")


def test_a_small_file_is_filled_with_defaults(tmp_path: Path) -> None:
    settings = loaded(tmp_path, VALID)

    assert settings.kafka.bootstrap == ("kafka:9092",)
    assert settings.topics.partitions == 12
    assert settings.normalize.ownership.tick == timedelta(milliseconds=10)
    assert settings.targets["back"].ownership.tick == timedelta(milliseconds=200)
    assert settings.privacy.privacy().hash_key == b"hash-key"
    assert settings.worker


def test_an_account_has_the_options_of_its_platform(tmp_path: Path) -> None:
    account = loaded(tmp_path, VALID).accounts["my-shop"]

    assert isinstance(account, RedoAccount)
    assert account.webhook_tokens[0].get_secret_value() == "webhook-token"


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        VALID,
        BRIDGE_KAFKA__BOOTSTRAP="a:1,b:2",
        BRIDGE_TOPICS__PARTITIONS="4",
        BRIDGE_NORMALIZE__OWNERSHIP__LEASE="3s",
        BRIDGE_WORKER="w1",
        BRIDGE_STATE_DIR="/state",
    )

    assert settings.kafka.bootstrap == ("a:1", "b:2")
    assert settings.topics.partitions == 4
    assert settings.normalize.ownership.lease == timedelta(seconds=3)
    assert settings.normalize.ownership.tick == timedelta(milliseconds=10)
    assert (settings.worker, settings.state_dir) == ("w1", Path("/state"))


def test_a_variable_writes_the_hyphen_of_a_name_as_an_underscore(
    tmp_path: Path,
) -> None:
    variable = {"BRIDGE_ACCOUNTS__MY_SHOP__STORE_ID": "'7'"}

    account = loaded(tmp_path, VALID, **variable).accounts["my-shop"]

    assert isinstance(account, RedoAccount)
    assert account.store_id == "7"


def test_a_variable_may_bring_a_reference_to_a_secret(tmp_path: Path) -> None:
    settings = loaded(tmp_path, VALID, BRIDGE_PRIVACY__HASH_KEY__ENV="API")

    assert settings.privacy.hash_key.get_secret_value() == "api-token"


def test_variables_that_are_no_settings_are_left_alone(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path, VALID, BRIDGE_CONFIG="x", BRIDGE_TEST_KAFKA="y", BRIDGE_HOST="z"
    )

    assert settings == loaded(tmp_path, VALID)


def test_targets_take_the_defaults_of_deliver_and_lay_their_own_over_them(
    tmp_path: Path,
) -> None:
    text = VALID.replace(
        "targets:", "targets:\n  other: {kind: redo, account: my-shop}"
    )
    text = text.replace("kind: redo\n", "kind: redo\n    delivery: {concurrency: 2}\n")
    text += "deliver: {delivery: {concurrency: 9, max_attempts: 3}}"

    targets = loaded(tmp_path, text).targets

    assert targets["other"].delivery.concurrency == 9
    assert targets["back"].delivery.concurrency == 2
    assert targets["back"].delivery.max_attempts == 3


def test_a_section_of_which_only_the_heading_stands_there_means_its_defaults(
    tmp_path: Path,
) -> None:
    settings = loaded(tmp_path, VALID + "telemetry:\ntopics:\ndeliver:\n  delivery:\n")

    assert settings == loaded(tmp_path, VALID)


def test_a_secret_file_is_read_without_its_last_line_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    text = VALID.replace("{env: HASH_KEY}", f"{{file: {tmp_path}/key}}")

    settings = loaded(tmp_path, text)

    assert settings.privacy.hash_key.get_secret_value() == "from a file"


def test_a_tree_made_in_code_is_built_the_same_way_and_not_changed() -> None:
    tree = {
        "kafka": {"bootstrap": "k:1"},
        "privacy": {"hash_key": {"env": "HASH_KEY"}},
        "normalize": {"ownership": {"lease": "3s", "drain": timedelta(seconds=4)}},
        "state_dir": Path("/state"),
    }

    settings = build(tree, ENVIRON)

    assert settings.kafka.bootstrap == ("k:1",)
    assert settings.normalize.ownership.lease == timedelta(seconds=3)
    assert settings.normalize.ownership.drain == timedelta(seconds=4)
    assert settings.state_dir == Path("/state")
    assert tree["privacy"] == {"hash_key": {"env": "HASH_KEY"}}


def test_the_topics_of_a_configuration_are_those_of_its_targets(tmp_path: Path) -> None:
    text = VALID + "topics: {prefix: r, partitions: 3, retention: {raw: 1d}}"

    wanted = {spec.name: spec for spec in loaded(tmp_path, text).topic_specs()}

    assert "r.receipts.back" in wanted
    assert {spec.partitions for spec in wanted.values()} == {3}
    assert wanted["r.raw"].config["retention.ms"] == "86400000"


def test_the_process_environment_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "bridge.yaml"
    path.write_text(VALID)

    assert load(path) == load(path, ENVIRON)


SHOP = "platform: redo\n    webhook_tokens: [{env: TOKEN}]"
BAD: dict[str, tuple[str, str, str]] = {
    "an unknown section": (
        "privacy:",
        "privcy: 1\nprivacy:",
        "bridge.yaml: privcy: is not known here: did you mean privacy?",
    ),
    "an unknown key": (
        "bootstrap: kafka:9092",
        "bootstrap: kafka:9092\n  securty: ssl",
        "bridge.yaml: kafka.securty: is not known here: did you mean security?",
    ),
    "an unknown key like no other": (
        "hash_key:",
        "zzz: 1\n  hash_key:",
        (
            "bridge.yaml: privacy.zzz: is not known here: remove it, or use one of "
            "drop_personal, hash_key"
        ),
    ),
    "a missing key": (
        "bootstrap: kafka:9092",
        "client_id: x",
        "bridge.yaml: kafka.bootstrap: is missing: add it",
    ),
    "a secret in clear": (
        "{env: HASH_KEY}",
        "hunter2",
        (
            "bridge.yaml: privacy.hash_key: a secret is given by reference: "
            "write {env: NAME} or {file: PATH}"
        ),
    ),
    "a missing variable": (
        "{env: HASH_KEY}",
        "{env: NOWHERE}",
        (
            "bridge.yaml: privacy.hash_key: the variable NOWHERE is not set or empty: "
            "export NOWHERE"
        ),
    ),
    "a missing variable in a list": (
        "[{env: TOKEN}]",
        "[{env: NOWHERE}]",
        (
            "bridge.yaml: accounts.my-shop.webhook_tokens[0]: the variable NOWHERE is "
            "not set or empty: export NOWHERE"
        ),
    ),
    "a missing variable of a secret with a form of its own": (
        "accounts:",
        "accounts:\n  dock: {platform: warehouse, webhook_secrets: [{env: NOWHERE}]}",
        "bridge.yaml: accounts.dock.webhook_secrets[0]: the variable NOWHERE is not ",
    ),
    "an unreadable secret file": (
        "{env: HASH_KEY}",
        "{file: /no/such/file}",
        (
            "bridge.yaml: privacy.hash_key: the file /no/such/file cannot be read "
            "(No such file or directory): create it, or allow this user to read it"
        ),
    ),
    "a lease shorter than three ticks": (
        "privacy:",
        "normalize: {ownership: {lease: 29ms}}\nprivacy:",
        (
            "bridge.yaml: normalize.ownership: lease must be at least three ticks, "
            "or calls starve"
        ),
    ),
    "a lease of a target shorter than three ticks": (
        "account: my-shop",
        "account: my-shop\n    ownership: {lease: 500ms}",
        (
            "bridge.yaml: targets.back.ownership: lease must be at least three ticks, "
            "or calls starve"
        ),
    ),
    "a time-out longer than the call deadline": (
        "account: my-shop",
        "account: my-shop\n    delivery: {read_timeout: 20s}",
        (
            "bridge.yaml: targets.back: delivery.read_timeout is longer than "
            "ownership.call_deadline (15s): shorten the one or lengthen the other"
        ),
    ),
    "a call deadline longer than the rebalance": (
        "account: my-shop",
        "account: my-shop\n    ownership: {call_deadline: 2min}",
        (
            "bridge.yaml: targets.back.ownership: drain must be shorter than "
            "rebalance_timeout"
        ),
    ),
    "no duration": (
        "privacy:",
        "normalize: {ownership: {lease: soon}}\nprivacy:",
        (
            "bridge.yaml: normalize.ownership.lease: should be a duration, as in "
            "200ms, 5s, 10min, 8h, 14d"
        ),
    ),
    "an unknown platform": (
        "platform: redo",
        "platform: shopware",
        "bridge.yaml: accounts.my-shop.platform: should name a platform: one of ",
    ),
    "an unknown account": (
        "account: my-shop",
        "account: elsewhere",
        (
            "bridge.yaml: targets.back.account: should name one of the accounts "
            "(my-shop)"
        ),
    ),
    "an unknown kind": (
        "kind: redo",
        "kind: pigeon",
        (
            "bridge.yaml: targets.back.kind: should be a kind of target that redo "
            "offers: fetch, redo"
        ),
    ),
    "a name of an account that cannot stand in a subject": (
        SHOP,
        SHOP + "\n  My_Shop:\n    " + SHOP,
        (
            "bridge.yaml: accounts.My_Shop: a name is 1 to 18 of a-z, 0-9 and -, and "
            "does not begin with -"
        ),
    ),
    "a name of a target that is taken": (
        "back:",
        "inbound:",
        "bridge.yaml: targets.inbound: the name inbound is taken: choose another",
    ),
    "a retention of what is compacted": (
        "privacy:",
        "topics: {retention: {snapshots: 3d}}\nprivacy:",
        "bridge.yaml: topics.retention: snapshots has no retention: choose from raw, ",
    ),
    "a text that is none": (
        "platform: redo",
        "platform: redo\n    store_id: 5",
        "bridge.yaml: accounts.my-shop.store_id: should be a text: put it in quotes",
    ),
    "an answer for an account that is not there": (
        "privacy:",
        "inbound: {answers: {nobody: {status: 200}}}\nprivacy:",
        "bridge.yaml: inbound.answers.nobody: should name one of the accounts (my-shop",
    ),
    "an unknown key in a list": (
        "account: my-shop",
        "account: my-shop\n    rules: [{on: goods.received, stattus: complete}]",
        "bridge.yaml: targets.back.rules[0].stattus: is not known here: remove it",
    ),
    "a time of another kind": (
        "privacy:",
        "normalize: {ownership: {lease: [5]}}\nprivacy:",
        "bridge.yaml: normalize.ownership.lease: should be a duration, as in 200ms, ",
    ),
    "an alias that contains itself": (
        "privacy:",
        "accounts2: &a [*a]\nprivacy:",
        "bridge.yaml: nested too deep, or an alias that contains itself",
    ),
    "an account that is no mapping": (
        "accounts:",
        "accounts:\n  other: 5",
        "bridge.yaml: accounts.other: should be a mapping",
    ),
    "what only the target knows": (
        "    api_token: {env: API}\n",
        "",
        "bridge.yaml: targets.back: set accounts.my-shop.api_token, ",
    ),
}


@pytest.mark.parametrize(("old", "new", "problem"), BAD.values(), ids=list(BAD))
def test_a_bad_line_is_refused_with_file_key_and_remedy(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert old in VALID

    said = refusal(tmp_path, VALID.replace(old, new))

    assert said.startswith(problem)
    assert "\n" not in said


def test_a_target_of_an_account_without_a_platform_is_not_told_as_well(
    tmp_path: Path,
) -> None:
    said = refusal(tmp_path, VALID.replace("platform: redo", "platform: other"))

    assert [line.split(": ")[1] for line in said.splitlines()] == [
        "accounts.my-shop.platform"
    ]


@pytest.mark.parametrize("section", ["accounts", "targets", "deliver", "kafka"])
def test_a_section_that_is_no_mapping_is_refused(section: str) -> None:
    tree = {"privacy": {"hash_key": {"env": "HASH_KEY"}}, section: 5}

    with pytest.raises(ConfigError, match=rf"settings: {section}: should be a"):
        build(tree, ENVIRON)


def test_every_problem_is_told_at_once_and_no_value_with_it(tmp_path: Path) -> None:
    text = VALID.replace("{env: HASH_KEY}", "hunter2").replace("TOKEN", "NOWHERE")

    said = refusal(tmp_path, text, BRIDGE_TOPICS__PARTITIONS="many")

    assert [line.split(": ")[1] for line in said.splitlines()] == [
        "accounts.my-shop.webhook_tokens[0]",
        "topics.partitions",
        "privacy.hash_key",
    ]
    assert "hunter2" not in said


def test_a_problem_names_the_variable_that_brought_it(tmp_path: Path) -> None:
    said = refusal(tmp_path, VALID, BRIDGE_TOPICS__PARTITIONS="0")

    assert said.startswith(
        "environment variable BRIDGE_TOPICS__PARTITIONS: topics.partitions: should be "
    )


def test_a_variable_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, VALID, BRIDGE_TOPICS__PREFIX="[")

    assert "environment variable BRIDGE_TOPICS__PREFIX: topics.prefix: " in said


def test_an_empty_secret_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    text = VALID.replace("{env: HASH_KEY}", f"{{file: {tmp_path}/empty}}")

    assert "is empty: write the secret into it" in refusal(tmp_path, text)


def test_a_secret_file_that_is_no_text_is_refused_without_showing_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "binary").write_bytes(b"hunter2\xff")
    text = VALID.replace("{env: HASH_KEY}", f"{{file: {tmp_path}/binary}}")

    said = refusal(tmp_path, text)

    assert "is not UTF-8" in said
    assert "hunter2" not in said


def test_a_broken_default_is_told_once_and_not_at_every_target(tmp_path: Path) -> None:
    said = refusal(tmp_path, VALID + "deliver: {delivery: {concurency: 1}}")

    assert said == (
        "bridge.yaml: deliver.delivery.concurency: is not known here: "
        "did you mean concurrency?"
    )


def test_a_budget_is_written_as_a_list_of_limits(tmp_path: Path) -> None:
    budget = "budget: [{requests: 2, per: 1s}, {requests: 120, per: 1min}]"
    text = VALID.replace("platform: redo", f"platform: redo\n    {budget}")

    limits = loaded(tmp_path, text).accounts["my-shop"].budget

    assert [(limit.requests, limit.per) for limit in limits] == [
        (2, timedelta(seconds=1)),
        (120, timedelta(minutes=1)),
    ]


@pytest.mark.parametrize(
    ("budget", "problem"),
    [
        (
            "{requests: 2, per: 1s}",
            "budget: should be a list: write [{requests: 2, per: 1s}]",
        ),
        ("[{requests: 2}]", "budget[0].per: is missing: add it"),
        (
            "[{requests: 2, per: minute}]",
            "budget[0].per: should be a duration, as in 200ms, 5s, 10min, 8h, 14d",
        ),
        (
            "[{request: 2, per: 1s}]",
            "budget[0].request: is not known here: remove it",
        ),
        (
            "[{per: 1s}]",
            "budget[0]: write either requests or points, as in {requests: 2, per: 1s}",
        ),
        (
            "[{requests: 2, per: 1s}, {requests: 3, per: 1s}]",
            "budget: two limits count the same in the same time: keep the lower one",
        ),
        ("[{points: 60, per: 1s, burst: 9}]", "budget[0]: burst is what the bucket "),
    ],
)
def test_a_budget_that_could_not_be_kept_is_refused(
    tmp_path: Path, budget: str, problem: str
) -> None:
    text = VALID.replace("platform: redo", f"platform: redo\n    budget: {budget}")

    said = refusal(tmp_path, text)

    assert f"bridge.yaml: accounts.my-shop.{problem}" in said
