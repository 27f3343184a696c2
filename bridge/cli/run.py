"""`run`: one role of the bridge, or all of them, until it is told to stop."""

from enum import StrEnum
from typing import Annotated

import typer
import uvloop

from bridge import settings
from bridge.app import running
from bridge.cli.common import ConfigPath


class Role(StrEnum):
    """The roles; a process has one, or all."""

    INGEST = "ingest"
    POLL = "poll"
    NORMALIZE = "normalize"
    DELIVER = "deliver"
    ALL = "all"


def run(
    config: ConfigPath,
    role: Annotated[Role, typer.Argument(help="What this process does.")] = Role.ALL,
) -> None:
    """Run the bridge until SIGTERM or Ctrl-C; then calls in flight may end.

    Any number of processes of each role share the work. A role refuses to start when
    the topics do not fit the configuration.
    """
    uvloop.run(running.run(settings.load(config), role.value))
