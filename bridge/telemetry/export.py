"""Where recorded spans go: an OTLP/HTTP collector, in batches, off the event loop."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased


def provider(endpoint: str, ratio: float) -> TracerProvider:
    """Return a provider that exports `ratio` of new traces to `endpoint`."""
    made = TracerProvider(
        resource=Resource.create({SERVICE_NAME: "returns-bridge"}),
        sampler=ParentBased(TraceIdRatioBased(ratio)),
    )
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return made
