"""Every kind of client against a broker that takes nobody without TLS."""

from pathlib import Path

import pytest
from pydantic import JsonValue

from bridge import settings
from bridge.streams.bulk import write_all
from bridge.streams.topics import TopicNames
from tests.support.histories import events, published
from tests.support.kafka_plugin import MakeKafka
from tests.support.operating import Operator, Warehouse, write_config
from tests.support.processes import Workers
from tests.support.security import PASSWORD, USER, Authority, Proof, issued
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

HISTORY = events(0, 3)
SUBJECT = HISTORY[0].subject
HEARD = [2, 4, 5]  # what the warehouse hears of it: the approval and two updates


def by_certificate(authority: Authority) -> dict[str, JsonValue]:
    mine = authority.paper_for("bridge")
    return {
        "security": "ssl",
        "cert_file": mine,
        "key_file": mine,
    }


def by_password(mechanism: Proof, password: JsonValue) -> dict[str, JsonValue]:
    return {
        "security": "sasl_ssl",
        "mechanism": mechanism,
        "username": USER,
        "password": password,
    }


class Secured:
    """A configuration for such a broker, and what it takes to work with it."""

    names = TopicNames("secured")

    def __init__(self, config: Path) -> None:
        self.config = config
        self.operator = Operator(config)

    async def prepare(self) -> None:
        """Make the topics: a young broker may need a second question."""

        async def applied() -> bool:
            return (await self.operator.says("topics", "apply")).code == 0

        await wait_until(applied, what="topics")

    async def publish(self) -> None:
        records = [published(self.names, event) for event in HISTORY]
        await write_all(settings.load(self.config).kafka, records)


class Lock:
    """A broker that lets nobody in who does not prove who they are."""

    def __init__(
        self, make_kafka: MakeKafka, folder: Path, wanted: Proof, password: str
    ) -> None:
        self.authority = Authority(issued("authority"), folder)
        self._broker = make_kafka(self.authority.guard(wanted))
        if wanted == "SCRAM-SHA-512":
            self.authority.enter_for_scram(self._broker.bootstrap)
        self._wanted = wanted
        self._folder = folder
        self._password: JsonValue = {"file": str(folder / "password")}
        (folder / "password").write_text(password)

    def opened_by(self, vouching: Authority, url: str = "http://dock") -> Secured:
        """Return settings of one for whom `vouching` speaks, or the password."""
        proof = by_certificate(vouching)
        if self._wanted != "certificate":
            proof = by_password(self._wanted, self._password)
        proof["ca_file"] = self.authority.file
        name = Secured.names.prefix
        address = self._broker.bootstrap
        return Secured(write_config(self._folder, address, name, url, kafka=proof))


@pytest.fixture(params=["certificate", "PLAIN", "SCRAM-SHA-512"])
def wanted(request: pytest.FixtureRequest) -> Proof:
    chosen: Proof = request.param
    return chosen


async def test_events_pass_through_a_broker_that_wants_proof_of_who_comes(
    make_kafka: MakeKafka, workers: Workers, tmp_path: Path, wanted: Proof
) -> None:
    lock, warehouse = Lock(make_kafka, tmp_path, wanted, PASSWORD), Warehouse()
    secured = lock.opened_by(lock.authority, await warehouse.start())
    await secured.prepare()
    await secured.publish()

    worker = workers.spawn("run", "deliver", "--config", str(secured.config))
    await wait_until(
        lambda: warehouse.revisions(SUBJECT) == HEARD,
        what="all calls",
        explain=workers.tails,
    )
    worker.terminate()
    ended = worker.wait()
    verified = await secured.operator.says("verify")
    await warehouse.stop()

    assert (ended, verified.code) == (0, 0), verified.out + worker.output()


async def test_who_proves_nothing_is_told_what_to_look_at(
    make_kafka: MakeKafka, tmp_path: Path, wanted: Proof
) -> None:
    lock = Lock(make_kafka, tmp_path, wanted, "not-the-password")
    secured = lock.opened_by(Authority(issued("stranger"), tmp_path))

    said = await secured.operator.says("topics", "check")

    assert said.code != 0
    assert "kafka.security and the credentials" in said.err
    assert "not-the-password" not in said.err + said.out
