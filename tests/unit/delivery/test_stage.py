"""The deliver stage: what each outcome leads to, and what is left behind."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from bridge.delivery.conversation import CallFailed
from bridge.delivery.policy import SCHEDULE
from bridge.streams.records import Record
from bridge.telemetry import events
from tests.support.clock import START, settle
from tests.support.events import make_event
from tests.support.fakes import FakeTarget, Reply, paths
from tests.unit.delivery.bench import Bench, MakeBench, Partition

A, B = "redo/shop/a", "redo/shop/b"
A1, A2, A3 = (make_event(A, number) for number in (1, 2, 3))
B1, B2 = (make_event(B, number) for number in (1, 2))
FAILED, REFUSED, THROTTLED = Reply(500), Reply(422), Reply(429)
LOST = Reply(failure=CallFailed("read_timeout", sent=True))
UNSENT = Reply(failure=CallFailed("connect", sent=False))


# ------------------------------------------------------------- a good day


async def test_events_of_a_subject_are_called_in_order_each_with_a_receipt(
    bench: Bench, partition: Partition
) -> None:
    await partition.feed(A1, B1, A2)
    partition.commit()

    assert sorted(paths(bench.network.exchanges)) == [A, A, B]
    assert [receipt.id for receipt in partition.receipts if receipt.subject == A] == [
        A1.id,
        A2.id,
    ]
    assert {receipt.outcome for receipt in partition.receipts} == {"delivered"}
    assert sorted(partition.owner.finished) == [0, 1, 2]


async def test_a_receipt_names_the_event_and_its_attempt(partition: Partition) -> None:
    await partition.feed(A1)
    partition.commit()

    (receipt,) = partition.receipts
    (attempt,) = receipt.attempts
    assert (receipt.sequence, receipt.chain, receipt.type) == (1, A1.chain, A1.type)
    assert (attempt.outcome, attempt.started_at) == ("delivered", START)
    assert receipt.finished_at == attempt.ended_at


async def test_what_was_collected_is_not_collected_again(partition: Partition) -> None:
    await partition.feed(A1)
    partition.commit()

    assert partition.work.collect() == []


async def test_the_next_event_waits_for_the_answer_to_the_last(
    bench: Bench, partition: Partition
) -> None:
    answer = asyncio.Event()
    bench.network.reply(A1, Reply(release=answer))

    await partition.feed(A1, A2, B1)
    assert paths(bench.network.exchanges) == [A, B]
    assert bench.desk.in_flight == 1
    answer.set()
    await settle()

    assert paths(bench.network.exchanges) == [A, B, A]
    assert bench.desk.in_flight == 0


async def test_what_the_target_skips_has_a_receipt_and_no_call(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(FakeTarget(skips=frozenset({A1.type})))
    partition = bench.partition()
    await partition.open()

    await partition.feed(A1)
    partition.commit()

    assert bench.network.exchanges == []
    assert [receipt.outcome for receipt in partition.receipts] == ["skipped"]


async def test_what_the_target_has_already_is_finished(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, Reply(208))

    await partition.feed(A1)
    partition.commit()

    assert [receipt.outcome for receipt in partition.receipts] == ["already_applied"]


async def test_the_trace_is_carried_into_the_call(
    bench: Bench, partition: Partition
) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await partition.feed(replace(A1, traceparent=trace))

    assert bench.network.exchanges[0].headers["traceparent"] == trace


# ------------------------------------------------------------- trying again


async def test_a_failure_is_tried_again_after_the_scheduled_waits(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, FAILED, FAILED, FAILED)

    await partition.feed(A1)
    await bench.wait(10)

    times = [call.began for call in bench.network.exchanges]
    waits = [later - earlier for earlier, later in pairwise(times)]
    for wait, planned in zip(waits, SCHEDULE[:3], strict=True):
        assert planned * 0.8 <= wait <= planned * 1.2
    assert partition.owner.finished == [0]


async def test_the_receipt_tells_of_every_attempt(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, FAILED, THROTTLED, LOST)

    await partition.feed(A1)
    await bench.wait(60)
    partition.commit()

    attempts = partition.receipts[0].attempts
    assert [(attempt.outcome, attempt.reason) for attempt in attempts] == [
        ("failed", "http_500"),
        ("throttled", ""),
        ("failed", "read_timeout"),
        ("delivered", ""),
    ]
    contexts = bench.target.contexts[A1.id]
    assert [context.attempt for context in contexts] == [1, 2, 3, 4]


@pytest.mark.parametrize("status", [429, 500])
async def test_no_call_comes_before_the_time_the_target_asked_for(
    bench: Bench, partition: Partition, status: int
) -> None:
    bench.network.reply(A1, Reply(status, retry_after=timedelta(seconds=90)))
    await partition.feed(A1)

    await bench.wait(89.9)
    early = bench.network.calls_of(A1)
    await bench.wait(0.2)

    assert (early, bench.network.calls_of(A1)) == (1, 2)


async def test_a_waiting_lane_leaves_its_slot_to_others(make_bench: MakeBench) -> None:
    bench = make_bench(concurrency=1)
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, FAILED)

    await partition.feed(A1, A2, B1, B2)

    assert paths(bench.network.exchanges) == [A, B, B]
    assert (bench.desk.busy, bench.network.most_at_once) == (1, 1)
    await bench.wait(1)
    assert paths(bench.network.exchanges) == [A, B, B, A, A]


@pytest.mark.parametrize(
    ("first", "doubted"), [(LOST, True), (UNSENT, False), (FAILED, False)]
)
async def test_the_target_is_told_when_an_earlier_answer_was_lost(
    bench: Bench, partition: Partition, first: Reply, *, doubted: bool
) -> None:
    bench.network.reply(A1, first, FAILED)

    await partition.feed(A1)
    await bench.wait(10)

    told = [context.answer_lost for context in bench.target.contexts[A1.id]]
    assert told == [False, doubted, doubted]


async def test_waiting_under_a_limit_spends_no_patience(make_bench: MakeBench) -> None:
    bench = make_bench(max_attempts=2, max_age=timedelta(seconds=1))
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, *[Reply(429, retry_after=timedelta(hours=1))] * 9, FAILED)

    await partition.feed(A1)
    await bench.wait(10 * 3600)
    partition.commit()

    assert [receipt.outcome for receipt in partition.receipts] == ["delivered"]


async def test_waiting_for_something_else_ends_when_it_has_been_too_long(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(max_age=timedelta(minutes=10))
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, *[Reply(425)] * 100)

    await partition.feed(A1)
    await bench.wait(3600)
    partition.commit()

    assert [letter.reason for letter in partition.letters] == ["never_came"]
    assert partition.receipts[0].outcome == "dead"


# ------------------------------------------------------------- giving up


async def test_a_refused_event_becomes_a_dead_letter_and_holds_its_lane(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, REFUSED)

    await partition.feed(A1, A2, B1, A3, B2, offset=10)
    await bench.wait(3600)
    partition.commit()

    assert paths(bench.network.exchanges) == [A, B, B]
    assert sorted(partition.owner.finished) == [10, 11, 12, 13, 14]
    assert list(partition.kept.live()) == [A1.id, A2.id, A3.id]
    outcomes = {receipt.id: receipt.outcome for receipt in partition.receipts}
    assert outcomes == {A1.id: "dead", B1.id: "delivered", B2.id: "delivered"}
    (letter,) = partition.letters
    assert (letter.stage, letter.target) == ("deliver", "wms")
    assert (letter.reason, letter.detail) == ("invalid", "the SKU is unknown")
    assert (letter.origin.topic, letter.origin.offset) == ("returns.events", 10)
    assert letter.about is not None
    assert (letter.about.id, letter.about.sequence) == (A1.id, 1)
    assert (letter.value, letter.tries.count) == (A1.body, 1)


async def test_spent_attempts_make_the_event_dead(make_bench: MakeBench) -> None:
    bench = make_bench(max_attempts=3)
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, *[FAILED] * 5)

    await partition.feed(A1, A2)
    await bench.wait(60)
    partition.commit()

    assert bench.network.calls_of(A1) == 3
    assert bench.network.calls_of(A2) == 0
    assert partition.letters[0].reason == "attempts_spent"
    assert [a.outcome for a in partition.receipts[0].attempts] == ["failed"] * 3


async def test_a_target_may_be_told_to_go_on_behind_a_dead_event(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(on_dead="skip")
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, REFUSED)

    await partition.feed(A1, A2)
    before = paths(bench.network.exchanges)
    partition.commit()  # from here on no successor tries the dead one once more
    await settle()
    partition.commit()
    partition.commit()

    assert (before, paths(bench.network.exchanges)) == ([A], [A, A])
    assert [receipt.outcome for receipt in partition.receipts] == ["dead", "delivered"]
    assert partition.owner.finished == [0, 1]
    assert len(partition.letters) == 1


async def test_after_a_restart_a_dead_event_is_passed_over_without_another_call(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(on_dead="skip")
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, REFUSED)
    await partition.feed(A1)
    partition.commit()
    partition.work.drop()
    successor = bench.partition(partition.kept)
    await successor.open()

    await successor.feed(A2, offset=1)
    successor.commit()

    assert partition.owner.finished == [0]
    assert paths(bench.network.exchanges) == [A, A]
    assert [receipt.id for receipt in successor.receipts] == [A2.id]


async def test_after_a_restart_a_dead_event_is_held_without_another_call(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, REFUSED)
    await partition.feed(A1)
    partition.commit()
    partition.work.drop()
    successor = bench.partition(partition.kept)
    await successor.open()

    await successor.feed(A2, B1, offset=1)
    successor.commit()

    assert paths(bench.network.exchanges) == [A, B]
    assert sorted(successor.owner.finished) == [1, 2]
    assert list(successor.kept.live()) == [A1.id, A2.id]
    assert (successor.letters, len(successor.receipts)) == ([], 1)


async def test_a_record_that_is_no_event_is_buried_and_stops_nobody(
    bench: Bench, partition: Partition
) -> None:
    record = Record("returns.events", 0, 7, 99, b"key", b"value", {"x": b"y"})

    partition.work.accept(record)
    await partition.feed(A1, offset=8)
    partition.commit()

    (letter,) = partition.letters
    assert (letter.reason, letter.path, letter.about) == ("not_an_event", "$", None)
    assert (letter.key, letter.value) == (b"key", b"value")
    assert dict(letter.headers) == {"x": b"y"}
    assert (letter.origin.offset, letter.origin.timestamp) == (7, 99)
    assert partition.owner.finished == [7, 8]
    assert bench.network.calls_of(A1) == 1


async def test_a_mistake_in_a_conversation_is_a_failure_of_that_event_alone(
    bench: Bench, partition: Partition
) -> None:
    bench.network.reply(A1, Reply(0))

    await partition.feed(A1, B1)
    assert partition.owner.finished == [1]
    await bench.wait(1)
    partition.commit()

    (receipt,) = (receipt for receipt in partition.receipts if receipt.subject == A)
    assert [attempt.reason for attempt in receipt.attempts] == ["internal_error", ""]
    assert bench.target.contexts[A1.id][1].answer_lost


# ------------------------------------------------------------- the credential


async def test_a_bad_credential_stops_the_target_with_one_alarm(
    bench: Bench, partition: Partition
) -> None:
    subjects = [make_event(f"redo/shop/{number}") for number in range(20)]
    for event in subjects:
        bench.network.reply(event, Reply(401))

    with capture_logs() as lines:
        await partition.feed(*subjects)
        await bench.wait(14)
        await partition.feed(A1, offset=20)

    alarms = [line for line in lines if line["event"] == events.TARGET_STOPPED]
    assert [(alarm["target"], alarm["reason"]) for alarm in alarms] == [
        ("wms", "http_401")
    ]
    assert bench.desk.stopped
    assert bench.network.calls_of(A1) == 0
    assert partition.owner.finished == []


async def test_one_probe_lets_all_others_go(make_bench: MakeBench) -> None:
    bench = make_bench(concurrency=1)
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, Reply(401), Reply(401))

    with capture_logs() as lines:
        await partition.feed(A1, B1)
        await bench.wait(16)
        probes = paths(bench.network.exchanges)
        await bench.wait(60)

    assert probes == [A, A]
    assert sorted(partition.owner.finished) == [0, 1]
    names = [line["event"] for line in lines]
    assert names.count(events.TARGET_STOPPED) == 1
    assert names.count(events.TARGET_RESUMED) == 1


async def test_an_event_that_makes_no_call_does_not_close_the_breaker(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(FakeTarget(skips=frozenset({"goods.received"})))
    former, partition = bench.partition(), bench.partition()
    await former.open()
    await partition.open()
    bench.network.reply(A1, Reply(401))
    await former.feed(A1)
    former.work.drop()

    await partition.feed(replace(B1, type="goods.received"))
    await bench.wait(20)

    assert partition.owner.finished == [0]
    assert bench.desk.stopped


async def test_time_without_a_credential_spends_no_patience(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(max_attempts=2, max_age=timedelta(seconds=1))
    partition = bench.partition()
    await partition.open()
    bench.network.reply(A1, *[Reply(401)] * 20, FAILED)

    await partition.feed(A1)
    await bench.wait(7200)
    partition.commit()

    assert [receipt.outcome for receipt in partition.receipts] == ["delivered"]
