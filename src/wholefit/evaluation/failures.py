"""Where a model fails and how sure it is: one record of everything that is known of its errors.

>>> found = failures("regression", truth, answer, columns)          # doctest: +SKIP
>>> print(found.to_text())                                          # doctest: +SKIP

The record needs no row: `kept` makes the small form that travels in a model's file, of the
answers to rows that the fit held out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, ParameterError
from wholefit.evaluation import _failures_words as words
from wholefit.evaluation import _kept, metrics
from wholefit.evaluation._failures_parts import (
    Block,
    Cell,
    Example,
    OverTime,
    Reliability,
    cells,
    misses,
    over_time,
    reliability,
)
from wholefit.evaluation.confidence import Answered, Confidence, confidence
from wholefit.evaluation.gains import CostCurve, Gains, gains, threshold_costs
from wholefit.evaluation.residuals import Residuals, residuals
from wholefit.evaluation.score import Score, check_level, score
from wholefit.evaluation.slices import Slices, slices
from wholefit.evaluation.worst import Worst, worst

__all__ = ["Block", "Cell", "Example", "Failures", "OverTime", "Reliability", "checked",
           "failures", "kept"]


@dataclass(frozen=True)
class Failures:
    """Where a model fails on `rows` rows that it had not seen, and how sure it is.

    What a task has not is None or empty: of numbers there are `residuals` and `misses`; of
    classes `confidence`, `reliability`, `cells`, and of two also `gains` and `costs`. `groups`
    and `over_time` are there where columns for them were named. `notes` say what does not allow
    for weights, or for rows that belong together.
    """

    task: str
    rows: int
    of: str
    score: Score
    classes: tuple[str, ...]
    positive: str
    worst: Worst
    confidence: Confidence | None = None
    reliability: Reliability | None = None
    gains: Gains | None = None
    costs: CostCurve | None = None
    cells: tuple[Cell, ...] = ()
    residuals: Residuals | None = None
    misses: tuple[Example, ...] = ()
    over_time: OverTime | None = None
    groups: Slices | None = None
    level: float = 0.95
    notes: tuple[str, ...] = ()

    def abstain(self, error: float) -> Answered:
        """From which confidence on to answer, so that at most a share `error` is wrong.

        The promise holds with a chance of `level` for rows drawn like these. DataError where it
        cannot be made, and for numbers, which have intervals instead.
        """
        if self.confidence is None:
            raise DataError("abstaining rests on the confidence of classes; of a number, see how "
                            "wide its interval is (predict_interval).")
        found = self.confidence.abstain(error)
        if found is None:
            raise DataError(
                f"no confidence is so high that an error rate of at most {error:.3g} can be "
                f"promised from {self.rows:,} rows; ask for a larger rate, or give more rows.")
        return found

    def next_steps(self) -> tuple[str, ...]:
        """What to do about it, the most promising first."""
        return tuple(words.advice(self))

    def to_text(self) -> str:
        """A colleague's summary: what goes wrong, where, how sure it is, and what to do next."""
        return words.text(self)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; `from_json` reads it back."""
        found: dict[str, Any] = _kept.put(self)
        return {**found, "next_steps": list(self.next_steps())}

    @classmethod
    def from_json(cls, stored: Any) -> Failures:
        """Read back what `to_json` wrote; TypeError or ValueError if it is of another shape."""
        if isinstance(stored, dict):  # what to do next follows from the rest
            stored = {name: value for name, value in stored.items() if name != "next_steps"}
        return _kept.get(cls, stored)

    def without_rows(self) -> Failures:
        """The same without a word of any single row."""
        return replace(self, misses=(), cells=tuple(replace(cell, examples=())
                                                    for cell in self.cells))

    def __str__(self) -> str:
        return self.to_text()


@dataclass(frozen=True, eq=False)
class _Asked:
    """What a diagnosis is made of, rows without a known truth or answer left out."""

    task: str
    truth: np.ndarray
    answer: np.ndarray
    columns: Mapping[str, pl.Series]
    numbers: np.ndarray
    classes: tuple[str, ...] = ()
    positive: int = 1
    said: np.ndarray | None = None
    weights: np.ndarray | None = None
    units: np.ndarray | None = None
    time: tuple[str, pl.Series] | None = None
    by: Mapping[str, pl.Series] = field(default_factory=dict)
    shown: tuple[dict[str, str], ...] | None = None
    costs: tuple[float, float] = (1.0, 1.0)
    now: float | None = 0.5
    metric: Any = None
    of: str = "held-out rows"
    examples: int = 3
    depth: int = 3
    least: int | None = None
    level: float = 0.95
    seed: int = 0


def failures(
    task: str, truth: Any, answer: Any, columns: Mapping[str, pl.Series], **options: Any
) -> Failures:
    """Where answers to unseen rows are wrong; never fits anything.

    `truth` and `answer` in the shape that the task states; `columns` what the rows hold, learnt
    from or not. Options: `classes` in words, `positive` and `predicted` as for `score`, `weights`
    (used by scores and calibration; slices and curves count rows), `units` rows that belong
    together, `time` (name, column) to order by, `by` columns to part by, `costs` (of a false
    alarm, of a miss), `now` the threshold in use (None where there is not one for all), `metric`,
    `examples` rows of each cell, `shown` a dict of texts for each row, `numbers` of the rows, `of`
    in words whose rows they are, `depth` and `least` of the worst slices, `level`, `seed`.
    """
    if task not in _MAKERS:
        raise ParameterError(f"a diagnosis is of {' or '.join(_MAKERS)}; got {task!r}.")
    asked = _asked(task, truth, answer, columns, options)
    check_level(asked.level)
    made = _MAKERS[task](asked)
    metric = metrics.main(task, asked.metric)
    # Whole codes and probabilities, as the metrics of the task want them.
    whole = score(task, asked.truth, asked.answer, metrics=metric, positive=asked.positive,
                  weights=asked.weights, units=asked.units, level=asked.level,
                  predicted=asked.said)[metric.name]
    return Failures(task=task, rows=len(asked.truth), of=asked.of, score=whole,
                    classes=asked.classes, level=asked.level, groups=_groups(asked),
                    notes=_notes(asked), **made)


def kept(task: str, truth: Any, answer: Any, columns: Mapping[str, pl.Series],
         **options: Any) -> dict[str, Any]:
    """The small form for a model's file, of out-of-fold answers: no row in it; {} if none fits.

    Options as for `failures`. Ranges and levels of columns are told, as in every slice.
    """
    if task not in _MAKERS:
        return {}
    try:
        found = failures(task, truth, answer, columns, **{
            "of": "rows that the fit held out", **options, "examples": 0})
    except DataError:
        return {}
    return found.without_rows().to_json()


def checked(stored: Any) -> Failures | None:
    """What `kept` made and a file kept; None where it is not of the shape it was made in."""
    if not stored:
        return None
    try:
        found = Failures.from_json(stored)
    except (TypeError, ValueError, KeyError, RecursionError):
        return None
    return found if found.task in _MAKERS else None


def _asked(
    task: str, truth: Any, answer: Any, columns: Mapping[str, pl.Series], options: dict[str, Any]
) -> _Asked:
    actual, given = np.asarray(truth), np.asarray(answer, dtype=np.float64)
    if len(actual) != len(given) or any(len(c) != len(actual) for c in columns.values()):
        raise DataError("truth, answer and columns must have as many rows as each other.")
    known = np.isfinite(given) if given.ndim == 1 else np.isfinite(given).all(axis=1)
    known &= actual >= 0 if actual.dtype.kind in "iu" else np.isfinite(actual.astype(np.float64))
    if not known.any():
        raise DataError("a diagnosis needs rows with a known target and an answer; there is none.")
    rows = np.flatnonzero(known)
    said = options.pop("predicted", None)
    for name in ("weights", "units"):
        if options.get(name) is not None:
            options[name] = np.asarray(options[name])[rows]
    if options.get("time") is not None:
        options["time"] = (options["time"][0], options["time"][1][rows])
    if options.get("shown") is not None:
        options["shown"] = tuple(options["shown"][row] for row in rows)
    options["by"] = {name: column[rows] for name, column in (options.get("by") or {}).items()}
    numbers = np.asarray(options.pop("numbers", np.arange(1, len(actual) + 1)))[rows]
    return _Asked(task, actual[rows], given[rows],
                  {name: column[rows] for name, column in columns.items()}, numbers,
                  said=None if said is None else np.asarray(said)[rows], **options)


def _classes(asked: _Asked) -> dict[str, Any]:
    truth, answer = asked.truth.astype(np.intp), asked.answer
    k = answer.shape[1]
    names = asked.classes or tuple(map(str, range(k)))
    said = answer.argmax(axis=1) if asked.said is None else asked.said.astype(np.intp)
    sure = np.clip(answer[np.arange(len(said)), said], 0.0, 1.0)
    wrong = (said != truth).astype(np.float64)
    brier = ((answer - np.eye(k)[truth]) ** 2).sum(axis=1)
    found: dict[str, Any] = {
        "positive": names[asked.positive] if k == 2 else "",
        "worst": _worst(asked, brier, "squared error of the probabilities", wrong=wrong,
                        expected=1 - sure),
        "confidence": confidence(wrong, sure, classes=k, level=asked.level),
        "reliability": reliability(truth, answer, names, asked.positive, asked.weights,
                                   asked.level, asked.units),
        "cells": cells(truth, said, sure, names, asked.shown, asked.numbers, asked.examples,
                       asked.level),
        "over_time": _over_time(asked, wrong, "share of wrong answers", True)}
    if k == 2:
        hit, scores = truth == asked.positive, answer[:, asked.positive]
        found["gains"] = gains(hit, scores, level=asked.level, seed=asked.seed)
        found["costs"] = None if asked.now is None else threshold_costs(
            hit, scores, false_alarm=asked.costs[0], miss=asked.costs[1], now=asked.now,
            level=asked.level, seed=asked.seed)
    return found


def _numbers(asked: _Asked) -> dict[str, Any]:
    truth, answer = asked.truth.astype(np.float64), asked.answer
    error = truth - answer
    most = max(asked.examples, 0) * 3
    return {"positive": "",
            "worst": _worst(asked, np.abs(error), "absolute error", error=error),
            "residuals": residuals(truth, answer, asked.columns, level=asked.level),
            "misses": misses(truth, answer, asked.shown, asked.numbers, most),
            "over_time": _over_time(asked, np.abs(error), "mean absolute error", False)}


_MAKERS: dict[str, Callable[[_Asked], dict[str, Any]]] = {
    "classification": _classes, "regression": _numbers}


def _worst(asked: _Asked, loss: np.ndarray, name: str, **more: Any) -> Worst:
    return worst({**asked.columns, **asked.by}, loss, units=asked.units, depth=asked.depth,
                 least=asked.least, level=asked.level, seed=asked.seed, name=name, **more)


def _over_time(
    asked: _Asked, error: np.ndarray, what: str, shares: bool
) -> OverTime | None:
    if asked.time is None:
        return None
    name, column = asked.time
    present = column.is_not_null().to_numpy()
    order = column.arg_sort().to_numpy()
    order = order[present[order]]
    return over_time(name, order, _labels(column), error, what, shares, asked.level)


def _labels(column: pl.Series) -> Sequence[str]:
    return column.cast(pl.String).fill_null("").str.slice(0, 19).to_list()


def _notes(asked: _Asked) -> tuple[str, ...]:
    """What takes rows for independent, or for equal, where they are not."""
    of = ("residuals" if asked.task == "regression" else
          "confidence, abstention, curves and mistakes")
    said = []
    if asked.units is not None:
        said.append("Rows belong together in groups. The score, worst parts and parts by column "
                    f"allow for it; {of} and errors over time take each row for itself, so "
                    "that their intervals are too narrow and their promises too firm.")
    if asked.weights is not None and np.ptp(asked.weights) > 0:
        said.append("Rows have weights. The score"
                    + (", calibration" if asked.task == "classification" else "")
                    + f" and parts by column allow for them; worst parts, {of} count each row "
                    "once.")
    return tuple(said)


def _groups(asked: _Asked) -> Slices | None:
    if not asked.by:
        return None
    return slices(asked.task, asked.truth, asked.answer, asked.by,
                  wanted=metrics.main(asked.task, asked.metric), positive=asked.positive,
                  weights=asked.weights, units=asked.units, predicted=asked.said,
                  level=asked.level, seed=asked.seed)
