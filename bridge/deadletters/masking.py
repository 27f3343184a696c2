"""An excerpt of an answer that may be kept: short, nothing secret or personal in it.

Of JSON the shape is kept, and what tells why: under names such as `code`, `type` or
`pointer` a text that looks like a code (`item-not-found`, `INVALID_STATE`) or like a
place (`/lines/0/sku`), and small numbers. Every other text becomes `***`, and so does
all that stands anywhere below a name that sounds secret or personal. Of what is no JSON
only the length is told: a page of a gateway is seldom worth what it may repeat.

What is kept is listed, what is masked is not: an unknown field is masked.
"""

import re

import orjson

LIMIT = 500
"""Characters of an excerpt."""
MASK = "***"

_READ = 64 * 1024  # bytes: a longer body is not looked into
_MOST = 20  # members of an object or a list that are shown
_DEEPEST = 6
_SMALL, _TELLING_SMALL = 1_000, 1_000_000
_LONGEST = 80  # characters of a text that may be a code

_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{0,39}")
_TELLS = re.compile(
    r"(error_?)?codes?|errors?|fields?|loc|path|pointer|reason|status(_?code)?|type",
    re.IGNORECASE,
)
_DELICATE = re.compile(
    r"address|auth|bank|birth|card|city|comment|contact|coupon|credit|customer|gift|iban"
    r"|key|mail|name|note|passw|person|phone|postal|secret|sender|session|shopper|street"
    r"|token|user|zip",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"[a-z]+(?:[-_./:]+[a-z]+)*"  # item-not-found, com.vendor.api:return/gone
    r"|[A-Z]+(?:_[A-Z]+)+"  # INVALID_STATE
    r"|(?:/(?:[A-Za-z_~-]{1,40}|\d{1,4})){1,8}"  # /lines/0/sku
)


def excerpt(body: bytes) -> str:
    """Return what may be kept of `body`, at most `LIMIT` characters; never raises."""
    if not body:
        return ""
    try:
        content: object = orjson.loads(body) if len(body) <= _READ else None
    except orjson.JSONDecodeError:
        content = None
    if not isinstance(content, dict | list):
        return f"({len(body)} bytes, not shown)"
    text = orjson.dumps(_masked(content, tells=False, depth=0)).decode()
    return text if len(text) <= LIMIT else text[: LIMIT - 1] + "…"


def _masked(value: object, *, tells: bool, depth: int) -> object:
    if depth > _DEEPEST:
        return MASK
    if isinstance(value, dict):
        return dict(
            _member(key, each, depth) for key, each in list(value.items())[:_MOST]
        )
    if isinstance(value, list):
        return [_masked(each, tells=tells, depth=depth + 1) for each in value[:_MOST]]
    return value if _may_be_kept(value, tells=tells) else MASK


def _member(key: str, value: object, depth: int) -> tuple[str, object]:
    if _NAME.fullmatch(key) is None:
        return MASK, MASK
    if _DELICATE.search(key):
        return key, MASK
    tells = _TELLS.fullmatch(key) is not None
    return key, _masked(value, tells=tells, depth=depth + 1)


def _may_be_kept(value: object, *, tells: bool) -> bool:
    match value:
        case bool() | None:
            return True
        case int():
            return abs(value) < (_TELLING_SMALL if tells else _SMALL)
        case str():
            return (
                tells and len(value) <= _LONGEST and _CODE.fullmatch(value) is not None
            )
        case _:
            return False
