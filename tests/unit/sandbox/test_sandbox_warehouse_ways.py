"""The simulated warehouse's odd ways, over HTTP: at the dock, in its reports, alone."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import JsonValue
from standardwebhooks import Webhook, WebhookVerificationError

from bridge.cli.common import Exit
from bridge.cli.main import main
from bridge.sandbox.sandbox import signing_secret
from bridge.sandbox.simulators import WarehouseOptions, WarehouseSimulator
from bridge.sandbox.warehouse import Pace
from bridge.sandbox.warehouse_api import Keys
from bridge.sandbox.warehouse_documents import Handling
from bridge.sandbox.warehouse_modes import MODES, WarehouseMode, in_modes
from bridge.sandbox.warehouse_reports import STANDARD, Reporting
from bridge.sandbox.warehouse_wording import FACTS
from tests.support import loopback
from tests.support.leaping import LeapingClock
from tests.support.sandboxes import sandbox
from tests.unit.sandbox.conftest import Receiver

Until = Callable[[Callable[[], bool]], Awaitable[None]]
Json = dict[str, JsonValue]

OLD, NEW = signing_secret(), signing_secret()
TOKEN, REFERENCE = "token-1", "redo.demo.0de0-1"
DEMO = "whsec_ZGVtby13YXJlaG91c2Utbm90LWEtc2VjcmV0"
FAST = Pace(least=0.0, most=0.002, patience=timedelta(seconds=0.2))


class Site:
    """A warehouse that is only ever spoken to over HTTP."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url = url
        self.client = client

    async def announce(self, number: int = 1) -> httpx.Response:
        reference = f"redo.demo.{number}-1"
        body = {
            "spec": "wms.inbound-return/1",
            "reference": reference,
            "revision": 1,
            "state": "expected",
            "parcel": {"tracking_number": f"T-{number}"},
            "lines": [
                {"line_key": "a1", "sku": "MUG", "quantity": 2},
                {"line_key": "a2", "sku": "LAMP", "quantity": 1},
            ],
        }
        return await self.client.put(
            f"{self.url}/inbound-returns/{reference}", json=body
        )

    async def dock(self, *skus: str, **more: object) -> None:
        units = [{"sku": sku} for sku in skus or ("MUG", "MUG", "LAMP")]
        parcel = {"tracking_number": "T-1", "units": units, **more}
        taken = await self.client.post(f"{self.url}/dock/parcels", json=parcel)
        assert taken.status_code == 202

    async def tune(self, what: str, **changes: object) -> httpx.Response:
        return await self.client.patch(f"{self.url}/sandbox/{what}", json=changes)

    async def subscribe(self, **to: object) -> httpx.Response:
        return await self.client.put(f"{self.url}/sandbox/subscription", json=to)

    async def ledger(self) -> Json:
        content: Json = (await self.client.get(f"{self.url}/sandbox/ledger")).json()
        return content

    async def page(self, query: str = "") -> list[Json]:
        answer = await self.client.get(f"{self.url}/inbound-returns{query}")
        items: list[Json] = answer.json()["items"]
        return items


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with loopback.client(headers=headers) as made:
        yield made


@pytest.fixture
async def simulator() -> AsyncIterator[WarehouseSimulator]:
    clock = LeapingClock(hasty=True)
    options = WarehouseOptions("east", Keys((OLD,), TOKEN), pace=FAST)
    made = WarehouseSimulator(options, clock=clock)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def site(
    simulator: WarehouseSimulator, client: httpx.AsyncClient, receiver: Receiver
) -> Site:
    made = Site(simulator.url, client)
    await made.subscribe(url=receiver.url, secret=OLD)
    return made


def snapshots(receiver: Receiver) -> list[Json]:
    return [json.loads(body)["data"] for body in receiver.bodies]


# -------------------------------------------------------------------- at the dock

#: By handling: received by SKU, what was done with it, what is stated besides.
FOUND: dict[Handling, tuple[dict[str, int], dict[str, int], dict[str, JsonValue]]] = {
    Handling.FULL: ({"MUG": 2, "LAMP": 1}, {"restock": 3}, {}),
    Handling.AT_ONCE: ({"MUG": 2, "LAMP": 1}, {"restock": 3}, {}),
    Handling.UNIT_BY_UNIT: ({"MUG": 2, "LAMP": 1}, {"restock": 3}, {}),
    Handling.LATE: ({"MUG": 2, "LAMP": 1}, {"restock": 3}, {}),
    Handling.SHORT: ({"MUG": 2, "LAMP": 0}, {"restock": 2}, {}),
    Handling.EXCESS: ({"MUG": 3, "LAMP": 1}, {"restock": 4}, {}),
    Handling.WRONG_ITEM: (
        {"MUG": 1, "LAMP": 1, "NOBODYS-ITEM": 1},
        {"restock": 2, "quarantine": 1},
        {"wrong_item": 1},
    ),
    Handling.UNEXPECTED_ITEM: (
        {"MUG": 2, "LAMP": 1, "NOBODYS-ITEM": 1},
        {"restock": 3, "quarantine": 1},
        {},
    ),
    Handling.UNIDENTIFIED: (
        {"MUG": 2, "LAMP": 0},
        {"restock": 2},
        {"unidentified": 1},
    ),
    Handling.DAMAGED: ({"MUG": 2, "LAMP": 1}, {"quarantine": 1, "restock": 2}, {}),
    Handling.DAMAGED_IN_TRANSIT: (
        {"MUG": 2, "LAMP": 1},
        {"quarantine": 1, "restock": 2},
        {"damaged_in_transit": 1},
    ),
    Handling.EMPTY: ({"MUG": 0, "LAMP": 0}, {}, {"empty_parcel": 1}),
    Handling.MISCOUNTED: ({"MUG": 2, "LAMP": 1}, {"restock": 3}, {}),
    Handling.REOPENED: ({"MUG": 1, "LAMP": 1}, {"restock": 2}, {}),
    Handling.REFUSED: ({"MUG": 0, "LAMP": 0}, {}, {}),
    Handling.NOT_ARRIVED: ({"MUG": 0, "LAMP": 0}, {}, {}),
    Handling.ODD_STATUS: ({"MUG": 2, "LAMP": 1}, {"restock": 3}, {}),
    Handling.CANCELLED: ({"MUG": 1, "LAMP": 0}, {}, {}),
    Handling.MERGED: ({"MUG": 2, "LAMP": 1}, {"restock": 3}, {}),
    **{
        handling: ({"MUG": 2, "LAMP": 1}, {handling.value.replace("-", "_"): 3}, {})
        for handling in (
            Handling.QUARANTINE,
            Handling.REFURBISH,
            Handling.RETURN_TO_MERCHANT,
            Handling.DONATE,
            Handling.DISPOSE,
            Handling.NOT_RESTOCKED,
            Handling.PENDING,
            Handling.OTHER,
        )
    },
}
ENDS = {
    Handling.NOT_ARRIVED: "not_arrived",
    Handling.ODD_STATUS: "Completed",
    Handling.CANCELLED: "cancelled",
}


def parts(of: Json, name: str) -> list[Json]:
    """Return a list of objects."""
    listed = of.get(name, [])
    assert isinstance(listed, list)
    return [each for each in listed if isinstance(each, dict)]


def found_in(
    document: Json,
) -> tuple[dict[str, int], dict[str, int], dict[str, JsonValue]]:
    """Return what was received by SKU, what was done with it, what is stated."""
    received = {str(one["sku"]): number(one["received"]) for one in lines_of(document)}
    dispositions: Counter[str] = Counter()
    for line in lines_of(document):
        for outcome in parts(line, "outcomes"):
            word = str(outcome["disposition"])
            dispositions[word] += number(outcome["quantity"])
    stated = parts(document, "discrepancies")
    return received, dispositions, {str(d["code"]): d["quantity"] for d in stated}


def lines_of(document: Json) -> list[Json]:
    return parts(document, "lines")


def number(value: JsonValue) -> int:
    assert isinstance(value, int)
    return value


@pytest.mark.parametrize("handling", Handling)
async def test_a_parcel_is_treated_as_it_is_said(
    site: Site, simulator: WarehouseSimulator, until: Until, handling: Handling
) -> None:
    await site.announce()

    await site.dock(handling=handling)
    await until(lambda: simulator.idle)

    (document,) = await site.page()
    assert found_in(document) == FOUND[handling]
    assert document["status"] == ENDS.get(handling, "completed")
    refused = handling is Handling.REFUSED
    assert ("rejected_reason" in document) == refused


@pytest.mark.parametrize(
    "case",
    [
        (Handling.AT_ONCE, ["completed"]),
        (Handling.UNIT_BY_UNIT, ["arrived", *["processing"] * 4, "completed"]),
        (Handling.NOT_ARRIVED, ["in_transit", "not_arrived"]),
        (Handling.REFUSED, ["arrived", "completed"]),
        (
            Handling.REOPENED,
            ["arrived", *["processing"] * 3, "completed", "processing", "completed"],
        ),
        (
            Handling.ODD_STATUS,
            ["arrived", *["processing"] * 3, "Issue", "Completed"],
        ),
    ],
)
async def test_each_step_is_a_report(
    site: Site,
    simulator: WarehouseSimulator,
    receiver: Receiver,
    until: Until,
    case: tuple[Handling, list[str]],
) -> None:
    handling, words = case
    await site.announce()

    await site.dock(handling=handling)
    await until(lambda: simulator.idle)

    assert [told["status"] for told in snapshots(receiver)] == ["awaiting", *words]


async def test_a_count_that_was_too_high_is_corrected_downwards(
    site: Site, simulator: WarehouseSimulator, receiver: Receiver, until: Until
) -> None:
    await site.announce()

    await site.dock(handling="miscounted")
    await until(lambda: simulator.idle)

    mugs = [number(lines_of(told)[0]["received"]) for told in snapshots(receiver)]
    assert (max(mugs), mugs[-1]) == (3, 2)


async def test_goods_in_two_boxes_end_with_the_second(
    site: Site, simulator: WarehouseSimulator, receiver: Receiver, until: Until
) -> None:
    await site.announce()

    for skus in (("MUG",), ("MUG", "LAMP")):
        await site.dock(*skus, boxes=2)
        await until(lambda: simulator.idle)

    words = [told["status"] for told in snapshots(receiver)]
    assert words.count("arrived") == words.count("completed") == 1
    assert words[-1] == "completed"
    assert snapshots(receiver)[-1]["lines"] == (await site.page())[0]["lines"]


async def test_a_parcel_may_be_booked_to_another_return(
    site: Site, simulator: WarehouseSimulator, until: Until
) -> None:
    for number in (1, 2):
        await site.announce(number)

    await site.dock(handling="merged")
    await until(lambda: simulator.idle)

    statuses = {row["reference"]: row["status"] for row in await site.page()}
    assert statuses == {
        "redo.demo.1-1": "not_arrived",
        "redo.demo.2-1": "completed",
    }


async def test_handlings_take_turns(
    site: Site, simulator: WarehouseSimulator, until: Until
) -> None:
    await site.tune("ways", handlings=["empty", "full"])
    for number in (1, 2):
        await site.announce(number)

    for number in (1, 2):
        await site.dock(tracking_number=f"T-{number}")
        await until(lambda: simulator.idle)

    counted = [sum_of(row) for row in await site.page()]
    assert counted == [0, 3]


def sum_of(row: Json) -> int:
    return sum(number(each["received"]) for each in lines_of(row))


async def test_what_nobody_announced_gets_a_document_if_that_is_the_way(
    site: Site, simulator: WarehouseSimulator, receiver: Receiver, until: Until
) -> None:
    await site.dock(tracking_number="T-7")
    await until(lambda: simulator.idle)
    before = await site.ledger()

    await site.tune("ways", opens_unannounced=True)
    await site.dock(tracking_number="T-8")
    await until(lambda: simulator.idle)

    assert (before["documents"], before["set_aside"]) == ({}, ["T-7"])
    (row,) = await site.page()
    assert (row["reference"], row["tracking_number"]) == (None, "T-8")
    assert (row["status"], sum_of(row)) == ("completed", 3)
    assert snapshots(receiver)[-1] == row


async def test_a_person_sets_any_status(site: Site) -> None:
    await site.announce()
    url = f"{site.url}/sandbox/documents"

    set_ = await site.client.post(f"{url}/W-9001/status?to=RTS")
    nobody = await site.client.post(f"{url}/W-1/status?to=RTS")

    assert (set_.status_code, nobody.status_code) == (204, 404)
    assert (await site.page())[0]["status"] == "RTS"


# ---------------------------------------------------------------------- reports


@pytest.mark.parametrize("form", ["bare", "facts"])
async def test_reports_come_in_the_form_that_is_chosen(
    site: Site,
    simulator: WarehouseSimulator,
    receiver: Receiver,
    until: Until,
    form: str,
) -> None:
    await site.tune("reporting", wording={"form": form})
    await site.announce()
    await until(lambda: simulator.idle)

    headers, body = receiver.requests[0]

    spec = FACTS if form == "facts" else "wms.return-snapshot/1"
    assert json.loads(body)["spec"] == spec
    assert headers["content-type"] == "application/json"
    Webhook(OLD).verify(body, headers)


async def test_facts_are_deltas_with_ids_that_never_come_again(
    site: Site, simulator: WarehouseSimulator, receiver: Receiver, until: Until
) -> None:
    await site.tune("reporting", wording={"form": "facts"})
    await site.announce()

    await site.dock(handling="reopened")
    await until(lambda: simulator.idle)

    facts = [fact for body in receiver.bodies for fact in json.loads(body)["facts"]]
    ids = [fact["id"] for fact in facts]
    kinds = [fact["kind"] for fact in facts]
    received = sum(
        fact["quantity"] for fact in facts if fact["kind"] in {"received", "corrected"}
    )
    restocked = sum(fact["quantity"] for fact in facts if fact["kind"] == "restocked")
    assert len(ids) == len(set(ids))
    assert (kinds[:2], kinds[-1]) == (["announced", "arrived"], "completed")
    assert kinds.count("completed") == 2
    assert (received, restocked) == (2, 2)


async def test_a_report_may_leave_out_reference_version_and_zone(
    site: Site, simulator: WarehouseSimulator, receiver: Receiver, until: Until
) -> None:
    less = {"echoes_reference": False, "numbered": False, "zoned": False}
    await site.tune("reporting", wording=less)

    await site.announce()
    await until(lambda: simulator.idle)

    (told,) = snapshots(receiver)
    assert told["reference"] is None
    assert "version" not in told
    assert not str(told["occurred_at"]).endswith("Z")


async def test_a_rotation_has_a_signature_of_each_secret_in_one_header(
    site: Site, simulator: WarehouseSimulator, receiver: Receiver, until: Until
) -> None:
    await site.subscribe(url=receiver.url, secret=OLD, more=[NEW])

    await site.announce()
    await until(lambda: simulator.idle)

    headers, body = receiver.requests[0]
    first, second = headers["webhook-signature"].split(" ")
    for secret, signature in ((OLD, first), (NEW, second)):
        Webhook(secret).verify(body, headers | {"webhook-signature": signature})
        Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(body, headers | {"webhook-signature": second})


async def test_a_sender_gives_up_after_eight_tries_over_a_day(
    site: Site, simulator: WarehouseSimulator, receiver: Receiver, until: Until
) -> None:
    simulator.reporter.reporting = Reporting(ladder=STANDARD)
    clock_before = simulator.reporter.retried
    receiver.answers = [503] * 8

    await site.announce()
    await until(lambda: simulator.idle)
    lost = await site.ledger()
    await site.dock()
    await until(lambda: simulator.idle)

    tries = [h["webhook-id"] for h, _ in receiver.requests].count("east-W-9001-1")
    assert (tries, simulator.reporter.retried - clock_before) == (8, 7)
    assert lost["reports"] == {"sent": 0, "retried": 7, "lost": 1, "on": True}
    assert snapshots(receiver)[-1]["status"] == "completed"


async def test_a_subscription_that_fails_too_often_is_switched_off(
    site: Site, simulator: WarehouseSimulator, receiver: Receiver, until: Until
) -> None:
    once: Json = {"gaps": [], "last": None, "life": "PT0S"}
    await site.tune("reporting", ladder=once, off_after=2)
    receiver.answers = [500] * 2

    for number in (1, 2, 3):
        await site.announce(number)
        await until(lambda: simulator.idle)
    off = await site.ledger()
    await site.subscribe(url=receiver.url, secret=OLD)
    await site.announce(4)
    await until(lambda: simulator.idle)

    assert off["reports"] == {"sent": 0, "retried": 0, "lost": 3, "on": False}
    assert len(receiver.requests) == 3
    assert snapshots(receiver)[-1]["reference"] == "redo.demo.4-1"


async def test_reports_may_be_lost_and_overtake_each_other(
    site: Site, simulator: WarehouseSimulator, receiver: Receiver, until: Until
) -> None:
    await site.tune("reporting", lost=1.0)
    await site.announce()
    await until(lambda: simulator.idle)
    lost = simulator.reporter.lost

    await site.tune("reporting", lost=0.0, late="PT0.04S")
    (document,) = simulator.warehouse.documents.values()
    for status in "abcdefghijkl":
        simulator.warehouse.tell(document, status, status)
    await until(lambda: simulator.idle)

    versions = [int(str(told["version"])) for told in snapshots(receiver)]
    assert lost == 1
    assert sorted(versions) == list(range(2, 14))
    assert versions != sorted(versions)


async def test_what_does_not_fit_changes_nothing(site: Site) -> None:
    answers = [
        await site.tune("reporting", speed=3),
        await site.tune("ways", handlings=["thrown-away"]),
        await site.subscribe(url="http://a.example"),
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422]


# ------------------------------------------------------------------------ doors


def event(state: str = "expected") -> tuple[dict[str, str], bytes]:
    """Return an announcement in binary mode."""
    document = {
        "spec": "wms.inbound-return/1",
        "reference": REFERENCE,
        "revision": 1,
        "state": "expected",
    }
    headers = {
        "content-type": "application/json",
        "idempotency-key": "e-1",
        "ce-specversion": "1.0",
        "ce-id": "e-1",
        "ce-type": f"returns.inbound_return.{state}.v1",
        "ce-subject": "redo/demo/0de0",
    }
    return headers, json.dumps(document).encode()


async def test_binary_mode_is_proven_by_the_token_alone(
    site: Site, simulator: WarehouseSimulator
) -> None:
    headers, body = event()
    now = LeapingClock().now()
    signed = {
        "webhook-id": "e-1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(OLD).sign("e-1", now, body.decode()),
    }
    url = f"{site.url}/hooks/returns"

    async with loopback.client() as stranger:
        by_signature = await stranger.post(url, content=body, headers=headers | signed)
    by_token = [
        await site.client.post(url, content=body, headers=headers) for _ in range(2)
    ]
    wrong = await site.client.post(url, content=body, headers=event("cancelled")[0])
    odd = await site.client.post(url, content=b"?", headers=headers)

    assert by_signature.status_code == 401
    assert [answer.status_code for answer in by_token] == [202, 202]
    assert (wrong.status_code, odd.status_code) == (400, 400)
    effects = [call.effect for call in simulator.front.log.calls]
    assert effects == [None, 1, None, None, None]


@pytest.mark.parametrize("query", ["?limit=0", "?limit=-1", "?cursor=-1"])
async def test_a_page_of_nothing_is_refused(site: Site, query: str) -> None:
    await site.announce()

    answer = await site.client.get(f"{site.url}/inbound-returns{query}")

    assert answer.status_code == 400


# ------------------------------------------------------------------------ alone


async def test_it_runs_alone_in_the_modes_that_are_named(
    receiver: Receiver, until: Until
) -> None:
    modes = ("--mode", "bare", "--mode", "opens-unannounced", "--dock", "short")
    fast = ("--hurry", "10000", "--faults", "none")
    async with (
        sandbox("warehouse", *modes, *fast, "--hook", receiver.url) as url,
        loopback.client(headers={"authorization": f"Bearer {DEMO_TOKEN}"}) as client,
    ):
        await Site(url, client).dock()
        await until(lambda: b'"completed"' in b"".join(receiver.bodies))

    headers, body = receiver.requests[-1]
    told = json.loads(body)
    assert (told["reference"], sum_of(told)) == (None, 2)
    Webhook(DEMO).verify(body, headers)


DEMO_TOKEN = "demo-warehouse-token"  # noqa: S105 nobody's

CONFIG = """
kafka: {{bootstrap: unused:9092}}
accounts:
  dock:
    platform: warehouse
    webhook_secrets: [{{file: {folder}/old}}, {{file: {folder}/new}}]
  shop:
    platform: loop
    webhook_secrets: [{{file: {folder}/key}}]
targets:
  tell:
    kind: warehouse.event
    account: dock
    url: http://127.0.0.1:9/hooks
    signing_secrets: [{{file: {folder}/old}}]
privacy: {{hash_key: {{file: {folder}/key}}}}
state_dir: {folder}
"""


def configured(folder: Path) -> Path:
    (folder / "old").write_text(OLD)
    (folder / "new").write_text(NEW)
    (folder / "key").write_text("k" * 32)
    config = folder / "bridge.yaml"
    config.write_text(CONFIG.format(folder=folder))
    return config


async def test_it_plays_an_account_whose_secret_is_being_changed(
    tmp_path: Path, receiver: Receiver, until: Until
) -> None:
    played = ("--config", str(configured(tmp_path)), "--account", "dock")
    ways = ("--mode", "opens-unannounced", "--hurry", "10000", "--faults", "none")
    async with (
        sandbox("warehouse", *played, *ways, "--hook", receiver.url) as url,
        loopback.client() as client,
    ):
        await Site(url, client).dock()
        await until(lambda: bool(receiver.requests))

    headers, body = receiver.requests[0]
    assert headers["webhook-id"].startswith("dock-")
    for secret in (OLD, NEW):
        Webhook(secret).verify(body, headers)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--account", "dock"], Exit.USAGE),
        (["--port", "here"], Exit.USAGE),
        (["--account", "shop", "--config"], Exit.FAILED),
    ],
)
def test_what_does_not_belong_together_is_told(
    tmp_path: Path, arguments: list[str], code: Exit
) -> None:
    config = configured(tmp_path)
    given = [*arguments, str(config)] if "--config" in arguments else arguments

    assert main(["sandbox", "warehouse", *given]) == code


@pytest.mark.parametrize("mode", WarehouseMode)
def test_every_mode_changes_something(mode: WarehouseMode) -> None:
    usual = WarehouseOptions("east", Keys((OLD,), TOKEN))

    changed = in_modes(usual, [mode])

    assert MODES.keys() == set(WarehouseMode)
    assert changed != usual
