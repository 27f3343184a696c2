"""`topics`: the table of topics, compared with the broker and applied to it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from bridge import settings
from bridge.cli.common import AsJson, ConfigPath, Exit, once
from bridge.cli.output import emit
from bridge.streams.topic_admin import apply_topics, plan_topics
from bridge.streams.topic_plan import Difference
from bridge.streams.topics import TopicNames, TopicSpec, specs

commands = typer.Typer(
    help="Create the topics, compare them, list what each holds.",
    no_args_is_help=True,
)

_HEAD = """\
# The topics, as `returns-bridge topics list --yaml` prints them with the defaults.
# `returns-bridge topics apply` creates them: this file is for reading, and for those
# who create topics with tools of their own. `<target>` stands for each target's name.
# Co-partitioned topics must all have the same number of partitions, for good.
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference as a row of output."""

    topic: str
    setting: str
    found: str | None
    wanted: str
    blocking: bool
    mendable: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """One topic of the table as a row of output."""

    topic: str
    key: str
    writer: str
    holds: str
    partitions: int
    co_partitioned: bool
    replication: int
    config: dict[str, str]


def change_of(difference: Difference) -> Change:
    return Change(
        topic=difference.topic,
        setting=difference.setting,
        found=difference.found,
        wanted=difference.wanted,
        blocking=difference.blocking,
        mendable=difference.mendable,
    )


def listed(spec: TopicSpec) -> Listed:
    return Listed(
        topic=spec.name,
        key=spec.row.key,
        writer=spec.row.writer,
        holds=spec.row.holds,
        partitions=spec.partitions,
        co_partitioned=spec.row.co_partitioned,
        replication=spec.replication,
        config=dict(spec.config),
    )


@commands.command()
def apply(
    config: ConfigPath,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the differences, change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create missing topics and set their configuration; may be repeated.

    Refuses, before changing anything, if a topic has another number of partitions:
    that cannot be changed without moving subjects between partitions.
    """
    loaded = settings.load(config)
    work = plan_topics if dry_run else apply_topics
    changes = once(work(loaded.kafka, loaded.topic_specs()))
    emit(map(change_of, changes), as_json=as_json)
    if not changes and not as_json:
        typer.echo("Every topic is as it should be.")
    elif not as_json:
        typer.echo("This would be changed." if dry_run else "All of this is done.")


@commands.command()
def check(config: ConfigPath, *, as_json: AsJson = False) -> None:
    """Compare the topics with the table; exit 1 if anything differs.

    Rows marked blocking keep every role from starting.
    """
    loaded = settings.load(config)
    found = once(plan_topics(loaded.kafka, loaded.topic_specs()))
    emit(map(change_of, found), as_json=as_json)
    if found:
        raise typer.Exit(Exit.FAILED)
    if not as_json:
        typer.echo("Every topic is as it should be.")


@commands.command(name="list")
def list_(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Without it: the defaults, any target."),
    ] = None,
    *,
    as_json: AsJson = False,
    as_yaml: Annotated[
        bool, typer.Option("--yaml", help="Print all of it, as deploy/topics.yaml.")
    ] = False,
) -> None:
    """List the topics: key, writer, content, partitions, configuration."""
    wanted = _any() if config is None else settings.load(config).topic_specs()
    if as_yaml:
        typer.echo(as_document(wanted), nl=False)
        return
    emit(map(listed, wanted) if as_json else map(_short, wanted), as_json=as_json)


def as_document(wanted: Sequence[TopicSpec]) -> str:
    """Return the topics as YAML: what deploy/topics.yaml is."""
    return _HEAD + settings.dump({"topics": [asdict(listed(spec)) for spec in wanted]})


def _any() -> tuple[TopicSpec, ...]:
    return specs(TopicNames(), ("<target>",))


def _short(spec: TopicSpec) -> dict[str, object]:
    keep = spec.config.get("retention.ms")
    return {
        "topic": spec.name,
        "key": spec.row.key,
        "writer": spec.row.writer,
        "clean-up": spec.config["cleanup.policy"]
        + (f" {timedelta(milliseconds=int(keep)).days} d" if keep else ""),
        "partitions": spec.partitions,
        "holds": spec.row.holds,
    }
