"""Dead events on a real broker, from their death to an operator's decision."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bridge import settings
from bridge.app.bridge import DELIVER, Bridge
from bridge.clock import SystemClock
from bridge.streams.topics import TopicNames
from tests.support.broker import Broker
from tests.support.histories import events, publish_events
from tests.support.kafka_plugin import CreateTopics
from tests.support.operating import Document, Operator, Warehouse, nobody, write_config
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

VERSIONS = 3
#: What the warehouse hears of each subject: the approval and two updates.
HEARD = [2, 4, 5]
SUBJECTS = [events(number, 1)[0].subject for number in range(4)]
DECIDED = ("--yes", "--author", "ada", "--wait", "30s")


@dataclass(frozen=True, slots=True)
class Ground:
    """One running bridge between a topic of events and a warehouse."""

    names: TopicNames
    broker: Broker
    warehouse: Warehouse
    operator: Operator

    async def deliver(self, subjects: int = 1) -> None:
        """Publish the histories of the first subjects."""
        numbers = range(subjects)
        await publish_events(self.broker.bootstrap, self.names, numbers, VERSIONS)

    async def dead(self, count: int) -> None:
        """Return when so many events are dead."""

        async def there() -> bool:
            listed = await self.operator.says("dead", "list", "--json")
            return listed.code == 0 and len(listed.rows()) == count

        await wait_until(there, what="death", within=timedelta(seconds=40))

    async def kept(self) -> None:
        """Return when nothing waits; fail if a promise was broken."""

        async def quiet() -> bool:
            rows = (await self.operator.says("verify", "--json")).rows()
            return all(not row.get("waiting") for row in rows)

        await wait_until(quiet, what="quiet", within=timedelta(seconds=40))
        proof = await self.operator.says("verify")
        assert proof.code == 0, proof.out


@pytest.fixture
async def ground(
    kafka: Broker, topics: CreateTopics, tmp_path: Path
) -> AsyncIterator[Ground]:
    names = await topics(kafka, "wms", partitions=4)
    warehouse = Warehouse()
    url = await warehouse.start()
    config = write_config(tmp_path, kafka.bootstrap, names.prefix, url)
    bridge = Bridge(settings.load(config), [DELIVER], clock=SystemClock())
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(warehouse.stop)
        stack.push_async_callback(bridge.stop)
        await bridge.start()
        yield Ground(names, kafka, warehouse, Operator(config))
        assert bridge.failed() is None


def everything(_reference: str, _document: Document) -> bool:
    return True


async def test_a_dead_event_is_seen_from_everywhere(ground: Ground) -> None:
    ground.warehouse.refuses = everything
    await ground.deliver()
    await ground.dead(1)
    says, subject = ground.operator.says, SUBJECTS[0]

    listed = await says("dead", "list")
    shown = await says("dead", "show", subject)
    why = await says("why", subject)
    lag = await says("lag", "--json")
    verified = await says("verify", "--json")

    assert "2 return.approved" in listed.out
    assert "refused: invalid" in shown.out
    assert "HTTP 422" in shown.out
    assert "waiting (dead)" in why.out
    assert sum(int(str(row["dead"])) for row in lag.rows()) == 1
    assert verified.code == 0
    assert verified.rows()[1]["held"] == 4


async def test_a_rehearsal_tells_the_calls_and_changes_nothing(ground: Ground) -> None:
    ground.warehouse.refuses = everything
    await ground.deliver()
    await ground.dead(1)
    says, subject = ground.operator.says, SUBJECTS[0]

    asked = await says("dead", "retry", "--dry-run")
    gets = ground.warehouse.gets
    silent = await says("dead", "retry", "--dry-run", "--no-ask", "--json")

    assert "PUT /inbound-returns/redo.shop." in asked.out
    assert "1 event to retry, 0 would be refused." in asked.out
    assert ground.warehouse.puts == []
    assert ground.warehouse.gets == gets > 0
    assert silent.rows()[0]["subject"] == subject
    assert (await says("dead", "list")).code == 0


async def test_a_retry_lets_go_all_that_waited_behind_in_order(ground: Ground) -> None:
    ground.warehouse.refuses = everything
    await ground.deliver()
    await ground.dead(1)
    says, subject = ground.operator.says, SUBJECTS[0]
    ground.warehouse.refuses = nobody

    retried = await says("dead", "retry", *DECIDED)

    assert retried.code == 0, retried
    assert "delivered" in retried.out
    await ground.kept()
    assert ground.warehouse.revisions(subject) == HEARD
    assert (await says("dead", "list")).code == 4
    steps = [row["what"] for row in (await says("trace", subject, "--json")).rows()]
    told = ("dead letter", "instruction", "answer")
    assert [step for step in steps if step in told] == list(told)
    settled = await says("why", subject)
    assert "nothing is waiting: last delivered event 5" in settled.out


def unmended(_reference: str, document: Document) -> bool:
    return "MENDED" not in str(document)


async def test_an_edit_is_shown_checked_and_delivered(ground: Ground) -> None:
    ground.warehouse.refuses = unmended
    await ground.deliver()
    await ground.dead(1)
    operator, subject = ground.operator, SUBJECTS[0]
    bad = operator.patch({"op": "replace", "path": "/return/subject", "value": "x/y/z"})
    good = operator.patch(
        {"op": "replace", "path": "/return/items/0/sku", "value": "MENDED"}
    )
    words = ("dead", "edit", subject, "--because", "wrong sku", *DECIDED)

    refused = await operator.says(*words, "--patch", bad)
    rehearsed = await operator.says(*words, "--patch", good, "--dry-run")
    edited = await operator.says(*words, "--patch", good)

    assert (refused.code, rehearsed.code, edited.code) == (1, 0, 0), edited
    assert "/return/subject" in refused.err
    assert "+" in rehearsed.err
    assert "MENDED" in rehearsed.out
    await ground.dead(1)  # the next event of the return has the same fault
    assert ground.warehouse.revisions(subject) == HEARD[:1]


async def test_what_is_edited_or_discarded_stands_in_the_proof(ground: Ground) -> None:
    ground.warehouse.refuses = unmended
    await ground.deliver()
    await ground.dead(1)
    operator = ground.operator
    mend: Document = {"op": "replace", "path": "/return/items/0/sku", "value": "MENDED"}
    because = ("--because", "told by phone", *DECIDED)

    edited = await operator.says(
        *("dead", "edit", SUBJECTS[0], "--patch", operator.patch(mend), *because)
    )
    await ground.dead(1)
    discarded = await operator.says("dead", "discard", *because)
    await ground.dead(1)
    ground.warehouse.refuses = nobody
    retried = await operator.says("dead", "retry", *DECIDED)

    assert (edited.code, discarded.code, retried.code) == (0, 0, 0)
    await ground.kept()
    row = (await operator.says("verify", "--json")).rows()[1]
    assert (row["edited"], row["discarded"], row["held"]) == (1, 1, 0)
    assert ground.warehouse.revisions(SUBJECTS[0]) == [HEARD[0], HEARD[2]]


async def test_a_canary_stops_when_one_dies_again(ground: Ground) -> None:
    ground.warehouse.refuses = everything
    await ground.deliver(4)
    await ground.dead(4)

    stopped = await ground.operator.says("dead", "retry", "--canary", "1,all", *DECIDED)

    assert stopped.code == 1
    assert "3 not begun" in stopped.err
    ground.warehouse.refuses = nobody
    going = await ground.operator.says("dead", "retry", "--canary", "1,all", *DECIDED)
    assert going.code == 0, going
    await ground.kept()
    assert {tuple(ground.warehouse.revisions(each)) for each in SUBJECTS} == {
        tuple(HEARD)
    }


async def test_what_dies_again_and_again_is_held_until_it_is_forced(
    ground: Ground,
) -> None:
    ground.warehouse.refuses = everything
    await ground.deliver()
    await ground.dead(1)
    retry = ("dead", "retry", *DECIDED)

    codes = [(await ground.operator.says(*retry)).code for _ in range(3)]
    held = await ground.operator.says(*retry)
    ground.warehouse.refuses = nobody
    forced = await ground.operator.says(*retry, "--force")

    assert codes == [1, 1, 1]
    assert held.code == 3
    assert "--force" in held.err
    assert forced.code == 0
    await ground.kept()


async def test_a_paused_return_waits_and_goes_on_in_order(ground: Ground) -> None:
    operator, subject = ground.operator, SUBJECTS[0]
    about = (subject, "--target", "wms", "--because", "recount", "--author", "ada")
    paused = await operator.says("pause", *about)
    await ground.deliver(2)

    async def other_is_served() -> bool:
        return ground.warehouse.revisions(SUBJECTS[1]) == HEARD

    await wait_until(other_is_served, what="the other return")
    why = await operator.says("why", subject)
    resumed = await operator.says("resume", *about)
    again = await operator.says("resume", *about)

    assert (paused.code, resumed.code, again.code) == (0, 0, 3)
    assert "waiting (paused): paused by ada" in why.out
    await ground.kept()
    assert ground.warehouse.revisions(subject) == HEARD


async def test_an_instruction_about_nothing_is_refused_or_matches_nothing(
    ground: Ground,
) -> None:
    operator = ground.operator

    nothing = await operator.says("dead", "retry", *DECIDED)
    unknown = await operator.says("dead", "list", "--target", "nowhere")
    unheard = await operator.says("why", "redo/shop/unheard")
    silent = await operator.says("dead", "discard", *DECIDED)
    odd = await operator.says("dead", "retry", "--canary", "all,1")
    hasty = await operator.says("dead", "retry", "--canary", "1,all", "--wait", "0s")

    assert (nothing.code, unknown.code, unheard.code) == (4, 1, 4)
    assert "there is no target nowhere" in unknown.err
    assert (silent.code, odd.code, hasty.code) == (2, 2, 2)
    assert "--because" in silent.err
