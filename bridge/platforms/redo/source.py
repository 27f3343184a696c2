"""Redo's inbound side: is it genuine, which return is it about, what does it say.

Redo signs nothing and numbers nothing (redo.md, section 5): the bearer token that we
chose is all the authenticity there is, and `return.updatedAt`, then `at`, then the
content order two bodies. Bodies of webhooks, polls and fetches are read alike.
"""

import hashlib
import hmac
import re
from datetime import datetime

import orjson
from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from bridge.canonical.model import Return
from bridge.canonical.reference import subject_of
from bridge.errors import AuthenticityError, UnreadableError
from bridge.platforms.contract import (
    InboundRequest,
    Observation,
    PlatformView,
    Privacy,
    Version,
)
from bridge.platforms.reading import path_of, stamp
from bridge.platforms.redo.payloads import Document
from bridge.platforms.redo.shapes import Said
from bridge.platforms.redo.translate import PLATFORM, to_return

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SCHEME = "bearer "


class RedoSource:
    """One store's webhooks and fetched returns, translated."""

    platform = PLATFORM

    def __init__(
        self, account: str, tokens: tuple[SecretStr, ...], privacy: Privacy
    ) -> None:
        self.account = account
        self._tokens = tuple(token.get_secret_value().encode() for token in tokens)
        self._privacy = privacy

    def authenticate(self, request: InboundRequest) -> None:
        """Compare the bearer token with every valid one, in constant time."""
        given = request.headers.get("authorization", "")
        if not given[: len(_SCHEME)].lower() == _SCHEME:
            raise AuthenticityError("no bearer token", reason="missing_token")
        token = given[len(_SCHEME) :].strip().encode(errors="surrogatepass")
        matches = [hmac.compare_digest(token, valid) for valid in self._tokens]
        if not any(matches):
            raise AuthenticityError("unknown bearer token", reason="wrong_token")

    def locate(self, request: InboundRequest) -> str | None:
        """Return `redo/<account>/<return id>`, None if the body holds no such id."""
        try:
            id_ = orjson.loads(request.body)["return"]["id"]
        except (ValueError, TypeError, LookupError):
            return None
        return subject_for(self.account, id_)

    def delivery_id(self, request: InboundRequest) -> str | None:  # noqa: ARG002  port
        """Return None: Redo gives its deliveries no id."""
        return None

    def credible(self, request: InboundRequest) -> bool:  # noqa: ARG002  port
        """Return True: what is authentic here is believed."""
        return True

    def read(self, observation: Observation) -> PlatformView:
        """Translate the body; raise UnreadableError.

        Reasons: `not_json`, `no_return`, `no_id` (none that fits into a subject),
        `shape` (a value of another type, at `path`).
        """
        document = parse(observation.body)
        said = to_return(document, self.account, self._privacy)
        is_read = observation.channel != "webhook"
        version = version_of(
            document, said, observation.received_at if is_read else None
        )
        said["observed_at"] = observation.received_at
        return PlatformView(Return.model_validate(said), version)


def subject_for(account: str, id_: object) -> str | None:
    """Return `redo/<account>/<id>`, None for an id that fits into no subject."""
    if isinstance(id_, bool) or not isinstance(id_, str | int | float):
        return None
    return subject_of(PLATFORM, account, str(id_)) if _ID.fullmatch(str(id_)) else None


def parse(body: bytes) -> Document:
    """Read the vendor's JSON; raise UnreadableError with the place, never a value."""
    try:
        return Document.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError:
        raise UnreadableError("not_json") from None
    except ValidationError as broken:
        raise _unreadable(broken.errors(include_url=False)[0]) from None


def _unreadable(error: ErrorDetails) -> UnreadableError:
    place, path = error["loc"], path_of(error)
    if place == ("return",) and (error["type"] == "missing" or error["input"] is None):
        return UnreadableError("no_return", path)
    if place == ("return", "id"):
        return UnreadableError("no_id", path)
    return UnreadableError("shape", path, f"{error['type']} at {path}")


def version_of(document: Document, said: Said, read_at: datetime | None) -> Version:
    """Return update time, time of sending and content hash, in that order of weight.

    A body that was read instead of sent has the time of reading: scans may move no
    update time, so the later look counts. Content is what the body says in canonical
    names, without the time it was seen at: what two bodies say alike is the same,
    whichever way they came.
    """
    source, at = document.return_, document.at
    content = orjson.dumps(said, default=vars)  # money is a model already
    return Version(
        stamp=stamp(source.updated_at or at or source.created_at),
        at=stamp(at or read_at or source.updated_at),
        content=hashlib.sha256(content).hexdigest()[:32],
    )
