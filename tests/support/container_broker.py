"""A broker in a container, through testcontainers."""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping

import docker.errors  # type: ignore[import-untyped] # ships no types
import requests
from testcontainers.core.container import DockerContainer
from testcontainers.core.exceptions import ContainerStartException

from tests.support.broker import (
    KAFKA_VERSION,
    BrokerMissing,
    Kind,
    free_port,
    properties,
)

IMAGE = f"apache/kafka:{KAFKA_VERSION}"
_READY = b"Kafka Server started"
_PATIENCE = 60.0


class ContainerBroker:
    """One node in a container of its own.

    The host port is chosen beforehand: a mapping made by the engine would change at
    every start, and the broker has to advertise it. Inside it listens on the same
    port, for the broker's transaction coordinator calls itself by that address.
    """

    def __init__(self, security: Mapping[str, str] | None = None) -> None:
        port = free_port()
        with _engine():
            self._container = DockerContainer(IMAGE)
        self._container.ports[str(port)] = ("127.0.0.1", port)  # type: ignore[assignment] # the engine's own form for one interface
        settings = properties(f"0.0.0.0:{port}", port, 9093, security)
        for name, value in settings.items():
            self._container.with_env(_variable(name), value)
        run = os.environ.get("BRIDGE_TEST_RUN", "")
        self._container.with_kwargs(labels={"returns-bridge.test-run": run})
        self._container.with_env("KAFKA_HEAP_OPTS", "-Xmx768m -Xms256m")
        self._bootstrap = f"127.0.0.1:{port}"
        self._starts = 0

    @property
    def kind(self) -> Kind:
        return "container"

    @property
    def bootstrap(self) -> str:
        return self._bootstrap

    def open(self) -> None:
        """Make and start the container; raise BrokerMissing if that cannot be."""
        with _engine():
            self._container.start()
        self._await_ready()

    def close(self) -> None:
        self._container.stop()

    def kill(self) -> None:
        self._wrapped.kill("SIGKILL")
        self._wrapped.wait()

    def stop(self) -> None:
        self._wrapped.stop(timeout=20)

    def start(self) -> None:
        self._wrapped.start()
        self._await_ready()

    def pause(self) -> None:
        # By a signal: the engine's own pause fails now and then on a busy machine
        # ("unable to freeze").
        self._wrapped.kill("SIGSTOP")

    def unpause(self) -> None:
        self._wrapped.kill("SIGCONT")

    @property
    def _wrapped(self) -> "docker.models.containers.Container":
        return self._container.get_wrapped_container()

    def _await_ready(self) -> None:
        self._starts += 1
        deadline = time.monotonic() + _PATIENCE
        while (logs := self._wrapped.logs()).count(_READY) < self._starts:
            self._wrapped.reload()
            if time.monotonic() > deadline or self._wrapped.status == "exited":
                raise BrokerMissing(f"the container did not come up:\n{logs.decode()}")
            time.sleep(0.1)


def _variable(name: str) -> str:
    """Return what the image takes for a property: one, two or three underscores."""
    words = name.replace("_", "__").replace("-", "___").replace(".", "_")
    return f"KAFKA_{words}".upper()


@contextlib.contextmanager
def _engine() -> Iterator[None]:
    """Turn what docker and testcontainers raise into one reason."""
    try:
        yield
    except (
        docker.errors.DockerException,
        requests.RequestException,
        ContainerStartException,
    ) as failed:
        if "API version" in str(failed):
            raise BrokerMissing("no Docker engine answers") from failed
        raise BrokerMissing(f"{IMAGE}: {failed}") from failed
