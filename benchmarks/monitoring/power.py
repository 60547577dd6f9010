"""Shifts of a tenth to one standard deviation of one column: how often are they seen?"""

from __future__ import annotations

import os
import warnings
from collections import Counter

import numpy as np
import polars as pl

from benchmarks import _tools
from benchmarks.monitoring import _tables
from wholefit.monitoring import Options, watch

TRIALS = int(os.environ.get("MONITOR_TRIALS", "20"))
SIZES = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)
ROWS = (500, 2_000)


def main() -> None:
    """One column of one window is moved; the window is the 1st, or the 100th, of a watch."""
    warnings.simplefilter("ignore")
    tables = [found for found in (_tables.table(*spec) for spec in _tables.TABLES)
              if len(found.numbers) >= 1][:10]
    lines = []
    for rows in ROWS:
        for size in SIZES:
            counts: Counter[str] = Counter()
            for at, found in enumerate(tables):
                for trial in range(TRIALS):
                    one(found, rows, size, np.random.default_rng([at, trial, rows]), counts)
            total = len(tables) * TRIALS
            lines.append([f"{rows:,}", f"{size:g}", *(f"{counts[what] / total:.0%}" for what in (
                "certain", "alarm", "certain 100", "sketch", "together", "others"))])
            print(*lines[-1], sep=" | ", flush=True)
    _tools.save("monitoring_power", "\n".join([
        "# Monitoring: power against a shift of one column", "",
        f"{len(tables)} real tables, {TRIALS} trials each: a column of numbers at random is moved "
        "by so many of its standard deviations in one window; the reference has 3,000 rows. "
        "certain: that column's p, corrected for all checks, is below the level of the first "
        "window of a watch at 0.05 (\"ever\": 0.0025); alarm: also at a distance of at least 0.1 "
        "(as shipped); 100th: at the level of the hundredth window; sketch: certain by the sketch "
        "in the model file alone; told apart: the model that tells rows apart is certain; others: "
        "any other column alarms.", "",
        _tools.markdown(["rows", "shift in sd", "certain", "alarm", "certain, 100th window",
                         "certain by the sketch", "told apart", "others alarm"], lines), "",
        _tools.machine("scipy", "scikit-learn", "numpy", "polars")]))


def one(found: _tables.Table, rows: int, size: float, random: np.random.Generator,
        counts: Counter[str]) -> None:
    """One window, judged as the first and as the hundredth of a watch."""
    order = random.permutation(found.rows.height)
    old = order[:min(3_000, len(order) // 2)]
    new = random.choice(order[len(old):], rows, replace=len(order) - len(old) < rows)
    name = str(random.choice(found.numbers))
    logged = _tables.logged(found, new)
    values = logged.get_column(f"row.{name}").cast(pl.Float64)
    spread = float(found.rows.get_column(name).cast(pl.Float64).std() or 0.0)
    logged = logged.with_columns((values + size * spread).alias(f"row.{name}"))
    options = Options(window=f"{rows} rows", anomalies=False)
    judged = watch(found.subject, logged, options, reference=found.side(old)).windows[0]
    level = judged.level
    late = Options(level=0.05).level * _share(100)
    for check in judged.checks:
        own = check.kind == "input" and check.what == name
        counts["certain"] += own and check.p_adjusted <= level
        counts["alarm"] += own and check.verdict == "alarm"
        counts["certain 100"] += own and check.p_adjusted <= late
        counts["together"] += check.kind == "together" and check.p_adjusted <= level
    counts["others"] += any(check.kind == "input" and check.what != name for check in
                            judged.alarms)
    options = Options(window=f"{rows} rows", anomalies=False, together=False)
    judged = watch(found.subject, logged, options).windows[0]
    counts["sketch"] += any(check.kind == "input" and check.what == name
                            and check.p_adjusted <= level for check in judged.checks)


def _share(t: int) -> float:
    from wholefit.monitoring.sequence import share

    return share(t)
