"""Progress of one partition: which offsets are finished, in one commit.

The committed offset is the lowest unfinished one; the finished offsets above it
travel in the commit's metadata as a bitset (zlib, base64) behind a checksum, so a
successor repeats none of them. The broker keeps 4,096 bytes of metadata: 22,000 bits
are 2,750 bytes raw and at most 3,684 characters even where compression gains
nothing, hence the window. Offsets are not contiguous (transaction markers,
compaction): what was delivered is counted, not numbers.

Metadata: `rb1;<mark>;<owner>;<crc32 of the rest>;<bitset>`, mark `r` released or
`o` open; `owner` names the commit, so that two owners never write equal metadata.
"""

import base64
import binascii
import zlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from bridge.streams.options import WINDOW_LIMIT

_FORMAT = "rb1"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a commit says beside its offset: clean release, and who committed."""

    released: bool
    owner: str


class Progress:
    """Delivered and finished offsets of one partition. Not aware of Kafka."""

    def __init__(
        self,
        position: int,
        finished: Iterable[int] = (),
        *,
        window: int = WINDOW_LIMIT,
    ) -> None:
        self._window = window
        self._next = position
        self._open: deque[int] = deque()
        self._done = {offset for offset in finished if offset >= position}

    @property
    def position(self) -> int:
        """The offset to commit: the lowest unfinished, else the next to come."""
        return self._open[0] if self._open else self._next

    def fits(self, offset: int) -> bool:
        """Tell whether `offset` may be delivered without outgrowing the window."""
        return not self._open or offset - self._open[0] < self._window

    @property
    def crowded(self) -> bool:
        """Whether three quarters of the window are taken."""
        return bool(self._open) and self._next - self._open[0] > self._window * 3 // 4

    def deliver(self, offset: int) -> bool:
        """Take note of a record; False if it was finished by a predecessor."""
        self._next = max(self._next, offset + 1)
        self._open.append(offset)
        if offset not in self._done:
            return True
        self._advance()
        return False

    def finish(self, offset: int) -> None:
        """Mark a delivered offset finished, in any order."""
        self._done.add(offset)
        self._advance()

    def _advance(self) -> None:
        while self._open and self._open[0] in self._done:
            self._done.discard(self._open.popleft())
        if not self._open:
            self._done = {offset for offset in self._done if offset >= self._next}

    def encode(self, mark: Mark) -> str:
        """Return the commit metadata that goes with `position`."""
        rest = _pack(self.position, self._done)
        text = f"{'r' if mark.released else 'o'};{mark.owner}"
        return f"{_FORMAT};{text};{_checksum(text, rest)};{rest}"

    @staticmethod
    def decode(
        position: int, metadata: str, *, window: int = WINDOW_LIMIT
    ) -> tuple["Progress", Mark | None]:
        """Return progress and mark of a commit.

        Unknown, foreign or corrupt metadata gives mark None and no finished offset:
        more is repeated then, nothing is lost.
        """
        mark, bits = _parse(metadata)
        finished = _unpack(position, bits) if mark else ()
        return Progress(position, finished, window=window), mark


def _checksum(text: str, rest: str) -> str:
    return f"{zlib.crc32(f'{text};{rest}'.encode()):08x}"


def _parse(metadata: str) -> tuple[Mark | None, str]:
    parts = metadata.split(";")
    if len(parts) != 5 or parts[0] != _FORMAT:  # noqa: PLR2004 - the five fields
        return None, ""
    _, released, owner, checksum, bits = parts
    if released not in ("r", "o") or checksum != _checksum(f"{released};{owner}", bits):
        return None, ""
    return Mark(released == "r", owner), bits


def _pack(position: int, finished: set[int]) -> str:
    if not finished:
        return ""
    bits = bytearray((max(finished) - position) // 8 + 1)
    for offset in finished:
        place = offset - position
        bits[place >> 3] |= 1 << (place & 7)
    return base64.b64encode(zlib.compress(bytes(bits), 1)).decode()


def _unpack(position: int, text: str) -> Iterable[int]:
    try:
        bits = zlib.decompress(base64.b64decode(text)) if text else b""
    except (binascii.Error, zlib.error):
        return ()
    return (
        position + at * 8 + bit
        for at, byte in enumerate(bits)
        if byte
        for bit in range(8)
        if byte >> bit & 1
    )
