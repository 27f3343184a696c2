"""The unreadable observations that nobody has dealt with yet."""

from dataclasses import dataclass, field

from bridge.deadletters import letter, settled
from bridge.deadletters.letter import DeadLetter
from bridge.deadletters.replay import Filters
from bridge.errors import UnreadableError
from bridge.streams.connection import KafkaOptions
from bridge.streams.records import Record
from bridge.streams.scan import Place, open_scanner
from bridge.streams.topics import TopicNames


@dataclass(frozen=True, slots=True)
class InboundLetter:
    """One dead letter of `returns.dead.inbound`, and where it stands there."""

    partition: int
    offset: int
    letter: DeadLetter = field(repr=False)

    @property
    def subject(self) -> str:
        """The subject, or the account where no subject was found."""
        return (self.letter.key or b"").decode(errors="replace")

    @property
    def account(self) -> str:
        """The account that it came in by."""
        return self.letter.headers.get("account", b"").decode(errors="replace")

    @property
    def observation(self) -> str:
        """The id of the observation."""
        return self.letter.headers.get("observation", b"").decode(errors="replace")


def meant(found: InboundLetter, filters: Filters) -> bool:
    """Tell whether the filters mean it: account, subject, reason and time count."""
    asked = (
        (filters.account, found.account),
        (filters.subject, found.subject),
        (filters.reason, found.letter.reason),
    )
    died_at = found.letter.died_at
    return (
        all(wanted in {None, there} for wanted, there in asked)
        and (filters.since is None or died_at >= filters.since)
        and (filters.before is None or died_at < filters.before)
    )


@dataclass(slots=True)
class Pile:
    """The letters of one partition, less those with a mark."""

    filters: Filters
    letters: dict[int, InboundLetter] = field(default_factory=dict)

    def take(self, record: Record) -> None:
        """Take the next record; what is neither letter nor mark is left alone."""
        try:
            if settled.is_mark(record.headers):
                self.letters.pop(settled.from_headers(record.headers).offset, None)
                return
            dead = letter.from_headers(record.headers, record.key, record.value)
        except UnreadableError:
            return
        found = InboundLetter(record.partition, record.offset, dead)
        if meant(found, self.filters):
            self.letters[record.offset] = found


async def inbound_letters(
    kafka: KafkaOptions, names: TopicNames, filters: Filters
) -> list[InboundLetter]:
    """Return the letters that are meant and not dealt with, the oldest first.

    Raises ConfigError for a missing topic, UnavailableError if Kafka is away.
    """
    found: list[InboundLetter] = []
    async with open_scanner(kafka) as scanner:
        topic = names.dead_inbound
        for number in range(await scanner.partitions(topic)):
            pile = Pile(filters)
            async for record in scanner.records(Place(topic, number)):
                pile.take(record)
            found += pile.letters.values()
    return sorted(found, key=lambda each: each.letter.died_at)
