import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Protocol

import httpx
import pytest
from pydantic import JsonValue
from standardwebhooks import Webhook

from bridge.clock import SystemClock
from bridge.sandbox.journal import Journal, Kind
from bridge.sandbox.sandbox import signing_secret
from bridge.sandbox.simulators import Manners, WarehouseOptions, WarehouseSimulator
from bridge.sandbox.warehouse import Pace
from bridge.sandbox.warehouse_api import Keys
from bridge.sandbox.warehouse_documents import Parcel, Unit
from bridge.sandbox.warehouse_reports import ReportTo
from tests.support import loopback

Until = Callable[[Callable[[], bool]], Awaitable[None]]
Body = dict[str, JsonValue]

SECRET, REPORT_SECRET = signing_secret(), signing_secret()
REFERENCE = "redo.demo.0de0-1"
SUBJECT = "redo/demo/0de0"
FAST = Pace(least=0.0, most=0.01, patience=timedelta(seconds=1))


class Receiver(Protocol):
    url: str
    requests: list[tuple[dict[str, str], bytes]]
    answers: list[int]

    @property
    def bodies(self) -> list[bytes]: ...


@pytest.fixture
async def simulator(
    clock: SystemClock, journal: Journal, receiver: Receiver
) -> AsyncIterator[WarehouseSimulator]:
    options = WarehouseOptions("east", Keys((SECRET,), "token-1"), pace=FAST)
    made = WarehouseSimulator(options, clock=clock, journal=journal)
    made.reporter.subscribe(ReportTo(receiver.url, REPORT_SECRET))
    await made.start()
    yield made
    await made.stop()


def document(
    revision: int = 1,
    *,
    state: str = "expected",
    tracker: str = "T-1",
    sku: str = "MUG",
) -> Body:
    return {
        "spec": "wms.inbound-return/1",
        "reference": REFERENCE,
        "revision": revision,
        "state": state,
        "parcel": {"index": 1, "count": 1, "tracking_number": tracker},
        "lines": [
            {"line_key": "a1", "sku": sku, "quantity": 2},
            {"line_key": "a2", "sku": "LAMP", "quantity": 1},
        ],
    }


async def announce(
    simulator: WarehouseSimulator,
    body: Body,
    *,
    id_: str = "e-1",
    secret: str = SECRET,
) -> httpx.Response:
    """Call the event door as the bridge does."""
    text = json.dumps({"specversion": "1.0", "subject": SUBJECT, "data": body})
    now = SystemClock().now()
    headers = {
        "webhook-id": id_,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(id_, now, text),
    }
    async with loopback.client() as client:
        return await client.post(
            f"{simulator.url}/hooks/returns", content=text, headers=headers
        )


async def put(simulator: WarehouseSimulator, body: Body) -> httpx.Response:
    """Call the resource door as the bridge does."""
    headers = {"authorization": "Bearer token-1", "idempotency-key": "e-1"}
    async with loopback.client(headers=headers) as client:
        return await client.put(
            f"{simulator.url}/inbound-returns/{REFERENCE}", json=body
        )


async def get(simulator: WarehouseSimulator, path: str) -> httpx.Response:
    async with loopback.client(headers={"authorization": "Bearer token-1"}) as client:
        return await client.get(f"{simulator.url}{path}")


def reports(receiver: Receiver) -> list[Body]:
    return [json.loads(body)["data"] for body in receiver.bodies]


# ------------------------------------------------------------------ event door


async def test_a_signed_announcement_is_taken_once(
    simulator: WarehouseSimulator,
) -> None:
    first = await announce(simulator, document())
    again = await announce(simulator, document())

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    calls = simulator.front.log.calls
    assert [call.effect for call in calls] == [1, None]
    assert {(c.subject, c.reference, c.key, c.revision) for c in calls} == {
        (SUBJECT, REFERENCE, "e-1", 1)
    }


async def test_a_forgetful_warehouse_shows_every_repeat(
    clock: SystemClock, journal: Journal
) -> None:
    options = WarehouseOptions("east", Keys((SECRET,), "t"), remembers=False)
    simulator = WarehouseSimulator(options, clock=clock, journal=journal)
    await simulator.start()

    for _ in range(2):
        await announce(simulator, document())
    await simulator.stop()

    assert [call.effect for call in simulator.front.log.calls] == [1, 2]


@pytest.mark.parametrize(
    "secret", [REPORT_SECRET, signing_secret()], ids=["of reports", "of nobody"]
)
async def test_an_announcement_with_a_wrong_signature_is_refused(
    simulator: WarehouseSimulator, secret: str
) -> None:
    response = await announce(simulator, document(), secret=secret)

    assert response.status_code == 401
    assert not simulator.warehouse.documents


async def test_a_reference_of_more_than_fifty_signs_is_refused(
    simulator: WarehouseSimulator,
) -> None:
    answers = [
        await announce(simulator, document() | {"reference": "r" * length}, id_=id_)
        for length, id_ in ((50, "e-1"), (51, "e-2"))
    ]

    assert [answer.status_code for answer in answers] == [202, 400]


async def test_an_unsigned_or_misshapen_announcement_is_refused(
    simulator: WarehouseSimulator,
) -> None:
    async with loopback.client() as client:
        unsigned = await client.post(f"{simulator.url}/hooks/returns", json={})
    misshapen = await announce(simulator, {"spec": "other"})

    assert (unsigned.status_code, misshapen.status_code) == (401, 400)


async def test_both_secrets_are_valid_during_rotation(clock: SystemClock) -> None:
    keys = Keys((SECRET, REPORT_SECRET), "t")
    simulator = WarehouseSimulator(WarehouseOptions("east", keys), clock=clock)
    await simulator.start()

    answers = [
        await announce(simulator, document(), id_=secret, secret=secret)
        for secret in (SECRET, REPORT_SECRET)
    ]
    await simulator.stop()

    assert [answer.status_code for answer in answers] == [202, 202]


async def test_one_product_is_refused_for_good_by_both_doors(
    simulator: WarehouseSimulator, journal: Journal
) -> None:
    body = document(sku="MIRROR-180")

    answers = [await announce(simulator, body), await put(simulator, body)]

    assert [answer.status_code for answer in answers] == [422, 422]
    pointer = {"pointer": "/lines/0/sku", "code": "unknown_sku"}
    assert all(answer.json()["errors"] == [pointer] for answer in answers)
    assert journal.counts[Kind.REFUSED] == 2


async def test_old_news_after_newer_shows_as_an_effect_but_changes_nothing(
    simulator: WarehouseSimulator,
) -> None:
    await announce(simulator, document(2), id_="e-2")
    await announce(simulator, document(1), id_="e-1")

    assert simulator.warehouse.documents[REFERENCE].revision == 2
    assert [call.effect for call in simulator.front.log.calls] == [1, 2]


# --------------------------------------------------------------- resource door


async def test_desired_state_is_created_updated_and_repeated(
    simulator: WarehouseSimulator,
) -> None:
    answers = [await put(simulator, document(revision)) for revision in (1, 1, 2)]

    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert answers[2].json() == {
        "wms_return_id": "W-9001",
        "reference": REFERENCE,
        "revision": 2,
        "state": "awaiting",
    }
    assert [call.effect for call in simulator.front.log.calls] == [1, None, 2]
    assert {call.subject for call in simulator.front.log.calls} == {SUBJECT}


async def test_an_older_revision_fails_its_precondition(
    simulator: WarehouseSimulator,
) -> None:
    await put(simulator, document(3))

    response = await put(simulator, document(2))

    assert (response.status_code, response.json()["revision"]) == (412, 3)
    assert simulator.front.log.calls[-1].effect is None


async def test_a_return_can_be_cancelled_before_it_arrives(
    simulator: WarehouseSimulator, receiver: Receiver, until: Until
) -> None:
    await put(simulator, document(1))
    bare: Body = {
        "spec": "wms.inbound-return/1",
        "reference": REFERENCE,
        "revision": 2,
        "state": "cancelled",
        "reason": "Withdrawn",
    }

    response = await put(simulator, bare)

    assert (response.status_code, response.json()["state"]) == (200, "cancelled")
    await until(lambda: len(receiver.bodies) == 2)
    assert reports(receiver)[-1]["status"] == "cancelled"


async def test_cancelling_what_was_never_known_is_not_found(
    simulator: WarehouseSimulator,
) -> None:
    response = await put(simulator, document(state="cancelled"))

    assert response.status_code == 404
    assert not simulator.warehouse.documents


async def test_cancelling_is_too_late_once_the_parcel_is_there(
    simulator: WarehouseSimulator, until: Until
) -> None:
    await put(simulator, document(1))
    simulator.warehouse.receive(Parcel("T-1", (Unit("MUG"),)))
    await until(lambda: simulator.warehouse.documents[REFERENCE].begun)

    answers = [
        await put(simulator, document(2, state="cancelled")),
        await announce(simulator, document(2, state="cancelled")),
    ]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert answers[0].json()["type"] == "urn:returns-bridge:problem:too-late"


async def test_a_document_is_read_back_and_listed(
    simulator: WarehouseSimulator,
) -> None:
    await put(simulator, document(1))

    one = await get(simulator, f"/inbound-returns/{REFERENCE}")
    page = await get(simulator, "/inbound-returns?limit=1")

    assert one.json()["spec"] == "wms.return-snapshot/1"
    assert page.json() == {"items": [one.json()], "next_cursor": None}


async def test_a_listing_goes_page_by_page_from_a_moment_on(
    simulator: WarehouseSimulator,
) -> None:
    for number in range(3):
        body = {**document(), "reference": f"redo.demo.{number}-1"}
        await announce(simulator, body, id_=str(number))

    first = (await get(simulator, "/inbound-returns?limit=2")).json()
    rest = await get(simulator, f"/inbound-returns?cursor={first['next_cursor']}")
    later = await get(simulator, "/inbound-returns?updated_since=2999-01-01T00:00:00Z")

    assert [len(first["items"]), len(rest.json()["items"])] == [2, 1]
    assert later.json()["items"] == []


@pytest.mark.parametrize(
    "query", ["updated_since=x", "limit=x", "updated_since=2026-01-01"]
)
async def test_a_listing_refuses_what_it_cannot_read(
    simulator: WarehouseSimulator, query: str
) -> None:
    await put(simulator, document())

    assert (await get(simulator, f"/inbound-returns?{query}")).status_code == 400


async def test_the_resource_door_wants_its_token(simulator: WarehouseSimulator) -> None:
    async with loopback.client(base_url=simulator.url) as client:
        url = f"/inbound-returns/{REFERENCE}"
        answers = [
            await client.put(url, json=document()),
            await client.get(url),
            await client.get("/inbound-returns"),
        ]

    assert [answer.status_code for answer in answers] == [401, 401, 401]


async def test_the_resource_door_refuses_what_does_not_fit(
    simulator: WarehouseSimulator,
) -> None:
    foreign = await put(simulator, {**document(), "reference": "other-1"})
    misshapen = await put(simulator, {"spec": "other"})
    unknown = await get(simulator, f"/inbound-returns/{REFERENCE}")

    assert [foreign.status_code, misshapen.status_code, unknown.status_code] == [
        422,
        400,
        404,
    ]


# --------------------------------------------------------------- physical work


async def work(
    simulator: WarehouseSimulator, until: Until, *units: Unit
) -> dict[str, JsonValue]:
    """Announce, let the parcel come, and return the last snapshot."""
    await announce(simulator, document())
    simulator.warehouse.receive(Parcel("T-1", units))
    await until(lambda: simulator.idle)
    snapshot: Body = (await get(simulator, f"/inbound-returns/{REFERENCE}")).json()
    return snapshot


def lines(snapshot: Body) -> list[tuple[object, object, object, dict[str, int]]]:
    found = snapshot["lines"]
    assert isinstance(found, list)
    told = []
    for line in found:
        assert isinstance(line, dict)
        outcomes = line["outcomes"]
        assert isinstance(outcomes, list)
        sums = {o["key"]: o["quantity"] for o in outcomes if isinstance(o, dict)}
        told.append((line["sku"], line["expected"], line["received"], sums))
    return told  # type: ignore[return-value]  # JSON has no types of its own


async def test_a_full_parcel_goes_from_the_dock_to_the_shelf(
    simulator: WarehouseSimulator, receiver: Receiver, until: Until
) -> None:
    snapshot = await work(simulator, until, Unit("MUG"), Unit("MUG"), Unit("LAMP"))

    assert lines(snapshot) == [("MUG", 2, 2, {"A": 2}), ("LAMP", 1, 1, {"A": 1})]
    told = reports(receiver)
    assert [report["status"] for report in told] == [
        *("awaiting", "arrived"),
        *("processing", "processing", "processing", "completed"),
    ]
    assert [report["version"] for report in told] == [1, 2, 3, 4, 5, 6]


async def test_a_short_parcel_is_counted_short(
    simulator: WarehouseSimulator, until: Until
) -> None:
    snapshot = await work(simulator, until, Unit("MUG"))

    assert lines(snapshot) == [("MUG", 2, 1, {"A": 1}), ("LAMP", 1, 0, {})]
    assert snapshot["status"] == "completed"


async def test_a_broken_unit_is_set_aside_with_a_picture(
    simulator: WarehouseSimulator, until: Until
) -> None:
    snapshot = await work(
        simulator, until, Unit("MUG", damaged=True), Unit("MUG"), Unit("LAMP")
    )

    assert lines(snapshot)[0] == ("MUG", 2, 2, {"D": 1, "A": 1})
    assert "https://images.example/" in json.dumps(snapshot)


async def test_an_unexpected_unit_gets_a_line_of_its_own(
    simulator: WarehouseSimulator, until: Until
) -> None:
    snapshot = await work(simulator, until, *(Unit("MUG"),) * 3, Unit("CAP"))

    assert lines(snapshot) == [
        ("MUG", 2, 3, {"A": 3}),
        ("LAMP", 1, 0, {}),
        ("CAP", 0, 1, {"U": 1}),
    ]


async def test_an_empty_parcel_is_worked_off_too(
    simulator: WarehouseSimulator, until: Until
) -> None:
    snapshot = await work(simulator, until)

    assert snapshot["status"] == "completed"
    assert [line[2] for line in lines(snapshot)] == [0, 0]


async def test_a_parcel_waits_for_its_announcement(
    simulator: WarehouseSimulator, until: Until
) -> None:
    simulator.warehouse.receive(Parcel("T-1", (Unit("MUG"),)))
    await announce(simulator, document(1, tracker="other"), id_="e-1")

    await announce(simulator, document(2), id_="e-2")

    await until(lambda: simulator.idle)
    assert simulator.warehouse.documents[REFERENCE].status == "completed"


async def test_what_nobody_announced_is_set_aside(
    simulator: WarehouseSimulator, until: Until
) -> None:
    async with loopback.client() as client:
        response = await client.post(
            f"{simulator.url}/dock/parcels",
            json={"tracking_number": "T-9", "units": [{"sku": "MUG"}]},
        )
        odd = await client.post(f"{simulator.url}/dock/parcels", json={})

    await until(lambda: simulator.idle)
    assert (response.status_code, odd.status_code) == (202, 400)
    assert simulator.warehouse.set_aside == [Parcel("T-9", (Unit("MUG"),))]


async def test_parcels_of_refused_and_cancelled_returns_are_set_aside(
    simulator: WarehouseSimulator, until: Until
) -> None:
    await announce(simulator, document(sku="MIRROR-180"), id_="e-1")
    await announce(simulator, document(1, tracker="T-2"), id_="e-2")
    await announce(simulator, document(2, tracker="T-2", state="cancelled"), id_="e-3")

    for tracker in ("T-1", "T-2"):
        simulator.warehouse.receive(Parcel(tracker, ()))

    await until(lambda: simulator.idle)
    assert len(simulator.warehouse.set_aside) == 2


async def test_a_revision_keeps_what_was_counted(
    simulator: WarehouseSimulator, until: Until
) -> None:
    await work(simulator, until, Unit("MUG"), Unit("MUG"))
    changed = document(2)
    changed["lines"] = [{"line_key": "a3", "sku": "CAP", "quantity": 1}]

    await announce(simulator, changed, id_="e-2")

    snapshot = (await get(simulator, f"/inbound-returns/{REFERENCE}")).json()
    assert [line[:3] for line in lines(snapshot)] == [("CAP", 1, 0), ("MUG", 2, 2)]


# --------------------------------------------------------------------- reports


async def test_reports_are_signed_and_tried_until_they_are_taken(
    simulator: WarehouseSimulator, receiver: Receiver, until: Until
) -> None:
    receiver.answers = [503, 401]

    await announce(simulator, document())

    await until(lambda: simulator.idle)
    assert len(set(receiver.bodies)) == 1
    assert (simulator.reporter.retried, simulator.reporter.sent) == (2, 1)
    for headers, body in receiver.requests:
        assert headers["webhook-id"] == "east-W-9001-1"
        Webhook(REPORT_SECRET).verify(body, headers)


async def test_reports_come_twice_and_late_when_the_habits_say_so(
    clock: SystemClock, journal: Journal, receiver: Receiver, until: Until
) -> None:
    manners = Manners(habits="many", seed=3)
    options = WarehouseOptions("east", Keys((SECRET,), "t"), manners=manners, pace=FAST)
    simulator = WarehouseSimulator(options, clock=clock, journal=journal)
    simulator.reporter.subscribe(ReportTo(receiver.url, REPORT_SECRET))
    await simulator.start()

    await work(simulator, until, Unit("MUG"))
    await simulator.stop()

    ids = [headers["webhook-id"] for headers, _ in receiver.requests]
    assert len(ids) > len(set(ids)) == 5
    assert simulator.reporter.sent == len(ids)
