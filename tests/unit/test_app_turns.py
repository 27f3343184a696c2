"""One line at each credential: targets and polling share its budget."""

import pytest

from bridge import settings
from bridge.app.stages import make_turns
from bridge.settings import Settings
from tests.support.clock import FakeClock

SECRETS = {"API": "api-token", "HOOK": "hook-token", "KEY": "k" * 32}


def configured(*targets: str) -> Settings:
    return settings.build(
        {
            "kafka": {"bootstrap": "127.0.0.1:9092"},
            "privacy": {"hash_key": {"env": "KEY"}},
            "topics": {"partitions": 12},
            "accounts": {
                "shop": {
                    "platform": "redo",
                    "store_id": "s1",
                    "api_token": {"env": "API"},
                    "webhook_tokens": [{"env": "HOOK"}],
                }
            },
            "targets": {name: {"kind": "redo", "account": "shop"} for name in targets},
        },
        SECRETS,
    )


@pytest.mark.parametrize("split", [0, 5, 12])
def test_the_shares_of_two_processes_make_a_whole(split: int) -> None:
    budgets = [
        make_turns(configured("one", "two"), FakeClock())["shop"].budget
        for _ in range(2)
    ]

    for name in ("one", "two", "(polling)"):
        for budget, owned in zip(budgets, (split, 12 - split), strict=True):
            budget.own(name, owned, 12)

    shares = [budget.share for budget in budgets]
    assert sum(shares) == pytest.approx(1.0, abs=1 / 36)


def test_a_process_that_only_polls_has_the_share_of_polling() -> None:
    budget = make_turns(configured("one", "two"), FakeClock())["shop"].budget

    budget.own("(polling)", 12, 12)

    assert budget.share == pytest.approx(1 / 3)
