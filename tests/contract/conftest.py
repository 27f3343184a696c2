"""What contract tests share."""

import pytest


@pytest.fixture(autouse=True)
def uncounted(no_cover: None) -> None:
    """Count no lines: the pure core is covered without these, in half the time."""
