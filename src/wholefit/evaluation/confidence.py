"""How sure it is, and what that is worth: errors by confidence, flags, and abstention.

The confidence of an answer is the probability that the model gives to the class it says. Whether
it can be trusted is measured: how often answers of each confidence are wrong, how many of the
errors a rule such as "look at those below 0.7" catches, and how many rows can be answered at a
stated rate of error. A number such as 0.6 means little by itself: of two classes the most probable
one never has less than 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.wording import counted, percent
from wholefit.evaluation import _kept
from wholefit.evaluation.intervals import student, wilsons
from wholefit.evaluation.score import check_level

_FLAGS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_BINS, _ROWS_A_BIN = 10, 30
# Points of the risk-coverage curve; its upper band holds for all of them together.
_POINTS = 20
_FOLDS = 5
_FEWEST = 50


@dataclass(frozen=True)
class ConfidenceBin:
    """Answers of one range of confidence: how sure on average, how often wrong (Wilson)."""

    low: float
    high: float
    rows: int
    said: float
    wrong: float
    wrong_low: float
    wrong_high: float


@dataclass(frozen=True)
class Flag:
    """The rule "look at answers below `below`": what it flags, and what that is worth.

    `share` of the rows are flagged, holding `caught` of all errors; `wrong` is the error rate of
    flagged rows, `wrong_kept` that of the others, both with Wilson intervals.
    """

    below: float
    share: float
    caught: float
    wrong: float
    wrong_low: float
    wrong_high: float
    wrong_kept: float
    wrong_kept_low: float
    wrong_kept_high: float

    def said(self) -> str:
        """One sentence."""
        return (f"look at those below {self.below:.3g}: {percent(self.share)} of rows, "
                f"{percent(self.caught)} of the errors (wrong in {percent(self.wrong)} "
                f"[{percent(self.wrong_low)}, {percent(self.wrong_high)}] of them, in "
                f"{percent(self.wrong_kept)} [{percent(self.wrong_kept_low)}, "
                f"{percent(self.wrong_kept_high)}] of the others)")


@dataclass(frozen=True)
class Answered:
    """A point of the risk-coverage curve: answering only from `least` on.

    `coverage` is the share of rows answered, `wrong` their error rate, `bound` what that rate does
    not exceed: it holds for all points together, at the level of the table.
    """

    least: float
    coverage: float
    rows: int
    wrong: float
    bound: float

    def said(self) -> str:
        """One sentence."""
        return (f"answering only from a confidence of {self.least:.3g} on answers "
                f"{percent(self.coverage)} of the rows, with an error rate of "
                f"{percent(self.wrong)}, at most {percent(self.bound)}")


@dataclass(frozen=True)
class Confidence:
    """How far the confidence of `rows` answers tells right from wrong.

    `wrong` is the error rate of all with its interval; `ranks` the chance that a wrong answer has
    less confidence than a right one (AUROC) with its interval; `flags` some rules, `chosen` the
    one that tells errors best, measured on rows that did not choose it; `curve` the risk-coverage
    curve, from few rows to all.
    """

    rows: int
    classes: int
    wrong: float
    wrong_low: float
    wrong_high: float
    ranks: float
    ranks_low: float
    ranks_high: float
    bins: tuple[ConfidenceBin, ...]
    flags: tuple[Flag, ...]
    chosen: Flag | None
    curve: tuple[Answered, ...]
    level: float = 0.95

    def abstain(self, error: float) -> Answered | None:
        """The point that answers most rows with an error rate of at most `error`, for certain.

        None where no point can promise it. The promise is about rows drawn like these, and fails
        with a chance of at most 1 - level, whatever `error` is asked for, and after looking.
        """
        if not 0 < error < 1:
            raise ParameterError(f"error must be > 0 and < 1, such as 0.05; got {error!r}.")
        fine = [point for point in self.curve if point.bound <= error]
        return max(fine, key=lambda point: point.coverage, default=None)

    def to_text(self) -> str:
        """What the confidence is worth, in sentences."""
        lines = [f"Wrong in {percent(self.wrong)} [{percent(self.wrong_low)}, "
                 f"{percent(self.wrong_high)}] of {counted(self.rows, 'row')}.", self._ranked()]
        if self.chosen is not None:
            lines.append(f"Low-confidence flag: {self.chosen.said()}.")
        lines += [f"- {flag.said()}" for flag in self.flags]
        lines += [f"Abstention: {said}" for said in self.offers()]
        return "\n".join(lines)

    def _ranked(self) -> str:
        if math.isnan(self.ranks):
            return "Confidence cannot be judged without both right and wrong answers."
        return ("A wrong answer has less confidence than a right one in "
                f"{percent(self.ranks)} of pairs [{percent(self.ranks_low)}, "
                f"{percent(self.ranks_high)}]; 50% would be worthless.")

    def offers(self) -> list[str]:
        """What abstention can promise at a few error rates below the rate of all."""
        asked = [rate for rate in (0.01, 0.02, 0.05, 0.1, 0.2) if rate < self.wrong_high]
        found = []
        for rate in asked[-3:]:
            point = self.abstain(rate)
            found.append(f"an error rate of at most {percent(rate)} cannot be promised." if
                         point is None else f"for an error rate of at most {percent(rate)}: "
                         f"{point.said()}.")
        return found

    def table(self) -> pl.DataFrame:
        """One row a bin of confidence: how sure, how many, how often wrong, with the interval."""
        names = [field.name for field in fields(ConfidenceBin)]
        return pl.DataFrame({name: [getattr(each, name) for each in self.bins]
                             for name in names})

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        found: dict[str, Any] = _kept.put(self)
        return found

    def __str__(self) -> str:
        return self.to_text()


def confidence(
    wrong: Any, sure: Any, *, classes: int = 2, level: float = 0.95,
) -> Confidence:
    """Measure confidence: `wrong` (n,) whether an answer is wrong, `sure` (n,) how sure it was.

    `sure` is the probability of the class that was said. Rows count equally, and as independent
    of each other. DataError where there is no row or a confidence is no probability.
    """
    check_level(level)
    error, given = np.asarray(wrong, dtype=np.float64), np.asarray(sure, dtype=np.float64)
    if error.shape != given.shape or error.ndim != 1 or not len(error):
        raise DataError("wrong and sure must be columns of as many rows, at least one; got shapes "
                        f"{error.shape} and {given.shape}.")
    if not (np.isfinite(given).all() and given.min() >= 0 and given.max() <= 1 + 1e-9):
        raise DataError("sure must be probabilities, from 0 to 1.")
    low, high = wilsons(error.mean(), len(error), student(level, math.inf))
    flags = tuple(_flag(error, given, below, level) for below in _FLAGS
                  if 0 < (given < below).sum() < len(error))
    ranks = _ranks(error, given, level)
    return Confidence(
        len(error), classes, float(error.mean()), float(low), float(high), *ranks,
        _bins(error, given, level), flags,
        _chosen(error, given, level) if ranks[1] > 0.5 else None, _curve(error, given, level),
        level)


def _ranks(error: np.ndarray, sure: np.ndarray, level: float) -> tuple[float, float, float]:
    from wholefit.evaluation.score import score

    if not 0 < error.sum() < len(error):
        return math.nan, math.nan, math.nan
    doubt = np.clip(np.column_stack([sure, 1 - sure]), 0, 1)
    found = score("classification", error.astype(np.intp), doubt, metrics="roc_auc",
                  level=level)["roc_auc"]
    return found.value, found.low, found.high


def _bins(error: np.ndarray, sure: np.ndarray, level: float) -> tuple[ConfidenceBin, ...]:
    """Bins of equal numbers of rows; rows of equal confidence stay together."""
    count = max(1, min(_BINS, len(error) // _ROWS_A_BIN))
    edges = np.unique(np.quantile(sure, np.linspace(0, 1, count + 1)))
    at = np.clip(np.searchsorted(edges, sure, side="right") - 1, 0, max(len(edges) - 2, 0))
    places, index = np.unique(at, return_inverse=True)
    rows = np.bincount(index)
    shares = np.bincount(index, error) / rows
    low, high = wilsons(shares, rows, student(level, math.inf))
    said = np.bincount(index, sure) / rows
    ends = np.append(edges, edges[-1])
    return tuple(ConfidenceBin(float(ends[place]), float(ends[place + 1]), int(rows[i]),
                               float(said[i]), float(shares[i]), float(low[i]), float(high[i]))
                 for i, place in enumerate(places))


def _flag(error: np.ndarray, sure: np.ndarray, below: float, level: float) -> Flag:
    return _flag_of(error, sure < below, below, level)


def _flag_of(error: np.ndarray, flagged: np.ndarray, below: float, level: float) -> Flag:
    numbers: list[float] = []
    for side in (flagged, ~flagged):
        share = float(error[side].mean()) if side.any() else math.nan
        low, high = wilsons(share, max(side.sum(), 1), student(level, math.inf))
        numbers += [share, float(low), float(high)]
    total = float(error.sum())
    caught = float(error[flagged].sum()) / total if total else math.nan
    return Flag(float(below), float(flagged.mean()), caught, *numbers)


def _chosen(error: np.ndarray, sure: np.ndarray, level: float) -> Flag | None:
    """The rule that tells wrong from right best, measured on rows that did not choose it.

    Best is the largest share of errors caught less the share of right answers flagged (Youden).
    """
    if error.sum() < 10 or (1 - error).sum() < 10 or len(error) < _FEWEST:
        return None
    fold = np.arange(len(error)) % _FOLDS
    flagged = np.zeros(len(error), dtype=bool)
    for each in range(_FOLDS):
        here = fold == each
        flagged[here] = sure[here] < _youden(error[~here], sure[~here])
    return _flag_of(error, flagged, _youden(error, sure), level)


def _youden(error: np.ndarray, sure: np.ndarray) -> float:
    """The confidence below which answers are flagged."""
    order = np.argsort(sure, kind="stable")
    caught = np.cumsum(error[order]) / max(error.sum(), 1)
    alarms = np.cumsum(1 - error[order]) / max((1 - error).sum(), 1)
    ranked = sure[order]
    last = np.append(np.flatnonzero(ranked[1:] > ranked[:-1]), len(ranked) - 1)
    at = last[int(np.argmax((caught - alarms)[last]))]
    return float((ranked[at] + ranked[at + 1]) / 2) if at + 1 < len(ranked) else 1.0


def _curve(error: np.ndarray, sure: np.ndarray, level: float) -> tuple[Answered, ...]:
    """Error rates of the surest rows, with bounds that hold at all points together.

    The bound is that of Clopper and Pearson (1934) at (1 - level) / points: given how sure the
    model was, errors of the rows answered are a binomial count at worst (Hoeffding 1956).
    """
    from scipy.special import betaincinv

    least = np.unique(np.quantile(sure, 1 - np.arange(1, _POINTS + 1) / _POINTS, method="lower"))
    found = []
    for threshold in least[::-1]:
        kept = sure >= threshold
        rows, errors = int(kept.sum()), float(error[kept].sum())
        bound = 1.0 if errors >= rows else float(
            betaincinv(errors + 1, rows - errors, 1 - (1 - level) / len(least)))
        found.append(Answered(float(threshold), rows / len(error), rows, errors / rows, bound))
    return tuple(found)
