"""Traces: the W3C `traceparent` that travels with a return from webhook to call.

Off, nothing is recorded and a sender's `traceparent` is passed on unchanged; on, every
webhook, observation and call is a span, the child of the one whose `traceparent` its
record carried. Spans are linked by that text alone, never by ambient context, since
tasks outlive the request that began them. (W3C Trace Context, section 3.2.)
"""

import re
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Protocol, Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bridge.telemetry.options import TelemetryOptions

HEADER = "traceparent"
_SHAPE = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
_PROPAGATOR = TraceContextTextMapPropagator()


class Span(Protocol):
    """One step under way; `traceparent` is what its records and calls carry on."""

    traceparent: str | None

    def set(self, name: str, value: str | int) -> None:
        """Note an attribute; never a secret or a personal value."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
        /,
    ) -> None: ...


class _Passing:
    """A step that is not recorded: it hands the parent's `traceparent` on."""

    __slots__ = ("traceparent",)

    def __init__(self, traceparent: str | None) -> None:
        self.traceparent = traceparent

    def set(self, name: str, value: str | int) -> None:
        """Note nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class _Recorded:
    """A step that is recorded as an OpenTelemetry span."""

    def __init__(self, span: trace.Span) -> None:
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, trace.set_span_in_context(span))
        self._span = span
        self.traceparent = carrier.get(HEADER)

    def set(self, name: str, value: str | int) -> None:
        self._span.set_attribute(name, value)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
        /,
    ) -> None:
        if kind is not None:
            self._span.set_status(trace.StatusCode.ERROR, kind.__qualname__)
        self._span.end()


class _Tracing:
    """The process's tracer; None while traces are off."""

    tracer: trace.Tracer | None = None


def configure(options: TelemetryOptions) -> None:
    """Record spans to the configured collector, or none."""
    if options.traces == "off":
        use(None)
        return
    # OpenTelemetry's SDK takes 0.2 s to import: only who traces pays for it.
    from bridge.telemetry.export import provider  # noqa: PLC0415

    use(provider(options.traces, options.trace_ratio).get_tracer("returns-bridge"))


def use(tracer: trace.Tracer | None) -> None:
    """Make spans with `tracer` from now on; None turns tracing off."""
    _Tracing.tracer = tracer


def tracer() -> trace.Tracer | None:
    """Return the tracer, None while traces are off."""
    return _Tracing.tracer


def span(name: str, parent: str | None = None) -> Span:
    """Begin the step `name` under `parent`, a `traceparent`; use it with `with`."""
    tracer = _Tracing.tracer
    if tracer is None:
        return _Passing(parent)
    carrier = {} if parent is None else {HEADER: parent}
    context = _PROPAGATOR.extract(carrier, Context())
    return _Recorded(tracer.start_span(name, context))


def extract(headers: Mapping[str, str]) -> str | None:
    """Return the `traceparent` among lower-case `headers` if its shape is valid."""
    value = headers.get(HEADER)
    return None if value is None else checked(value)


def checked(traceparent: str) -> str | None:
    """Return `traceparent` if its shape is valid, else None: it is then ignored."""
    return traceparent if _SHAPE.fullmatch(traceparent) else None


def inject(traceparent: str | None, headers: MutableMapping[str, str]) -> None:
    """Add `traceparent`, if there is one, to the headers of a call."""
    if traceparent is not None:
        headers[HEADER] = traceparent
