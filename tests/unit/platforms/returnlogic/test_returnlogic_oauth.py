"""Codes, refreshes, and how the calls of one team share its tokens."""

import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from bridge.platforms.contract import Failed, Throttled, Unauthorized
from bridge.platforms.returnlogic.api import Api
from bridge.platforms.returnlogic.oauth import SOON, Client, FixedKey, Pair
from bridge.platforms.returnlogic.seal import make_key
from bridge.platforms.returnlogic.token_file import CLAIMED_FOR, TokenFile
from tests.unit.platforms.returnlogic.calls import (
    NOW,
    Server,
    answering,
    held,
    token_file,
)

URL = "https://returnlogic.test/v1"
CLIENT = Client(URL, "demo-client", SecretStr("the-client-secret"))
OLD = Pair("bearer-1", "refresh-1")


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    made = token_file(tmp_path, make_key())
    made.keep(OLD)
    return made


def granting(bearer: str = "bearer-2", refresh: str | None = "refresh-2") -> Server:
    """Take `bearer` alone, and grant it."""

    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/oauth"):
            pair = {"bearer_token": bearer, "refresh_token": refresh}
            return httpx.Response(200, json=pair)
        valid = request.headers["authorization"] == f"Bearer {bearer}"
        return httpx.Response(200 if valid else 401)

    return serve


def test_a_code_is_traded_for_a_pair() -> None:
    granted, requests = held(CLIENT.exchange("demo-code-1", NOW), granting())

    assert granted == Pair("bearer-2", "refresh-2")
    assert json.loads(requests[0].content) == {
        "grant_type": "authorization_code",
        "client_id": "demo-client",
        "client_secret": "the-client-secret",
        "code": "demo-code-1",
    }


@pytest.mark.parametrize(
    ("code", "body", "outcome"),
    [
        (400, None, Unauthorized("grant_refused")),
        (401, None, Unauthorized("grant_refused")),
        (429, None, Throttled(None)),
        (503, None, Failed("http_503")),
        (200, {"access_token": "x"}, Failed("unreadable_answer")),
        (200, {"bearer_token": ""}, Failed("unreadable_answer")),
    ],
)
def test_a_grant_may_come_to_nothing(code: int, body: object, outcome: object) -> None:
    granted, _ = held(CLIENT.exchange("c", NOW), answering(code, body))

    assert granted == outcome


def test_no_secret_shows() -> None:
    assert "secret" not in repr(CLIENT).replace("client_secret", "")
    assert "bearer-1" not in repr(OLD)


def test_the_first_401_refreshes_and_asks_again(file: TokenFile) -> None:
    api = Api(URL, file, CLIENT)

    answer, requests = held(api.call("GET", "/x", NOW), granting())

    assert isinstance(answer, httpx.Response)
    assert [request.method for request in requests] == ["GET", "POST", "GET"]
    assert OLD.refresh == json.loads(requests[1].content)["refresh_token"]
    assert file.current() == Pair("bearer-2", "refresh-2")


def test_a_refresh_without_rotation_keeps_the_refresh_token(file: TokenFile) -> None:
    held(Api(URL, file, CLIENT).call("GET", "/x", NOW), granting(refresh=None))

    assert file.current() == Pair("bearer-2", "refresh-1")


def test_one_refreshes_and_the_others_wait(file: TokenFile) -> None:
    api = Api(URL, file, CLIENT)
    first, other = api.call("GET", "/x", NOW), api.call("GET", "/x", NOW)
    for conversation in (first, other):
        next(conversation)
    refresh = first.send(httpx.Response(401))

    outcome, _ = held(api.call("GET", "/x", NOW), answering(401))
    with pytest.raises(StopIteration) as waiting:
        other.send(httpx.Response(401))

    assert refresh.url.path == "/v1/oauth"
    assert outcome == waiting.value.value == Throttled(SOON)


def test_a_key_is_used_as_it_is_and_never_refreshed() -> None:
    key = FixedKey(SecretStr("the-key"))

    outcome, requests = held(Api(URL, key).call("GET", "/x", NOW), answering(401))
    key.keep(OLD)
    key.release()

    assert outcome == Unauthorized("http_401")
    assert len(requests) == 1
    assert not key.claim(OLD, NOW)
    assert key.current() == Pair("the-key")


def test_who_comes_after_the_refresh_takes_its_pair(file: TokenFile) -> None:
    api = Api(URL, file, CLIENT)
    late = api.call("GET", "/x", NOW)
    next(late)
    held(api.call("GET", "/x", NOW), granting())

    again = late.send(httpx.Response(401))

    assert again.headers["authorization"] == "Bearer bearer-2"


def test_a_refresh_that_is_refused_leaves_the_team_unauthorised(
    file: TokenFile,
) -> None:
    api = Api(URL, file, CLIENT)

    outcome, _ = held(api.call("GET", "/x", NOW), answering(401))

    assert outcome == Unauthorized("grant_refused")
    assert file.current() == OLD
    assert file.claim(OLD, NOW)


def test_a_refresh_that_was_given_up_may_be_begun_again(file: TokenFile) -> None:
    assert file.claim(OLD, NOW)
    assert not file.claim(OLD, NOW + CLAIMED_FOR - timedelta(seconds=1))
    assert file.claim(OLD, NOW + CLAIMED_FOR)


def test_only_the_pair_that_is_kept_can_be_refreshed(file: TokenFile) -> None:
    assert not file.claim(Pair("bearer-0", "refresh-0"), NOW)


def test_before_the_installation_there_is_nothing(tmp_path: Path) -> None:
    file = token_file(tmp_path, make_key())

    outcome, requests = held(Api(URL, file, CLIENT).call("GET", "/x", NOW), granting())

    assert outcome == Unauthorized("no_token")
    assert requests == []
    assert not file.claim(OLD, NOW)
    file.release()
    assert file.current() is None


def test_tokens_that_cannot_be_read_leave_the_team_unauthorised(tmp_path: Path) -> None:
    (tmp_path / "tokens").mkdir()
    file = token_file(tmp_path, make_key())

    outcome, _ = held(Api(URL, file, CLIENT).call("GET", "/x", NOW), granting())

    assert outcome == Unauthorized("tokens_unusable")


def test_tokens_that_cannot_be_kept_leave_the_team_unauthorised(
    file: TokenFile, tmp_path: Path
) -> None:
    (tmp_path / "tokens.new").mkdir()

    outcome, _ = held(Api(URL, file, CLIENT).call("GET", "/x", NOW), granting())

    assert outcome == Unauthorized("tokens_unusable")
    assert file.current() == OLD
