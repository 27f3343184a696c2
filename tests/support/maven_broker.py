"""A broker from Apache Kafka's own jars, fetched with Maven, in a Java of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support.broker import (
    KAFKA_VERSION,
    BrokerMissing,
    Kind,
    free_port,
    properties,
)

#: The binding of Kafka's slf4j: without one the broker logs nothing.
SLF4J_VERSION = "1.7.36"
_CACHE = Path(__file__).parents[2] / ".cache"
_CLUSTER_ID = "5L6g3nShT-eMCtK--X86sw"
_READY = b"Kafka Server started"
_PATIENCE = 60.0
_JVM = ("-Xmx768m", "-Xms256m", "-XX:+UseSerialGC")
_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>returns-bridge</groupId><artifactId>test-kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId><version>{KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId><version>{SLF4J_VERSION}</version></dependency>
  </dependencies>
</project>
"""


class MavenBroker:
    """One node as a Java process, its log in a folder that goes with it."""

    def __init__(self, security: Mapping[str, str] | None = None) -> None:
        self._java = _tool("java", "Java 17 or later")
        self._jars = _jars()
        self._folder = Path(tempfile.mkdtemp(prefix="bridge-kafka-"))
        self._log = self._folder / "broker.log"
        port = free_port()
        self._bootstrap = f"127.0.0.1:{port}"
        settings = dict(properties(self._bootstrap, port, free_port(), security))
        settings["log.dirs"] = str(self._folder / "data")
        lines = (f"{name}={value}\n" for name, value in settings.items())
        self._properties = self._folder / "server.properties"
        self._properties.write_text("".join(lines))
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    @property
    def kind(self) -> Kind:
        return "maven"

    @property
    def bootstrap(self) -> str:
        return self._bootstrap

    def open(self) -> None:
        """Format the storage and start; raise BrokerMissing if that cannot be."""
        arguments = ("format", "-t", _CLUSTER_ID, "-c", str(self._properties))
        done = subprocess.run(  # noqa: S603 # our own command
            self._command("kafka.tools.StorageTool", *arguments),
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise BrokerMissing(f"Kafka's storage: {done.stderr.decode()[-500:]}")
        self.start()

    def close(self) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def start(self) -> None:
        command = self._command("kafka.Kafka", str(self._properties))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 # our own command
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._starts += 1
        deadline = time.monotonic() + _PATIENCE
        while (text := self._log.read_bytes()).count(_READY) < self._starts:
            if time.monotonic() > deadline or self._process.poll() is not None:
                end = text.decode(errors="replace")[-2_000:]
                raise BrokerMissing(f"the broker did not come up:\n{end}")
            time.sleep(0.1)

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def unpause(self) -> None:
        self._signal(signal.SIGCONT)

    def _command(self, main: str, *arguments: str) -> list[str]:
        return [self._java, *_JVM, "-cp", f"{self._jars}/*", main, *arguments]

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise RuntimeError("the broker is not running")
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        self._signal(number)
        if self._process is not None:
            self._process.wait(30)


def _tool(name: str, what: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BrokerMissing(f"{name} is not installed ({what})")
    return found


def _jars() -> Path:
    """Return the folder of Kafka's jars; fetch them once into `.cache`."""
    jars = _CACHE / f"kafka-{KAFKA_VERSION}"
    if jars.is_dir():
        return jars
    maven = _tool("mvn", "Apache Maven")
    _CACHE.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="kafka-", dir=_CACHE))
    try:
        (scratch / "pom.xml").write_text(_POM)
        goal = ("dependency:copy-dependencies", "-DincludeScope=runtime")
        where = f"-DoutputDirectory={scratch / 'jars'}"
        done = subprocess.run(  # noqa: S603 # our own command
            [maven, "-q", "-B", "-C", *goal, where],
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env={**os.environ, "MAVEN_ARGS": ""},
        )
        if done.returncode != 0:
            end = done.stdout.decode()[-500:]
            raise BrokerMissing(f"Maven could not fetch Kafka's jars: {end}")
        (scratch / "jars").replace(jars)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return jars
