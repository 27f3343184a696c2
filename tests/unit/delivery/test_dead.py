"""Which events are dead: told by the dead letters, and by nothing else."""

from collections.abc import Callable

from bridge.delivery.dead import DeadEvents
from bridge.delivery.policy import Bury
from bridge.delivery.report import Report, Times
from bridge.errors import UnreadableError
from bridge.platforms.contract import Refused
from bridge.streams.records import Outgoing, Record
from tests.support.clock import START
from tests.support.events import make_event, make_letter
from tests.unit.delivery.bench import TOPICS


class DeadTopic:
    """One partition of the dead letters, read in batches of one."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def write(self, outgoings: list[Outgoing]) -> None:
        for each in outgoings:
            if each.topic == TOPICS.dead:
                headers = dict(each.headers)
                place = len(self.records)
                self.records.append(
                    Record(each.topic, 0, place, 0, each.key, each.value, headers)
                )

    async def read(self, apply: Callable[[list[Record]], None]) -> int:
        for record in self.records:
            apply([record])
        return len(self.records)


def buried(sequence: int) -> list[Outgoing]:
    report = Report(target="wms", worker="w1", topics=TOPICS)
    letter = make_letter(sequence=sequence)
    report.attempted(letter, Refused("invalid"), Times(START, START))
    report.buried(letter, Bury("invalid"), START)
    return report.collect()


async def test_dead_events_are_read_back_from_their_letters() -> None:
    topic = DeadTopic()
    topic.write(buried(1) + buried(3))
    dead = DeadEvents(topic.read)

    await dead.restore()

    known = [make_event(sequence=number).id in dead for number in (1, 2, 3)]
    assert known == [True, False, True]


async def test_an_event_just_given_up_is_dead_at_once() -> None:
    dead = DeadEvents(DeadTopic().read)

    dead.add(make_event().id)

    assert make_event().id in dead


async def test_restoring_forgets_what_was_never_committed() -> None:
    dead = DeadEvents(DeadTopic().read)
    dead.add(make_event().id)

    await dead.restore()

    assert make_event().id not in dead


async def test_letters_about_no_event_and_foreign_records_say_nothing() -> None:
    topic = DeadTopic()
    report = Report(target="wms", worker="w1", topics=TOPICS)
    unreadable = Record("returns.events", 0, 0, 0, b"k", b"v", {})
    report.unreadable(unreadable, UnreadableError("not_an_event"), START)
    topic.write(report.collect())
    topic.records.append(Record(TOPICS.dead, 0, 9, 0, b"k", b"v", {"x": b"y"}))
    topic.write(buried(1))
    dead = DeadEvents(topic.read)

    await dead.restore()

    assert make_event().id in dead
