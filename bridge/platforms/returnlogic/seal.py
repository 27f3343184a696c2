"""The seal on what lies on a disk: Fernet, with a second key while keys are changed.

A Fernet token (AES-128-CBC under HMAC-SHA256, the `cryptography` project's own recipe)
opens with the key that made it, whole and unchanged, or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import AfterValidator, SecretStr

from bridge.secret import Secret

MAKE_KEY = "returns-bridge config make-key"
"""The command that makes a key."""

#: How every token of Fernet begins: its version, and the first bits of its time.
_SEALED = b"gAAAA"
_PLAIN = b"{"


def make_key() -> str:
    """Return a new key, as the settings take it."""
    return Fernet.generate_key().decode()


def _fits(key: SecretStr) -> SecretStr:
    try:
        Fernet(key.get_secret_value())
    except ValueError:
        raise ValueError(f"is no key for a seal: make one with `{MAKE_KEY}`") from None
    return key


SealKey = Annotated[Secret, AfterValidator(_fits)]
"""32 random bytes as URL-safe base64."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What was sealed; `stale` if by a former key, or not at all yet."""

    plain: bytes = field(repr=False)
    stale: bool


class Foreign(ValueError):
    """It was never sealed, nor is it what was kept before there was a seal."""


class DoesNotOpen(ValueError):
    """It was sealed, but by none of the keys; or it was cut short, or changed."""


class Seal:
    """Seals with the first of the keys, opens with any of them."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        fernets = [Fernet(key.get_secret_value()) for key in keys]
        self._newest = fernets[0]
        self._any = MultiFernet(fernets)

    def close(self, plain: bytes) -> bytes:
        """Return what may be written."""
        return self._newest.encrypt(plain)

    def open(self, found: bytes) -> Opened:
        """Return what is in it, also of plain JSON; raise Foreign or DoesNotOpen."""
        if found.startswith(_PLAIN):
            return Opened(found, stale=True)
        if not found.startswith(_SEALED):
            raise Foreign
        try:
            plain = self._any.decrypt(found)
        except InvalidToken:
            raise DoesNotOpen from None
        return Opened(plain, stale=not self._made_by_newest(found))

    def _made_by_newest(self, found: bytes) -> bool:
        try:
            self._newest.decrypt(found)
        except InvalidToken:
            return False
        return True
