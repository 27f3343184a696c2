"""Targets that write to a platform by rules: the part that all of them share.

A rule names an event and perhaps a condition. What it makes the target do, and how, is
its platform's own, behind `Desk`: each step is a conversation that looks before it
writes. The steps of an event go one after the other, and the first that comes to
nothing ends them: the event is tried again later, and what was done is found done.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, Protocol, TypeVar

from pydantic import ValidationError

from bridge.canonical.envelope import Event
from bridge.canonical.event_data import EventData
from bridge.canonical.model import Return
from bridge.canonical.reference import subject_of
from bridge.errors import ConfigError, UnreadableError
from bridge.platforms.contract import (
    AccountOptions,
    AlreadyApplied,
    Context,
    Conversation,
    Delivered,
    Options,
    Outcome,
    Refused,
    Skipped,
)
from bridge.platforms.findings import EventName, all_good, render
from bridge.platforms.probing import until_write


class Ruling(Options):
    """What every rule begins with: on this event, if the condition holds."""

    on: EventName
    when: Literal["always", "all_good"] = "always"

    def holds(self, view: Return) -> bool:
        """Tell whether the condition is met by the return as it stands."""
        return self.when == "always" or all_good(view)


Rule = TypeVar("Rule", bound=Ruling)
Rule_contra = TypeVar("Rule_contra", bound=Ruling, contravariant=True)
Account = TypeVar("Account", bound=AccountOptions)
Api = TypeVar("Api")


@dataclass(frozen=True, slots=True)
class Occasion:
    """An event to act on, read. `id` is what the platform calls its return."""

    event: Event
    data: EventData
    id: str
    now: datetime

    @property
    def key(self) -> str:
        """The idempotency key: the same on every try."""
        return self.event.id

    @property
    def mark(self) -> str:
        """What a text of this event is found by."""
        return f"[bridge {self.event.id}]"

    def words(self, wording: str) -> str:
        """Return a rule's text with its words filled in."""
        return render(wording, self.event.type, self.data)


class Desk(Protocol[Rule_contra]):
    """One return at its platform, while one event is acted on."""

    def steps(self, rule: Rule_contra) -> Iterable[Conversation]:
        """Return what a rule makes us do, in order; nothing where nothing fits."""
        ...


class RuledTarget(Generic[Rule]):
    """One account of a platform as a destination of events."""

    def __init__(
        self,
        name: str,
        *,
        account: tuple[str, str],
        rules: Sequence[Rule],
        desk: Callable[[Occasion], Desk[Rule]],
    ) -> None:
        """Serve `account`, a platform and the account's name there."""
        self.name = name
        self._prefix = subject_of(*account, "")
        self._rules = tuple(rules)
        self._desk = desk

    def deliver(self, event: Event, context: Context) -> Conversation:
        """Act on the rules of the event's type, in their order."""
        if not event.subject.startswith(self._prefix):
            return Skipped("other_account")
        rules = [rule for rule in self._rules if rule.on == event.type]
        if not rules:
            return Skipped("no_rule")
        try:
            data = event.read()
        except (UnreadableError, ValidationError):
            return Refused("unreadable_event")
        id_ = event.subject.removeprefix(self._prefix)
        return (yield from self._act(rules, Occasion(event, data, id_, context.now)))

    def probe(self, event: Event, context: Context) -> Conversation:
        """Read what a delivery would read: that tells what is done."""
        return until_write(self.deliver(event, context))

    def _act(self, rules: list[Rule], occasion: Occasion) -> Conversation:
        desk = self._desk(occasion)
        done: list[Delivered | AlreadyApplied] = []
        for rule in (rule for rule in rules if rule.holds(occasion.data.return_)):
            for step in desk.steps(rule):
                outcome = yield from step
                if not isinstance(outcome, Delivered | AlreadyApplied):
                    return outcome
                done.append(outcome)
        return _sum(done) if done else Skipped("condition_not_met")


def _sum(done: list[Delivered | AlreadyApplied]) -> Outcome:
    evidence = ", ".join(part.evidence for part in done)
    if all(isinstance(part, AlreadyApplied) for part in done):
        return AlreadyApplied(evidence)
    return Delivered(evidence)


def account_for(
    target: str, account: AccountOptions, *, of: type[Account], named: str
) -> Account:
    """Return the account of a target if it is one of its platform, else ConfigError."""
    if isinstance(account, of):
        return account
    platform = of.model_fields["platform"].default
    raise ConfigError(
        f"targets.{target}: account {named} is on {account.platform}, "
        f"a {platform} target needs a {platform} account"
    )


def opened(api: Api | None, *, target: str, by: str) -> Api:
    """Return an account's API if the settings open it, else ConfigError: set `by`."""
    if api is None:
        raise ConfigError(
            f"targets.{target}: set {by}, the target calls the platform's API with it"
        )
    return api
