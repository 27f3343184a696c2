"""The services of deploy/compose.yaml, as processes of this machine.

Their commands and environment are the file's own; only addresses are others, and Kafka
is the tests'. Containers themselves are not tried here.
"""

import asyncio
from pathlib import Path

import pytest

from bridge.streams.topics import TopicNames
from tests.support.broker import Broker, free_port
from tests.support.compose import DEPLOY, services
from tests.support.processes import Worker, Workers
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.e2e]

SERVERS = ("bridge", "shop", "warehouse")


class Composed:
    """The services, at ports of this machine."""

    def __init__(self, kafka: str, prefix: str, state: Path) -> None:
        self._services = services()
        bridge, shop, warehouse = (f"127.0.0.1:{free_port()}" for _ in SERVERS)
        self._addresses = {
            "kafka:9092": kafka,
            "bridge:8080": bridge,
            "shop:8101": shop,
            "0.0.0.0:8101": shop,
            "warehouse:8102": warehouse,
            "0.0.0.0:8102": warehouse,
        }
        self._image = {  # what deploy/Dockerfile sets for all
            "BRIDGE_CONFIG": str(DEPLOY / "bridge.example.yaml"),
            "BRIDGE_STATE_DIR": str(state),
            "BRIDGE_INBOUND__PORT": bridge.rpartition(":")[2],
            "BRIDGE_TOPICS__PREFIX": prefix,
        }

    def start(self, workers: Workers, name: str) -> Worker:
        command = [self._here(word) for word in self._services[name].command]
        return workers.spawn(*command, name=name, env=self.environ(name))

    def environ(self, name: str) -> dict[str, str]:
        given = self._services[name].environ()
        return self._image | {key: self._here(value) for key, value in given.items()}

    def _here(self, text: str) -> str:
        for there, here in self._addresses.items():
            text = text.replace(there, here)
        return text


async def test_what_the_shop_sends_comes_to_the_warehouse_and_back(
    kafka: Broker, names: TopicNames, workers: Workers, tmp_path: Path
) -> None:
    composed = Composed(kafka.bootstrap, names.prefix, tmp_path / "state")

    async def applied() -> bool:  # a young broker may need a second question
        once = composed.start(workers, "topics")
        return await asyncio.to_thread(once.wait) == 0

    await wait_until(applied, what="topics", explain=workers.tails)
    servers = [composed.start(workers, name) for name in SERVERS]
    shop, warehouse = servers[1:]
    await wait_until(
        lambda: (
            "commented on by the bridge" in shop.output()
            and "call delivered" in warehouse.output()
        ),
        what="calls of the bridge at both",
        explain=workers.tails,
    )
    for server in servers:
        server.terminate()
    codes = [await asyncio.to_thread(server.wait) for server in servers]
    verified = workers.spawn("verify", env=composed.environ("bridge"))

    assert codes == [0, 0, 0], workers.tails()
    assert await asyncio.to_thread(verified.wait) == 0, verified.output()
