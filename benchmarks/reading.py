"""Reading a CSV of 1 GB: wholefit's `read` beside raw polars and raw DuckDB.

    WHOLEFIT_DATA=... python benchmarks/reading.py [--megabytes 1000] [--repeats 5]

The file is the flights out of New York in 2013, repeated. Each reading runs in a fresh process;
the readers take turns, so that a slow minute of the machine hits all of them. Times are of the
reading alone, imports apart. The table goes to benchmarks/results/reading.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

RESULT = Path(__file__).parent / "results" / "reading.md"
BAR = 0.8
READERS = {
    "polars": ("import polars", "rows = polars.read_csv(path).height"),
    "wholefit": ("from wholefit.data.read import read", "rows = read(path).frame.height"),
    "wholefit sample": ("from wholefit.data.streaming import sample",
                        "rows = sample(path, rows=100_000).frame.height"),
    "duckdb": ("import duckdb, polars; duckdb.sql('set enable_progress_bar = false')",
               "rows = duckdb.sql(f\"select * from read_csv('{path}')\").pl().height"),
}
MEASURE = """
import json, sys, time
path = sys.argv[1]
{imports}
start = time.perf_counter()
{reading}
seconds = time.perf_counter() - start
peak = 0
try:
    import resource
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
except ImportError:
    pass
print(json.dumps(dict(seconds=seconds, peak=peak, rows=rows)))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    if "WHOLEFIT_DATA" not in os.environ:
        sys.exit("WHOLEFIT_DATA must name the folder of data sets (it holds nycflights13).")
    readers = [r for r in READERS if r != "duckdb" or find_spec("duckdb")]
    with tempfile.TemporaryDirectory() as folder:
        path = make_file(Path(folder) / "flights.csv", asked.megabytes * 10**6)
        size = path.stat().st_size
        runs = measure(path, readers, asked.repeats)
    table = as_table(runs, size, asked.repeats)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(table, encoding="utf-8")
    print(table)


def make_file(path: Path, size: int) -> Path:
    """The flights as CSV, their rows repeated until the file has `size` bytes."""
    import polars as pl

    text = pl.read_parquet(Path(os.environ["WHOLEFIT_DATA"]) / "nycflights13" / "data.parquet")
    header, _, body = text.write_csv().encode().partition(b"\n")
    with open(path, "wb") as file:
        file.write(header + b"\n")
        while file.tell() < size:
            file.write(body)
    return path


def measure(path: Path, readers: list[str], repeats: int) -> dict[str, list[dict[str, float]]]:
    """Runs of each reader, in turns; the first round warms the file cache and is not counted."""
    runs: dict[str, list[dict[str, float]]] = {reader: [] for reader in readers}
    for turn in range(repeats + 1):
        for reader in readers:
            done = one_run(reader, path)
            if turn:
                runs[reader].append(done)
                print(f"{turn}/{repeats} {reader}: {done['seconds']:.2f} s", file=sys.stderr)
    return runs


def one_run(reader: str, path: Path) -> dict[str, float]:
    imports, reading = READERS[reader]
    code = MEASURE.format(imports=imports, reading=reading)
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True,
                          check=True)
    return json.loads(done.stdout.splitlines()[-1])


def as_table(runs: dict[str, list[dict[str, float]]], size: int, repeats: int) -> str:
    base = [run["seconds"] for run in runs["polars"]]
    lines = [
        f"# Reading a CSV of {size / 1e9:.2f} GB", "",
        f"{machine()}. {repeats} rounds, the readers taking turns, each in a fresh process, the "
        "file in the cache. Throughput beside polars is the median over rounds of polars' time "
        f"divided by the reader's (smallest to largest); the bar for wholefit is {BAR}.", "",
        "| reader | seconds (median) | GB/s | throughput beside polars | peak memory, GB | rows |",
        "|---|---|---|---|---|---|"]
    for reader, done in runs.items():
        seconds = [run["seconds"] for run in done]
        ratios = sorted(b / s for b, s in zip(base, seconds, strict=True))
        middle = statistics.median(seconds)
        lines.append(
            f"| {reader} | {middle:.2f} | {size / 1e9 / middle:.2f} | "
            f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) | "
            f"{max(run['peak'] for run in done) / 1e9:.2f} | {done[0]['rows']:,.0f} |")
    return "\n".join([*lines, "", "Made by `python benchmarks/reading.py`.", ""])


def machine() -> str:
    """Cores, memory, Python and the versions of what was measured."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
        held = f", {memory:.0f} GB memory"
    except (AttributeError, ValueError, OSError):
        held = ""
    found = [f"{name} {version(name)}" for name in ("polars", "duckdb") if find_spec(name)]
    return (f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{held}, Python "
            f"{platform.python_version()}, {', '.join(found)}")


if __name__ == "__main__":
    main()
