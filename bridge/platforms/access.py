"""How the settings name an API: its address, and the token that opens it."""

from typing import Annotated

import httpx
from pydantic import AfterValidator, SecretStr

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


Token = Annotated[Secret, AfterValidator(_header_safe)]
"""What goes into a header, and could not break it."""

WebAddress = Annotated[str, AfterValidator(_web_address)]
"""Where one thing is, as it is written."""

BaseAddress = Annotated[WebAddress, AfterValidator(_without_query)]
"""What paths are added to: no query, no slash at its end."""
