"""A team's token pair in a sealed file, shared by the processes of one machine.

Each change is made under the file's lock. What is found in plain text, as it was kept
before there was a seal, or sealed by a former key, is sealed anew when it is read.
"""

from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from bridge.platforms.returnlogic.oauth import Pair
from bridge.platforms.returnlogic.sealed_file import SealedFile

CLAIMED_FOR = timedelta(seconds=30)
"""After so long a refresh that was begun counts as given up: its process has died."""


class Kept(BaseModel):
    """What the file holds: the pair, and until when somebody refreshes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bearer: str = Field(min_length=1, repr=False)
    refresh: str | None = Field(default=None, repr=False)
    claimed_until: AwareDatetime = datetime.min.replace(tzinfo=UTC)


class TokenFile:
    """One team's pair, as `oauth.Tokens`; ConfigError where its file is unusable."""

    def __init__(self, file: SealedFile) -> None:
        self._file = file

    def current(self) -> Pair | None:
        """Return the pair; None where there is no file: the app is not installed."""
        kept, stale = self._read()
        if stale:
            with self._file.locked():
                kept, stale = self._read()  # another may have been here first
                if kept is not None and stale:
                    self._write(kept)
        return Pair(kept.bearer, kept.refresh) if kept else None

    def claim(self, used: Pair, now: datetime) -> bool:
        """Tell whether the caller is the one to refresh `used`; if so it is noted."""
        with self._file.locked():
            kept, _ = self._read()
            if kept is None or kept.bearer != used.bearer or kept.claimed_until > now:
                return False
            update = {"claimed_until": now + CLAIMED_FOR}
            self._write(kept.model_copy(update=update))
            return True

    def keep(self, pair: Pair) -> None:
        """Replace the pair, all at once."""
        with self._file.locked():
            self._write(Kept(bearer=pair.bearer, refresh=pair.refresh))

    def release(self) -> None:
        """Give a claim back."""
        with self._file.locked():
            kept, _ = self._read()
            if kept is not None:
                self._write(Kept(bearer=kept.bearer, refresh=kept.refresh))

    def _read(self) -> tuple[Kept | None, bool]:
        """Return what is kept, and whether it has to be sealed anew."""
        found = self._file.read()
        if found is None:
            return None, False
        try:
            return Kept.model_validate_json(found.plain), found.stale
        except ValidationError:
            raise self._file.foreign() from None

    def _write(self, kept: Kept) -> None:
        self._file.write(kept.model_dump_json().encode())
