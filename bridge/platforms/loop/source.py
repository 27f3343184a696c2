"""Loop's inbound side: is it genuine, which return is it about, what does it say.

The signature is over the bytes as they came: Loop signs JSON as PHP writes it, with
escaped slashes, and any other writing of the same JSON has another signature. There
is no time and no delivery id in it (loop.md, section 2): an old signed body replays
cleanly, and how new a document is must be read out of it (`versions.py`).

Webhooks, rows of the list and details are read alike, also those of a server that
speaks Loop's language (Redo's, redo.md section 13).
"""

import base64
import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import orjson
from pydantic import SecretStr, ValidationError

from bridge.canonical.reference import subject_of
from bridge.errors import AuthenticityError, UnreadableError
from bridge.platforms.contract import (
    InboundRequest,
    Observation,
    Privacy,
    Reading,
)
from bridge.platforms.loop import commands, naming
from bridge.platforms.loop.payloads import (
    DOCUMENTS,
    Document,
    GiftCard,
    HubShipment,
    LabelNews,
    LabelRequest,
    LoopReturn,
    ProcessingFailed,
    Restock,
)
from bridge.platforms.loop.translate import PLATFORM, to_reading, to_view
from bridge.platforms.reading import path_of


@dataclass(frozen=True, slots=True)
class Dialect:
    """What may differ from server to server.

    `signature_header` is lower case. `confirm` are the topics that are not believed
    but looked up. With `reopens` a finished return may come alive again.
    """

    signature_header: str = "x-loop-signature"
    confirm: Collection[str] = ()
    reopens: bool = False


class LoopSource:
    """One shop's webhooks and fetched returns, translated."""

    platform = PLATFORM

    def __init__(
        self,
        account: str,
        secrets: tuple[SecretStr, ...],
        privacy: Privacy,
        dialect: Dialect | None = None,
    ) -> None:
        self.account = account
        self._secrets = tuple(secret.get_secret_value().encode() for secret in secrets)
        self._privacy = privacy
        self._dialect = dialect or Dialect()

    def authenticate(self, request: InboundRequest) -> None:
        """Compare the signature of the raw body with every valid one."""
        given = request.headers.get(self._dialect.signature_header, "")
        if not given:
            raise AuthenticityError("no signature", reason="missing_signature")
        text = given.strip().encode(errors="surrogatepass")
        matches = [
            hmac.compare_digest(text, signature(secret, request.body))
            for secret in self._secrets
        ]
        if not any(matches):
            raise AuthenticityError(
                "the signature does not fit", reason="wrong_signature"
            )

    def locate(self, request: InboundRequest) -> str | None:
        """Return `loop/<account>/<id>`, None if the body holds no such id."""
        try:
            content = orjson.loads(request.body)
        except ValueError:
            return None
        return self._subject(content)

    def delivery_id(self, request: InboundRequest) -> str | None:  # noqa: ARG002  port
        """Return None: Loop gives its deliveries no id."""
        return None

    def credible(self, request: InboundRequest) -> bool:
        """Return False for a topic that is to be looked up at Loop first."""
        if not self._dialect.confirm:
            return True
        try:
            topic = naming.topic_of(orjson.loads(request.body))
        except ValueError:
            return True
        return topic not in self._dialect.confirm

    def read(self, observation: Observation) -> Reading:
        """Translate the body; raise UnreadableError.

        Reasons: `not_json`, `no_return` (no object), `unknown_topic`,
        `unknown_trigger`, `no_id` (none that fits into a subject), `shape` (a value
        of another type, at `path`).
        """
        content = _loaded(observation.body)
        model = _model_for(content)
        subject = self._subject(content)
        if subject is None:
            field = naming.id_field(naming.topic_of(content))
            raise UnreadableError("no_id", f"$.{field}")
        return self._reading(
            _validated(model, content), subject, observation.received_at
        )

    def _reading(self, document: Document, subject: str, at: datetime) -> Reading:
        reading: Reading
        match document:
            case LoopReturn():
                view = to_view(document, self.account, self._privacy, at)
                reading = to_reading(document, view, reopens=self._dialect.reopens)
            case LabelNews():
                reading = commands.to_label(document, subject, at)
            case ProcessingFailed():
                reading = commands.to_failure(subject, at)
            case GiftCard():
                reading = commands.to_credit_request(
                    document, subject, self._privacy, at
                )
            case LabelRequest():
                reading = commands.to_label_request(
                    document, subject, self._privacy, at
                )
            case Restock():
                reading = commands.to_restock_request(document, subject, at)
            case HubShipment():
                reading = commands.to_hub_shipment(document, subject, at)
        return reading

    def _subject(self, content: object) -> str | None:
        id_ = naming.native_id(content)
        return id_ and subject_of(PLATFORM, self.account, id_)


def signature(secret: bytes, body: bytes) -> bytes:
    """Return base64 of HMAC-SHA256 over the bytes as they are."""
    return base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest())


def _loaded(body: bytes) -> dict[str, object]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise UnreadableError("not_json") from None
    if not isinstance(content, dict):
        raise UnreadableError("no_return")
    return content


def _model_for(content: dict[str, object]) -> type[Document]:
    topic = naming.topic_of(content)
    if topic not in DOCUMENTS:
        raise UnreadableError("unknown_topic", "$.topic")
    return DOCUMENTS[topic]


def _validated(model: type[Document], content: dict[str, object]) -> Document:
    """Read the vendor's JSON; raise UnreadableError with the place, never a value."""
    try:
        return model.model_validate(content)
    except ValidationError as broken:
        error = broken.errors(include_url=False)[0]
        path = path_of(error)
        raise UnreadableError("shape", path, f"{error['type']} at {path}") from None
