"""What a warehouse says: whose it is, what it means, what cannot be read."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bridge.canonical.goods import (
    ConditionCode,
    DiscrepancyCode,
    DispositionCode,
    GoodsStatus,
)
from bridge.errors import AuthenticityError, UnreadableError
from bridge.platforms.contract import (
    GoodsFacts,
    GoodsReport,
    InboundRequest,
    Observation,
    Source,
)
from bridge.platforms.warehouse.signing import sign
from bridge.platforms.warehouse.source import WarehouseSource

NOW = datetime(2026, 11, 19, 16, tzinfo=UTC)
SECRET = SecretStr("whsec_ZGVtby1rZXktZG8tbm90LXVzZS0wMDAx")
OURS = "redo.acme-outdoor.65f000000000000000001042-2"
Json = dict[str, object]


def _source() -> WarehouseSource:
    return WarehouseSource(
        "acme-east", "generic", [SECRET], announced_by={"redo/acme-outdoor"}
    )


def _request(body: object, **headers: str) -> InboundRequest:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return InboundRequest(headers, raw, NOW)


def _observation(body: object) -> Observation:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Observation(
        id="d1",
        subject="redo/acme-outdoor/1",
        platform="warehouse",
        account="acme-east",
        channel="webhook",
        received_at=NOW,
        body=raw,
    )


def _snapshot(**more: object) -> Json:
    return {
        "spec": "wms.return-snapshot/1",
        "wms_return_id": "W-9001",
        "status": "processing",
        "occurred_at": "2026-11-19T15:10:00Z",
        **more,
    }


def _report(**more: object) -> GoodsReport:
    reading = _source().read(_observation(_snapshot(**more)))
    assert isinstance(reading, GoodsReport)
    return reading


def _facts(*facts: object, **more: object) -> Json:
    return {
        "spec": "wms.warehouse-facts/1",
        "wms_return_id": "W-9001",
        "facts": list(facts),
        **more,
    }


def _refusal(body: object) -> UnreadableError:
    with pytest.raises(UnreadableError) as refused:
        _source().read(_observation(body))
    return refused.value


# ------------------------------------------------------------------- whose it is


def test_an_echoed_reference_leads_to_its_return() -> None:
    request = _request(_snapshot(reference=OURS))

    assert _source().locate(request) == "redo/acme-outdoor/65f000000000000000001042"


def test_a_reference_inside_an_envelope_leads_there_too() -> None:
    request = _request({"specversion": "1.0", "data": _facts(reference=OURS)})

    assert _source().locate(request) == "redo/acme-outdoor/65f000000000000000001042"


@pytest.mark.parametrize(
    ("reference", "id_", "subject"),
    [
        ("RMA-1042-1", "W-9001", "warehouse/acme-east/W-9001"),
        ("redo.another-shop.1-1", "W-9001", "warehouse/acme-east/W-9001"),
        (None, 7, "warehouse/acme-east/7"),
        (17, "UmV0dXJuOjE=", "warehouse/acme-east/UmV0dXJuOjE="),
        (None, "WH/IN/00012", "warehouse/acme-east/WH%2FIN%2F00012"),
        (None, "Retour n°1", "warehouse/acme-east/Retour%20n%C2%B01"),
    ],
)
def test_news_without_a_reference_of_ours_gets_a_history_of_its_own(
    reference: object, id_: object, subject: str
) -> None:
    request = _request(_snapshot(reference=reference, wms_return_id=id_))

    assert _source().locate(request) == subject


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        {"specversion": "1.0", "data": None},
        _snapshot(wms_return_id=None),
        _snapshot(wms_return_id=True),
        _snapshot(wms_return_id=""),
        _snapshot(wms_return_id="W\n1"),
        _snapshot(wms_return_id="W" * 129),
    ],
)
def test_a_body_that_names_nobody_has_no_subject(body: object) -> None:
    assert _source().locate(_request(body)) is None


def test_the_delivery_id_is_the_senders() -> None:
    source: Source = _source()

    assert source.delivery_id(_request({}, **{"webhook-id": "m1"})) == "m1"
    assert source.delivery_id(_request({})) is None


def test_what_is_signed_is_believed() -> None:
    source = _source()

    assert source.credible(_request({}))


def test_only_who_signed_is_let_in() -> None:
    signed = sign([SECRET], "m1", datetime.now(UTC), "{}")

    _source().authenticate(_request({}, **signed))

    with pytest.raises(AuthenticityError):
        _source().authenticate(_request({"more": 1}, **signed))


# ------------------------------------------------------------------- what it says


def test_the_signed_example_is_read_whole(payloads: Path) -> None:
    example = json.loads(
        (payloads / "generic-inbound-snapshot-signed.json").read_text()
    )

    reading = _source().read(_observation(example["request"]["body_raw"].encode()))

    assert isinstance(reading, GoodsReport)
    document = reading.document
    assert (document.account, document.system) == ("acme-east", "generic")
    assert (document.reference, document.parcel) == ("RMA-1042-1", None)
    assert [(ln.line_key, ln.expected, ln.received) for ln in document.lines] == [
        ("65f0000000000000000000a1", 2, 1),
        ("65f0000000000000000000a2", 1, 1),
        ("unexpected:1", 0, 1),
    ]
    assert reading.version.stamp == "v00000000000000000004"
    assert reading.version.at == "2026-11-19T15:10:00.000000+00:00"


def test_the_signed_facts_are_read_whole(payloads: Path) -> None:
    example = json.loads((payloads / "generic-inbound-facts-signed.json").read_text())

    reading = _source().read(_observation(example["request"]["body_raw"].encode()))

    assert isinstance(reading, GoodsFacts)
    received, restocked = reading.facts
    assert (received.id, received.kind, received.quantity) == (
        "acme-east-scan-771",
        "received",
        1,
    )
    assert restocked.condition == {"code": "new", "grade": "A", "raw": "A - as new"}


def test_a_reference_of_ours_names_the_parcel() -> None:
    assert _report(reference=OURS).document.parcel == 2


def test_words_nobody_listed_are_kept_beside_unknown() -> None:
    outcome = {
        "quantity": 1,
        "disposition": "Ate it",
        "condition": {"code": "Mouldy", "grade": 3},
    }
    report = _report(
        status="Lost in aisle 4",
        lines=[{"outcomes": [outcome, {"disposition": None}]}, {"sku": "TEE"}],
        discrepancies=[{"code": "haunted"}, {"code": "Empty_Parcel", "quantity": 1}],
    )

    document = report.document
    first, second = document.lines
    assert (document.status, document.status_raw) == (
        GoodsStatus.UNKNOWN,
        "Lost in aisle 4",
    )
    assert (first.line_key, second.line_key) == ("line:0", "TEE")
    eaten, silent = first.outcomes
    assert (eaten.disposition, eaten.key, eaten.raw) == (
        DispositionCode.OTHER,
        "other",
        "Ate it",
    )
    assert eaten.condition is not None
    assert (eaten.condition.code, eaten.condition.raw) == (
        ConditionCode.UNKNOWN,
        "Mouldy",
    )
    assert eaten.condition.grade == "3"
    assert silent.condition is None
    haunted, empty = document.discrepancies
    assert (haunted.code, haunted.raw) == (DiscrepancyCode.UNIDENTIFIED, "haunted")
    assert empty.code is DiscrepancyCode.EMPTY_PARCEL


def test_nulls_and_unknown_fields_are_taken() -> None:
    outcome = {"key": "A", "quantity": None, "disposition": "restock", "evidence": None}
    lines = [{"line_key": "a", "expected": None, "received": None, "outcomes": None}]

    report = _report(
        lines=[*lines, {"line_key": "b", "outcomes": [outcome]}],
        discrepancies=None,
        status=None,
        rejected_reason="",
        weather="mild",
    )

    assert report.document.status is GoodsStatus.UNKNOWN
    assert report.document.rejected_reason is None
    assert [line.received for line in report.document.lines] == [0, 0]
    assert _report(lines=None).document.lines == ()


def test_a_time_without_zone_is_utc() -> None:
    naive = _report(occurred_at="2026-11-19T15:41:00").document
    zoned = _report(occurred_at="2026-11-19T10:41:00-05:00").document

    assert naive == zoned
    assert naive.occurred_at == datetime(2026, 11, 19, 15, 41, tzinfo=UTC)


def test_a_time_is_taken_from_the_next_best_place() -> None:
    body = _snapshot()
    del body["occurred_at"]
    envelope = {"specversion": "1.0", "time": "2026-11-19T15:11:00Z", "data": body}

    updated = _report(occurred_at=None, updated_at="2026-11-19T15:12:00Z")
    reading = _source().read(_observation(envelope))

    assert updated.document.occurred_at.minute == 12
    assert isinstance(reading, GoodsReport)
    assert reading.document.occurred_at.minute == 11


def test_versions_sort_by_number_then_by_time_and_numbers_win() -> None:
    ordered = [
        _report(occurred_at="2026-11-19T15:10:00Z"),
        _report(occurred_at="2026-11-19T15:10:00.5Z"),
        _report(updated_at="2026-11-19T15:10:01Z"),
        _report(version=9),
        _report(version=9, occurred_at="2026-11-19T15:11:00Z"),
        _report(version=10),
        _report(version=10**19),
    ]

    versions = [report.version for report in ordered]

    assert versions == sorted(versions)
    assert len(set(versions)) == len(versions)


def test_one_state_told_twice_has_one_version() -> None:
    plain = _report(version=4)
    repeated = _report(version=4, sent_by="another process")

    assert plain == repeated
    assert _report(version=4, status="completed").version != plain.version


def test_a_fact_says_its_disposition_or_what_is_wrong_as_reason() -> None:
    when = {"occurred_at": "2026-11-19T15:02:11Z"}
    body = _facts(
        {"id": 1, "kind": "withheld", "disposition": "quarantine", **when},
        {"id": "2", "kind": "discrepancy", "discrepancy": "wrong_item", **when},
        {"id": "3", "kind": "rejected", "reason": "wet", **when},
    )

    reading = _source().read(_observation(body))

    assert isinstance(reading, GoodsFacts)
    assert [(fact.id, fact.reason) for fact in reading.facts] == [
        ("1", "quarantine"),
        ("2", "wrong_item"),
        ("3", "wet"),
    ]


def test_a_fact_without_a_time_takes_the_envelopes() -> None:
    body = {
        "specversion": "1.0",
        "time": "2026-11-19T15:11:00",
        "data": _facts({"id": "1", "kind": "received"}),
    }

    reading = _source().read(_observation(body))

    assert isinstance(reading, GoodsFacts)
    assert reading.facts[0].occurred_at == datetime(2026, 11, 19, 15, 11, tzinfo=UTC)


# ------------------------------------------------------------- what cannot be read


@pytest.mark.parametrize(
    ("body", "reason", "path"),
    [
        (b"", "not_json", "$"),
        (b"not json", "not_json", "$"),
        (b"\xff\xfe", "not_json", "$"),
        (b'{"wms_return_id": NaN}', "not_json", "$"),
        (b'{"wms_return_id": "\\ud800"}', "not_json", "$"),
        (b"[" * 10_000, "not_json", "$"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "not_json", "$"),
        (b"[]", "shape", "$"),
        (b"null", "shape", "$"),
        ({"specversion": "1.0", "data": []}, "shape", "$.data"),
        ({}, "unknown_spec", "$.spec"),
        ({"spec": ["wms.return-snapshot/1"]}, "unknown_spec", "$.spec"),
        (
            {"specversion": "1.0", "data": {"spec": "wms.return-snapshot/2"}},
            "unknown_spec",
            "$.data.spec",
        ),
        (_snapshot(wms_return_id=None), "no_id", "$.wms_return_id"),
        (_facts(wms_return_id={}), "no_id", "$.wms_return_id"),
        (_snapshot(lines={}), "shape", "$.lines"),
        (_snapshot(lines=[None]), "shape", "$.lines[0]"),
        (_snapshot(lines=[{}, {"received": -1}]), "shape", "$.lines[1].received"),
        (_snapshot(lines=[{"received": 1e12}]), "shape", "$.lines[0].received"),
        (_snapshot(status=["done"]), "shape", "$.status"),
        (_snapshot(version=-1), "shape", "$.version"),
        (_snapshot(version=10**20), "shape", "$.version"),
        (_snapshot(occurred_at="soon"), "shape", "$.occurred_at"),
        (_snapshot(occurred_at="0001-01-01T00:00:00+14:00"), "shape", "$.occurred_at"),
        (_snapshot(occurred_at=None), "shape", "$.occurred_at"),
        (_facts({"kind": "received"}), "shape", "$.facts[0].id"),
        (_facts({"id": "", "kind": "received"}), "shape", "$.facts[0].id"),
        (_facts({"id": "1", "kind": "x"}), "shape", "$.facts[0].occurred_at"),
        (
            {
                "specversion": "1.0",
                "time": "whenever",
                "data": _snapshot(occurred_at=None),
            },
            "shape",
            "$.data.occurred_at",
        ),
    ],
)
def test_an_unreadable_body_is_refused_with_reason_and_path(
    body: object, reason: str, path: str
) -> None:
    refused = _refusal(body)

    assert (refused.reason, refused.path) == (reason, path)


def test_the_error_repeats_nothing_of_the_body() -> None:
    refused = _refusal(_snapshot(lines=[{"received": "Ada Example"}]))

    told = f"{refused} {refused.detail} {refused.path}"
    assert "Ada" not in told
    assert refused.__cause__ is None
    assert refused.__suppress_context__


def test_of_duplicate_keys_the_last_one_counts() -> None:
    body = json.dumps(_snapshot()).encode()[:-1] + b',"status":"completed"}'

    reading = _source().read(_observation(body))

    assert isinstance(reading, GoodsReport)
    assert reading.document.status is GoodsStatus.COMPLETED


def test_five_thousand_lines_are_read_in_no_time() -> None:
    line = {"sku": "TEE", "received": 1, "outcomes": [{"quantity": 1}]}
    body = _snapshot(lines=[{"line_key": f"l{i}", **line} for i in range(5000)])
    started = time.perf_counter()

    reading = _source().read(_observation(body))

    assert isinstance(reading, GoodsReport)
    assert len(reading.document.lines) == 5000
    assert time.perf_counter() - started < 5


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
keys = st.sampled_from(
    ["wms_return_id", "reference", "status", "occurred_at", "version", "lines", "facts"]
)


@given(
    st.dictionaries(keys, json_values),
    st.sampled_from(["return-snapshot", "warehouse-facts"]),
)
def test_no_shape_of_body_breaks_the_source(odd: Json, spec: str) -> None:
    body = json.dumps({**_snapshot(), **odd, "spec": f"wms.{spec}/1"}).encode()

    _source().locate(_request(body))
    try:
        _source().read(_observation(body))
        came_to = "read"
    except UnreadableError as refused:
        came_to = refused.reason

    assert came_to in {"read", "not_json", "shape", "no_id"}


@given(st.binary(max_size=200))
def test_no_bytes_break_the_source(body: bytes) -> None:
    assert _source().locate(_request(body)) is None
    assert _refusal(body).reason in {"not_json", "shape", "unknown_spec"}
