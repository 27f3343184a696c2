"""A TLS connection is closed at once, whatever the other side makes of it."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop

from bridge.streams.connection import KafkaOptions
from tests.support.security import Authority, issued


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(issued("authority"), tmp_path)


@pytest.fixture
def deaf(authority: Authority) -> Iterator[int]:
    """Serve one TLS connection on the port given, and never answer its good-bye."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.paper_for("broker"))
    over = threading.Event()

    def hear() -> None:
        accepted, _ = server.accept()
        with context.wrap_socket(accepted, server_side=True):
            over.wait()

    with socket.create_server(("127.0.0.1", 0)) as server:
        ear = threading.Thread(target=hear)
        ear.start()
        yield server.getsockname()[1]
        over.set()
        ear.join()


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_who_closes_does_not_wait_for_an_answer(
    authority: Authority,
    deaf: int,
    make_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    kafka = KafkaOptions.model_validate(
        {
            "bootstrap": f"127.0.0.1:{deaf}",
            "security": "ssl",
            "ca_file": authority.file,
        }
    )

    async def close() -> None:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", deaf, ssl=kafka.ssl_context
        )
        writer.write(b"a request")
        writer.close()
        try:
            await asyncio.wait_for(writer.wait_closed(), timeout=10)
        finally:
            writer.transport.abort()

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(close())
