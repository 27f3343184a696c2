"""A broker that takes nobody without TLS: its certificates, and who may come.

A certificate of the client's own is a proof, or a name and password: as they are, or
(SCRAM, RFC 5802) by a challenge. Kafka keeps SCRAM's users in its own metadata, so
somebody has to enter them first, who comes by name and password here.

Kafka reads PEM from its properties (KIP-651), on one line where blanks stand for the
line breaks.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from tests.support.broker import PROTOCOL

USER, PASSWORD = "bridge", "for-tests-only"
Proof = Literal["certificate", "PLAIN", "SCRAM-SHA-512"]
Key = ec.EllipticCurvePrivateKey
_LOGIN = "org.apache.kafka.common.security"
_ITERATIONS = 4096


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def public(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def private(self) -> str:
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem.decode()

    def write(self, path: Path) -> str:
        """Write both into one file and return its path."""
        path.write_text(self.private + self.public)
        return str(path)


def issued(name: str, by: Paper | None = None) -> Paper:
    """Return a certificate for `name` at this machine; an authority's without `by`."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    constraints = x509.BasicConstraints(ca=by is None, path_length=None)
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    issuer = key if by is None else by.key
    vouching = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(constraints, critical=True)
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .add_extension(vouching, critical=False)
        .add_extension(own, critical=False)
        .add_extension(_usage(signs=by is None), critical=True)
        .sign(issuer, hashes.SHA256())
    )
    return Paper(certificate, key)


def _usage(*, signs: bool) -> x509.KeyUsage:
    """Return what a key may do: Python 3.13 looks whether an authority may sign."""
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass(frozen=True, slots=True)
class Authority:
    """Who vouches for the broker and its clients; its papers lie in `folder`."""

    paper: Paper
    folder: Path

    @property
    def file(self) -> str:
        """The path of its certificate."""
        path = self.folder / "authority.pem"
        path.write_text(self.paper.public)
        return str(path)

    def paper_for(self, name: str) -> str:
        """Issue a certificate; return the path of it and its key."""
        return issued(name, self.paper).write(self.folder / f"{name}.pem")

    def guard(self, proof: Proof) -> Mapping[str, str]:
        """Return the security of a broker that asks for this proof."""
        own = issued("broker", self.paper)
        guarded = {
            PROTOCOL: "SSL" if proof == "certificate" else "SASL_SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.certificate.chain": _line(own.public),
            "ssl.keystore.key": _line(own.private),
        }
        if proof == "certificate":
            return guarded | {
                "ssl.client.auth": "required",
                "ssl.truststore.type": "PEM",
                "ssl.truststore.certificates": _line(self.paper.public),
            }
        plain = f"{_LOGIN}.plain.PlainLoginModule required"
        scram = f"{_LOGIN}.scram.ScramLoginModule required;"
        return guarded | {
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "plain.sasl.jaas.config": f'{plain} user_{USER}="{PASSWORD}";',
            "scram-sha-512.sasl.jaas.config": scram,
        }

    def enter_for_scram(self, bootstrap: str) -> None:
        """Let the broker know the user by SCRAM too."""
        admin = AdminClient(
            {
                "bootstrap.servers": bootstrap,
                "security.protocol": "SASL_SSL",
                "ssl.ca.location": self.file,
                "sasl.mechanism": "PLAIN",
                "sasl.username": USER,
                "sasl.password": PASSWORD,
            }
        )
        kind = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
        entry = UserScramCredentialUpsertion(USER, kind, PASSWORD.encode())
        admin.alter_user_scram_credentials([entry])[USER].result(30)


def _line(pem: str) -> str:
    return " ".join(pem.split("\n")).strip()
