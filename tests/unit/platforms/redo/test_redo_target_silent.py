"""Events about which the target asks Redo nothing at all."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from bridge.canonical.envelope import Event
from bridge.platforms.contract import Context, Outcome, Refused, Skipped
from bridge.platforms.redo.rules import DEFAULT_RULES, Rule
from bridge.platforms.redo.target import RedoTarget

NOW = datetime(2027, 3, 14, 12, 0, tzinfo=UTC)


def event(type_: str, subject: str = "redo/demo/r1", body: bytes = b"{}") -> Event:
    return Event("e", type_, subject, 1, "c", NOW, "/redo/demo", "cause", body)


def deliver(event_: Event, *rules: Rule) -> Outcome:
    """Return the outcome; a request would be an error of the test."""
    target = RedoTarget(
        "to-redo",
        account="demo",
        base_url="https://redo.test/v2.2",
        token=SecretStr("secret"),
        rules=rules or DEFAULT_RULES,
    )
    with pytest.raises(StopIteration) as end:
        next(target.deliver(event_, Context(attempt=1, now=NOW)))
    outcome: Outcome = end.value.value
    return outcome


def test_events_without_a_rule_are_skipped() -> None:
    assert deliver(event("return.approved")) == Skipped("no_rule")


@pytest.mark.parametrize("subject", ["redo/other/r1", "warehouse/demo/r1", "r1"])
def test_events_of_other_accounts_are_skipped(subject: str) -> None:
    assert deliver(event("goods.received", subject)) == Skipped("other_account")


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b'{"return": null}'])
def test_an_event_that_cannot_be_read_is_refused(body: bytes) -> None:
    broken = event("goods.received", body=body)

    assert deliver(broken) == Refused("unreadable_event")


def test_an_event_of_a_type_that_is_gone_is_refused() -> None:
    rule = Rule.model_construct(on="goods.eaten", when="always", comment="x")

    assert deliver(event("goods.eaten"), rule) == Refused("unreadable_event")
