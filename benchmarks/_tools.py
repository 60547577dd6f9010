"""What benchmarks share: whole-process measurement, the machine's name, tables as Markdown."""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Measured:
    """One finished process: wall seconds, processor seconds, peak memory in MB, what it printed."""

    wall: float
    cpu: float
    peak: float
    out: str


def run(command: Sequence[str], env: dict[str, str] | None = None) -> Measured:
    """Run to the end and measure from outside; raises with the error text if it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **(env or {})},
    )
    out, err = process.communicate()
    wall = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{err[-3000:]}")
    facts = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
    return Measured(wall, float(facts.get("cpu", "nan")), float(facts.get("peak", "nan")), out)


FOOTER = """
import resource as _r
_u = _r.getrusage(_r.RUSAGE_SELF)
print(f"cpu={_u.ru_utime + _u.ru_stime}")
print(f"peak={_u.ru_maxrss / 1024}")
"""


def python(code: str, *args: str) -> Measured:
    """Run Python code in a fresh interpreter and measure it."""
    return run([sys.executable, "-c", code + FOOTER, *args])


def most_memory() -> float:
    """Most MB that this process held; getrusage counts what held the process that began it, too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def median(values: Iterable[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def geometric_mean(values: Sequence[float]) -> float:
    """The mean of ratios."""
    return math.exp(sum(map(math.log, values)) / len(values))


def machine(*libraries: str) -> str:
    """One line on the machine and the versions, as every table carries it."""
    versions = ", ".join(f"{name} {_version(name)}" for name in libraries)
    return (f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
            + (f", {versions}" if versions else ""))


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed as a package)"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def data_folder() -> Path:
    """The folder of real data sets that WHOLEFIT_DATA names."""
    folder = os.environ.get("WHOLEFIT_DATA")
    if not folder:
        raise SystemExit("set WHOLEFIT_DATA to the folder of data sets first")
    return Path(folder)


def save(name: str, text: str) -> None:
    """Print a table and keep it under results/."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text.rstrip() + "\n")
    print(text)
