"""What is known of the worst slices, in words and as plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import polars as pl

from wholefit.base.wording import counted, figures, percent
from wholefit.evaluation import _kept
from wholefit.evaluation.worst._conditions import Condition


@dataclass(frozen=True)
class WorstSlice:
    """One part of the rows that is worse than the rest.

    `n` rows meet `where`, `share` of all; `judged` of them decided, and had no part in finding
    it: all figures are of those. `loss` and `elsewhere` are mean losses, `difference` with its
    interval what lies between, `p` corrected for everything that was tried. `of_loss` is the share
    of all loss that falls on it. Of classes: `wrong` the share of wrong answers with its interval,
    `wrong_elsewhere`, and `expected`, the share that the model's own probabilities foresee. Of
    numbers: `bias`, the mean of truth minus answer, with its interval.
    """

    where: tuple[Condition, ...]
    n: int
    share: float
    judged: int
    loss: float
    elsewhere: float
    difference: float
    low: float
    high: float
    p: float
    of_loss: float
    wrong: float = math.nan
    wrong_low: float = math.nan
    wrong_high: float = math.nan
    wrong_elsewhere: float = math.nan
    expected: float = math.nan
    bias: float = math.nan
    bias_low: float = math.nan
    bias_high: float = math.nan

    @property
    def name(self) -> str:
        """The part in words."""
        return " and ".join(str(each) for each in self.where)

    @property
    def foreseen(self) -> bool | None:
        """Whether the model's own probabilities say that it errs here; None for numbers."""
        if math.isnan(self.expected):
            return None
        return self.expected >= self.wrong_low

    def said(self, loss: str = "loss") -> str:
        """One sentence, with the figures that matter; `loss` is what `loss` is called."""
        head = f"{self.name}: {counted(self.n, 'row')} ({percent(self.share)})"
        if not math.isnan(self.wrong):
            return f"{head}, {self._errors()}"
        lean = ""
        if self.bias_low > 0:
            lean = f"; answers are too low by {figures(self.bias)} on average"
        elif self.bias_high < 0:
            lean = f"; answers are too high by {figures(-self.bias)} on average"
        low, high = figures(self.low, 3), figures(self.high, 3)
        return (f"{head}, {loss} {figures(self.loss)}, elsewhere {figures(self.elsewhere)}: worse "
                f"by {figures(self.difference, 3)} [{low}, {high}]{lean}")

    def _errors(self) -> str:
        """Wrong answers here, elsewhere, and as the model itself foresees them."""
        seen = (f"wrong in {percent(self.wrong)} [{percent(self.wrong_low)}, "
                f"{percent(self.wrong_high)}], elsewhere {percent(self.wrong_elsewhere)}")
        if self.wrong_elsewhere >= self.wrong_low:
            seen += (f"; its probabilities are farther off, by {figures(self.difference, 3)} "
                     f"[{figures(self.low, 3)}, {figures(self.high, 3)}]")
        if math.isnan(self.expected):
            return seen
        only = "" if self.foreseen else "only "
        return f"{seen}; its own probabilities foresee {only}{percent(self.expected)}"


@dataclass(frozen=True)
class Worst:
    """The worst slices of `rows` rows, the worst first, or none; `searched` parts were looked at.

    `loss` names what was compared row by row. A false alarm among all slices has a chance of at
    most 1 - `level`. `least` is the fewest rows a part may have. `detectable` is what a part of a
    tenth of the rows must differ by to be found four times in five: in the share of wrong answers
    for classes, in loss for numbers.
    """

    slices: tuple[WorstSlice, ...]
    rows: int
    searched: int
    conditions: int
    loss: str
    level: float
    least: int
    detectable: float
    skipped: str = ""

    def __len__(self) -> int:
        return len(self.slices)

    def to_text(self) -> str:
        """What was looked for, and each slice in a sentence."""
        if self.skipped:
            return f"Worst slices were not looked for: {self.skipped}."
        looked = (f"{self.searched:,} parts of the rows were looked at (levels, ranges, gaps, and "
                  "these joined)")
        unit = "" if self.loss == "absolute error" else " in the share of wrong answers"
        reach = (f" A part of a tenth of the rows would have been found, four times in five, if "
                 f"it were worse by {self._reach()}{unit}." if math.isfinite(self.detectable)
                 else "")
        if not self.slices:
            return f"No part is worse than the rest for certain: {looked}.{reach}"
        said = [f"Worse than the rest, with at most {1 - self.level:.0%} chance of any false "
                f"alarm; {looked}:"]
        said += [f"- {each.said(self.loss)}" for each in self.slices]
        return "\n".join(said)

    def _reach(self) -> str:
        return (f"{figures(self.detectable, 3)}" if self.loss == "absolute error"
                else f"{100 * self.detectable:.0f} points")

    def table(self) -> pl.DataFrame:
        """One row a slice: the part in words, and its figures."""
        names = [field.name for field in fields(WorstSlice) if field.name != "where"]
        return pl.DataFrame({"part": [each.name for each in self.slices], **{
            name: [getattr(each, name) for each in self.slices] for name in names}})

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        found: dict[str, Any] = _kept.put(self)
        for each, shown in zip(self.slices, found["slices"], strict=True):
            shown["name"] = each.name
        return found

    def __str__(self) -> str:
        return self.to_text()
