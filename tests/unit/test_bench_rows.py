"""What a benchmark says of the machine beside its figures."""

from pathlib import Path

from bridge.app.benchmarks.rows import Stolen

TIMES = "cpu  {user} 0 100 {idle} 0 0 0 {steal} 7 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n"


def test_the_time_that_other_guests_had_is_told_as_a_share_of_all(
    tmp_path: Path,
) -> None:
    source = tmp_path / "stat"
    source.write_text(TIMES.format(user=1_000, idle=500, steal=30))
    stolen = Stolen(source)

    source.write_text(TIMES.format(user=1_600, idle=750, steal=180))

    assert stolen.percent() == 15.0


def test_where_the_system_does_not_tell_nothing_is_stolen(tmp_path: Path) -> None:
    assert Stolen(tmp_path / "none").percent() == 0.0
