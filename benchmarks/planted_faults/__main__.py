"""`python -m benchmarks.planted_faults [TABLE ...]`: the power to find each kind of fault.

Sixteen real tables (at most 3,000 rows of each, drawn once), every fault at every severity, two
draws each. A fault counts as found when a finding of a fitting kind names its column, or, where it
lies in rows, some of its rows. Rows found and rows rightly named are shares.
"""

from __future__ import annotations

import sys
import warnings
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import polars as pl

from benchmarks import _tools
from benchmarks.default_tables import TABLES, table
from benchmarks.planted_faults.faults import FAULTS, Fault, Planted
from benchmarks.planted_faults.judge import Verdict, findings, judge

ROWS, DRAWS = 3000, 2


def main(only: Sequence[str]) -> None:
    """Plant, look, and write the table."""
    verdicts: dict[tuple[str, float], list[Verdict]] = defaultdict(list)
    alarms: dict[str, int] = {}
    for name in only or TABLES:
        frame, target = table(name)
        frame = frame.head(ROWS)
        clean = findings(Planted(frame, frozenset()), target)
        alarms[name] = len([one for one in clean if one.severity != "info"])
        for fault in FAULTS:
            for severity in fault.severities:
                verdicts[fault.name, severity] += study(frame, target, fault, severity, clean)
        print(name, flush=True)
    text = page(verdicts, alarms)
    if only:
        print(text)
    else:
        _tools.save("planted_faults", text)


def study(
    frame: pl.DataFrame, target: str, fault: Fault, severity: float, clean: tuple[object, ...]
) -> list[Verdict]:
    """The verdicts of a few draws; none where the table has no column for the fault."""
    found = []
    for draw in range(DRAWS):
        rng = np.random.default_rng([draw, int(severity * 1000), frame.height])
        planted = fault.plant(frame, target, severity, rng)
        if planted is not None:
            found.append(judge(planted, findings(planted, target), clean))  # type: ignore[arg-type]
    return found


def page(verdicts: dict[tuple[str, float], list[Verdict]], alarms: dict[str, int]) -> str:
    """The power of each fault at each severity, as Markdown."""
    rows = [line(fault, severity, verdicts[fault.name, severity])
            for fault in FAULTS for severity in fault.severities]
    header = ["fault", "severity", "planted", "found", "rows found", "rows rightly named"]
    missed = [f"{fault.name} at {severity:g}" for fault in FAULTS if fault.certain
              for severity in fault.severities
              if any(v.recall < 1 for v in verdicts[fault.name, severity])]
    sure = ", ".join(missed) or "none"
    said = ", ".join(f"{name} {count}" for name, count in alarms.items())
    return "\n".join([
        "# Faults planted in real tables", "",
        (__doc__ or "").split("\n\n", 1)[1].strip(), "",
        f"Exact copies and damaged numbers should be found without exception; missed: {sure}.", "",
        _tools.markdown(header, rows), "",
        "Warnings and critical findings on the untouched tables (each is judged by eye in "
        f"findings.md): {said}.", "", _tools.machine("wholefit", "polars"),
    ])


def line(fault: Fault, severity: float, found: Sequence[Verdict]) -> list[str]:
    """One row of the table."""
    if not found:
        return [fault.name, f"{severity:g} ({fault.unit})", "0", "", "", ""]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a mean of nothing is nan, and says so
        recall = float(np.nanmean([v.recall for v in found]))
        precision = float(np.nanmean([v.precision for v in found]))
    shown = ["" if np.isnan(value) else f"{value:.0%}" for value in (recall, precision)]
    return [fault.name, f"{severity:g} ({fault.unit})", str(len(found)),
            f"{np.mean([v.found for v in found]):.0%}", *shown]


if __name__ == "__main__":
    main(sys.argv[1:])
