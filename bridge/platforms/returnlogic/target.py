"""ReturnLogic's outbound side: acknowledgements of what it asked us to do.

It is all that can be written there: no call is known that takes what a warehouse found
(returnlogic.md, section 5). Nor is there one that tells what was acknowledged before,
so nothing is read first. What was asked stands in the return itself: a restock that is
done later is answered with the event that tells of it, after any restart. A repeat
after a lost answer carries the same correlation id, and ReturnLogic tells one command
from another by it.

| answer | outcome | why |
|---|---|---|
| 2xx, `received`, no `errors` | delivered | |
| 2xx, `received`, `errors` | refused | for a person: what was done is not done again |
| 2xx, not `received` | refused | the same |
| 2xx, anything else | failed | it is not what an acknowledgement is answered |
| others | | as `api.py` has it |
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote

import httpx
from pydantic import JsonValue

from bridge.canonical.events import (
    CreditRequested,
    ExchangeRequested,
    RefundRequested,
    RestockRequested,
    WarrantyRequested,
)
from bridge.canonical.model import Asked
from bridge.errors import UnreadableError
from bridge.platforms.bodies import filled
from bridge.platforms.contract import Conversation, Delivered, Failed, Outcome, Refused
from bridge.platforms.reading import parse
from bridge.platforms.returnlogic.api import Api
from bridge.platforms.returnlogic.payloads import Acknowledgement
from bridge.platforms.returnlogic.rules import COMMANDS, Rule
from bridge.platforms.returnlogic.translate import PLATFORM
from bridge.platforms.ruled import Occasion, RuledTarget

_Requests = (
    RefundRequested
    | CreditRequested
    | ExchangeRequested
    | WarrantyRequested
    | RestockRequested
)
_Answerable = _Requests | Asked


@dataclass(frozen=True, slots=True)
class Ways:
    """How acknowledgements are called: a guess of the sheet.

    `paths` are by command and result (`ProcessRefund.success`), with `{id}` in each.
    """

    method: str
    paths: Mapping[str, str]


class ReturnLogicTarget(RuledTarget[Rule]):
    """One team on ReturnLogic as a destination of events."""

    def __init__(
        self, name: str, *, account: str, api: Api, rules: Sequence[Rule], ways: Ways
    ) -> None:
        def desk(occasion: Occasion) -> Acknowledging:
            return Acknowledging(api, ways, occasion)

        super().__init__(name, account=(PLATFORM, account), rules=rules, desk=desk)


@dataclass(frozen=True, slots=True)
class Acknowledging:
    """One command while it is acknowledged."""

    api: Api
    ways: Ways
    occasion: Occasion

    def steps(self, rule: Rule) -> Iterator[Conversation]:
        asked = self.occasion.data
        if isinstance(asked, _Requests):
            yield self._acknowledge(rule, asked, self.occasion.key)
            return
        for each in asked.return_.requests:
            if f"{each.kind}.requested" == rule.request:
                key = f"{self.occasion.key}-{each.correlation_id}"
                yield self._acknowledge(rule, each, key)

    def _acknowledge(self, rule: Rule, asked: _Answerable, key: str) -> Conversation:
        now = self.occasion.now
        answer = yield from self.api.ask(self._request(rule, asked, key), now)
        if not isinstance(answer, httpx.Response):
            return answer
        what = f"{COMMANDS[rule.request]} as {rule.acknowledge}"
        return _refusal(answer) or Delivered(f"{what} is acknowledged")

    def _request(self, rule: Rule, asked: _Answerable, key: str) -> httpx.Request:
        action, native_id = COMMANDS[rule.request], self.occasion.id
        path = self.ways.paths[f"{action}.{rule.acknowledge}"]
        words = _words(asked)
        body: JsonValue = {
            "action": action,
            "rlRmaId": int(native_id) if native_id.isdecimal() else native_id,
            "correlationId": asked.correlation_id,
            "errors": filled(list(rule.errors), words),
            "data": filled(rule.data, words),
        }
        return httpx.Request(
            self.ways.method,
            f"{self.api.base_url}{path.replace('{id}', quote(native_id, safe=''))}",
            headers={"Idempotency-Key": key},
            json=body,
        )


def _words(asked: _Answerable) -> dict[str, JsonValue]:
    """Return what a body may name; null where the command was about no sum."""
    if asked.amount is None:
        return {"amount": None, "currency": None}
    number = Decimal(asked.amount.amount)
    whole = number == number.to_integral_value()
    return {
        "amount": int(number) if whole else float(number),
        "currency": asked.amount.currency,
    }


def _refusal(answer: httpx.Response) -> Outcome | None:
    """Return why an acknowledgement was not taken; None if it was."""
    try:
        taken = parse(Acknowledgement, answer.content)
    except UnreadableError:
        return Failed("unreadable_answer", answer_lost=True)
    outcome: Outcome | None = None
    if taken.received is None:
        outcome = Failed("unreadable_answer", answer_lost=True)
    elif taken.errors:
        outcome = Refused("acknowledged_with_errors", f"{len(taken.errors)} errors")
    elif not taken.received:
        outcome = Refused("not_received")
    return outcome
