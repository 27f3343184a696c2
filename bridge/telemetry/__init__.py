"""What the bridge tells about itself: log events, metrics and traces.

`events` and `metrics` are the two lists of names, each name once, with what it means;
`logs` and `tracing` are how they leave the process. No line, label or span attribute
ever holds a secret, a body or a personal field: log ids, reasons and times.
"""

from bridge.telemetry import events, metrics, tracing
from bridge.telemetry.logs import configure as configure_logs
from bridge.telemetry.logs import logger
from bridge.telemetry.options import TelemetryOptions

__all__ = ["TelemetryOptions", "configure", "events", "logger", "metrics", "tracing"]


def configure(options: TelemetryOptions) -> None:
    """Set up logs and traces; call once, first thing in a process."""
    configure_logs(options)
    tracing.configure(options)
