"""The poll stage against the simulated ReturnGO, killed again and again in a day."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
from pydantic import SecretStr

from bridge.platforms.returngo.options import ReturnGoAccount
from bridge.sandbox.journal import Journal
from bridge.sandbox.quota import busiest
from bridge.sandbox.returngo import ReturnGoOptions, ReturnGoSimulator
from tests.support.simulated_time import simulate
from tests.unit.inbound.polls import ACCOUNT, Rig

SHOP, KEY = "one.example", "k1"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: A quarter of what ReturnGO gives, so that the day takes a quarter of the time.
LIMIT = 500
RESERVE = 2  # of each that was killed


class ReturnGo(Rig):
    """A rig whose account is at ReturnGO, with a fetch target in the same process.

    Polling has no limit of its own, so that it takes all that the credential has.
    """

    def __init__(self, rmas: int) -> None:
        super().__init__()
        account = ReturnGoAccount.model_validate(
            {
                "shop": SHOP,
                "api_key": SecretStr(KEY),
                "webhook_tokens": (SecretStr("token-of-the-path"),),
                "base_url": "http://returngo.test",
                "poll": {"calls_per_day": None},
                "budget": [{"requests": LIMIT, "per": DAY}],
            }
        )
        poll = account.polling(ACCOUNT)
        assert poll is not None
        self.polls = {ACCOUNT: poll}
        self.limits = account.budget
        self.simulator = ReturnGoSimulator(
            ReturnGoOptions({KEY: frozenset({SHOP})}, per_day=LIMIT),
            clock=self.clock,
            journal=Journal(self.clock),
        )
        self.rmas = [
            self.simulator.shops[SHOP].create(1 + number % 3) for number in range(rmas)
        ]
        transport = httpx.ASGITransport(app=self.simulator.app)
        self.client = httpx.AsyncClient(transport=transport)
        self.send = self.client.send
        fetching = account.fetching(ACCOUNT)
        assert fetching is not None
        self._api = fetching.api

    async def fetch(self) -> None:
        """Read a return every three minutes, as a target does."""
        while True:
            for rma in self.rmas:
                await self.turns[ACCOUNT].take()
                await self.client.send(self._api.rma(rma.id))
                await self.clock.sleep(timedelta(minutes=3))

    @contextlib.asynccontextmanager
    async def process(self) -> AsyncIterator[None]:
        """Be a process that is killed in the end."""
        stage = await self.stage()
        fetching = asyncio.create_task(self.fetch())
        try:
            yield
        finally:
            fetching.cancel()
            await stage.crash()

    async def close(self) -> None:
        await self.client.aclose()
        await self.simulator.stop()


def test_a_day_with_ten_kills_stays_within_its_calls() -> None:
    async def run() -> None:
        rig = ReturnGo(40)

        for _ in range(10):
            async with rig.process():
                await rig.pass_time(hours=2.9)
        async with rig.process():
            await rig.pass_time(hours=8)

        quota = rig.simulator.quota
        times = quota.times[KEY]
        assert busiest(times, DAY) <= LIMIT
        assert quota.refused[KEY] == 0
        assert sum(at < times[0] + DAY for at in times) >= LIMIT - 10 * RESERVE
        await rig.close()

    simulate(run)
