"""What lets one system into another: types of settings, and comparing tokens."""

import hmac
from collections.abc import Iterable
from typing import Annotated

import httpx
from pydantic import AfterValidator, SecretStr

from bridge.errors import AuthenticityError
from bridge.platforms.contract import InboundRequest
from bridge.secret import Secret


def _header_safe(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not (text and text.isascii() and text.isprintable() and " " not in text):
        raise ValueError("a token is printable ASCII without spaces, and not empty")
    return secret


def _web_address(text: str) -> str:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise ValueError("not a web address") from None
    if url.scheme not in {"http", "https"} or not url.host or url.fragment:
        raise ValueError("write http(s)://host/path, without fragment")
    return text


def _without_query(text: str) -> str:
    if httpx.URL(text).query:
        raise ValueError("write http(s)://host/path, without query and fragment")
    return text.rstrip("/")


_SHORTEST_IN_PATH = 16


def _unguessable(secret: SecretStr) -> SecretStr:
    text = _header_safe(secret).get_secret_value()
    if len(text) < _SHORTEST_IN_PATH or set(text) & set("/?#%"):
        raise ValueError(
            f"a token in a path has {_SHORTEST_IN_PATH} or more signs, none of / ? # %"
        )
    return secret


Token = Annotated[Secret, AfterValidator(_header_safe)]
"""What goes into a header, and could not break it."""

PathToken = Annotated[Secret, AfterValidator(_unguessable)]
"""A secret that stands in a path and is all the authenticity a sender offers."""

WebAddress = Annotated[str, AfterValidator(_web_address)]
"""Where one thing is, as it is written."""

BaseAddress = Annotated[WebAddress, AfterValidator(_without_query)]
"""What paths are added to: no query, no slash at its end."""


def known_token(given: str, tokens: Iterable[SecretStr]) -> bool:
    """Tell whether `given` is one of `tokens`; constant time, all are compared."""
    text = given.encode(errors="surrogatepass")
    valid = (token.get_secret_value().encode() for token in tokens)
    matches = [hmac.compare_digest(text, each) for each in valid]
    return any(matches)


def check_path_token(request: InboundRequest, tokens: Iterable[SecretStr]) -> None:
    """Raise AuthenticityError unless the webhook's path ends with a token of ours."""
    if not request.token:
        raise AuthenticityError("no token in the path", reason="missing_token")
    if not known_token(request.token, tokens):
        raise AuthenticityError("unknown token in the path", reason="wrong_token")


def shown_address(url: str, tokens: Iterable[SecretStr]) -> str:
    """Return a webhook's address without the token that ends it, or any query.

    The first of `tokens` is the one in use; an address that ends with another is told
    as such.
    """
    current, *former = (f"/{token.get_secret_value()}" for token in tokens)
    if url.endswith(current):
        return url.removesuffix(current)
    if any(map(url.endswith, former)):
        return f"{url.rpartition('/')[0]}/(former token)"
    return url.partition("?")[0]
