"""The fixtures that give a test its Kafka, and the closing words about skipped ones."""

import gc
import uuid
import warnings
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping

import pytest
from aiokafka import AIOKafkaProducer

from bridge.errors import UnavailableError
from bridge.streams.topic_admin import apply_topics
from bridge.streams.topics import TopicNames, specs
from tests.support.broker import Broker, BrokerMissing, OwnBroker, options_of
from tests.support.choice import REMEDY, WANTED, Choice, Told, kafka_is_required
from tests.support.waiting import wait_until

_CHOICE = pytest.StashKey[Choice]()
_TOLD = "bridge.kafka"

CreateTopics = Callable[..., Awaitable[TopicNames]]
MakeKafka = Callable[..., OwnBroker]

#: aiokafka 0.14 leaves a connection behind when a client is closed while it connects;
#: on a busy machine that happens, and the warning then hits whichever test is running.
_LEFT_BEHIND = tuple(
    f"ignore:Exception ignored in. <{what}:pytest.PytestUnraisableExceptionWarning"
    for what in (
        "function AIOKafka",
        "function StreamWriter",
        "function _SelectorTransport",
        "socket.socket",
    )
)


def pytest_configure(config: pytest.Config) -> None:
    choice = config.stash[_CHOICE] = Choice()
    config.pluginmanager.register(Hearing(choice))
    config.addinivalue_line(
        "markers", "embedded_ok: runs on the embedded broker where no Kafka is found"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("integration") is not None:
            for left_behind in _LEFT_BEHIND:
                item.add_marker(pytest.mark.filterwarnings(left_behind))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Sweep up what aiokafka left behind before pytest does, without a filter."""
    choice = session.config.stash[_CHOICE]
    if choice.used:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
    output: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if output is not None:  # one of several workers: others sum up
        output[_TOLD] = choice.tell()


class Hearing:
    """Hears at the end of each worker what it tells; for pytest-xdist."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        told: Told | None = getattr(node, "workeroutput", {}).get(_TOLD)
        if told is not None:  # a worker that crashed tells nothing
            self._choice.hear(told)


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_CHOICE].close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Choose the broker before the fixtures ask for it, and skip what it cannot do."""
    if "kafka" not in getattr(item, "fixturenames", ()):
        return
    choice = item.config.stash[_CHOICE]
    try:
        broker = choice.shared()
    except BrokerMissing as missing:
        pytest.fail(f"{missing} {REMEDY}", pytrace=False)
    if broker.kind == "embedded" and item.get_closest_marker("embedded_ok") is None:
        pytest.skip(WANTED)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None]:
    """Say which Kafka it was, last of all that is printed before the totals."""
    yield
    choice = config.stash[_CHOICE]
    reports = terminalreporter.stats.get("skipped", ())
    skipped = sum(WANTED in str(report.longrepr) for report in reports)
    if skipped:
        terminalreporter.section("Kafka")
        terminalreporter.line(choice.explain())
        terminalreporter.line(f"Skipped for want of it: {skipped} tests. {REMEDY}")
    elif choice.used:
        terminalreporter.section("Kafka")
        terminalreporter.line(f"Tested on: {', '.join(choice.used)}.")


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Broker:
    """Give the broker that all tests of the run share; use topics of your own."""
    return pytestconfig.stash[_CHOICE].shared()


@pytest.fixture
def make_kafka(pytestconfig: pytest.Config) -> Iterator[MakeKafka]:
    """Give `make_kafka(security)`: a broker that this test alone uses, and may kill."""
    choice, made = pytestconfig.stash[_CHOICE], list[OwnBroker]()

    def make(security: Mapping[str, str] | None = None) -> OwnBroker:
        try:
            made.append(choice.own(security))
        except BrokerMissing as missing:
            if kafka_is_required():
                pytest.fail(f"{missing} {REMEDY}", pytrace=False)
            pytest.skip(f"{WANTED} that it may kill")
        return made[-1]

    yield make
    for broker in made:
        broker.close()


@pytest.fixture
def own_kafka(make_kafka: MakeKafka) -> OwnBroker:
    """Give a broker that this test alone uses, and may kill."""
    return make_kafka()


@pytest.fixture
def names() -> TopicNames:
    """Give the topic names of a prefix that no other test has."""
    return TopicNames(f"t{uuid.uuid4().hex[:10]}")


@pytest.fixture
def topics(names: TopicNames) -> CreateTopics:
    """Give `await topics(broker, "wms", …, partitions=4)`: all topics of the table.

    The embedded broker makes its topics when asked, always of four partitions.
    """

    async def create(broker: Broker, *targets: str, partitions: int = 4) -> TopicNames:
        kafka = options_of(broker)
        wanted = specs(names, targets, partitions=partitions, profile="single-node")
        if broker.kind != "embedded":

            async def applied() -> bool:
                try:
                    await apply_topics(kafka, wanted)
                except UnavailableError:  # a young broker does not know itself yet
                    return False
                return True

            await wait_until(applied, what="a broker that takes topics")
            return names
        producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
        await producer.start()
        try:
            for spec in wanted:
                await producer.partitions_for(spec.name)
        finally:
            await producer.stop()
        return names

    return create
