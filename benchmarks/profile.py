"""Profiling a table: wholefit beside ydata-profiling, as whole processes, taking turns.

    WHOLEFIT_DATA=... python -m benchmarks.profile --peer-python PATH [--repeats 5] [--large FILE]

The table is the 336,776 flights out of New York in 2013, written as CSV; each process reads it,
profiles it and writes its page. PATH (or the environment variable PROFILE_PEER_PYTHON) is the
interpreter of an environment that has fg-data-profiling (ydata-profiling's later name) or
ydata-profiling; without one wholefit is measured alone, and the table is only printed. How cost
grows is measured on the same flights, up to nine times over with the number of the copy added, or
on the first 3,000, 30,000, ... rows of --large. The table goes to benchmarks/results/profile.md.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl

from benchmarks import _tools

SPEED, MEMORY = 5.0, 0.5
OURS = """
import sys, wholefit as wf
found = wf.profile(sys.argv[1], out=sys.argv[2], force=True)
print(f"rows={found.rows}")
"""
THEIRS = """
import sys, warnings
warnings.simplefilter("ignore")
import pandas as pd
try:
    from data_profiling import ProfileReport
except ImportError:
    from ydata_profiling import ProfileReport
frame = pd.read_csv(sys.argv[1])
ProfileReport(frame, title="flights", progress_bar=False).to_file(sys.argv[2])
print(f"rows={len(frame)}")
"""
NAME = """
import importlib.metadata as m
for name in ("fg-data-profiling", "ydata-profiling"):
    try:
        print(name, m.version(name)); break
    except m.PackageNotFoundError:
        pass
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", default=os.environ.get("PROFILE_PEER_PYTHON"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--large", type=Path, default=None)
    asked = parser.parse_args()
    whole = pl.read_parquet(_tools.data_folder() / "nycflights13" / "data.parquet")
    with tempfile.TemporaryDirectory() as folder:
        beside = side_by_side(whole, Path(folder), asked.peer_python, asked.repeats)
        grown = growth(whole, asked.large, Path(folder), max(1, asked.repeats // 2))
    text = "\n".join(["# Profiling a table", "", *beside, "", *grown, "",
                      _tools.machine("wholefit", "polars", "numpy"), "",
                      "Made by `python -m benchmarks.profile`."])
    if asked.peer_python:
        _tools.save("profile", text)
    else:
        print(text)


def side_by_side(whole: pl.DataFrame, folder: Path, peer: str | None, repeats: int) -> list[str]:
    """Wall time and peak memory of both, and the size of their pages."""
    source = folder / "flights.csv"
    whole.write_csv(source)
    tools = {"wholefit": (sys.executable, OURS)}
    if peer:
        tools[peer_name(peer)] = (peer, THEIRS)
    runs: dict[str, list[_tools.Measured]] = {name: [] for name in tools}
    for turn in range(repeats + 1):  # the first round warms the file cache
        for name, (python, code) in tools.items():
            done = _tools.run([python, "-c", code + _tools.FOOTER, str(source),
                               str(folder / f"{name.split()[0]}.html")])
            runs[name] += [done] if turn else []
            print(f"{turn}/{repeats} {name}: {done.wall:.1f} s, {done.peak:.0f} MB",
                  file=sys.stderr)
    rows = [[name, f"{middle(done, 'wall'):.1f}", f"{middle(done, 'cpu'):.1f}",
             f"{middle(done, 'peak'):.0f}",
             f"{(folder / f'{name.split()[0]}.html').stat().st_size / 1e6:.2f}"]
            for name, done in runs.items()]
    said = [f"nycflights13 ({whole.height:,} rows, {whole.width} columns) as CSV: read, profile, "
            f"write the page, each in a fresh process; {repeats} rounds, taking turns.", "",
            _tools.markdown(["profiler", "seconds (median)", "processor seconds",
                             "peak memory, MB", "page, MB"], rows), ""]
    if len(runs) == 1:
        return [*said, "No peer was measured: --peer-python names none."]
    ours, theirs = runs.values()
    return [*said, f"wholefit is {ratio(theirs, ours, 'wall')} times as fast (the bar is "
            f"{SPEED:g}) and needs {ratio(ours, theirs, 'peak')} of the memory (the bar is "
            f"{MEMORY:g}); median over rounds, smallest to largest."]


def growth(whole: pl.DataFrame, large: Path | None, folder: Path, repeats: int) -> list[str]:
    """How time and memory grow with rows, tenfold at a time."""
    if large is not None:
        table = pl.read_parquet(large)
        sizes = [at for at in (3_000, 30_000, 300_000, 3_000_000) if at <= table.height]
        what = f"{large.name}, the first rows"
    else:
        table = pl.concat([whole.with_columns(copy=pl.lit(at)) for at in range(9)])
        sizes, what = [3_000, 30_000, 300_000, 3_000_000], "nycflights13, up to nine times over"
    rows, before = [], None
    for size in sizes:
        path = folder / f"{size}.parquet"
        table.head(size).write_parquet(path)
        runs = [_tools.python(OURS, str(path), str(folder / "grown.html"))
                for _ in range(repeats)]
        seconds, peak = middle(runs, "wall"), middle(runs, "peak")
        base = rows and float(rows[0][1])
        exponent = "" if before is None or seconds <= base or before <= base else \
            f"{math.log10((seconds - base) / (before - base)):.2f}"
        rows.append([f"{size:,}", f"{seconds:.2f}", f"{peak:.0f}", exponent])
        before = seconds
        print(f"{size:,} rows: {seconds:.1f} s, {peak:.0f} MB", file=sys.stderr)
    return [f"How it grows ({what}; from Parquet, with the page; exponent of the time above that "
            "of the smallest, 1 is linear):", "",
            _tools.markdown(["rows", "seconds", "peak memory, MB", "exponent"], rows)]


def peer_name(python: str) -> str:
    """Name and version of the peer in that environment."""
    found = subprocess.run([python, "-c", NAME], capture_output=True, text=True, check=True)
    if not found.stdout.strip():
        raise SystemExit(f"{python} has neither fg-data-profiling nor ydata-profiling")
    return found.stdout.strip()


def middle(runs: list[_tools.Measured], name: str) -> float:
    return _tools.median(getattr(run, name) for run in runs)


def ratio(over: list[_tools.Measured], under: list[_tools.Measured], name: str) -> str:
    """Median of the ratios of the rounds, with their range."""
    found = sorted(getattr(a, name) / getattr(b, name) for a, b in zip(over, under, strict=True))
    return f"{_tools.median(found):.2f} ({found[0]:.2f} to {found[-1]:.2f})"


if __name__ == "__main__":
    main()
