from datetime import timedelta

from bridge.delivery.gate import PROBE_EVERY, Gate
from tests.support.clock import START


def test_an_open_gate_lets_everything_pass() -> None:
    gate = Gate()

    assert gate.is_open
    assert gate.admits(START)
    assert gate.wait(START) == timedelta()


def test_a_gate_is_shut_once_for_any_number_of_alarms() -> None:
    gate = Gate()

    assert gate.shut(START)
    assert not gate.shut(START)
    assert not gate.admits(START)


def test_one_probe_passes_a_shut_gate_in_a_while() -> None:
    gate = Gate()
    gate.shut(START)
    later = START + PROBE_EVERY

    assert gate.wait(START) == PROBE_EVERY
    assert gate.admits(later)
    assert not gate.admits(later)


def test_a_probe_that_works_opens_the_gate() -> None:
    gate = Gate()
    gate.shut(START)

    assert gate.open()
    assert not gate.open()
    assert gate.admits(START)
