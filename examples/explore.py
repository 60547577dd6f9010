"""Look before you learn: figures, pairs, what tells of the target, and a second data set.

A profile is the first look at a table. This one looks at credit decisions, then at a parabola
that no correlation can see, then at new data that moved, and writes the page with the pictures.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import polars as pl

import wholefit as wf
from wholefit.data import bundled

EXPECTED = {
    "median of the income": (125, 125),
    "missing cells of the income": (381, 381),
    "rows of the rarer class": (1254, 1254),
    "what Seniority tells of the target, in percent": (6, 11),
    "correlation of a parabola with its argument, at most": (0, 0.1),
    "what the argument tells of the parabola, in percent": (60, 100),
    "columns that moved beyond chance": (1, 3),
    "place of Price among those that moved": (1, 1),
    "kilobytes of the page": (50, 1000),
}


def main() -> dict[str, float]:
    loans = wf.read(bundled.path("credit_data")).frame
    return {**_credit(loans), **_parabola(), **_moved(loans)}


def _credit(loans: pl.DataFrame) -> dict[str, float]:
    """One table: each column, and what the columns tell of the target."""
    found = wf.profile(loans, target="Status")
    print(found.to_text())
    income = found.column("Income")
    told = {each.column: each.share for each in found.informs}
    with tempfile.TemporaryDirectory() as folder:
        page = found.report(Path(folder) / "loans.html")
        size = page.stat().st_size / 1000
    return {"median of the income": income.numbers["median"],
            "missing cells of the income": income.missing,
            "rows of the rarer class": min(count for _, count in found.classes),
            "what Seniority tells of the target, in percent": 100 * told["Seniority"],
            "kilobytes of the page": size}


def _parabola() -> dict[str, float]:
    """A relation that is no line: correlation is blind to it, mutual information is not."""
    x = np.random.default_rng(0).uniform(-1, 1, 2000)
    found = wf.profile({"x": x, "y": x**2}, target="y")
    pair = found.pairs.between("x", "y")
    return {"correlation of a parabola with its argument, at most": pair.strength,
            "what the argument tells of the parabola, in percent": 100 * found.informs[0].share}


def _moved(loans: pl.DataFrame) -> dict[str, float]:
    """Training rows beside new ones, whose prices have risen."""
    loans = loans.sample(fraction=1, shuffle=True, seed=0)
    new = loans.tail(1500).with_columns(Price=pl.col("Price") * 1.3)
    beside = wf.profile(loans.head(2900), against=new).against
    moved = [shift.column for shift in beside.shifts if shift.distance > shift.chance]
    return {"columns that moved beyond chance": len(moved),
            "place of Price among those that moved": moved.index("Price") + 1}


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.4g}")
