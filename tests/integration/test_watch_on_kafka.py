"""The watch over webhooks that no poll makes up for: ReturnLogic without a query."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.app import accounts
from bridge.app.bridge import ROLES, Bridge
from bridge.app.snapshots import living, snapshots
from bridge.clock import SystemClock
from bridge.sandbox.returnlogic import ReturnLogicOptions, ReturnLogicSimulator
from bridge.sandbox.returnlogic_team import COMMANDS, FACTS
from bridge.settings import Settings, build
from tests.support.broker import Broker, free_port
from tests.support.kafka_plugin import CreateTopics
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

PARTITIONS = 4
PATIENCE = timedelta(seconds=60)
TOKEN = "token-of-the-path"  # noqa: S105 of the test
SECRETS = {"API": "demo-key", "HOOK": TOKEN, "KEY": "k" * 32}


def settings_for(
    broker: Broker, prefix: str, state: Path, simulator: ReturnLogicSimulator, port: int
) -> Settings:
    return build(
        {
            "kafka": {"bootstrap": broker.bootstrap},
            "topics": {
                "prefix": prefix,
                "partitions": PARTITIONS,
                "profile": "single-node",
            },
            "inbound": {"port": port},
            "polling": {"watch_every": "1s"},
            "state_dir": str(state),
            "privacy": {"hash_key": {"env": "KEY"}},
            "accounts": {
                "team": {
                    "platform": "returnlogic",
                    "base_url": simulator.url,
                    "api_key": {"env": "API"},
                    "webhook_tokens": [{"env": "HOOK"}],
                    "hook_url": f"http://127.0.0.1:{port}/hooks/team",
                }
            },
            "targets": {"fetch": {"kind": "fetch", "account": "team"}},
        },
        SECRETS,
    )


class World:
    """ReturnLogic, and the bridge with one of its teams."""

    def __init__(self, simulator: ReturnLogicSimulator, settings: Settings) -> None:
        self.team = simulator.team
        self.settings = settings
        for action in (*FACTS, *COMMANDS):
            hook = f"http://127.0.0.1:{settings.inbound.port}/hooks/team/{TOKEN}"
            self.team.register(action, hook)

    def switch_off(self) -> None:
        for registration in self.team.registrations.values():
            self.team.activate(registration, active=False)

    def all_on(self) -> bool:
        return all(each.active for each in self.team.registrations.values())

    async def stands(self, wanted: Mapping[str, str]) -> bool:
        """Tell whether the bridge knows these returns, each in its platform's word."""
        words = await snapshots(self.settings, "", lambda each: each.model.state_raw)
        return words == wanted


@pytest.fixture
async def world(
    kafka: Broker, topics: CreateTopics, tmp_path: Path
) -> AsyncIterator[World]:
    names = await topics(kafka, "fetch", partitions=PARTITIONS)
    simulator = ReturnLogicSimulator(ReturnLogicOptions())
    await simulator.start()
    settings = settings_for(kafka, names.prefix, tmp_path, simulator, free_port())
    bridge = Bridge(settings, ROLES["all"], clock=SystemClock())
    await bridge.start()
    yield World(simulator, settings)
    bridge.ask_to_stop()
    await bridge.stop()
    await simulator.stop()


async def test_what_was_switched_off_comes_on_and_known_returns_are_read_again(
    world: World,
) -> None:
    moving, ended = world.team.create(), world.team.create()
    world.team.happen(ended, "canceled")
    one, other = (f"returnlogic/team/{rma.id}" for rma in (moving, ended))
    before = {one: "Authorized", other: "Canceled"}
    await wait_until(lambda: world.stands(before), what="webhooks", within=PATIENCE)
    assert await living(world.settings, "team") == [one]

    world.switch_off()
    world.team.happen(moving, "inTransit")

    after = before | {one: "In Transit"}
    await wait_until(world.all_on, what="the watch", within=PATIENCE)
    await wait_until(lambda: world.stands(after), what="a look", within=PATIENCE)
    (row,) = await accounts.account_status(world.settings)
    assert row.state == "watched, not polled"
    assert world.team.lost_while_off == 1
