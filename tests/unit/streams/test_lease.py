from datetime import timedelta

from bridge.streams.lease import Lease
from tests.support.clock import FakeClock

LEASE = timedelta(seconds=5)


async def test_no_call_may_start_before_the_first_transaction() -> None:
    assert not Lease(FakeClock(), LEASE).holds()


async def test_a_lease_counts_from_the_start_of_the_transaction() -> None:
    clock = FakeClock()
    lease = Lease(clock, LEASE)
    started = clock.monotonic()
    await clock.advance(timedelta(seconds=3))

    lease.renew(started)

    assert lease.holds()
    await clock.advance(timedelta(seconds=2))
    assert not lease.holds()


async def test_an_older_transaction_does_not_shorten_a_lease() -> None:
    clock = FakeClock()
    lease = Lease(clock, LEASE)

    lease.renew(2.0)
    lease.renew(1.0)

    await clock.advance(timedelta(seconds=6.5))
    assert lease.holds()


async def test_a_successor_waits_until_no_call_can_be_left() -> None:
    clock = FakeClock()
    lease = Lease(clock, LEASE)
    lease.wait_for_predecessor(clock.monotonic(), timedelta(seconds=20))

    await clock.advance(timedelta(seconds=19))
    lease.renew(clock.monotonic())

    assert not lease.holds()
    assert lease.handover_left() == timedelta(seconds=1)
    await clock.advance(timedelta(seconds=1))
    assert lease.holds()
    assert lease.handover_left() == timedelta()


async def test_a_lease_given_up_is_not_renewed() -> None:
    clock = FakeClock()
    lease = Lease(clock, LEASE)
    lease.renew(clock.monotonic())

    lease.end()
    lease.renew(clock.monotonic())

    assert not lease.holds()
