"""Settings of logs and traces (`telemetry` in the settings)."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


def _unquoted_off(value: object) -> object:
    """YAML 1.1 reads an unquoted `off` as false."""
    return "off" if value is False else value


Endpoint = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
Traces = Annotated[Literal["off"] | Endpoint, BeforeValidator(_unquoted_off)]


class TelemetryOptions(BaseModel):
    """How much the process tells, and where.

    `traces` is `off` or the address of an OTLP/HTTP collector
    (`http://collector:4318/v1/traces`); of new traces `trace_ratio` are recorded, of
    those that a sender began its own decision counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    traces: Traces = "off"
    trace_ratio: Annotated[float, Field(gt=0, le=1)] = 1.0
