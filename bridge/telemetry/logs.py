"""One structured line per fact on stderr, JSON or console; libraries speak through it.

Errors are logged as their type and the place where they were raised. Their text is
kept only if the bridge, Kafka or the system wrote it: others quote the value that did
not fit (pydantic), which may be a shopper's.
"""

import logging
import sys
import traceback
from typing import Protocol, cast

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bridge.telemetry import events
from bridge.telemetry.options import TelemetryOptions

_SPOKEN = ("bridge.", "aiokafka.")
_SECRETS = frozenset(
    {"authorization", "password", "secret", "token", "api_key", "cookie", "signature"}
    | {"body", "headers", "email", "phone", "address", "customer"}
)
_FRAMES = 12
_QUIET = 10.0


class Logger(Protocol):
    """What the parts may log with: an event's name and fields."""

    def debug(self, event: str, /, **fields: object) -> None: ...
    def info(self, event: str, /, **fields: object) -> None: ...
    def warning(self, event: str, /, **fields: object) -> None: ...
    def error(self, event: str, /, **fields: object) -> None: ...
    def bind(self, **fields: object) -> "Logger": ...


def logger(name: str) -> Logger:
    """Return the logger of a module (`logger(__name__)`); events are in `events`."""
    return cast("Logger", structlog.get_logger(module=name))


def configure(options: TelemetryOptions) -> None:
    """Send our lines, and the libraries' warnings, to stderr in the chosen form."""
    level = logging.getLevelNamesMapping()[options.log_level.upper()]
    render = (
        structlog.processors.JSONRenderer(serializer=_json)
        if options.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _discreet,
        render,
    ]
    structlog.configure(
        processors=chain,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_to_stderr,
        cache_logger_on_first_use=True,
    )
    _route_libraries()


class _Stderr:
    """Writes one line; looks stderr up each time, since it may be replaced."""

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")

    debug = info = warning = error = critical = msg


def _to_stderr(*_: object) -> _Stderr:
    return _Stderr()


def _json(line: EventDict, **_: object) -> str:
    return orjson.dumps(line, default=str).decode()


def _discreet(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    for name in _SECRETS.intersection(line):
        line[name] = "***"
    for name, value in line.items():
        if isinstance(value, bytes):
            line[name] = f"<{len(value)} bytes>"
    error = line.pop("error", None)
    if isinstance(error, BaseException):
        line.update(describe(error))
    elif error is not None:
        line["error"] = error
    return line


def describe(error: BaseException) -> dict[str, object]:
    """Return an error as log fields, without values that are not ours to show."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    spoken = kind.startswith(_SPOKEN) or isinstance(error, OSError)
    return {
        "error": kind.removeprefix("builtins."),
        **({"detail": str(error)} if spoken else {}),
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


class _Library(logging.Handler):
    """Passes what libraries log on to our own log, the same line at most every 10 s.

    While Kafka is away aiokafka says so a thousand times a second.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger("library")
        self._spoke_at: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a line of code speak again only after its quiet time."""
        place = (record.pathname, record.lineno)
        before = self._spoke_at.get(place, float("-inf"))
        if record.created - before < _QUIET:
            return False
        self._spoke_at[place] = record.created
        return True

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        say = (
            self._logger.error
            if record.levelno >= logging.ERROR
            else self._logger.warning
        )
        detail = record.getMessage().partition("\n")[0]
        say(events.LIBRARY_WARNED, source=record.name, detail=detail, error=error)


def _is_news(record: logging.LogRecord) -> bool:
    """Kafka 4 answers a close successor transaction so; aiokafka tries again alone."""
    return not str(record.msg).startswith("Got error produce response")


def _route_libraries() -> None:
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    if not any(isinstance(handler, _Library) for handler in root.handlers):
        root.addHandler(_Library())
    sender = logging.getLogger("aiokafka.producer.sender")
    if _is_news not in sender.filters:
        sender.addFilter(_is_news)
