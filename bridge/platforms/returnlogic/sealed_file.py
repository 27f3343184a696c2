"""A small sealed file: the one place of this package that touches a disk.

Its owner alone may read it, and each change is put in place whole. It knows nothing
of what it holds.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.errors import ConfigError
from bridge.platforms.returnlogic.seal import DoesNotOpen, Foreign, Opened, Seal

_OTHERS_MAY = 0o077


class SealedFile:
    """One file; `locked` keeps other processes of the machine from changing it.

    Every method raises ConfigError where the file cannot be used, and then leaves it
    as it is.
    """

    def __init__(self, path: Path, seal: Seal) -> None:
        self.path = path
        self._seal = seal

    def read(self) -> Opened | None:
        """Return what is in it, None if there is no such file."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_mode & _OTHERS_MAY:
                    raise ConfigError(
                        f"{self.path} can be read by others: chmod 600 it, and have "
                        "the app installed again if they may have read it"
                    )
                return self._opened(file.read())
        except FileNotFoundError:
            return None
        except OSError as broken:
            raise self._unusable(broken) from broken

    def write(self, plain: bytes) -> None:
        """Replace what is in it, all at once."""
        try:
            self._replace(self._seal.close(plain))
        except OSError as broken:
            raise self._unusable(broken) from broken

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other process in as long as the block lasts."""
        lock = self.path.with_name(f"{self.path.name}.lock")
        try:
            opened = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as broken:
            raise self._unusable(broken) from broken
        with os.fdopen(opened, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def foreign(self) -> ConfigError:
        """Return the error that says: this is another's file."""
        return ConfigError(
            f"{self.path} holds no tokens of ours, and is left as it is: name another "
            "file in token_file, or move this one away and have the app installed again"
        )

    def _opened(self, found: bytes) -> Opened:
        try:
            return self._seal.open(found)
        except Foreign:
            raise self.foreign() from None
        except DoesNotOpen:
            raise ConfigError(
                f"{self.path} does not open, and is left as it is: it was sealed by a "
                "key that is not in token_keys, or is cut short or changed. Put that "
                "key into token_keys as the second, or a whole copy in its place; with "
                "neither, move it away and have the app installed again"
            ) from None

    def _unusable(self, broken: OSError) -> ConfigError:
        return ConfigError(
            f"{self.path} cannot be used ({broken.strerror}): let its directory be "
            "this user's, with room on the disk"
        )

    def _replace(self, sealed: bytes) -> None:
        fresh = self.path.with_name(f"{self.path.name}.new")
        fresh.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
