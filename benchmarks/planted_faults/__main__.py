"""`python -m benchmarks.planted_faults [--peer-python PATH] [TABLE ...]`: the power to find faults.

Sixteen real tables (at most 3,000 rows of each, drawn once), every fault at every severity, two
draws each. A fault counts as found when a finding of a fitting kind names its column, or, where it
lies in rows, some of its rows. Rows found and rows rightly named are shares. The peer, deepchecks
with its own default conditions, is shown the first draw of the faults that it has a check for.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl

from benchmarks import _tools
from benchmarks.default_tables import TABLES, table
from benchmarks.planted_faults.faults import FAULTS, LEAKS, Fault, Planted
from benchmarks.planted_faults.judge import Verdict, findings, judge

ROWS, DRAWS = 3000, 2
UNTOUCHED = Fault("untouched", (0.0,), "", lambda *given: None)


def main(only: Sequence[str], peer: str | None) -> None:
    """Plant, look, and write the table."""
    shown = Shown(peer)
    verdicts: dict[tuple[str, float], list[Verdict]] = defaultdict(list)
    alarms: dict[str, int] = {}
    for name in only or TABLES:
        frame, target = table(name)
        frame = frame.head(ROWS)
        clean = findings(Planted(frame, frozenset()), target)
        alarms[name] = len([one for one in clean if one.kind in LEAKS])
        shown.add(Planted(frame, frozenset()), target, UNTOUCHED, 0.0)
        for fault in FAULTS:
            for severity in fault.severities:
                verdicts[fault.name, severity] += study(
                    frame, target, fault, severity, clean, shown)
        print(name, flush=True)
    text = page(verdicts, alarms, shown.answers())
    if only:
        print(text)
    else:
        _tools.save("planted_faults", text)


def study(
    frame: pl.DataFrame, target: str, fault: Fault, severity: float, clean: tuple[object, ...],
    shown: Shown,
) -> list[Verdict]:
    """The verdicts of a few draws; none where the table has no column for the fault."""
    found = []
    for draw in range(DRAWS):
        rng = np.random.default_rng([draw, int(severity * 1000), frame.height])
        planted = fault.plant(frame, target, severity, rng)
        if planted is not None:
            if draw == 0:
                shown.add(planted, target, fault, severity)
            found.append(judge(planted, findings(planted, target), clean))  # type: ignore[arg-type]
    return found


def page(
    verdicts: dict[tuple[str, float], list[Verdict]], alarms: dict[str, int],
    peer: dict[tuple[str, float], list[int]],
) -> str:
    """The power of each fault at each severity, as Markdown."""
    rows = [[*line(fault, severity, verdicts[fault.name, severity]),
             power(peer.get((fault.name, severity), []))]
            for fault in FAULTS for severity in fault.severities]
    header = ["fault", "severity", "planted", "found", "rows found", "rows rightly named",
              "deepchecks found"]
    missed = [f"{fault.name} at {severity:g}" for fault in FAULTS if fault.certain
              for severity in fault.severities
              if any(v.recall < 1 for v in verdicts[fault.name, severity])]
    sure = ", ".join(missed) or "none"
    said = ", ".join(f"{name} {count}" for name, count in alarms.items() if count)
    return "\n".join([
        "# Faults planted in real tables", "",
        (__doc__ or "").split("\n\n", 1)[1].strip(), "",
        f"Exact copies and damaged numbers should be found without exception; missed: {sure}.", "",
        _tools.markdown(header, rows), "",
        f"Columns of the untouched tables that were called leaks: {said or 'none'}; by deepchecks: "
        f"{sum(peer.get(('untouched', 0.0), []))} in all. Every finding on the untouched tables is "
        "judged by eye in findings.md.", "", _tools.machine("wholefit", "polars"),
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


def power(found: Sequence[int]) -> str:
    """The share found, of how many; empty where there is no check for the fault."""
    return f"{np.mean(found):.0%} of {len(found)}" if found else ""


class Shown:
    """Tables to be shown to the peer, written as CSV; it is asked once, at the end."""

    CHECKS: ClassVar = {"exact copies": "copies", "damaged numbers": "damage",
                        "words respelt": "spelling", "target copied": "leak",
                        "target blurred": "leak", "filled in afterwards": "leak",
                        "numbered by target": "leak", "untouched": "leak"}

    def __init__(self, peer: str | None) -> None:
        self.peer, self.tables = peer, []  # type: ignore[var-annotated]
        self.folder = tempfile.TemporaryDirectory()

    def add(self, planted: Planted, target: str, fault: Fault, severity: float) -> None:
        """Keep the table if the peer has a check for its fault."""
        if self.peer is None or fault.name not in self.CHECKS:
            return
        path = str(Path(self.folder.name) / f"{len(self.tables)}.csv")
        planted.frame.write_csv(path)
        kind = planted.frame[target].dtype
        self.tables.append({
            "path": path, "target": target, "classes": not kind.is_float() and (
                not kind.is_numeric() or planted.frame[target].n_unique() <= 30),
            "fault": fault.name, "severity": severity, "column": planted.column or ""})

    def answers(self) -> dict[tuple[str, float], list[int]]:
        """Whether it found each (1 or 0); of an untouched table, how many leaks it sees."""
        found: dict[tuple[str, float], list[int]] = defaultdict(list)
        if not self.tables:
            return found
        manifest = Path(self.folder.name) / "manifest.json"
        manifest.write_text(json.dumps(self.tables))
        script = str(Path(__file__).with_name("peer.py"))
        done = subprocess.run([str(self.peer), "-W", "ignore", script, str(manifest)],
                              stdout=subprocess.PIPE, text=True, check=True)
        said = json.loads(done.stdout.strip().splitlines()[-1])
        for one in self.tables:
            check, hits = self.CHECKS[one["fault"]], said[one["path"]]
            count = (sum(what == check for what, _ in hits) if one["fault"] == "untouched"
                     else int([check, one["column"]] in hits))
            found[one["fault"], one["severity"]].append(count)
        return found


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("--peer-python")
    words.add_argument("tables", nargs="*")
    asked = words.parse_args()
    main(asked.tables, asked.peer_python)
