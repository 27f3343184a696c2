"""The example configuration is valid, complete, and says what the defaults are."""

import base64
import re

import pytest

from bridge.cli.main import main
from bridge.errors import ConfigError
from bridge.platforms.redo.options import BUDGET, RedoAccount
from bridge.settings import build, load
from bridge.settings.document import parse
from tests.support.compose import DEPLOY, services

EXAMPLE = DEPLOY / "bridge.example.yaml"
_KEY = "whsec_" + base64.b64encode(b"a key for this test only").decode()
ENVIRON = {
    "REDO_WEBHOOK_TOKEN": "webhook-token",
    "REDO_API_TOKEN": "api-token",
    "WAREHOUSE_SIGNING_SECRET": _KEY,
    "WAREHOUSE_REPORT_SECRET": _KEY,
    "PRIVACY_HASH_KEY": "hash-key",
}


def uncommented(section: str) -> object:
    """Return a section of the example with its commented lines switched on."""
    text = EXAMPLE.read_text()
    (found,) = re.findall(rf"^{section}:.*?(?=^\S|\Z)", text, re.DOTALL | re.MULTILINE)
    tree = parse(re.sub(r"^( +)# (?=[ \w].*:|  -)", r"\1", found, flags=re.MULTILINE))
    assert isinstance(tree, dict)
    return tree[section]


def test_the_example_is_valid() -> None:
    settings = load(EXAMPLE, ENVIRON)

    assert set(settings.accounts) == {"my-shop", "my-warehouse"}
    assert set(settings.targets) == {"my-warehouse", "redo-status"}


def test_the_example_names_every_variable_it_needs() -> None:
    with pytest.raises(ConfigError) as refused:
        load(EXAMPLE, {})

    said = str(refused.value)
    assert set(re.findall(r"export (\w+)", said)) == set(ENVIRON)
    assert len(said.splitlines()) == len(ENVIRON)


@pytest.mark.parametrize("section", ["topics", "deliver", "normalize", "telemetry"])
def test_the_commented_lines_of_the_example_are_the_defaults(section: str) -> None:
    tree = {
        "kafka": {"bootstrap": "k:1"},
        "privacy": {"hash_key": {"env": "PRIVACY_HASH_KEY"}},
        "worker": "w",
    }
    default = build(tree, ENVIRON)

    assert uncommented(section) is not None
    written = build({**tree, section: uncommented(section)}, ENVIRON)

    same = {"deliver": {"ownership": {"group_instance_id"}}, "topics": {"retention"}}
    left = same.get(section)
    assert getattr(written, section).model_dump(exclude=left) == getattr(
        default, section
    ).model_dump(exclude=left)


def test_the_budgets_of_the_example_are_the_default_and_one_of_each_kind() -> None:
    tree = {
        "kafka": {"bootstrap": "k:1"},
        "privacy": {"hash_key": {"env": "PRIVACY_HASH_KEY"}},
        "accounts": uncommented("accounts"),
    }

    accounts = build(tree, ENVIRON | {"WAREHOUSE_TOKEN": "token"}).accounts

    assert accounts["my-shop"].budget == BUDGET
    window, bucket = accounts["my-warehouse"].budget
    assert (window.burst, bucket.burst) == (None, 4004)


def test_compose_completes_the_example_to_a_valid_configuration() -> None:
    settings = load(EXAMPLE, services()["bridge"].environ())

    assert settings.kafka.bootstrap == ("kafka:9092",)
    assert settings.topics.profile == "single-node"
    account = settings.accounts["my-shop"]
    assert isinstance(account, RedoAccount)
    assert account.base_url == "http://shop:8101/v2.2"


def test_no_service_of_compose_has_more_rights_than_it_needs() -> None:
    for name, service in services().items():
        assert service.cap_drop == ["ALL"], name
        assert service.security_opt == ["no-new-privileges:true"], name
        assert service.read_only == (name != "kafka"), name
        assert not service.privileged, name
        assert all(port.startswith("127.0.0.1:") for port in service.ports), name


@pytest.mark.parametrize("name", ["topics", "bridge", "shop", "warehouse"])
def test_every_command_of_compose_is_one_of_ours(name: str) -> None:
    assert main([*services()[name].command, "--help"]) == 0
