"""A team's token pair in a file: the one place of this package that touches a disk.

Several processes of one machine share it: each change is made under a lock and put in
place whole. The file is for its owner alone, and what it holds goes through `Seal`:
plain text is the worst that a seal may do.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bridge.errors import ConfigError
from bridge.platforms.returnlogic.oauth import Pair

CLAIMED_FOR = timedelta(seconds=30)
"""After so long a refresh that was begun counts as given up: its process has died."""

_OTHERS_MAY = 0o077


class Seal(Protocol):
    """Encrypts what lies on the disk."""

    def close(self, plain: bytes) -> bytes:
        """Return what may be written."""
        ...

    def open(self, sealed: bytes) -> bytes:
        """Return what was closed; raise ValueError if it was not, or by other keys."""
        ...


class PlainText:
    """No seal: the file's permissions alone keep its content."""

    def close(self, plain: bytes) -> bytes:
        return plain

    def open(self, sealed: bytes) -> bytes:
        return sealed


class Kept(BaseModel):
    """What the file holds: the pair, and until when somebody refreshes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bearer: str = Field(min_length=1, repr=False)
    refresh: str | None = Field(default=None, repr=False)
    claimed_until: AwareDatetime = datetime.min.replace(tzinfo=UTC)


class TokenFile:
    """One team's pair, as `oauth.Tokens`."""

    def __init__(self, path: Path, seal: Seal) -> None:
        self._path = path
        self._seal = seal

    def current(self) -> Pair | None:
        """Return the pair; raise ConfigError if the file is not ours or open to others.

        None where there is no file yet: the app has not been installed.
        """
        kept = self._read()
        return Pair(kept.bearer, kept.refresh) if kept else None

    def claim(self, used: Pair, now: datetime) -> bool:
        """Tell whether the caller is the one to refresh `used`; if so it is noted."""
        with self._locked():
            kept = self._read()
            if kept is None or kept.bearer != used.bearer or kept.claimed_until > now:
                return False
            update = {"claimed_until": now + CLAIMED_FOR}
            self._write(kept.model_copy(update=update))
            return True

    def keep(self, pair: Pair) -> None:
        """Replace the pair, all at once."""
        with self._locked():
            self._write(Kept(bearer=pair.bearer, refresh=pair.refresh))

    def release(self) -> None:
        """Give a claim back."""
        with self._locked():
            kept = self._read()
            if kept is not None:
                self._write(Kept(bearer=kept.bearer, refresh=kept.refresh))

    def _read(self) -> Kept | None:
        try:
            with self._path.open("rb") as file:
                if os.fstat(file.fileno()).st_mode & _OTHERS_MAY:
                    raise ConfigError(
                        f"{self._path} can be read by others: chmod 600 it, and have "
                        "the app installed again if they may have read it"
                    )
                sealed = file.read()
        except FileNotFoundError:
            return None
        except OSError as broken:
            raise self._unusable(broken) from broken
        try:
            return Kept.model_validate_json(self._seal.open(sealed))
        except (ValueError, ValidationError):
            raise ConfigError(
                f"{self._path} holds no tokens of ours: have the app installed again"
            ) from None

    def _unusable(self, broken: OSError) -> ConfigError:
        return ConfigError(
            f"{self._path} cannot be used ({broken.strerror}): let its directory be "
            "this user's, with room on the disk"
        )

    def _write(self, kept: Kept) -> None:
        try:
            self._replace(kept)
        except OSError as broken:
            raise self._unusable(broken) from broken

    def _replace(self, kept: Kept) -> None:
        fresh = self._path.with_name(f"{self._path.name}.new")
        fresh.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
            file.write(self._seal.close(kept.model_dump_json().encode()))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self._path.with_name(f"{self._path.name}.lock")
        with os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
