"""Every body in tests/payloads/<platform> against the reading it must become.

A platform is one line of `PLATFORMS` and its folder of payloads.
`BRIDGE_UPDATE_GOLDEN=1 pytest tests/unit/platforms/test_golden.py` writes the files in
tests/golden anew; the difference is then reviewed like code.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr, TypeAdapter

from bridge.errors import UnreadableError
from bridge.platforms.contract import (
    Channel,
    InboundRequest,
    Observation,
    PlatformView,
    Privacy,
    Reading,
    Request,
    Requests,
    Source,
    Version,
)
from bridge.platforms.loop.care import PAIRS
from bridge.platforms.loop.naming import topic_of
from bridge.platforms.loop.payloads import DOCUMENTS
from bridge.platforms.loop.source import LoopSource
from bridge.platforms.reading import parse
from bridge.platforms.redo.source import RedoSource
from bridge.platforms.redo.source import parse as parse_redo
from bridge.platforms.returngo.payloads import Rma as ReturnGoRma
from bridge.platforms.returngo.source import ReturnGoSource
from bridge.platforms.returnlogic.care import ACTIONS
from bridge.platforms.returnlogic.source import ReturnLogicSource

TESTS = Path(__file__).parents[2]
SEEN = datetime(2027, 6, 1, 12, 0, tzinfo=UTC)
TOKENS = (SecretStr("token"),)
REQUESTS = TypeAdapter(tuple[Request, ...])

PERSONAL = ("Fictiva", "Testperson", "@example.com", "Zo", "Fixture Lane")


@dataclass(frozen=True, slots=True)
class Golden:
    """One platform: its source, for a payload's name, and which payloads it reads.

    `kinds` begin the names of its payloads; one of each is there at least. Those of
    `fetched` are answers, all others webhooks. `secrets` stand in them and must not
    leave `returns.raw`: codes, capabilities, banks. `parsed` is the model of a body
    whose fields must all be known, `unknown` the fields that are sent to be unknown.
    """

    source: Callable[[str, Privacy], Source]
    kinds: tuple[str, ...]
    secrets: tuple[str, ...] = ()
    fetched: tuple[str, ...] = ()
    parsed: Callable[[bytes], BaseModel] | None = None
    unknown: frozenset[str] = frozenset()

    def channel(self, payload: Path) -> Channel:
        return "fetch" if payload.name.startswith(self.fetched or "-") else "webhook"


def returngo(name: str, privacy: Privacy) -> Source:
    asked = "notify_only" in name or "wishes" in name
    return ReturnGoSource("demo", TOKENS, privacy, notify_only=asked)


def parse_loop(body: bytes) -> BaseModel:
    content = json.loads(body)
    return DOCUMENTS[topic_of(content)].model_validate(content)


PLATFORMS: Mapping[str, Golden] = {
    "redo": Golden(
        lambda _, privacy: RedoSource("demo", TOKENS, privacy),
        ("return_created", "return_updated", "return_backfill", "return_"),
        secrets=("DEMOCODE", "QR-DEMO", "labels.example", "technician@example"),
        parsed=parse_redo,
    ),
    "loop": Golden(
        lambda _, privacy: LoopSource("demo", TOKENS, privacy),
        (
            *(trigger for _, trigger in PAIRS),
            *("return.reopened", "return_row", "return_details", "unreadable"),
        ),
        secrets=("0000d370", "status_page", "/qr/", "labels.example"),
        parsed=parse_loop,
        unknown=frozenset({"$.brand_new"}),
    ),
    "returngo": Golden(
        returngo,
        ("rma_detail__",),
        secrets=("DEMO-CREDIT", "XX00", "labels.example", "rf-demo", "Demo WMS"),
        fetched=("rma_detail__",),
        parsed=lambda body: parse(ReturnGoRma, body),
    ),
    "returnlogic": Golden(
        lambda _, privacy: ReturnLogicSource("demo", TOKENS, privacy),
        (*ACTIONS, "unknown_action", "rma__", "confirmed__"),
        fetched=("rma__", "confirmed__"),
    ),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One payload of one platform."""

    platform: str
    payload: Path

    @property
    def line(self) -> Golden:
        return PLATFORMS[self.platform]

    @property
    def golden(self) -> Path:
        return TESTS / "golden" / self.platform / self.payload.name

    def source(self, *, drop_personal: bool = False) -> Source:
        privacy = Privacy(b"golden", drop_personal=drop_personal)
        return self.line.source(self.payload.stem, privacy)

    def observation(self) -> Observation:
        channel, body = self.line.channel(self.payload), self.payload.read_bytes()
        return Observation("id", "s", self.platform, "demo", channel, SEEN, body)

    def read(self, *, drop_personal: bool = False) -> Reading | None:
        """Return what its source reads; None if it cannot."""
        try:
            source = self.source(drop_personal=drop_personal)
            return source.read(self.observation())
        except UnreadableError:
            return None


def cases(platform: str) -> Iterator[Case]:
    for path in sorted((TESTS / "payloads" / platform).glob("*.json")):
        if path.name.startswith(PLATFORMS[platform].kinds):
            yield Case(platform, path)


ALL = [case for platform in PLATFORMS for case in cases(platform)]


def name_of(case: Case) -> str:
    return f"{case.platform}-{case.payload.stem}"


READABLE = [case for case in ALL if case.read() is not None]
MODELLED = [case for case in READABLE if case.line.parsed is not None]

each_case = pytest.mark.parametrize("case", ALL, ids=name_of)
each_platform = pytest.mark.parametrize("platform", PLATFORMS)


def told(case: Case) -> dict[str, object]:
    """Return what the door makes of a webhook, and what reading it comes to."""
    source, observation = case.source(), case.observation()
    content: dict[str, object] = {}
    if observation.channel == "webhook":
        request = InboundRequest({}, observation.body, SEEN)
        content["door"] = {
            "subject": source.locate(request),
            "delivery_id": source.delivery_id(request),
            "credible": source.credible(request),
        }
    try:
        return content | said(source.read(observation))
    except UnreadableError as broken:
        return content | {"unreadable": broken.reason, "path": broken.path}


def said(reading: Reading | None) -> dict[str, object]:
    match reading:
        case PlatformView():
            return {
                "version": asdict(reading.version),
                "says": None if reading.says is None else versions(reading.says),
                "parcels": versions(reading.parcels),
                "return": reading.view.model_dump(mode="json"),
            }
        case Requests():
            requests = REQUESTS.dump_python(reading.requests, mode="json")
            return {"subject": reading.subject, "requests": requests} | said(
                reading.view
            )
        case _:
            return {}


def versions(parts: Mapping[str, Version]) -> dict[str, object]:
    return {name: asdict(version) for name, version in sorted(parts.items())}


@each_platform
def test_there_is_a_payload_of_every_kind(platform: str) -> None:
    names = [case.payload.name for case in cases(platform)]

    for kind in PLATFORMS[platform].kinds:
        assert any(name.startswith(kind) for name in names), kind


@each_case
def test_a_payload_becomes_its_golden_reading(case: Case) -> None:
    golden = case.golden

    text = json.dumps(told(case), indent=2, ensure_ascii=False) + "\n"

    if os.environ.get("BRIDGE_UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def forgotten(sent: object, known: object, path: str = "$") -> list[str]:
    """Return the paths of fields that were sent and that no model has."""
    found: list[str] = []
    if isinstance(sent, dict) and isinstance(known, dict):
        for name, part in sent.items():
            at = f"{path}.{name}"
            found += forgotten(part, known[name], at) if name in known else [at]
    elif isinstance(sent, list) and isinstance(known, list):
        for index, (part, twin) in enumerate(zip(sent, known, strict=True)):
            found += forgotten(part, twin, f"{path}[{index}]")
    return found


@pytest.mark.parametrize("case", MODELLED, ids=name_of)
def test_no_field_of_a_payload_is_forgotten(case: Case) -> None:
    parsed, body = case.line.parsed, case.payload.read_bytes()
    assert parsed is not None

    known = parsed(body).model_dump(mode="json", by_alias=True)

    assert set(forgotten(json.loads(body), known)) <= case.line.unknown


@each_platform
def test_no_golden_file_is_left_without_a_payload(platform: str) -> None:
    known = {case.golden for case in cases(platform)}

    assert set((TESTS / "golden" / platform).glob("*.json")) == known


@each_platform
def test_no_secret_of_any_payload_reaches_a_canonical_form(platform: str) -> None:
    texts = {
        case.golden.name: case.golden.read_text(encoding="utf-8")
        for case in cases(platform)
    }

    for secret in PLATFORMS[platform].secrets:
        assert [name for name, text in texts.items() if secret in text] == []


@pytest.mark.parametrize("case", READABLE, ids=name_of)
def test_what_is_personal_stands_in_customer_and_addresses_alone(case: Case) -> None:
    text = repr(case.read(drop_personal=True))

    for personal in PERSONAL:
        assert personal not in text
