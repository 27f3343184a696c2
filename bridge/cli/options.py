"""Options that several commands share, as dataclasses; each field is one option."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from functools import wraps
from getpass import getuser
from typing import Annotated, get_type_hints

import typer

from bridge.cli.common import duration, moment
from bridge.deadletters.replay import Filters

Command = Callable[..., None]


def with_options(command: Command) -> Command:
    """Let `command` take dataclasses: typer is shown a flat list of their fields."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, type[object]] = {
        name: kind
        for name, kind in hints.items()
        if isinstance(kind, type) and is_dataclass(kind)
    }
    flat = {
        name: parameter.replace(annotation=hints[name])
        for name, parameter in inspect.signature(command).parameters.items()
        if name not in groups
    }
    for kind in groups.values():
        kinds = get_type_hints(kind, include_extras=True)
        flat |= {
            each.name: _parameter(each, kinds[each.name]) for each in _fields(kind)
        }

    @wraps(command)
    def flattened(**given: object) -> None:
        made = {
            name: kind(**{each.name: given.pop(each.name) for each in _fields(kind)})
            for name, kind in groups.items()
        }
        command(**given, **made)

    ordered = sorted(flat.values(), key=lambda each: each.default is not each.empty)
    signature = inspect.Signature(
        [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in ordered]
    )
    flattened.__annotations__ = {name: each.annotation for name, each in flat.items()}
    flattened.__signature__ = signature  # type: ignore[attr-defined] # read by inspect
    return flattened


def _fields(kind: type[object]) -> tuple[Field[object], ...]:
    return fields(kind) if is_dataclass(kind) else ()


def _parameter(field: Field[object], annotation: object) -> inspect.Parameter:
    default = field.default
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if default is MISSING else default,
        annotation=annotation,
    )


def _text(help_: str, *names: str, metavar: str = "TEXT") -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(*names, help=help_, metavar=metavar)
    return option


def _author() -> str:
    """Return the user's name; a container's user may have none."""
    try:
        return getuser()
    except (KeyError, OSError):
        return "unnamed"


_Moment = typer.Option(
    parser=moment,
    metavar="TIME",
    help="Dead since this time or later: 2026-05-01T12:00Z, or how long ago: 8h.",
)
_Before = typer.Option(
    parser=moment,
    metavar="TIME",
    help="Dead before this time: 2026-05-01T12:00Z, or for at least so long: 8h.",
)


@dataclass(frozen=True, slots=True)
class Where:
    """Which dead events are meant; without any of it: all."""

    target: Annotated[str | None, _text("Only at this target.", metavar="NAME")] = None
    account: Annotated[
        str | None, _text("Only returns of this account.", metavar="NAME")
    ] = None
    subject: Annotated[
        str | None, _text("Only this return.", metavar="PLATFORM/ACCOUNT/ID")
    ] = None
    type: Annotated[
        str | None, _text("Only events of this type, as in return.updated.", "--type")
    ] = None
    reason_of: Annotated[
        str | None, _text("Only this reason of death, as in http_422.", "--reason")
    ] = None
    cause: Annotated[
        str | None,
        _text(
            "Only this class: refused, attempts_spent, too_old, never_came, unreadable."
        ),
    ] = None
    since: Annotated[datetime | None, _Moment] = None
    before: Annotated[datetime | None, _Before] = None

    def filters(self, sequence: int | None = None) -> Filters:
        """Return them as the planner takes them."""
        return Filters(
            target=self.target,
            account=self.account,
            subject=self.subject,
            sequence=sequence,
            type=self.type,
            reason=self.reason_of,
            cause=self.cause,
            since=self.since,
            before=self.before,
        )


@dataclass(frozen=True, slots=True)
class Signed:
    """Who decides, and how surely."""

    author: Annotated[
        str,
        typer.Option(
            default_factory=_author,
            show_default="your user name",
            help="Who decides; is kept with the decision.",
        ),
    ]
    because: Annotated[str, _text("Why; is kept with the decision.", "--because")] = ""
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
    wait: Annotated[
        timedelta,
        typer.Option(
            parser=duration,
            metavar="DURATION",
            show_default="2min",
            help="How long to wait for what comes of it; 0s: not at all.",
        ),
    ] = timedelta(minutes=2)

    def must_say_why(self) -> None:
        """Refuse a decision for good that gives no reason."""
        if not self.because.strip():
            raise typer.BadParameter("say why: --because TEXT; it is kept")


DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")
]
NoAsk = Annotated[
    bool,
    typer.Option("--no-ask", help="With --dry-run: do not even ask the target (GET)."),
]
Inbound = Annotated[
    bool,
    typer.Option("--inbound", help="Observations that could not be read, not events."),
]
