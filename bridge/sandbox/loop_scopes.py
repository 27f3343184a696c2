"""What a key or a token of the simulated Loop may be used for (loop.md, section 1)."""

from collections.abc import Collection

RETURNS, DEVELOPER = "returns", "developer_tools"
LABELS_WRITE = "labels:write"
LABEL_REQUESTS_READ = "label_requests:read"
LABEL_REQUESTS_WRITE = "label_requests:write"
HUB_SHIPMENTS = "happy_returns_shipments:read"
ALL_SCOPES = frozenset(
    {RETURNS, DEVELOPER, "labels:*", "label_requests:*", HUB_SHIPMENTS}
)

#: Scopes that take a token: a key is not enough for the Label API.
BY_TOKEN_ONLY = frozenset({LABELS_WRITE})


def covers(held: Collection[str], wanted: str) -> bool:
    """Tell whether `held` allows `wanted`; `labels:*` allows all of labels."""
    return wanted in held or f"{wanted.partition(':')[0]}:*" in held
