"""What wholefit finds in a planted table, and whether it is the fault that was planted."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.planted_faults.faults import Planted
from wholefit.data import load
from wholefit.training import leaks
from wholefit.training.leaks import Finding


@dataclass(frozen=True)
class Verdict:
    """Was the fault named; of its rows, how many; of the rows named, how many are its own."""

    found: bool
    recall: float
    precision: float


def findings(planted: Planted, target: str) -> tuple[Finding, ...]:
    """Written as CSV and read back, as a person would meet it."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "table.csv"
        planted.frame.write_csv(path)
        return leaks.examine(load(path, target=target))


def judge(planted: Planted, found: tuple[Finding, ...], before: tuple[Finding, ...]) -> Verdict:
    """Findings of the right kind about the right column; what was there before is set aside."""
    known = {one.key for one in before}
    fitting = [one for one in found if one.kind in planted.kinds
               and (planted.column is None or planted.column in one.columns)]
    if planted.rows is None:
        return Verdict(any(one.key not in known for one in fitting), np.nan, np.nan)
    rows = {int(row) for one in fitting for row in one.rows}
    own = planted.rows
    hit = len(rows & own)
    return Verdict(hit > 0, hit / len(own), hit / len(rows) if rows else np.nan)
