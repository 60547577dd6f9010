"""Stable windows: how many alarm, when nothing has changed?"""

from __future__ import annotations

import os
import warnings
from collections import Counter

import numpy as np

from benchmarks import _tools
from benchmarks.monitoring import _tables
from wholefit.evaluation.intervals import wilson
from wholefit.monitoring import Judged, Options, watch

WINDOWS = int(os.environ.get("MONITOR_WINDOWS", "500"))
ROWS = 500
PROMISES = {
    "window: 0.05, any distance": lambda check, level: check.p_adjusted <= 0.05,
    "ever: 0.05, any distance": lambda check, level: check.p_adjusted <= level,
    "as shipped: ever, 0.05, distances that matter":
        lambda check, level: check.verdict == "alarm",
}


def main() -> None:
    """Windows drawn from rows of one distribution, judged against a reference and the sketch."""
    warnings.simplefilter("ignore")
    each = max(1, WINDOWS // len(_tables.TABLES))
    lines: list[list[str]] = []
    kinds: Counter[str] = Counter()
    for reference in ("reference rows", "model file and first window"):
        counts: Counter[str] = Counter()
        for at, spec in enumerate(_tables.TABLES):
            windows = stable(spec, at, each, "rows" in reference)
            counts["windows"] += len(windows)
            for label, holds in PROMISES.items():
                bad = sum(any(holds(check, one.level) for check in one.checks) for one in windows)
                counts[label] += bad
                counts[f"tables {label}"] += bool(bad)
            kinds.update(f"{check.kind}: {spec[0]}: {check.what}" for one in windows
                         for check in one.alarms)
            print(reference, spec, dict(counts), flush=True)
        for label in PROMISES:
            share = counts[label] / counts["windows"]
            low, high = wilson(share, counts["windows"], 1.96)
            lines.append([label, reference, f"{counts['windows']}", f"{counts[label]}",
                          f"{share:.1%} [{low:.1%}, {high:.1%}]",
                          f"{counts[f'tables {label}']} of {len(_tables.TABLES)}"])
        written(lines, kinds, each)


def written(lines: list[list[str]], kinds: Counter[str], each: int) -> None:
    """The table so far."""
    _tools.save("monitoring_false_alarms", "\n".join([
        "# Monitoring: false alarms in stable windows", "",
        f"{len(_tables.TABLES)} real tables with a model each, {each} windows of {ROWS} rows a "
        "table, drawn from rows that neither the model nor the reference has (again where they are "
        "used up). Any alarm is false. \"window\" promises at most 5 % of windows; \"ever\" that "
        "at most 5 % of tables alarm in any window.", "",
        _tools.markdown(["setting", "compared with", "windows", "alarmed", "share",
                         "tables with an alarm"], lines), "",
        "What alarmed: " + ("; ".join(f"{what} ({count})" for what, count in
                                      kinds.most_common(12)) or "nothing") + ".", "",
        _tools.machine("scipy", "scikit-learn", "numpy", "polars")]))


def stable(spec: tuple[str, str | None, str], at: int, windows: int, reference: bool
           ) -> tuple[Judged, ...]:
    """Windows of one table, none of which differs from the others."""
    found = _tables.table(*spec)
    random = np.random.default_rng([7, at])
    order = random.permutation(found.rows.height)
    old, new = np.split(order, [min(len(order) // 2, 5_000)])
    count = windows * ROWS
    drawn = random.choice(new, count, replace=len(new) < count)
    return watch(found.subject, _tables.logged(found, drawn), Options(last=10_000),
                 reference=found.side(old) if reference else None).windows
