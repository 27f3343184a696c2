"""How Kafka is reached, and what is refused before it is tried."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from pydantic import SecretStr, ValidationError

from bridge.errors import ConfigError
from bridge.streams.connection import KafkaOptions
from tests.support.security import issued


def options(**values: object) -> KafkaOptions:
    return KafkaOptions.model_validate({"bootstrap": "kafka:9092", **values})


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate and its key, encrypted with `sesame`, in one file.

    The certificate alone lies beside it, in `.crt`.
    """
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    paper = issued("kafka")
    sealed = paper.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"sesame")
    )
    Path(f"{path}.crt").write_text(paper.public)
    path.write_text(sealed.decode() + paper.public)
    return path


@pytest.mark.parametrize("bootstrap", ["a:1, b:2", ["a:1", "b:2"]])
def test_addresses_are_a_list_or_a_text_with_commas(bootstrap: object) -> None:
    kafka = options(bootstrap=bootstrap)

    assert kafka.client_kwargs()["bootstrap_servers"] == ["a:1", "b:2"]
    assert kafka.address == "a:1,b:2"


@pytest.mark.parametrize("address", ["kafka", "kafka:0", "kafka:70000", "a b:1", ":1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="HOST:PORT"):
        options(bootstrap=address)


def test_no_address_at_all_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least 1 item"):
        options(bootstrap=" , ")


def test_a_plain_connection_has_neither_tls_nor_a_user() -> None:
    arguments = options(request_timeout=timedelta(seconds=3)).client_kwargs()

    assert arguments["security_protocol"] == "PLAINTEXT"
    assert arguments["request_timeout_ms"] == 3000
    assert arguments["ssl_context"] is None
    assert arguments["sasl_plain_password"] is None


def test_a_user_with_a_password_is_given_to_the_client_and_not_shown() -> None:
    kafka = options(
        security="sasl_plaintext",
        mechanism="SCRAM-SHA-512",
        username="me",
        password=SecretStr("sesame"),
    )

    arguments = kafka.client_kwargs()

    assert arguments["sasl_mechanism"] == "SCRAM-SHA-512"
    assert arguments["sasl_plain_username"] == "me"
    assert arguments["sasl_plain_password"] == "sesame"  # noqa: S105 - the fixture's
    assert "sesame" not in repr(kafka)


def test_tls_verifies_certificate_and_host_name() -> None:
    context = options(security="ssl").ssl_context

    assert context is not None
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_client_certificate_is_opened_with_its_password(pem: Path) -> None:
    kafka = options(
        security="ssl",
        ca_file=f"{pem}.crt",
        cert_file=pem,
        key_password=SecretStr("sesame"),
    )

    assert kafka.client_kwargs()["ssl_context"] is kafka.ssl_context


@pytest.mark.parametrize("password", [None, SecretStr("wrong")])
def test_a_key_that_does_not_open_is_refused_and_nobody_is_asked(
    pem: Path, password: SecretStr | None
) -> None:
    kafka = options(security="ssl", cert_file=pem, key_password=password)

    with pytest.raises(ConfigError, match="check ca_file, cert_file, key_file and"):
        kafka.client_kwargs()


def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("no certificate")

    with pytest.raises(ConfigError, match="the TLS files cannot be used"):
        options(security="ssl", ca_file=path).client_kwargs()


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"ca_file": "/no/such.pem"}, "there is no file /no/such.pem"),
        ({"ca_file": __file__}, "security is plaintext: set it to ssl"),
        ({"security": "ssl", "key_file": __file__}, "key_file without cert_file"),
        (
            {"security": "ssl", "key_password": SecretStr("x")},
            "key_password without cert_file",
        ),
        ({"security": "sasl_ssl"}, "sasl_ssl needs mechanism, username, password"),
        (
            {"security": "sasl_ssl", "username": "me", "password": SecretStr("x")},
            "security sasl_ssl needs mechanism",
        ),
        ({"username": "me"}, "username given but security is plaintext"),
        (
            {"security": "ssl", "password": SecretStr("x")},
            "password given but security is ssl: set it to sasl_ssl",
        ),
        ({"password": "in clear"}, "a secret is given by reference"),
        ({"request_timeout": 0}, "greater than 0"),
    ],
)
def test_what_does_not_fit_together_is_refused_with_the_remedy(
    values: dict[str, object], problem: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        options(**values)

    assert problem in str(refused.value)
