"""What can break: exceptions, each with a short stable `reason` for metrics.

What a call to a target came to is not here: that is a value, an `Outcome`
(`bridge/platforms/contract.py`).
"""


class BridgeError(Exception):
    """Something broke; the message says what happened and what to do."""

    reason = "error"


class ConfigError(BridgeError):
    """The process must not start: configuration or topics do not fit."""

    reason = "config"


class AuthenticityError(BridgeError):
    """An inbound request did not prove who sent it (HTTP 401)."""

    reason = "unauthentic"

    def __init__(self, message: str, *, reason: str = "unauthentic") -> None:
        super().__init__(message)
        self.reason = reason


class UnreadableError(BridgeError):
    """An authenticated body that cannot be read: kept as a dead letter.

    `reason` is short and stable (`not_json`, `no_id`, `shape` …), `path` is the
    JSON path of the offending value (`$.return.items[3].quantity`), `$` for the
    whole body. The message holds no value out of the body.
    """

    def __init__(self, reason: str, path: str = "$", detail: str = "") -> None:
        super().__init__(detail or f"{reason} at {path}")
        self.reason = reason
        self.path = path
        self.detail = detail


class LostOwnership(BridgeError):
    """Another owner has fenced this one: let go of the partition at once."""

    reason = "lost_ownership"


class UnavailableError(BridgeError):
    """Kafka did not acknowledge in time; the sender is asked to come back."""

    reason = "kafka_unavailable"
