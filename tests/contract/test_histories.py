"""What every platform's source promises of one return's whole history.

However its bodies come, by webhook or read by ourselves, late, twice or not at all,
the return ends where its newest bodies put it. What a source does not know makes no
difference, and what is personal or spendable stays where it belongs.

A new platform joins with one line in `HISTORIES`: a return's bodies in the order in
which the platform made them, and words of theirs that must not get further. ReturnLogic
has none: its bodies tell no time, so the order in which they are read is the truth
(`test_returnlogic_against_its_simulator.py`).
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue, SecretStr

from bridge.canonical.model import Return
from bridge.canonical.states import State
from bridge.normalize.fold import Folded, fold
from bridge.normalize.state import SubjectState, decode, start
from bridge.platforms.contract import (
    AccountOptions,
    Channel,
    InboundRequest,
    Observation,
    Privacy,
    Source,
)
from bridge.platforms.loop.options import LoopAccount
from bridge.platforms.redo.options import RedoAccount
from bridge.platforms.returngo.options import ReturnGoAccount

AT = datetime(2027, 6, 1, tzinfo=UTC)
PAYLOADS = Path(__file__).parents[1] / "payloads"
SECRETS = (SecretStr("secret-of-tests"),)


@dataclass(frozen=True)
class History:
    """One return's bodies, oldest first; the last says how it stands.

    `state` is where they end, `personal` words that belong to `customer` and
    `addresses`, `spendable` words that never leave the body, `enums` the fields that
    hold a word of a list which may grow.
    """

    account: AccountOptions
    folder: str
    names: tuple[str, ...]
    state: State
    personal: tuple[str, ...]
    spendable: tuple[str, ...]
    enums: frozenset[str]
    channel: Channel = "webhook"

    @property
    def bodies(self) -> list[bytes]:
        folder = PAYLOADS / self.folder
        return [(folder / f"{name}.json").read_bytes() for name in self.names]

    def source(self, *, drop_personal: bool = False) -> Source:
        return self.account.source("main", Privacy(b"key", drop_personal))


HISTORIES = {
    "redo": History(
        RedoAccount(webhook_tokens=SECRETS),
        "redo",
        (
            "return_created__refund",
            "return_updated__in_transit",
            "return_updated__delivered_null_grade_outcome_upc",
            "return_get__delivered",
            "return_updated__complete_refund",
            "return_updated__reopened_after_complete",
            "return_updated__deleted_reset",
        ),
        State.DELETED,
        ("example.com", "Testperson", "Fixture Lane"),
        ("labels.example",),
        frozenset({"status", "type", "labelPayer"}),
    ),
    "loop": History(
        LoopAccount(webhook_secrets=SECRETS),
        "loop",
        (
            "return.created__string_id_no_label_yet",
            "label.request.issued__integer_id",
            "label.created__new",
            "label.updated__in_transit",
            "return.updated__in_transit",
            "return_row__open",
            "label.updated__delivered_integer_ids",
            "restock.requested__basic",
            "return.updated__review",
            "return.processing.failed__null_message_and_source",
            "return.updated__closed_twin_of_return_closed",
            "return.closed__refund_paid",
        ),
        State.CLOSED,
        ("example.com", "Testperson", "Fixture Lane"),
        ("labels.example", "status_page", "0000d370"),
        frozenset({"state", "label_status", "status", "outcome", "gateway"}),
    ),
    "returngo": History(
        ReturnGoAccount(
            shop="demo.example",
            webhook_tokens=(SecretStr("token-of-the-path"),),
            notify_only_refunds=True,
        ),
        "returngo",
        (
            "rma_detail__pending",
            "rma_detail__approved_no_label_yet",
            "rma_detail__approved_shipped_lastupdated_stale",
            "rma_detail__received_lastupdated_stale",
            "rma_detail__validated_restockable",
            "rma_detail__notify_only_refund_requested",
            "rma_detail__done_refunded",
        ),
        State.CLOSED,
        ("example.com", "Testperson", "Fixture Lane"),
        ("labels.example", "rf-demo"),
        frozenset({"status", "resolutionType", "type", "commentType"}),
        channel="poll",
    ),
}

every_history = pytest.mark.parametrize(
    "history", HISTORIES.values(), ids=HISTORIES.keys()
)


def play(source: Source, bodies: list[bytes]) -> list[Folded]:
    """Fold one body after another, each from the record of the last."""
    channel = HISTORIES[source.platform].channel
    state: SubjectState | None = None
    steps = []
    for minute, body in enumerate(bodies):
        at = AT + timedelta(minutes=minute)
        subject = source.locate(InboundRequest({}, body, at))
        assert subject is not None
        observation = Observation(
            id=f"o-{minute}",
            subject=subject,
            platform=source.platform,
            account=source.account,
            channel=channel,
            received_at=at,
            body=body,
        )
        folded = fold(state or start(subject), observation, source.read(observation))
        state = decode(folded.snapshot) if folded.snapshot else folded.state
        steps.append(folded)
    return steps


def view(folded: Folded) -> Return:
    """Return what stands in the end, without times that are those of the arrival."""
    return_ = folded.state.return_
    assert return_ is not None
    requests = sorted(
        (asked.model_copy(update={"requested_at": AT}) for asked in return_.requests),
        key=attrgetter("correlation_id"),
    )
    return return_.model_copy(update={"observed_at": AT, "requests": tuple(requests)})


def events(steps: list[Folded]) -> list[str]:
    return [event.type for step in steps for event in step.events]


@every_history
def test_a_history_ends_in_its_state(history: History) -> None:
    steps = play(history.source(), history.bodies)

    assert view(steps[-1]).state is history.state


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[History, list[bytes]]:
    """A history's bodies shuffled and repeated, none missing."""
    history = draw(st.sampled_from(list(HISTORIES.values())))
    again = draw(st.lists(st.sampled_from(history.bodies), max_size=5))
    return history, draw(st.permutations([*history.bodies, *again]))


@settings(max_examples=60, deadline=None)
@given(deliveries())
def test_any_order_and_repetition_ends_in_the_same_return(
    delivery: tuple[History, list[bytes]],
) -> None:
    history, bodies = delivery
    source = history.source()

    assert view(play(source, bodies)[-1]) == view(play(source, history.bodies)[-1])


@settings(max_examples=60, deadline=None)
@given(deliveries())
def test_at_no_time_does_the_order_of_arrival_matter(
    delivery: tuple[History, list[bytes]],
) -> None:
    history, bodies = delivery
    source, order = history.source(), history.bodies
    some = bodies[: 1 + len(bodies) // 2]

    in_order = sorted(some, key=order.index)

    assert view(play(source, some)[-1]) == view(play(source, in_order)[-1])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(HISTORIES.values())), st.data())
def test_a_third_lost_on_the_way_does_not_matter_once_the_last_has_come(
    history: History, data: st.DataObject
) -> None:
    source, bodies = history.source(), history.bodies
    lost = data.draw(
        st.sets(st.sampled_from(range(len(bodies) - 1)), max_size=len(bodies) // 3)
    )

    kept = [body for number, body in enumerate(bodies) if number not in lost]

    assert view(play(source, kept)[-1]).state is history.state


@settings(max_examples=40, deadline=None)
@given(deliveries())
def test_no_payment_and_no_request_is_told_twice(
    delivery: tuple[History, list[bytes]],
) -> None:
    history, bodies = delivery

    told = events(play(history.source(), bodies))

    for once in (
        "refund.issued",
        "refund.requested",
        "label.requested",
        "restock.requested",
    ):
        assert told.count(once) <= 1


def grown(value: JsonValue) -> JsonValue:
    """Add a field that nobody knows to every object."""
    match value:
        case dict():
            more: dict[str, JsonValue] = {"brand_new": {"a": [1]}}
            return more | {name: grown(part) for name, part in value.items()}
        case list():
            return [grown(part) for part in value]
        case _:
            return value


@every_history
def test_fields_that_it_does_not_know_change_nothing(history: History) -> None:
    source = history.source()
    fuller = [json.dumps(grown(json.loads(body))).encode() for body in history.bodies]

    assert view(play(source, fuller)[-1]) == view(play(source, history.bodies)[-1])


def renamed(value: JsonValue, enums: frozenset[str]) -> JsonValue:
    """Put a word that nobody knows in the place of every listed word."""
    match value:
        case dict():
            return {
                k: "brand_new_word"
                if k in enums and isinstance(v, str)
                else renamed(v, enums)
                for k, v in value.items()
            }
        case list():
            return [renamed(part, enums) for part in value]
        case _:
            return value


@every_history
def test_words_that_it_does_not_know_are_kept_as_unknown(history: History) -> None:
    odd = json.dumps(renamed(json.loads(history.bodies[0]), history.enums)).encode()

    known = view(play(history.source(), [odd])[-1])

    assert (known.state, known.state_raw) == (State.UNKNOWN, "brand_new_word")


@every_history
def test_what_is_personal_is_dropped_where_that_is_wished(history: History) -> None:
    open_, dropped = history.source(), history.source(drop_personal=True)

    told = repr([step.events for step in play(dropped, history.bodies)])
    told += "".join(
        event.body.decode()
        for step in play(dropped, history.bodies)
        for event in step.events
    )

    assert all(word not in told for word in history.personal)
    kept = view(play(open_, history.bodies)[-1])
    bare = kept.model_copy(update={"customer": None, "addresses": None})
    assert all(word not in bare.model_dump_json() for word in history.personal)


@every_history
def test_what_can_be_spent_or_opened_never_leaves_the_body(history: History) -> None:
    steps = play(history.source(), history.bodies)

    for step in steps:
        for event in step.events:
            assert all(word not in event.body.decode() for word in history.spendable)
