"""When a command of ReturnLogic's is acknowledged, and as what: configuration.

An acknowledgement says what came of a command (returnlogic.md, section 5). The bridge
moves no money and makes no order: it asks for that (`refund.requested` …), and does not
hear whether it was done. So by default only a restock is acknowledged, once all goods
are back, sound and restocked: when it is asked for, or with the restocking that makes
the goods complete. That a later one repeats the acknowledgement (goods are counted
again) does no harm: it carries the same correlation id. Whoever lets a system of
theirs act on each request, as surely as Kafka delivers it, may write rules for others.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, JsonValue

from bridge.canonical.events import TYPES
from bridge.platforms.returnlogic.commands import KINDS
from bridge.platforms.ruled import Ruling

Result = Literal["success", "failure"]

#: By the event that a command becomes: the command.
COMMANDS = {f"{kind}.requested": action for action, kind in KINDS.items()}


#: What a warehouse may say that shows what came of a command.
FOUND = frozenset(name for name in TYPES if name.startswith("goods."))


def _of_a_command(name: str) -> str:
    if name not in COMMANDS:
        raise ValueError(f"acknowledgements answer {', '.join(COMMANDS)}")
    return name


def _telling(name: str) -> str:
    if name not in FOUND:
        _of_a_command(name)
    return name


class Rule(Ruling):
    """On this request, if the condition holds: acknowledge the command.

    On news of the goods (`goods.restocked` …): acknowledge every command that became an
    event `of` that type.
    `errors` and `data` go along as they are, with `$amount` and `$currency` filled in:
    what ReturnLogic wants there is not documented.
    """

    on: Annotated[str, AfterValidator(_telling)]
    of: Annotated[str, AfterValidator(_of_a_command)] = "restock.requested"
    acknowledge: Result

    @property
    def request(self) -> str:
        """The event that the command became."""
        return self.of if self.on in FOUND else self.on

    errors: tuple[dict[str, JsonValue], ...] = ()
    data: dict[str, JsonValue] | None = None


DEFAULT_RULES = (
    Rule(on="restock.requested", when="all_good", acknowledge="success"),
    Rule(on="goods.restocked", when="all_good", acknowledge="success"),
)
