"""`returns-bridge sandbox returngo|returnlogic` as processes: they serve and stop."""

from collections.abc import Awaitable, Callable

import pytest

from bridge.app.unsigned_sandboxes import UnsignedSandbox, sandbox_returngo
from bridge.errors import ConfigError
from bridge.sandbox.unsigned import DEMO_KEY, DEMO_SHOP
from tests.support import loopback
from tests.support.sandboxes import sandbox
from tests.unit.sandbox.conftest import Receiver

Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("platform", "path", "headers"),
    [
        (
            "returngo",
            "/rmas?pagesize=5",
            {"x-api-key": DEMO_KEY, "x-shop-name": DEMO_SHOP},
        ),
        ("returnlogic", "/rmas", {"authorization": f"Bearer {DEMO_KEY}"}),
    ],
)
async def test_it_serves_shops_and_sends_until_it_is_stopped(
    platform: str, path: str, headers: dict[str, str], receiver: Receiver, until: Until
) -> None:
    played = (platform, "--hook", receiver.url, "--rate", "20", "--faults", "none")
    async with (
        sandbox(*played) as address,
        loopback.client(headers=headers) as client,
    ):
        await until(lambda: len(receiver.bodies) > 2)
        answer = await client.get(f"{address}{path}")

    assert answer.status_code == 200
    assert answer.json()


@pytest.mark.timeout(120)
async def test_without_a_hook_and_a_rate_it_only_answers() -> None:
    headers = {"x-api-key": DEMO_KEY, "x-shop-name": DEMO_SHOP}
    arguments = ("returngo", "--rate", "0", "--per-day", "1")
    async with sandbox(*arguments) as url, loopback.client(headers=headers) as client:
        answers = [await client.get(f"{url}/rmas?pagesize=5") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("platform", "mode", "told"),
    [
        ("returngo", "notify_only=true", ("notify_only", True)),
        ("returngo", "retries=yes", ("retries", True)),
        ("returnlogic", "acknowledges=throttled", ("acknowledges", "throttled")),
        ("returnlogic", "lifetime=PT5M", ("lifetime", "PT5M")),
    ],
)
async def test_a_mode_is_switched_before_it_serves(
    platform: str, mode: str, told: tuple[str, object]
) -> None:
    async with (
        sandbox(platform, "--rate", "0", "--mode", mode) as address,
        loopback.client() as client,
    ):
        root = address.removesuffix("/v1")
        modes = (await client.get(f"{root}/sandbox/modes")).json()

    assert modes[told[0]] == told[1]


@pytest.mark.parametrize("mode", ["notify_only", "strange=1", "webhooks=loud"])
async def test_a_mode_that_is_not_there_ends_it_at_once(mode: str) -> None:
    options = UnsignedSandbox("127.0.0.1", 0, None, "none", modes=(mode,))

    with pytest.raises(ConfigError, match=mode.partition("=")[0]):
        await sandbox_returngo(options, per_day=2_000)
