"""What is committed, as the coordinator tells it: silence is not "never"."""

from collections.abc import Mapping

import pytest
from aiokafka.errors import GroupCoordinatorNotAvailableError, GroupLoadInProgressError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from bridge.streams.connection import KafkaOptions
from bridge.streams.offsets import Committed, CommittedOffsets
from tests.support.clock import FakeClock

PLACE = TopicPartition("returns.events", 3)
Answer = Mapping[TopicPartition, OffsetAndMetadata]
LOADING: Answer = {}
NEVER: Answer = {PLACE: OffsetAndMetadata(-1, "")}
AT_SEVEN: Answer = {PLACE: OffsetAndMetadata(7, "rb1")}


class Coordinator(CommittedOffsets):
    """Answers what it is given, the last answer for ever."""

    def __init__(self, *answers: Answer | Exception) -> None:
        kafka = KafkaOptions.model_validate({"bootstrap": "127.0.0.1:1"})
        super().__init__(kafka, "g", SkippingClock())
        self._answers = list(answers)

    async def _ask(self, place: TopicPartition) -> Answer:
        assert place == PLACE
        more = len(self._answers) > 1
        answer = self._answers.pop(0) if more else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class SkippingClock(FakeClock):
    """Waits for nothing."""

    async def sleep(self, duration: object) -> None:
        del duration


@pytest.mark.parametrize(
    ("answers", "committed"),
    [
        ((AT_SEVEN,), Committed(7, "rb1")),
        ((NEVER,), None),
        ((LOADING, LOADING, AT_SEVEN), Committed(7, "rb1")),
        ((GroupCoordinatorNotAvailableError(), NEVER), None),
    ],
)
async def test_a_coordinator_that_loads_is_asked_again(
    answers: tuple[Answer | Exception, ...], committed: Committed | None
) -> None:
    assert await Coordinator(*answers).read(PLACE.topic, PLACE.partition) == committed


async def test_one_that_loads_for_long_is_no_partition_without_a_commit() -> None:
    with pytest.raises(GroupLoadInProgressError):
        await Coordinator(LOADING).read(PLACE.topic, PLACE.partition)
