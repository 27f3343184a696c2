"""What a benchmark says of the machine beside its figures."""

from types import SimpleNamespace

import psutil
import pytest

from bridge.app.benchmarks.rows import stolen


@pytest.mark.parametrize(
    ("times", "share"),
    [(SimpleNamespace(idle=25.0, steal=15.0), 15.0), (SimpleNamespace(idle=25.0), 0.0)],
)
def test_the_time_that_other_guests_had_is_told_where_the_system_tells_it(
    monkeypatch: pytest.MonkeyPatch, times: SimpleNamespace, share: float
) -> None:
    monkeypatch.setattr(psutil, "cpu_times_percent", lambda: times)

    assert stolen() == share
