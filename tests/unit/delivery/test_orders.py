"""Orders: what instructions do, each once; what would break the order is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bridge.canonical.envelope import Event
from bridge.deadletters.parked import Edited, decode
from bridge.deadletters.standing import WaitReason
from bridge.delivery import orders
from bridge.delivery.budget import Budget
from bridge.delivery.turns import Turns
from bridge.platforms.limits import Limit
from bridge.streams.records import Record
from bridge.telemetry import events
from tests.support.clock import START, settle
from tests.support.events import make_event
from tests.support.fakes import Reply, paths
from tests.unit.delivery.bench import Bench, MakeBench, Partition
from tests.unit.delivery.simulation import BODY

A, B = "redo/shop/a", "redo/shop/b"
A1, A2, A3 = (
    replace(make_event(A, number), type="return.created", body=BODY)
    for number in (1, 2, 3)
)
B1 = make_event(B)
FAILED, REFUSED = Reply(500), Reply(422)
MENDED = [{"op": "replace", "path": "/return/number", "value": "RMA-1"}]


def about(event: Event) -> dict[str, object]:
    return {"event_id": event.id, "sequence": event.sequence}


def refusals(partition: Partition) -> list[str]:
    return [answer.why.split(":")[0] for answer in partition.answers]


async def die(bench: Bench, partition: Partition, *more: Event) -> None:
    """Let the first event of A be refused, `more` events behind it."""
    bench.network.reply(A1, REFUSED)
    await partition.feed(A1, *more)
    partition.commit()


# ------------------------------------------------------------- retry, edit, discard


async def test_a_retried_event_goes_first_and_the_others_follow(
    bench: Bench, partition: Partition
) -> None:
    await die(bench, partition, A2, A3)

    await partition.instruct("retry", A, **about(A1))
    partition.commit()

    assert paths(bench.network.exchanges) == [A] * 4
    outcomes = [(receipt.sequence, receipt.outcome) for receipt in partition.receipts]
    assert outcomes == [(1, "dead")] + [(number, "delivered") for number in (1, 2, 3)]
    (answer,) = partition.answers
    assert (answer.applied, answer.sequence, answer.author) == (True, 1, "ada")
    assert partition.owner.obeyed == [0]
    assert partition.kept.live() == {}


async def test_nothing_is_called_before_the_decision_is_written(
    bench: Bench, partition: Partition
) -> None:
    await die(bench, partition)

    await partition.order("retry", A)

    assert bench.network.calls_of(A1) == 1
    partition.commit()
    await settle()
    assert bench.network.calls_of(A1) == 2


async def test_a_replay_leaves_the_rest_of_the_budget_to_live_traffic(
    bench: Bench, partition: Partition
) -> None:
    live = make_event("redo/shop/c")
    four_calls = Limit(requests=4, per=timedelta(hours=1))  # so one is for replays
    bench.desk.turns = Turns(Budget([four_calls]), bench.clock)
    bench.network.reply(B1, REFUSED)
    await die(bench, partition, B1)

    await partition.instruct("retry", A)
    await partition.instruct("retry", B)
    partition.commit()
    await partition.feed(live, offset=2)

    assert [bench.network.calls_of(event) for event in (A1, B1, live)] == [2, 1, 1]


async def test_a_discarded_event_lets_the_others_pass(
    bench: Bench, partition: Partition
) -> None:
    await die(bench, partition, A2)

    await partition.instruct("discard", A, **about(A1))
    partition.commit()

    outcomes = [(receipt.sequence, receipt.outcome) for receipt in partition.receipts]
    assert outcomes == [(1, "dead"), (1, "discarded"), (2, "delivered")]
    assert bench.network.calls_of(A1) == 1
    assert partition.kept.live() == {}


async def test_discarding_the_only_event_leaves_nothing(
    bench: Bench, partition: Partition
) -> None:
    await die(bench, partition)

    await partition.instruct("discard", A)

    assert partition.work.lanes.get(A) is None
    assert partition.kept.live() == {}


async def test_an_edited_event_is_sent_as_mended_under_its_old_id(
    bench: Bench, partition: Partition
) -> None:
    await die(bench, partition, A2)

    await partition.instruct("edit", A, patch=MENDED, **about(A1))
    partition.commit()

    assert bench.target.contexts[A1.id][-1].attempt == 2
    receipts = {receipt.sequence: receipt for receipt in partition.receipts}
    assert (receipts[1].edited, receipts[2].edited) == (True, False)
    assert receipts[1].tried == 2
    assert (bench.desk.memory.size, partition.answers[0].applied) == (0, True)


async def test_a_second_edit_still_names_the_original(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, REFUSED, REFUSED, REFUSED)
    await partition.feed(A1)
    partition.commit()
    other = [{"op": "replace", "path": "/return/number", "value": "RMA-2"}]
    await partition.instruct("edit", A, patch=MENDED)
    partition.commit()
    first = edit_of(partition)
    await partition.instruct("edit", A, patch=other)
    second = edit_of(partition)

    assert first.original_digest == second.original_digest
    assert first.patch != second.patch


def edit_of(partition: Partition) -> Edited:
    record = partition.kept.live()[A1.id]
    edited = decode(b"", b"", record.headers).state.edited
    assert edited is not None
    return edited


@pytest.mark.parametrize(
    ("patch", "word"),
    [
        ([{"op": "remove", "path": "/nothing"}], "does not apply"),
        ([{"op": "remove", "path": "/return"}], "return"),
    ],
)
async def test_a_patch_that_cannot_be_used_is_refused_and_nothing_changes(
    bench: Bench, partition: Partition, patch: object, word: str
) -> None:
    await die(bench, partition)

    await partition.instruct("edit", A, patch=patch)

    (answer,) = partition.answers
    assert answer.why.startswith("patch: ")
    assert word in answer.why
    assert partition.work.lanes.held == 1


# ------------------------------------------------------------- refusals


async def test_what_is_behind_a_dead_event_cannot_go_first(
    bench: Bench, partition: Partition
) -> None:
    await die(bench, partition, A2)

    for action in ("retry", "discard"):
        await partition.instruct(action, A, **about(A2))

    assert refusals(partition) == ["behind", "behind"]
    assert bench.network.calls_of(A2) == 0


async def test_what_is_not_dead_or_not_here_is_not_decided_about(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, FAILED)
    await partition.feed(A1)

    await partition.instruct("discard", A, **about(A1))
    await partition.instruct("retry", A, **about(A2))
    await partition.instruct("retry", B)

    assert refusals(partition) == ["not_dead", "no_such_event", "no_such_event"]


async def test_what_later_events_have_passed_cannot_be_retried(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(on_dead="skip")
    partition = bench.partition()
    await partition.open()
    await die(bench, partition, A2)
    await settle()

    await partition.instruct("retry", A, **about(A1))

    assert refusals(partition) == ["passed"]


async def test_a_decision_about_an_earlier_death_is_refused(
    bench: Bench, partition: Partition
) -> None:
    await die(bench, partition)

    await partition.instruct("discard", A, died_at=START - timedelta(hours=1))

    assert refusals(partition) == ["died_anew"]


async def test_two_operators_at_once_are_heard_one_after_the_other(
    bench: Bench, partition: Partition
) -> None:
    await die(bench, partition)

    await partition.order("retry", A, died_at=START)
    await partition.order("discard", A, died_at=START)
    partition.commit()

    assert [answer.applied for answer in partition.answers] == [True, False]


async def test_the_fourth_replay_that_ends_the_same_needs_force(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, *[REFUSED] * 9)
    await partition.feed(A1)
    partition.commit()

    for _ in range(4):
        await partition.instruct("retry", A)
        partition.commit()
    await partition.instruct("retry", A, force=True)

    assert refusals(partition) == ["", "", "", "held", ""]
    assert bench.network.calls_of(A1) == 5


async def test_another_cause_begins_the_count_anew(make_bench: MakeBench) -> None:
    bench = make_bench(max_attempts=1)
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, *[REFUSED, FAILED] * 5)
    await partition.feed(A1)
    partition.commit()

    for _ in range(5):
        await partition.instruct("retry", A)
        partition.commit()

    assert refusals(partition) == [""] * 5


async def test_an_instruction_given_twice_is_carried_out_once(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, REFUSED, REFUSED)
    await partition.feed(A1)
    partition.commit()
    same = "0" * 32

    await partition.instruct("retry", A, id=same)
    partition.commit()
    await partition.instruct("retry", A, id=same)

    assert (len(partition.answers), bench.network.calls_of(A1)) == (1, 2)
    assert partition.owner.obeyed == [0, 1]


async def test_what_is_no_instruction_or_for_another_is_passed_over(
    partition: Partition,
) -> None:
    with capture_logs() as lines:
        partition.work.instruct(Record("returns.instructions", 0, 7, 0, b"k", b"{"))
        await partition.instruct("pause", A, target="another")

    ignored = [line for line in lines if line["event"] == events.INSTRUCTION_IGNORED]
    assert [line["reason"] for line in ignored] == ["not_an_instruction"]
    assert (partition.answers, partition.owner.obeyed) == ([], [7, 0])


async def test_only_so_many_instructions_are_remembered(partition: Partition) -> None:
    for number in range(orders.REMEMBERED + 1):
        partition.work.instruct(_resume(number))
    await settle()
    partition.commit()
    partition.work.instruct(_resume(0))
    await settle()
    partition.commit()

    assert len(partition.answers) == orders.REMEMBERED + 2


def _resume(number: int) -> Record:
    text = (
        '{"id":"%032x","action":"resume","target":"wms","subject":"s","author":"ada",'
        '"issued_at":"2027-03-01T09:00:00Z"}'
    )
    value = (text % number).encode()
    return Record("returns.instructions", 0, number, 0, b"s", value)


# ------------------------------------------------------------- pauses


async def test_a_paused_subject_waits_outside_the_log_until_it_is_resumed(
    bench: Bench, partition: Partition
) -> None:
    await partition.instruct("pause", A)
    await partition.feed(A1, B1)
    partition.commit()

    assert paths(bench.network.exchanges) == [B]
    assert sorted(partition.owner.finished) == [0, 1]
    assert partition.work.lanes.waiting(WaitReason.PAUSED) == 1
    await partition.instruct("resume", A)
    partition.commit()
    assert paths(bench.network.exchanges) == [B, A]
    assert partition.kept.live() == {}


async def test_a_paused_target_waits_in_the_log(
    bench: Bench, partition: Partition
) -> None:
    await partition.instruct("pause", "*")
    await partition.feed(A1, B1)
    partition.owner.crowded = True
    partition.commit()

    assert (bench.network.exchanges, partition.owner.finished) == ([], [])
    await partition.instruct("resume", "*")
    assert sorted(paths(bench.network.exchanges)) == [A, B]


async def test_resuming_the_target_leaves_a_paused_subject_alone(
    bench: Bench, partition: Partition
) -> None:
    for subject in ("*", A):
        await partition.instruct("pause", subject)
    await partition.feed(A1, B1)

    await partition.instruct("resume", "*")

    assert paths(bench.network.exchanges) == [B]


async def test_a_pause_survives_a_restart(bench: Bench, partition: Partition) -> None:
    await partition.instruct("pause", A)
    partition.work.drop()
    successor = bench.partition(partition.kept)
    await successor.open()

    await successor.feed(A1)
    await successor.instruct("pause", B)
    await successor.feed(B1, offset=1)

    assert bench.network.exchanges == []
    for subject in ("redo/shop/c", A):
        await successor.instruct("resume", subject)
    assert refusals(successor) == ["", "not_paused", ""]
    assert paths(bench.network.exchanges) == [A]


async def test_nothing_is_decided_once_the_partition_is_let_go(
    bench: Bench, partition: Partition
) -> None:
    await die(bench, partition)
    await partition.work.drain(timedelta(seconds=1))

    await partition.instruct("retry", A)

    assert (partition.answers, partition.owner.obeyed) == ([], [])
