"""The sealed file of a team's tokens: who may read it, and what is never lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from bridge.errors import ConfigError
from bridge.platforms.returnlogic.oauth import Pair
from bridge.platforms.returnlogic.seal import Seal, make_key
from bridge.platforms.returnlogic.sealed_file import SealedFile
from bridge.platforms.returnlogic.token_file import TokenFile
from tests.unit.platforms.returnlogic.calls import NOW, token_file

PAIR = Pair("bearer-1", "refresh-1")
PLAIN = b'{"bearer":"bearer-1","refresh":"refresh-1"}'
OLD_KEY, KEY = make_key(), make_key()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


def put(path: Path, content: bytes, mode: int = 0o600) -> None:
    path.write_bytes(content)
    path.chmod(mode)


def opened_by(path: Path, *keys: str) -> Pair | None:
    return token_file(path.parent, *keys).current()


def test_the_file_is_sealed_and_for_its_owner_alone(path: Path) -> None:
    token_file(path.parent, KEY).keep(PAIR)

    assert opened_by(path, KEY) == PAIR
    assert b"bearer" not in path.read_bytes()
    assert b"refresh" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def test_two_processes_see_one_pair(path: Path) -> None:
    one, other = token_file(path.parent, KEY), token_file(path.parent, KEY)

    one.keep(PAIR)

    assert other.current() == PAIR
    assert one.claim(PAIR, NOW)
    assert not other.claim(PAIR, NOW)


def test_plain_text_is_read_once_and_sealed(path: Path) -> None:
    put(path, PLAIN)

    assert opened_by(path, KEY) == PAIR

    assert b"bearer" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert opened_by(path, KEY) == PAIR


def test_a_refresh_seals_plain_text_as_well(path: Path) -> None:
    put(path, PLAIN)

    assert token_file(path.parent, KEY).claim(PAIR, NOW)

    assert b"bearer" not in path.read_bytes()
    assert not token_file(path.parent, KEY).claim(PAIR, NOW)


def test_keys_change_in_steps(path: Path) -> None:
    token_file(path.parent, OLD_KEY).keep(PAIR)

    assert opened_by(path, OLD_KEY, KEY) == PAIR  # the new one is only known
    assert opened_by(path, OLD_KEY) == PAIR
    assert opened_by(path, KEY, OLD_KEY) == PAIR  # it seals now
    assert opened_by(path, KEY) == PAIR
    with pytest.raises(ConfigError, match="does not open"):
        opened_by(path, OLD_KEY)


def test_what_is_sealed_by_the_newest_key_is_only_read(path: Path) -> None:
    token_file(path.parent, KEY).keep(PAIR)
    before = path.stat().st_ino, path.read_bytes()

    assert opened_by(path, KEY, OLD_KEY) == PAIR

    assert (path.stat().st_ino, path.read_bytes()) == before


class Overtaken(SealedFile):
    """A file that another process seals just before this one has the lock."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, Seal([SecretStr(KEY)]))
        self.sealed = b""

    @contextmanager
    def locked(self) -> Iterator[None]:
        with super().locked():
            self.write(PLAIN)
            self.sealed = self.path.read_bytes()
            yield


def test_what_another_has_sealed_meanwhile_is_left(path: Path) -> None:
    put(path, PLAIN)
    file = Overtaken(path)

    assert TokenFile(file).current() == PAIR

    assert path.read_bytes() == file.sealed


def sealed_by(key: str, plain: bytes = PLAIN) -> bytes:
    return Seal([SecretStr(key)]).close(plain)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (sealed_by(make_key()), "does not open.*not in token_keys.*cut short"),
        (sealed_by(KEY)[:-20], "does not open"),
        (sealed_by(KEY)[:10], "does not open"),
        (sealed_by(KEY).swapcase(), "holds no tokens of ours"),
        (sealed_by(KEY)[:40] + b"AAAA" + sealed_by(KEY)[44:], "does not open"),
        (b"", "holds no tokens of ours.*name another file in token_file"),
        (b"\x80\x00", "holds no tokens of ours"),
        (b"another program's", "holds no tokens of ours"),
        (b"{}", "holds no tokens of ours"),
        (b'{"bearer":', "holds no tokens of ours"),
        (sealed_by(KEY, b'{"bearer":""}'), "holds no tokens of ours"),
    ],
    ids=[
        "of another key",
        "cut short",
        "a few signs",
        "other letters",
        "changed inside",
        "empty",
        "no text",
        "no seal",
        "plain and empty",
        "plain and broken",
        "no bearer",
    ],
)
def test_what_does_not_open_is_told_and_left_as_it_is(
    path: Path, content: bytes, problem: str
) -> None:
    put(path, content)
    file = token_file(path.parent, KEY)

    for attempt in (file.current, file.release, lambda: file.claim(PAIR, NOW)):
        with pytest.raises(ConfigError, match=problem) as told:
            attempt()
        assert str(told.value).startswith(str(path))
        assert "bearer-1" not in str(told.value)

    assert path.read_bytes() == content


def test_a_file_that_others_may_read_is_refused(path: Path) -> None:
    put(path, PLAIN, 0o640)

    with pytest.raises(ConfigError, match="chmod 600"):
        opened_by(path, KEY)

    assert path.read_bytes() == PLAIN


def test_a_new_file_takes_the_place_of_one_left_half_written(path: Path) -> None:
    path.with_name("tokens.new").write_bytes(b"half")

    token_file(path.parent, KEY).keep(PAIR)

    assert opened_by(path, KEY) == PAIR
    assert not path.with_name("tokens.new").exists()


def test_plain_text_that_cannot_be_sealed_is_not_used(path: Path) -> None:
    put(path, PLAIN)
    path.with_name("tokens.new").mkdir()

    with pytest.raises(ConfigError, match="cannot be used"):
        opened_by(path, KEY)

    assert path.read_bytes() == PLAIN


def test_a_place_that_cannot_be_used_is_told(path: Path) -> None:
    path.mkdir()
    nowhere = token_file(path / "missing", KEY)

    with pytest.raises(ConfigError, match="cannot be used"):
        opened_by(path, KEY)
    with pytest.raises(ConfigError, match="let its directory be this user's"):
        nowhere.keep(PAIR)


def test_a_crash_before_the_change_leaves_the_old_pair(path: Path) -> None:
    file = token_file(path.parent, KEY)
    file.keep(PAIR)
    path.with_name("tokens.new").write_bytes(sealed_by(KEY, b'{"bearer":"half'))

    assert file.current() == PAIR


def test_no_secret_shows() -> None:
    opened = Seal([SecretStr(KEY)]).open(sealed_by(KEY))

    assert opened.plain == PLAIN
    assert "bearer" not in repr(opened)
