"""Which Kafka it is: asked with ApiVersions, since no client library can tell.

The broker's answer (KIP-584) names the finalized level of `metadata.version`; which
release that is stands in Kafka's `MetadataVersion`. It is the release that the
cluster works as, which may be older than its software.
"""

import asyncio
import io
import struct
from collections.abc import Iterator
from datetime import timedelta

from bridge.errors import UnavailableError

#: The first level of each release.
_RELEASES = {1: "3.0", 5: "3.3", 8: "3.4", 9: "3.5", 12: "3.6", 15: "3.7"} | {
    20: "3.8",
    21: "3.9",
    22: "4.0",
    26: "4.1",
    28: "4.2",
}
_API_VERSIONS, _VERSION, _CORRELATION = 18, 3, 7
_FINALIZED = 2
_FEATURE = "metadata.version"
_ANSWER = timedelta(seconds=10)


async def kafka_release(bootstrap: str) -> str:
    """Return `4.1`, or what is known of it; raise UnavailableError without an answer.

    Plain connections only, as the benchmarks have.
    """
    host, _, port = bootstrap.partition(",")[0].strip().rpartition(":")
    try:
        async with asyncio.timeout(_ANSWER.total_seconds()):
            answer = await _ask(host.strip("[]"), int(port))
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as away:
        raise UnavailableError(
            f"Kafka at {bootstrap} does not answer ({type(away).__name__}): start it, "
            "or name another with --kafka"
        ) from away
    level = dict(_features(_Fields(answer))).get(_FEATURE)
    if level is None:
        return "of unknown release"
    first = max((each for each in _RELEASES if each <= level), default=None)
    return f"{_RELEASES[first]} (metadata level {level})" if first else "before 3.0"


async def _ask(host: str, port: int) -> bytes:
    name, number = b"\x06bench", b"\x021"  # compact: length plus one
    head = struct.pack(">hhih", _API_VERSIONS, _VERSION, _CORRELATION, -1) + b"\0"
    request = head + name + number + b"\0"
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", await reader.readexactly(4))
        return await reader.readexactly(size)
    finally:
        writer.close()


def _features(fields: "_Fields") -> Iterator[tuple[str, int]]:
    """Yield the finalized features of an ApiVersions answer, version 3."""
    fields.skip(4 + 2)  # correlation, error
    for _ in range(fields.varint() - 1):
        fields.skip(3 * 2)  # key, least, most
        fields.skip_tags()
    fields.skip(4)  # throttle time
    for _ in range(fields.varint()):
        tag, size = fields.varint(), fields.varint()
        if tag == _FINALIZED:
            yield from _levels(fields)
        else:
            fields.skip(size)


def _levels(fields: "_Fields") -> Iterator[tuple[str, int]]:
    for _ in range(fields.varint() - 1):
        name = fields.text()
        (most,) = struct.unpack(">h", fields.take(2))
        fields.skip(2)
        fields.skip_tags()
        yield name, most


class _Fields:
    """Kafka's flexible encoding, read one field after the other."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def take(self, size: int) -> bytes:
        return self._content.read(size)

    def skip(self, size: int) -> None:
        self._content.seek(size, io.SEEK_CUR)

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 - the bit that says "more follows"
                return value
            shift += 7

    def text(self) -> str:
        return self.take(self.varint() - 1).decode()

    def skip_tags(self) -> None:
        for _ in range(self.varint()):
            self.varint()
            self.skip(self.varint())
