"""The names of the consumer groups: one for normalising, one for each target."""


def normalize_group(prefix: str) -> str:
    """Return the group of the normalise stage."""
    return f"{prefix}-normalize"


def deliver_group(prefix: str, target: str) -> str:
    """Return the group of one target."""
    return f"{prefix}-deliver-{target}"
