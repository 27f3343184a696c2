"""`bench`: how fast each part is, on this machine, as a table of all runs."""

from enum import StrEnum
from typing import Annotated

import typer
import uvloop

from bridge.app import bench as measuring
from bridge.cli.common import AsJson
from bridge.cli.output import emit
from bridge.streams.topics import PARTITIONS


class Part(StrEnum):
    """What is measured."""

    INGEST = "ingest"
    NORMALIZE = "normalize"
    DELIVER = "deliver"
    PIPELINE = "pipeline"
    POISON = "poison"
    POLL = "poll"
    RESTORE = "restore"


def bench(  # noqa: PLR0913 - one parameter for each option
    part: Annotated[Part, typer.Argument(help="What to measure.")],
    *,
    workload: Annotated[
        str | None,
        typer.Option(help="Of deliver: W1, W2 … (the benchmarks list them)."),
    ] = None,
    kafka: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="The broker to use.")
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="How many runs.")] = 3,
    partitions: Annotated[
        int, typer.Option(min=1, max=1000, help="Of a pipeline's topics.")
    ] = PARTITIONS,
    as_json: AsJson = False,
) -> None:
    """Measure one part: all runs, median, machine, versions, load, memory peak.

    Makes topics of its own on the broker and leaves others alone.
    """
    options = measuring.BenchOptions(
        part=part.value,
        workload=workload,
        kafka=kafka,
        repeat=repeat,
        partitions=partitions,
    )
    emit(uvloop.run(measuring.bench(options)), as_json=as_json)
