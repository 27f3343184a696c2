"""What the process tells: one line per fact, no secret, traces that travel."""

import logging
from collections.abc import Callable, Iterator

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from pydantic import SecretStr, TypeAdapter, ValidationError

from bridge.errors import ConfigError
from bridge.telemetry import (
    TelemetryOptions,
    configure,
    events,
    logger,
    metrics,
    tracing,
)
from bridge.telemetry.export import provider

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE_ID = PARENT.split("-")[1]
Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    tracing.use(None)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """Return what was logged since the last look."""
    configure(TelemetryOptions())

    def read() -> list[dict[str, object]]:
        written = capsys.readouterr()
        assert written.out == ""
        return [orjson.loads(line) for line in written.err.splitlines()]

    return read


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """Turn tracing on, into memory."""
    exporter = InMemorySpanExporter()
    made = TracerProvider()
    made.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(made.get_tracer("test"))
    return exporter


# ---------------------------------------------------------------- logs


def test_a_fact_is_one_json_line_on_stderr_with_its_time(lines: Lines) -> None:
    logger("bridge.part").info(events.LANE_HELD, target="wms", attempt=3)

    (line,) = lines()
    moment = str(line.pop("timestamp"))
    assert moment.endswith("Z")
    assert line == {
        "event": "lane.held",
        "level": "info",
        "module": "bridge.part",
        "target": "wms",
        "attempt": 3,
    }


def test_what_is_below_the_level_is_not_written(lines: Lines) -> None:
    logger("bridge.part").debug(events.WEBHOOK_ACCEPTED)

    assert lines() == []


def test_people_may_have_text_instead(capsys: pytest.CaptureFixture[str]) -> None:
    configure(TelemetryOptions(log_format="console"))

    logger("bridge.part").info(events.LANE_HELD, target="wms")

    written = capsys.readouterr().err
    assert "lane.held" in written
    assert "wms" in written
    assert not written.startswith("{")


def test_secrets_and_bodies_are_masked(lines: Lines) -> None:
    logger("bridge.part").info(
        events.LANE_HELD,
        token="s3cret",  # noqa: S106  it must not be seen
        email="ann@example.org",
        key=SecretStr("s3cret"),
        record=b"s3cret",
    )

    (line,) = lines()
    assert "s3cret" not in repr(line)
    assert "ann@example.org" not in repr(line)
    assert line["record"] == "<6 bytes>"


def test_a_foreign_error_is_its_type_and_place_without_its_words(lines: Lines) -> None:
    try:
        TypeAdapter(int).validate_python("ann@example.org")
    except ValidationError as broken:
        logger("bridge.part").error(events.ROLE_FAILED, role="ingest", error=broken)

    (line,) = lines()
    assert "ann@example.org" not in repr(line)
    assert str(line["error"]).endswith("ValidationError")
    assert "test_telemetry.py" in str(line["at"])


@pytest.mark.parametrize(
    "spoken", [ConfigError("say which"), ConnectionRefusedError("say which")]
)
def test_our_own_and_the_system_s_errors_keep_their_words(
    lines: Lines, spoken: Exception
) -> None:
    logger("bridge.part").error(events.ROLE_FAILED, error=spoken)

    (line,) = lines()
    assert line["detail"] == "say which"


def test_a_reason_given_as_text_stays(lines: Lines) -> None:
    logger("bridge.part").error(events.ROLE_FAILED, error="timeout")

    assert lines()[0]["error"] == "timeout"


def test_libraries_warn_through_our_log_once_in_a_while(lines: Lines) -> None:
    for attempt in range(100):
        logging.getLogger("aiokafka").warning("no node %s\nand more", attempt)
    logging.getLogger("aiokafka").info("small talk")

    (line,) = lines()
    assert line["event"] == "library.warned"
    assert line["source"] == "aiokafka"
    assert line["detail"] == "no node 0"


def test_an_error_of_a_library_is_told_without_its_words(lines: Lines) -> None:
    try:
        int("ann@example.org")
    except ValueError:
        logging.getLogger("asyncio").exception("never retrieved")

    (line,) = lines()
    assert line["level"] == "error"
    assert line["error"] == "ValueError"
    assert "ann@example.org" not in repr(line)


def test_retries_inside_aiokafka_s_producer_are_not_news(lines: Lines) -> None:
    configure(TelemetryOptions())
    sender = logging.getLogger("aiokafka.producer.sender")

    sender.warning("Got error produce response on topic-partition %s, retrying.", 3)
    sender.warning("Something else")

    assert [line["detail"] for line in lines()] == ["Something else"]


# ---------------------------------------------------------------- names


def test_no_two_facts_have_one_name() -> None:
    names = [value for name, value in vars(events).items() if name.isupper()]

    assert len(names) == len(set(names))
    assert all(name.replace("_", "").replace(".", "").islower() for name in names)


def test_all_metrics_begin_with_our_name() -> None:
    told = metrics.render().decode()

    assert "# TYPE returns_bridge_attempts_total counter" in told
    assert "process_resident_memory_bytes" in told


def test_a_name_that_is_not_configured_makes_no_new_series() -> None:
    assert metrics.known("shop", {"shop"}) == "shop"
    assert metrics.known("' OR 1=1", {"shop"}) == "unknown"


# ---------------------------------------------------------------- options


def test_yaml_s_unquoted_off_is_off() -> None:
    assert TelemetryOptions.model_validate({"traces": False}).traces == "off"


@pytest.mark.parametrize("wrong", ["on", "collector:4318", True, None])
def test_traces_are_off_or_go_to_an_address(wrong: object) -> None:
    with pytest.raises(ValidationError):
        TelemetryOptions.model_validate({"traces": wrong})


def test_traces_to_a_collector_are_recorded() -> None:
    made = provider("http://127.0.0.1:1/v1/traces", 1.0)

    span = made.get_tracer("test").start_span("step")

    assert span.is_recording()


def test_configuring_an_address_turns_tracing_on_and_off_again() -> None:
    configure(TelemetryOptions(traces="http://127.0.0.1:1/v1/traces"))
    on = tracing.tracer()
    configure(TelemetryOptions())

    assert on is not None
    assert tracing.tracer() is None


# ---------------------------------------------------------------- traces


def test_without_tracing_a_traceparent_passes_unchanged() -> None:
    with tracing.span("webhook", PARENT) as span:
        span.set("account", "shop")

    assert span.traceparent == PARENT


def test_without_tracing_nothing_is_invented() -> None:
    with tracing.span("webhook") as span:
        pass

    assert span.traceparent is None


def test_with_tracing_a_step_is_a_child_of_its_parent(
    spans: InMemorySpanExporter,
) -> None:
    with tracing.span("webhook", PARENT) as webhook:
        webhook.set("account", "shop")
    with tracing.span("call", webhook.traceparent):
        pass

    first, second = spans.get_finished_spans()
    assert webhook.traceparent is not None
    assert webhook.traceparent.split("-")[1] == TRACE_ID
    assert webhook.traceparent != PARENT
    assert first.attributes == {"account": "shop"}
    assert second.parent is not None
    assert first.context is not None
    assert second.parent.span_id == first.context.span_id


def test_a_step_that_breaks_is_marked_by_its_error_s_name_alone(
    spans: InMemorySpanExporter,
) -> None:
    with pytest.raises(ValueError, match="private"), tracing.span("call"):
        raise ValueError("private")

    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "ValueError"
    assert not span.events


def test_headers_carry_a_traceparent_there_and_back() -> None:
    headers: dict[str, str] = {}

    tracing.inject(PARENT, headers)
    tracing.inject(None, headers)

    assert tracing.extract(headers) == PARENT
    assert tracing.extract({}) is None


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        PARENT.upper(),
        PARENT + "\n",
        PARENT + "-00",
        "ff" + PARENT[2:],
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
    ],
)
def test_a_traceparent_of_another_shape_is_ignored(wrong: str) -> None:
    assert tracing.extract({"traceparent": wrong}) is None


@given(st.text())
def test_no_text_of_a_sender_breaks_tracing(text: str) -> None:
    assert tracing.checked(text) in {None, text}
