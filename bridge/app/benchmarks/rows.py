"""What a benchmark tells: measures of each run, and rows with machine and versions."""

import math
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Literal

import psutil

Better = Literal["lower", "higher"]

_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is measured (`deliver.wall`), in which unit, and which way is better."""

    name: str
    unit: str
    better: Better


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one workload: its quantities, and the peak of its processes in MiB."""

    workload: str
    values: Mapping[Quantity, float]
    peak: float


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity over all runs: `value` is the median.

    `load` is the machine's load average (1 min) when the last run had ended, `stolen`
    the percentage of the CPUs' time that a hypervisor gave to others during all runs.
    """

    name: str
    workload: str
    value: float
    unit: str
    better: Better
    runs: tuple[float, ...]
    memory_peak_mib: float
    load: float
    stolen: float
    machine: str
    versions: str


def stolen() -> float:
    """Return how much of the CPUs' time, in per cent, others had since the last call.

    0 where the system does not tell.
    """
    return float(getattr(psutil.cpu_times_percent(), "steal", 0.0))


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and on what it was measured."""

    machine: str
    versions: str


def this_machine(kafka: str) -> Machine:
    """Return this machine; `kafka` says what the broker is."""
    cores = os.cpu_count()
    return Machine(
        machine=f"{_processor()}, {cores} cores",
        versions=f"python {platform.python_version()}, "
        f"aiokafka {version('aiokafka')}, kafka {kafka}",
    )


def _processor() -> str:
    if _CPUINFO.is_file():
        for line in _CPUINFO.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def rows(results: Sequence[Result], machine: Machine) -> Iterator[Row]:
    """Yield a row for each workload and quantity, in the order of the first run."""
    load, lost = os.getloadavg()[0], stolen()
    for workload in dict.fromkeys(result.workload for result in results):
        runs = [result for result in results if result.workload == workload]
        for quantity in runs[0].values:
            values = tuple(_rounded(run.values[quantity]) for run in runs)
            yield Row(
                name=quantity.name,
                workload=workload,
                value=_rounded(median(values)),
                unit=quantity.unit,
                better=quantity.better,
                runs=values,
                memory_peak_mib=_rounded(max(run.peak for run in runs)),
                load=round(load, 1),
                stolen=lost,
                machine=machine.machine,
                versions=machine.versions,
            )


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of the values do not exceed."""
    place = math.ceil(share * len(sorted_values)) - 1
    return sorted_values[max(0, min(place, len(sorted_values) - 1))]


def _rounded(value: float) -> float:
    """Four digits are more than any run is worth."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, max(0, 3 - math.floor(math.log10(abs(value)))))
