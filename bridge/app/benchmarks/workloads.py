"""The workloads of deliver: which records, what work, which of them fail once.

The same numbers as other systems are measured with, drawn by the same generator, so
that everybody does the same work:

    W1   10,000 records   1,000 keys   0 to 5 ms           100 in flight
    W2   20,000           1,000        50 ms             1,000
    W3   20,000           1,000        none              1,000
    W4   10,000           Zipf(1.0)    5 ms, 1 % fail      100
    W5    2,000               1        0 to 5 ms           100
    FLAT 200,000          5,000        none              1,000
    HTTP 20,000           1,000        a call on loopback   64

A record that fails does so once, after its work, and asks for one second of patience.
"""

import struct
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate

from bridge.errors import ConfigError

BODY = 500
_SEED = 20_260_000
_LAYOUT = struct.Struct(">5i")
_FAILING = 0.01
#: What a record that fails asks for before it is tried again.
PATIENCE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Work:
    """One record: id, key, place within the key from 0, microseconds of work."""

    id: int
    key: int
    place: int
    micros: int
    fails_once: bool

    def encode(self) -> bytes:
        """Return the body: five big-endian integers, and filling."""
        fields = (self.id, self.key, self.place, self.micros, int(self.fails_once))
        return _LAYOUT.pack(*fields).ljust(BODY, b"x")


def decode(body: bytes) -> Work:
    """Read a body written by `Work.encode`."""
    id_, key, place, micros, fails = _LAYOUT.unpack_from(body)
    return Work(id_, key, place, micros, bool(fails))


@dataclass(frozen=True, slots=True)
class Workload:
    """A named amount of work. `micros` is the range of one record's work, inclusive.

    With `calls` each record is sent to a server on loopback, over real HTTP.
    """

    name: str
    records: int
    keys: int
    in_flight: int
    micros: tuple[int, int] = (0, 0)
    zipf: bool = False
    checkpoints: tuple[int, ...] = ()
    calls: bool = False

    def works(self) -> Iterator[Work]:
        """Yield the records, always the same ones."""
        dice = JavaRandom(_SEED + ord(self.name[-1]))
        draw_key = _Zipf(self.keys) if self.zipf else _Even(self.keys)
        places = [0] * self.keys
        for id_ in range(self.records):
            key = draw_key(dice)
            micros = self._micros(dice)
            fails = self.zipf and dice.next_double() < _FAILING
            yield Work(id_, key, places[key], micros, fails)
            places[key] += 1

    @property
    def is_bound_by_a_key(self) -> bool:
        """Whether a long row of short works, of one key, decides how long it takes."""
        return self.zipf or self.keys == 1

    def longest_key(self) -> list[timedelta]:
        """Return the work and the patience of the key that takes longest, in order."""
        waits: dict[int, list[timedelta]] = defaultdict(list)
        for work in self.works():
            lasts = timedelta(microseconds=work.micros)
            tries = (lasts, PATIENCE, lasts) if work.fails_once else (lasts,)
            waits[work.key] += tries
        return max(waits.values(), key=lambda key: sum(key, timedelta()))

    def _micros(self, dice: "JavaRandom") -> int:
        least, most = self.micros
        return least if least == most else dice.next_int(most + 1)


_ALL = (
    Workload("W1", 10_000, 1_000, 100, micros=(0, 5_000)),
    Workload("W2", 20_000, 1_000, 1_000, micros=(50_000, 50_000)),
    Workload("W3", 20_000, 1_000, 1_000),
    Workload("W4", 10_000, 1_000, 100, micros=(5_000, 5_000), zipf=True),
    Workload("W5", 2_000, 1, 100, micros=(0, 5_000)),
    Workload(
        "FLAT", 200_000, 5_000, 1_000, checkpoints=(20_000, 60_000, 100_000, 200_000)
    ),
    Workload("HTTP", 20_000, 1_000, 64, calls=True),
)
WORKLOADS = {workload.name: workload for workload in _ALL}


def workload_named(name: str) -> Workload:
    """Return a workload, `w1` or `W1`; raise ConfigError for an unknown name."""
    found = WORKLOADS.get(name.upper())
    if found is None:
        raise ConfigError(
            f"there is no workload {name} of deliver: "
            f"choose from {', '.join(WORKLOADS)}"
        )
    return found


# ------------------------------------------------------------------- the same dice


class JavaRandom:
    """The generator that java.util.Random's documentation specifies, bit for bit."""

    def __init__(self, seed: int) -> None:
        self._state = (seed ^ _MULTIPLIER) & _MASK

    def _next(self, bits: int) -> int:
        self._state = (self._state * _MULTIPLIER + 0xB) & _MASK
        return self._state >> (48 - bits)

    def next_int(self, bound: int) -> int:
        """Return an integer from 0 up to, not including, `bound`."""
        drawn = self._next(31)
        if bound & -bound == bound:
            return (bound * drawn) >> 31
        while drawn - drawn % bound + (bound - 1) > _LARGEST:
            drawn = self._next(31)
        return drawn % bound

    def next_double(self) -> float:
        """Return a number from 0 up to, not including, 1."""
        high = self._next(26) << 27
        return float((high + self._next(27)) * 2.0**-53)


_MULTIPLIER = 0x5DEECE66D
_MASK = (1 << 48) - 1
_LARGEST = (1 << 31) - 1


class _Zipf:
    """Keys by Zipf's law with exponent 1: key 0 is drawn most often."""

    def __init__(self, keys: int) -> None:
        self._sums = list(accumulate(1.0 / (rank + 1) for rank in range(keys)))

    def __call__(self, dice: JavaRandom) -> int:
        drawn = dice.next_double() * self._sums[-1]
        return min(len(self._sums) - 1, bisect_left(self._sums, drawn))


class _Even:
    """Keys drawn evenly."""

    def __init__(self, keys: int) -> None:
        self._keys = keys

    def __call__(self, dice: JavaRandom) -> int:
        return dice.next_int(self._keys)
