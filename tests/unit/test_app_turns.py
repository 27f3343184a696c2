"""One line at each credential: targets and polling share its budget."""

from datetime import datetime, timedelta

import pytest

from bridge import settings
from bridge.app.stages import make_turns
from bridge.sandbox.quota import MINUTE, SECOND, busiest
from bridge.settings import Settings
from tests.support.clock import START, FakeClock

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


def returnlogic() -> Settings:
    account = {
        "platform": "returnlogic",
        "api_key": {"env": "API"},
        "webhook_tokens": [{"env": "HOOK"}],
        "poll": {"query": "/rmas?since={since}"},
    }
    return settings.build(
        {
            "kafka": {"bootstrap": "127.0.0.1:9092"},
            "privacy": {"hash_key": {"env": "KEY"}},
            "topics": {"partitions": 12},
            "accounts": {"shop": account},
            "targets": {
                "fetch": {"kind": "fetch", "account": "shop"},
                "acks": {"kind": "returnlogic", "account": "shop"},
            },
        },
        {**SECRETS, "HOOK": "token-at-the-end-of-the-path"},
    )


@pytest.mark.parametrize("split", [1, 5, 6, 11])
@pytest.mark.parametrize("late", [0.0, 0.33, 0.9])
def test_two_processes_never_make_more_calls_than_returnlogic_takes(
    split: int, late: float
) -> None:
    budgets = [make_turns(returnlogic(), FakeClock())["shop"].budget for _ in range(2)]
    for name in ("fetch", "acks", "(polling)"):
        for budget, owned in zip(budgets, (split, 12 - split), strict=True):
            budget.own(name, owned, 12)

    went: list[datetime] = []
    for budget, begins in zip(budgets, (0.0, late), strict=True):
        now = begins
        while now < 300.0:  # each goes as early as it may
            budget.take(now)
            went.append(START + timedelta(seconds=now))
            now += budget.wait(now).total_seconds()

    assert busiest(went, SECOND) <= 2
    assert busiest(went, MINUTE) <= 120
    assert len(went) > 300


def test_a_process_that_only_polls_has_the_share_of_polling() -> None:
    budget = make_turns(configured("one", "two"), FakeClock())["shop"].budget

    budget.own("(polling)", 12, 12)

    assert budget.share == pytest.approx(1 / 3)
