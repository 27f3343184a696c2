"""What is wrong with a request, as RFC 9457 says it: one table, made once."""

from dataclasses import dataclass

import orjson

from bridge.inbound.asgi import Answer, Header, answer

CONTENT_TYPE = b"application/problem+json"
_TYPE = "urn:returns-bridge:problem:"
_RETRY: Header = (b"retry-after", b"5")


@dataclass(frozen=True, slots=True)
class Problem:
    """One way to refuse; `reason` is short and stable, and part of the `type`."""

    reason: str
    status: int
    title: str
    detail: str
    headers: tuple[Header, ...] = ()

    @property
    def type(self) -> str:
        """The problem's stable URI."""
        return _TYPE + self.reason

    def answer(self) -> Answer:
        """Return the whole answer."""
        body = orjson.dumps(
            {
                "type": self.type,
                "title": self.title,
                "status": self.status,
                "detail": self.detail,
            }
        )
        return answer(self.status, body, CONTENT_TYPE, *self.headers)


BAD_REQUEST = Problem(
    "bad-request", 400, "Bad request", "The request is not well-formed HTTP/1.1."
)
UNAUTHENTIC = Problem(
    "unauthentic",
    401,
    "Not authenticated",
    "The token or signature is missing, wrong or too old; nothing was stored.",
    ((b"www-authenticate", b'Webhook realm="returns-bridge"'),),
)
NOT_FOUND = Problem("not-found", 404, "Not found", "There is nothing at this path.")
UNKNOWN_ACCOUNT = Problem(
    "unknown-account",
    404,
    "Unknown account",
    "No account of this name is configured; nothing was stored.",
)
METHOD_NOT_ALLOWED = Problem(
    "method-not-allowed",
    405,
    "Method not allowed",
    "Webhooks are sent with POST.",
    ((b"allow", b"POST"),),
)
READ_ONLY = Problem(
    "method-not-allowed",
    405,
    "Method not allowed",
    "This path is read with GET.",
    ((b"allow", b"GET, HEAD"),),
)
SLOW_HEAD = Problem(
    "slow-head", 408, "Request timeout", "The request's head did not arrive in time."
)
SLOW_BODY = Problem(
    "slow-body", 408, "Request timeout", "The request's body did not arrive in time."
)
BODY_TOO_LARGE = Problem(
    "body-too-large", 413, "Body too large", "The body is over the limit."
)
HEAD_TOO_LARGE = Problem(
    "head-too-large", 431, "Head too large", "The request's head is over the limit."
)
FAILED = Problem(
    "failed",
    500,
    "Internal error",
    "The bridge made a mistake; send it again.",
    (_RETRY,),
)
UNAVAILABLE = Problem(
    "kafka-unavailable",
    503,
    "Not stored",
    "Kafka did not acknowledge in time; send it again.",
    (_RETRY,),
)
BUSY = Problem(
    "busy",
    503,
    "Busy",
    "Too much is being received at the moment; send it again.",
    (_RETRY,),
)


class Refused(Exception):
    """The request was read and is answered with `problem`; nothing was stored.

    `reason` goes to log and metrics; the sender is told the problem only.
    """

    def __init__(self, problem: Problem, reason: str | None = None) -> None:
        super().__init__(problem.reason)
        self.problem = problem
        self.reason = reason or problem.reason


class Unread(Refused):
    """Refused before the body was read whole: the connection is closed as well."""


#: Everything a webhook may be told, for the OpenAPI document.
OF_WEBHOOKS = (
    BAD_REQUEST,
    UNAUTHENTIC,
    UNKNOWN_ACCOUNT,
    METHOD_NOT_ALLOWED,
    SLOW_HEAD,
    SLOW_BODY,
    BODY_TOO_LARGE,
    HEAD_TOO_LARGE,
    FAILED,
    UNAVAILABLE,
    BUSY,
)
