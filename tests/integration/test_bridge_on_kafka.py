"""The whole bridge on a real broker, from a webhook to the warehouse and back."""

import contextlib
import random
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from bridge.app.bridge import DELIVER, INGEST, NORMALIZE, Bridge
from bridge.app.inspecting import lag, verify
from bridge.clock import SystemClock
from bridge.normalize.state import SubjectState, decode
from bridge.sandbox.checker import check_calls
from bridge.sandbox.journal import Journal
from bridge.sandbox.sandbox import DevOptions, Doors, Sandbox, Wiring
from bridge.settings import Settings, build
from bridge.streams.records import Record
from bridge.streams.restore import read_to_end
from tests.support import loopback
from tests.support.broker import Broker
from tests.support.kafka_plugin import CreateTopics
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

PARTITIONS = 4
PAYLOADS = Path(__file__).parents[1] / "payloads" / "redo"
TOKEN = "token-of-the-test"  # noqa: S105 - invented
SECRET = "whsec_ZGVtby1rZXktZG8tbm90LXVzZS0wMDAx"  # noqa: S105 - the vectors' own


def settings_for(
    broker: Broker, prefix: str, state_dir: Path, wiring: Wiring | None = None
) -> Settings:
    """Return a whole configuration; without `wiring` there are no targets."""
    shop = wiring.shops["redo"] if wiring else None
    secrets = {
        "WEBHOOK": shop.hook_secret if shop else TOKEN,
        "API": shop.key if shop else TOKEN,
        "SIGN": wiring.warehouse_secret if wiring else SECRET,
        "REPORT": wiring.report_secret if wiring else SECRET,
        "HASH": "a key of the test",
    }
    targets: dict[str, object] = {}
    if wiring:
        url = f"{wiring.warehouse_url}/hooks/returns"
        targets = {
            "dock": {
                "kind": "warehouse.event",
                "account": "dock",
                "url": url,
                "signing_secrets": [{"env": "SIGN"}],
            },
            "shop": {"kind": "redo", "account": "shop"},
        }
    return build(
        {
            "kafka": {"bootstrap": broker.bootstrap},
            "topics": {
                "prefix": prefix,
                "partitions": PARTITIONS,
                "profile": "single-node",
            },
            "inbound": {"port": 0},
            "state_dir": str(state_dir),
            "privacy": {"hash_key": {"env": "HASH"}},
            "deliver": {
                "delivery": {"connect_timeout": "2s", "read_timeout": "2s"},
                "ownership": {"call_deadline": "3s"},
            },
            "accounts": {
                "shop": {
                    "platform": "redo",
                    "base_url": shop.url if shop else "http://127.0.0.1:9",
                    "api_token": {"env": "API"},
                    "webhook_tokens": [{"env": "WEBHOOK"}],
                },
                "dock": {
                    "platform": "warehouse",
                    "webhook_secrets": [{"env": "REPORT"}],
                    "announced_by": ["redo/shop"],
                },
            },
            "targets": targets,
        },
        secrets,
    )


@contextlib.asynccontextmanager
async def running(settings: Settings, *roles: str) -> AsyncIterator[tuple[Bridge, int]]:
    bridge = Bridge(settings, roles, clock=SystemClock())
    try:
        yield bridge, await bridge.start()
    finally:
        await bridge.stop()


async def snapshots(settings: Settings) -> dict[str, SubjectState]:
    """Return the last snapshot record of every subject."""
    found: dict[str, SubjectState] = {}

    def note(records: list[Record]) -> None:
        for record in records:
            found[(record.key or b"").decode()] = decode(record.value or b"")

    topic = settings.topic_names.snapshots
    for number in range(PARTITIONS):
        await read_to_end(settings.kafka, topic, number, start=0, apply=note)
    return found


async def post(port: int, body: bytes) -> None:
    async with loopback.client() as client:
        answer = await client.post(
            f"http://127.0.0.1:{port}/hooks/shop",
            content=body,
            headers={"authorization": f"Bearer {TOKEN}"},
        )
    assert answer.status_code == 202


async def test_returns_go_to_the_warehouse_and_back_while_both_sides_misbehave(
    kafka: Broker, topics: CreateTopics, tmp_path: Path
) -> None:
    names = await topics(kafka, "dock", "shop", partitions=PARTITIONS)
    clock = SystemClock()
    options = DevOptions(
        returns=15, duration=timedelta(seconds=5), faults="many", seed=11, plain=True
    )
    sandbox = Sandbox(options, clock=clock, journal=Journal(clock))
    settings = settings_for(kafka, names.prefix, tmp_path, await sandbox.start())

    async with running(settings, INGEST, NORMALIZE, DELIVER) as (bridge, port):
        door = f"http://127.0.0.1:{port}/hooks"
        sandbox.subscribe(Doors({"redo": f"{door}/shop"}, f"{door}/dock"))
        await sandbox.traffic()

        async def quiet() -> bool:
            still = sandbox.settled() and bridge.busy == 0
            return still and not (await verify(settings, None)).waiting

        await wait_until(quiet, what="quiet", within=timedelta(seconds=90))
        assert bridge.failed() is None
    await sandbox.stop()
    proof = await verify(settings, None)
    calls = check_calls(sandbox.calls())

    assert proof.kept, proof.lines
    assert calls.ok, calls
    assert calls.effects > 15


async def test_any_shuffling_duplication_and_delay_ends_in_the_same_snapshots(
    kafka: Broker, topics: CreateTopics, tmp_path: Path
) -> None:
    names = await topics(kafka, partitions=PARTITIONS)
    bodies = [path.read_bytes() for path in sorted(PAYLOADS.glob("return_*.json"))]
    finals = []
    dice = random.Random(5)  # noqa: S311 - a shuffle, no secret
    for run in range(2):
        settings = settings_for(kafka, names.prefix, tmp_path / str(run))
        async with running(settings, INGEST, NORMALIZE) as (_, port):
            for body in dice.sample(bodies, len(bodies)) * 2:
                await post(port, body)
            await all_folded(settings)
        finals.append(comparable(await snapshots(settings)))
        # The second run meets what the first one left: late news changes nothing.

    assert len(finals[0]) > 5
    assert finals[0] == finals[1]


async def test_two_orders_of_the_same_webhooks_make_the_same_snapshots(
    kafka: Broker, topics: CreateTopics, tmp_path: Path
) -> None:
    body = orjson.loads((PAYLOADS / "return_created__refund.json").read_bytes())
    versions = []
    for number in range(8):
        body["return"]["updatedAt"] = body["at"] = f"2027-03-0{number + 1}T10:00:00Z"
        body["return"]["status"] = ("open", "in_transit", "delivered")[number % 3]
        body["return"]["notes"] = [{"message": f"note {n}"} for n in range(number)]
        versions.append(orjson.dumps(body))
    names = await topics(kafka, partitions=PARTITIONS)
    finals = []
    dice = random.Random(6)  # noqa: S311 - a shuffle, no secret
    for run in range(2):
        own = b"ab"[run : run + 1] + b"001"
        bodies = [version.replace(b"1001", own) for version in versions]
        settings = settings_for(kafka, names.prefix, tmp_path / str(run))
        async with running(settings, INGEST, NORMALIZE) as (_, port):
            for each in bodies if run == 0 else dice.sample(bodies, 8) * 2:
                await post(port, each)
            await all_folded(settings)
        subject = f"redo/shop/f00d0000000000000000{own.decode()}"
        state = (await snapshots(settings))[subject]
        finals.append(plain(state).replace(own.decode(), "_"))

    assert finals[0] == finals[1]


async def test_a_crash_between_commit_and_local_state_is_healed_from_the_topic(
    kafka: Broker, topics: CreateTopics, tmp_path: Path
) -> None:
    names = await topics(kafka, partitions=PARTITIONS)
    state, backup = tmp_path / "state", tmp_path / "backup"
    settings = settings_for(kafka, names.prefix, state)
    async with running(settings, INGEST, NORMALIZE) as (_, port):
        await post(port, (PAYLOADS / "return_created__refund.json").read_bytes())
        await all_folded(settings)
    shutil.copytree(state, backup)
    async with running(settings, INGEST, NORMALIZE) as (_, port):
        await post(port, (PAYLOADS / "return_updated__in_transit.json").read_bytes())
        await all_folded(settings)
    shutil.rmtree(state)
    shutil.copytree(backup, state)  # as if the local write had never happened

    async with running(settings, INGEST, NORMALIZE) as (_, port):
        await post(
            port, (PAYLOADS / "return_updated__complete_refund.json").read_bytes()
        )
        await all_folded(settings)

    proof = await verify(settings, None)
    assert proof.kept, proof.lines
    assert {"return.created", "return.in_transit", "return.closed"} <= await kinds(
        settings
    )


async def all_folded(settings: Settings) -> None:
    """Wait until the normalise stage has committed every observation."""
    await wait_until(lambda: _folded(settings), what="all to be folded")


async def _folded(settings: Settings) -> bool:
    return all(row.lag == 0 for row in await lag(settings) if "normalize" in row.group)


async def kinds(settings: Settings) -> set[str]:
    found: set[str] = set()

    def note(records: list[Record]) -> None:
        found.update(
            record.headers["ce_type"].decode().removeprefix("returns.")[: -len(".v1")]
            for record in records
        )

    for number in range(PARTITIONS):
        await read_to_end(
            settings.kafka, settings.topic_names.events, number, start=0, apply=note
        )
    return found


def plain(state: SubjectState) -> str:
    """Return the snapshot without what may differ: when it was observed."""
    assert state.return_ is not None
    return state.return_.model_dump_json(exclude={"observed_at"}, by_alias=True)


def comparable(found: dict[str, SubjectState]) -> dict[str, str]:
    return {subject: plain(state) for subject, state in found.items()}
