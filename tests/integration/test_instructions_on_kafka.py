"""Odd instructions on a real broker: what each is answered, and nothing is lost."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from structlog.testing import capture_logs

from bridge import settings
from bridge.app.bridge import DELIVER, Bridge
from bridge.canonical.envelope import event_id
from bridge.clock import SystemClock
from bridge.deadletters.instructions import Instruction, encode, new_id
from bridge.streams.receipts import Answer, decode_sheet
from bridge.streams.records import Record
from bridge.streams.restore import read_to_end
from bridge.streams.scan import partition_for
from bridge.streams.topics import TopicNames
from bridge.telemetry import events as facts
from tests.support.broker import Broker, options_of
from tests.support.histories import events, publish_events
from tests.support.kafka_plugin import CreateTopics
from tests.support.operating import Operator, Warehouse, nobody, write_config
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

PARTITIONS = 4
SUBJECT = events(0, 1)[0].subject
HEARD = [2, 4, 5]  # what the warehouse hears: the approval, the dead one, and two more


def instruction(**more: object) -> Instruction:
    facts_: dict[str, object] = {
        "id": new_id(),
        "action": "retry",
        "target": "wms",
        "subject": SUBJECT,
        "author": "ada",
        "reason": "because",
        "issued_at": datetime.now(UTC),
    }
    return Instruction.model_validate({**facts_, **more})


def about(number: int) -> dict[str, object]:
    return {"event_id": event_id(SUBJECT, number), "sequence": number}


class Ground:
    """A bridge whose warehouse refuses the first event that it hears of a return."""

    def __init__(self, broker: Broker, names: TopicNames, operator: Operator) -> None:
        self.operator = operator
        self._broker = broker
        self._names = names

    async def write(self, *instructions: Instruction, value: bytes = b"") -> None:
        """Write instructions in this order; with `value` a record that is none."""
        records = [encode(each) for each in instructions]
        records += [(SUBJECT.encode(), value)] if value else []
        producer = AIOKafkaProducer(bootstrap_servers=self._broker.bootstrap)
        await producer.start()
        for key, text in records:
            await producer.send_and_wait(
                self._names.instructions,
                text,
                key=key,
                partition=partition_for(key, PARTITIONS),
            )
        await producer.stop()

    async def answers(self, of: Sequence[Instruction]) -> dict[str, str]:
        """Return what each was answered, in its first word; wait for all of them."""
        found: list[Answer] = []

        def note(records: list[Record]) -> None:
            for record in records:
                found.extend(decode_sheet(record.value or b"").answers)

        async def there() -> bool:
            found.clear()
            topic = self._names.receipts("wms")
            for number in range(PARTITIONS):
                await read_to_end(
                    options_of(self._broker), topic, number, start=0, apply=note
                )
            return {each.id for each in of} <= {each.instruction for each in found}

        await wait_until(there, what="all answers")
        assert len(found) == len({each.instruction for each in found})
        return {each.instruction: each.why.split(":")[0] for each in found}

    async def all_delivered(self) -> None:
        async def quiet() -> bool:
            rows = (await self.operator.says("verify", "--json")).rows()
            return not rows[1].get("waiting") and not rows[1].get("held")

        await wait_until(quiet, what="quiet")
        proof = await self.operator.says("verify")
        assert proof.code == 0, proof.out


@pytest.fixture
async def warehouse() -> AsyncIterator[Warehouse]:
    warehouse = Warehouse()
    yield warehouse
    await warehouse.stop()


@pytest.fixture
async def ground(
    kafka: Broker, topics: CreateTopics, warehouse: Warehouse, tmp_path: Path
) -> AsyncIterator[Ground]:
    names = await topics(kafka, "wms", partitions=PARTITIONS)
    warehouse.refuses = lambda _reference, document: document["revision"] == HEARD[0]
    config = write_config(
        tmp_path, kafka.bootstrap, names.prefix, await warehouse.start()
    )
    ground = Ground(kafka, names, Operator(config))
    bridge = Bridge(settings.load(config), [DELIVER], clock=SystemClock())
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(bridge.stop)
        await bridge.start()
        await publish_events(kafka.bootstrap, names, range(1), 3)

        async def dead() -> bool:
            return (await ground.operator.says("dead", "list")).code == 0

        await wait_until(dead, what="death")
        yield ground
        assert bridge.failed() is None


async def test_what_makes_no_sense_is_answered_and_changes_nothing(
    ground: Ground, warehouse: Warehouse
) -> None:
    silent = [
        instruction(target="nowhere"),
        instruction(subject="redo/shop/other", target="nowhere"),
    ]
    refused = {
        "no_such_event": instruction(subject="redo/shop/unheard"),
        "behind": instruction(**about(HEARD[1])),
        "not_paused": instruction(action="resume"),
        "patch": instruction(
            action="edit",
            patch=[{"op": "replace", "path": "/return/subject", "value": "x/y/z"}],
            **about(HEARD[0]),
        ),
        "died_anew": instruction(
            died_at=datetime(2020, 1, 1, tzinfo=UTC), **about(HEARD[0])
        ),
    }
    beyond = instruction(**about(99))

    with capture_logs() as lines:
        await ground.write(*silent, value=b'{"not": "an instruction"}')
        await ground.write(*refused.values(), beyond)
        answers = await ground.answers([*refused.values(), beyond])

    wanted = {each.id: why for why, each in refused.items()}
    assert answers == {**wanted, beyond.id: "no_such_event"}
    ignored = [line for line in lines if line["event"] == facts.INSTRUCTION_IGNORED]
    assert [line["reason"] for line in ignored] == ["not_an_instruction"]
    assert warehouse.puts == []
    warehouse.refuses = nobody
    await ground.write(last := instruction(**about(HEARD[0])))
    assert (await ground.answers([last]))[last.id] == ""
    await ground.all_delivered()
    assert warehouse.revisions(SUBJECT) == HEARD


async def test_two_operators_at_once_are_heard_one_after_the_other(
    ground: Ground, warehouse: Warehouse
) -> None:
    listed = await ground.operator.says("dead", "list", "--json")
    died_at = listed.rows()[0]["died_at"]
    seen = {"died_at": died_at, **about(HEARD[0])}
    ada = instruction(action="discard", author="ada", **seen)
    bob = instruction(author="bob", **seen)
    warehouse.refuses = nobody

    await ground.write(ada, bob, ada, bob)  # and each is written twice
    answers = await ground.answers([ada, bob])

    assert answers[ada.id] == ""
    assert answers[bob.id] in {"no_such_event", "not_dead", "behind"}
    await ground.all_delivered()
    assert warehouse.revisions(SUBJECT) == HEARD[1:]
