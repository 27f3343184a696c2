"""How Kafka is reached: addresses, TLS, SASL, as the keyword arguments of aiokafka."""

import re
import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from bridge.errors import ConfigError, UnavailableError
from bridge.secret import Secret

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")
_HIGHEST_PORT = 65_535


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _address(value: str) -> str:
    match = _ADDRESS.fullmatch(value)
    if match is None or not 0 < int(match[2]) <= _HIGHEST_PORT:
        raise ValueError("a broker address is written HOST:PORT")
    return value


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"there is no file {path}; give the path of a PEM file")
    return path


Address = Annotated[str, AfterValidator(_address)]
PemFile = Annotated[Path, AfterValidator(_existing)]


class _Parting(ssl.SSLObject):
    """TLS that says good-bye and goes; RFC 5246 (7.2.1) asks for no more.

    A broker that gets a request and the good-bye behind it in one piece may never
    answer the latter. asyncio and uvloop would wait for that half a minute, and with
    them whoever closes a client: a partition would be opened that much later.
    """

    def unwrap(self) -> None:
        """Write the good-bye; the one who closes the connection calls this."""
        with suppress(ssl.SSLWantReadError):
            super().unwrap()


class KafkaOptions(BaseModel):
    """One Kafka cluster and how this process proves itself to it.

    `bootstrap` is a list or a text with commas. TLS is on with `ssl` and `sasl_ssl`,
    verified against `ca_file` (the system's authorities without it), host name
    included. `request_timeout` should outlast a broker's restart: a request that
    does not costs a new producer. `embedded` names the in-memory broker of `dev`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap: Annotated[
        tuple[Address, ...], BeforeValidator(_split), Field(min_length=1)
    ]
    security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    ca_file: PemFile | None = None
    cert_file: PemFile | None = None
    key_file: PemFile | None = None
    key_password: Secret | None = None
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    username: str | None = None
    password: Secret | None = None
    client_id: str = "returns-bridge"
    embedded: bool = False
    request_timeout: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(
        seconds=40
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        problems = [*self._tls_problems(), *self._sasl_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def address(self) -> str:
        """The bootstrap addresses as one text, for messages."""
        return ",".join(self.bootstrap)

    @cached_property
    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS context, None without TLS; raises ConfigError for unusable files."""
        if not self._encrypted:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            context.sslobject_class = _Parting
            if self.cert_file is not None:
                # With a password given, even an empty one, OpenSSL never asks
                # the terminal.
                secret = self.key_password
                password = "" if secret is None else secret.get_secret_value()
                context.load_cert_chain(self.cert_file, self.key_file, password)
        except (ssl.SSLError, OSError) as broken:
            raise ConfigError(
                f"kafka: the TLS files cannot be used ({broken.strerror or broken}); "
                "check ca_file, cert_file, key_file and key_password"
            ) from broken
        return context

    def client_kwargs(self) -> dict[str, object]:
        """Return what consumer, producer and admin client of aiokafka all take.

        Raises ConfigError when the TLS files cannot be used.
        """
        secret = self.password
        return {
            "bootstrap_servers": list(self.bootstrap),
            "client_id": self.client_id,
            "request_timeout_ms": int(self.request_timeout / timedelta(milliseconds=1)),
            "security_protocol": self.security.upper(),
            "ssl_context": self.ssl_context,
            "sasl_mechanism": self.mechanism or "PLAIN",
            "sasl_plain_username": self.username,
            "sasl_plain_password": None
            if secret is None
            else secret.get_secret_value(),
        }

    def consumer_kwargs(self) -> dict[str, object]:
        """Return what consumers take: above `client_kwargs`, only committed records.

        The embedded broker's transaction markers carry a wrong checksum (librdkafka
        2.16), so there, and only there, checksums are not compared.
        """
        return {
            **self.client_kwargs(),
            "isolation_level": "read_committed",
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "check_crcs": not self.embedded,
        }

    @property
    def _encrypted(self) -> bool:
        return self.security in {"ssl", "sasl_ssl"}

    def _tls_problems(self) -> Iterator[str]:
        if not self._encrypted and (self.ca_file or self.cert_file or self.key_file):
            yield f"TLS files are given but security is {self.security}: set it to ssl"
        if self.key_file and not self.cert_file:
            yield "key_file without cert_file: give both"
        if self.key_password and not self.cert_file:
            yield "key_password without cert_file: give both"

    def _sasl_problems(self) -> Iterator[str]:
        wanted = {
            "mechanism": self.mechanism,
            "username": self.username,
            "password": self.password,
        }
        missing = [name for name, value in wanted.items() if not value]
        if self.security.startswith("sasl") and missing:
            yield f"security {self.security} needs {', '.join(missing)}"
        if not self.security.startswith("sasl") and len(missing) < len(wanted):
            given = ", ".join(name for name in wanted if name not in missing)
            yield f"{given} given but security is {self.security}: set it to sasl_ssl"


def unanswered(kafka: KafkaOptions, broken: Exception) -> UnavailableError:
    """Say that Kafka does not answer, and what to do; only the error's name is told."""
    return UnavailableError(
        f"Kafka at {kafka.address} does not answer ({type(broken).__name__}): start "
        "it, or correct kafka.bootstrap, kafka.security and the credentials"
    )
