"""Commands that are imported when they are used.

What a command needs takes up to three seconds to import; its name and its line of help
do not need it.
"""

import pkgutil
from dataclasses import dataclass

import typer
from typer._click.core import Command, Context  # typer names them nowhere else
from typer.core import TyperCommand
from typer.main import get_group


@dataclass(frozen=True, slots=True)
class Entry:
    """One command or group: `module:name` of it, and its line in the list of all."""

    where: str
    summary: str


def register(commands: typer.Typer, entries: dict[str, Entry]) -> None:
    """Add all entries, by the name that the user writes."""
    for name, entry in entries.items():
        commands.command(name, help=entry.summary, cls=_late(name, entry))(_stand_in)


def load(name: str, entry: Entry) -> Command:
    """Import what the entry stands for; it appears as `name`."""
    found = pkgutil.resolve_name(entry.where)
    shell = typer.Typer(rich_markup_mode="markdown")  # lines of a paragraph are joined
    if isinstance(found, typer.Typer):
        shell.add_typer(found, name=name)
    else:
        shell.command(name)(found)
    return get_group(shell).commands[name]


def _late(name: str, entry: Entry) -> type[TyperCommand]:
    class Late(TyperCommand):
        """Stands for the command until it is called, or asked for its help."""

        def make_context(
            self,
            info_name: str | None,
            args: list[str],
            parent: Context | None = None,
            **extra: object,
        ) -> Context:
            return load(name, entry).make_context(info_name, args, parent, **extra)

    return Late


def _stand_in() -> None:
    """Be registered; the loaded command is what runs."""
