"""Standard Webhooks, both ways; the work is the `standardwebhooks` library's.

The signature covers id, timestamp and body and nothing else. The library checks the
timestamp against the wall clock with five minutes of tolerance both ways.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pydantic import SecretStr
from standardwebhooks.webhooks import (
    EmptyWebhookSecretError,
    Webhook,
    WebhookVerificationError,
    hmac_data,
)

from bridge.errors import AuthenticityError

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_PREFIX = "whsec_"
_WRONG_TIME = "Message timestamp too"  # too old, too new: the library's words


def check_secret(secret: SecretStr) -> SecretStr:
    """Return `secret` if it can sign; raise ValueError that does not repeat it."""
    text = secret.get_secret_value()
    try:
        Webhook(text)
    except (ValueError, EmptyWebhookSecretError) as unfit:
        raise ValueError(f"not the base64 of a key, after {_PREFIX}") from unfit
    if not text.startswith(_PREFIX):
        raise ValueError(f"a signing secret starts with {_PREFIX}")
    return secret


def sign(
    secrets: Sequence[SecretStr], message_id: str, now: datetime, body: str
) -> dict[str, str]:
    """Return the three headers; two secrets give two signatures, space-separated."""
    time = now.astimezone(UTC)
    signatures = [
        Webhook(secret.get_secret_value()).sign(message_id, time, body)
        for secret in secrets
    ]
    return {
        ID: message_id,
        TIMESTAMP: str(int(time.timestamp())),
        SIGNATURE: " ".join(signatures),
    }


def verify(
    secrets: Sequence[SecretStr], headers: Mapping[str, str], body: bytes
) -> None:
    """Return if one of `secrets` signed the message, else raise AuthenticityError.

    Reasons: `missing_signature`, `bad_signature`, `old_timestamp` (also too new).
    """
    if not all(headers.get(name) for name in (ID, TIMESTAMP, SIGNATURE)):
        raise AuthenticityError(
            "a signature header is missing", reason="missing_signature"
        )
    reasons = [_check(secret, headers, body) for secret in secrets]
    if "" in reasons:
        return
    raise AuthenticityError("no signature of ours that is fresh", reason=reasons[0])


def _check(secret: SecretStr, headers: Mapping[str, str], body: bytes) -> str:
    """Return the reason against the message, empty when it is genuine."""
    try:
        _library_check(secret, headers, body)
    except WebhookVerificationError as refused:
        late = str(refused).startswith(_WRONG_TIME)
        return "old_timestamp" if late else "bad_signature"
    except (ValueError, OverflowError):  # a header not of the form `v1,<base64>`
        return "bad_signature"
    return ""


def _library_check(secret: SecretStr, headers: Mapping[str, str], body: bytes) -> None:
    webhook = Webhook(secret.get_secret_value())
    try:
        webhook.verify(body.decode(), dict(headers), json_parse=False)
    except UnicodeDecodeError:
        _check_bytes(secret, headers, body)
        time = datetime.fromtimestamp(int(headers[TIMESTAMP]), UTC)
        stand_in = sign([secret], headers[ID], time, "")
        webhook.verify("", stand_in, json_parse=False)


def _check_bytes(secret: SecretStr, headers: Mapping[str, str], body: bytes) -> None:
    """Compare the signature of a body that is not UTF-8: the library signs text only.

    Such a body cannot be read either, but it is genuine and has to be kept.
    """
    key = base64.b64decode(secret.get_secret_value().removeprefix(_PREFIX) + "==")
    signed = f"{headers[ID]}.{headers[TIMESTAMP]}.".encode() + body
    ours = b"v1," + base64.b64encode(hmac_data(key, signed))
    theirs = headers[SIGNATURE].encode().split(b" ")
    if not any(hmac.compare_digest(ours, signature) for signature in theirs):
        raise WebhookVerificationError("no matching signature")
