"""What a conversation gave in return is written with its receipt."""

from bridge.delivery.report import Report
from bridge.platforms.contract import Delivered, Observation, Skipped
from bridge.streams.raw import from_raw
from bridge.streams.records import Record
from tests.support.clock import START
from tests.unit.delivery.bench import TOPICS

FETCHED = Observation("1", "loop/shop/17", "loop", "shop", "fetch", START, b"{}")


def test_a_fetched_body_goes_to_raw_with_the_next_commit() -> None:
    report = Report(target="fetch", worker="w1", topics=TOPICS)

    report.brought(Delivered("read", publish=(FETCHED,)))
    (record,) = report.collect()

    assert record.topic == TOPICS.raw
    read = Record(record.topic, 0, 0, 0, record.key, record.value, dict(record.headers))
    assert from_raw(read) == FETCHED
    assert report.collect() == []


def test_other_outcomes_bring_nothing() -> None:
    report = Report(target="fetch", worker="w1", topics=TOPICS)

    report.brought(Skipped("other_account"))
    report.brought(Delivered())

    assert report.collect() == []
