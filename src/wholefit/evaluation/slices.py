"""Slices: how good is a model on each part of the rows, and is a part worse than the rest?

Each part's score has its interval; its difference from all other rows has one too, by the method
of Zou and Donner (2008), which joins the intervals of two independent numbers and so keeps what
each knows of its own skewness. Being the worst of many parts by chance is easy: the p-values are
corrected for the number of parts (Holm, 1979), and parts of a few rows are not judged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.wording import plain
from wholefit.data import _cells
from wholefit.evaluation import metrics, two_sample
from wholefit.evaluation.metrics import Metric
from wholefit.evaluation.score import Score, check_level, score_sheet

MISSING = "(missing)"
_THIN, _MOST = 30, 200
_BINS, _FEW = 4, 12


@dataclass(frozen=True)
class Slice:
    """One part: which rows, their scores, and the main metric's difference from all other rows.

    `difference` is this part minus the rest. `verdict` is "worse", "better" (the corrected
    p-value is below 1 - level), "like the rest", "too few rows" to judge, or "no rest to compare
    with", where the part is all rows, or the metric is undefined.
    """

    where: dict[str, str]
    n: int
    share: float
    scores: dict[str, Score]
    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float
    verdict: str

    @property
    def name(self) -> str:
        """The part in words: "gender = Male, age = 20 to 35"."""
        return ", ".join(f"{column} = {value}" for column, value in self.where.items())

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; a number that is not known is null."""
        numbers = {name: plain(getattr(self, name)) for name in
                   ("difference", "low", "high", "p", "p_adjusted")}
        return {"where": self.where, "n": self.n, "share": self.share, **numbers,
                "verdict": self.verdict,
                "scores": {name: score.to_json() for name, score in self.scores.items()}}


@dataclass(frozen=True)
class Slices:
    """Every part of the rows by the columns `by`, the worst first; `whole` is all rows' score.

    `left_out` counts parts beyond the 200 largest, which are not shown.
    """

    by: tuple[str, ...]
    metric: str
    whole: dict[str, Score]
    slices: tuple[Slice, ...]
    level: float = 0.95
    left_out: int = 0

    @property
    def worse(self) -> tuple[Slice, ...]:
        """Parts that are certainly worse than the rest, the worst first."""
        return tuple(each for each in self.slices if each.verdict == "worse")

    def __iter__(self) -> Any:
        return iter(self.slices)

    def __len__(self) -> int:
        return len(self.slices)

    @property
    def said(self) -> str:
        """The outcome in one sentence."""
        judged = sum(not math.isnan(each.p) for each in self.slices)
        thin = sum(each.verdict == "too few rows" for each in self.slices)
        worse = ", ".join(each.name for each in self.worse[:5]) or "none"
        return (f"{self.metric} of all rows: {self.whole[self.metric]}. Worse than the rest, "
                f"corrected for {_parts(judged)}: {worse}."
                + (f" Too few rows to judge: {_parts(thin)}." if thin else "")
                + (f" Not shown: {_parts(self.left_out)} of fewer rows." if self.left_out else ""))

    def to_text(self) -> str:
        """The sentence, and a line for each part."""
        lines = [f"{each.name}: {each.n:,} rows, {self.metric} {each.scores[self.metric]}, "
                 f"{_signed(each)}, {each.verdict}" for each in self.slices]
        return "\n".join([self.said, *lines])

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"by": list(self.by), "metric": self.metric, "level": self.level,
                "whole": {name: score.to_json() for name, score in self.whole.items()},
                "slices": [each.to_json() for each in self.slices], "left_out": self.left_out}

    def __str__(self) -> str:
        return self.to_text()


def slices(
    task: str, truth: Any, answer: Any, by: Mapping[str, pl.Series], *, wanted: Any = None,
    level: float = 0.95, thin: int = _THIN, seed: int = 0, **rows: Any,
) -> Slices:
    """Scores of every part of the rows that the columns `by` make together.

    `truth` and `answer` are as for `score`; `wanted` metrics, the first being the one compared.
    Columns of many numbers are cut at their quartiles, dates by year or month. `rows` may be
    positive, weights, units and predicted, as for `score`. Raises DataError for no column.
    """
    check_level(level)
    if not by:
        raise DataError("slices need at least one column to part the rows by.")
    if thin < 2:
        raise ParameterError(f"thin must be >= 2 rows; got {thin}.")
    sheets = _Sheets(task, np.asarray(truth), np.asarray(answer), rows)
    chosen = metrics.chosen(task, wanted)
    labelled = pl.DataFrame([parted(column.alias(str(at))) for at, column in
                             enumerate(by.values())])
    groups = _groups(labelled)
    judged = [_Judged.of(sheets, chosen, members, level, thin, seed)
              for _, members in groups[:_MOST]]
    corrected = two_sample.adjusted([each.p for each in judged], "holm")
    found = [each.slice(dict(zip(by, where, strict=True)), float(p), len(sheets.truth),
                        1 - level, chosen[0], thin)
             for each, (where, _), p in zip(judged, groups, corrected, strict=False)]
    whole = {metric.name: score_sheet(metric, sheets.of(None), level, seed) for metric in chosen}
    return Slices(tuple(by), chosen[0].name, whole, tuple(_worst_first(found, chosen[0])), level,
                  max(len(groups) - _MOST, 0))


def parted(column: pl.Series) -> pl.Series:
    """The part that each row falls into, as text: a level, a range of numbers, a year or month."""
    kind = column.dtype
    numeric = kind.is_numeric() and not kind.is_decimal()
    if numeric and column.n_unique() > _FEW:
        return _ranges(_cells.to_numbers(column))
    if kind in (pl.Date, pl.Datetime):
        years = column.dt.year().n_unique()
        return column.dt.strftime("%Y" if years > 2 else "%Y-%m").fill_null(MISSING)
    labels = _cells.to_labels(column)
    return labels.set(labels.str.strip_chars() == "", None).fill_null(MISSING)


def _ranges(numbers: pl.Series) -> pl.Series:
    """Quartiles, as "1 to 20" and "above 20 to 35"."""
    present = numbers.drop_nulls()
    edges = np.unique(np.quantile(present.to_numpy(), np.arange(_BINS + 1) / _BINS))
    names = [f"{'above ' if at else ''}{low:.6g} to {high:.6g}"
             for at, (low, high) in enumerate(pairwise(edges))]
    if not names:
        names = [f"{edges[0]:.6g}"]
    places = np.searchsorted(edges[1:-1], numbers.fill_null(edges[0]).to_numpy(), side="left")
    return pl.Series(numbers.name, np.array(names)[places]).set(numbers.is_null(), MISSING)


def _groups(labelled: pl.DataFrame) -> list[tuple[tuple[str, ...], np.ndarray]]:
    """Each combination of labels with its rows, the largest first."""
    names = labelled.columns
    parts = labelled.with_row_index("row").group_by(names, maintain_order=True).agg("row")
    found = [(tuple(row[:-1]), np.array(row[-1])) for row in parts.iter_rows()]
    return sorted(found, key=lambda each: (-len(each[1]), each[0]))


class _Sheets:
    """Truth, answer and what goes with them; sheets of some of the rows."""

    def __init__(
        self, task: str, truth: np.ndarray, answer: np.ndarray, rows: dict[str, Any]
    ) -> None:
        self.task, self.truth, self.answer = task, truth, answer
        self.positive = rows.pop("positive", 1)
        self.columns = {name: np.asarray(values) for name, values in rows.items()
                        if values is not None}

    def of(self, rows: np.ndarray | None) -> Any:
        """The sheet of these rows; of all where None."""
        picked = slice(None) if rows is None else rows
        return metrics.sheet(self.task, self.truth[picked], self.answer[picked],
                             positive=self.positive,
                             **{name: column[picked] for name, column in self.columns.items()})


@dataclass(frozen=True)
class _Judged:
    """A part before its p-value is corrected."""

    n: int
    scores: dict[str, Score]
    difference: float
    low: float
    high: float
    p: float

    @classmethod
    def of(cls, sheets: _Sheets, chosen: list[Metric], members: np.ndarray, level: float,
           thin: int, seed: int) -> _Judged:
        sheet = sheets.of(members)
        scores = {metric.name: score_sheet(metric, sheet, level, seed) for metric in chosen}
        others = np.ones(len(sheets.truth), dtype=bool)
        others[members] = False
        nan = math.nan
        if len(members) < thin or int(others.sum()) < thin:
            return cls(len(members), scores, nan, nan, nan, nan)
        rest = score_sheet(chosen[0], sheets.of(np.flatnonzero(others)), level, seed)
        return cls(len(members), scores, *apart(scores[chosen[0].name], rest, level))

    def slice(
        self, where: dict[str, str], p: float, rows: int, alpha: float, metric: Metric,
        thin: int,
    ) -> Slice:
        """The part with its verdict."""
        if math.isnan(p):
            verdict = "too few rows" if self.n < thin else "no rest to compare with"
        elif p >= alpha:
            verdict = "like the rest"
        else:
            verdict = "better" if self.difference * metric.sign > 0 else "worse"
        return Slice(where, self.n, self.n / max(rows, 1), self.scores, self.difference, self.low,
                     self.high, self.p, p, verdict)


def apart(a: Score, b: Score, level: float) -> tuple[float, float, float, float]:
    """The difference a - b of two independent scores, its interval, and its p-value.

    Zou and Donner (2008): the lower end is as far from the difference as the lower end of a and
    the upper end of b are from their values, squared and added; the p-value is that of the side
    towards 0, taken as normal.
    """
    if not all(math.isfinite(x) for x in (a.value, a.low, a.high, b.value, b.low, b.high)):
        return (math.nan,) * 4
    from scipy.special import ndtr, ndtri

    value = a.value - b.value
    below = math.hypot(a.value - a.low, b.high - b.value)
    above = math.hypot(a.high - a.value, b.value - b.low)
    towards = below if value > 0 else above
    if towards == 0:
        return value, value, value, 1.0 if value == 0 else 0.0
    steps = abs(value) / towards * float(ndtri((1 + level) / 2))
    return value, value - below, value + above, 2 * float(ndtr(-steps))


def _worst_first(found: list[Slice], metric: Metric) -> list[Slice]:
    def key(each: Slice) -> tuple[int, float]:
        group = 0 if each.verdict == "worse" else 2 if math.isnan(each.p) else 1
        value = each.difference if group < 2 else each.scores[metric.name].value
        return group, metric.sign * value if math.isfinite(value) else math.inf

    return sorted(found, key=key)


def _signed(each: Slice) -> str:
    if math.isnan(each.difference):
        return "difference from the rest not known"
    return f"{each.difference:+.3g} [{each.low:+.3g}, {each.high:+.3g}] from the rest"


def _parts(number: int) -> str:
    return f"{number:,} {'part' if number == 1 else 'parts'}"
