"""The names of the consumer groups: one for each stage, and one for each target."""


def normalize_group(prefix: str) -> str:
    """Return the group of the normalise stage."""
    return f"{prefix}-normalize"


def poll_group(prefix: str) -> str:
    """Return the group of the poll stage."""
    return f"{prefix}-poll"


def deliver_group(prefix: str, target: str) -> str:
    """Return the group of one target."""
    return f"{prefix}-deliver-{target}"
