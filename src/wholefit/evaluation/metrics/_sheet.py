"""A sheet: one truth and one answer, checked once, with the work that metrics share.

Rows without a known truth or with zero weight are left out and counted. Whatever several
metrics need (predicted codes, the order of the scores) is computed once and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any

import numpy as np

from wholefit.base.errors import DataError

Array = np.ndarray
# Orders of the rows are kept for all classes up to this many numbers (some 300 MB).
_KEPT_RANKS = 10_000_000


class Sheet:
    """Truth, answer, weights and units of resampling of the rows that count."""

    def __init__(self, truth: Array, answer: Array, known: Array,
                 weights: Any = None, units: Any = None) -> None:
        rows = len(truth)
        self.weighted = weights is not None
        weight = _weights(weights, rows)
        unit = _column("units", units, rows) if units is not None else None
        keep = known & (weight > 0)
        self.left_out = int(rows - keep.sum())
        self._keep = keep
        if self.left_out:
            truth, answer, weight = truth[keep], answer[keep], weight[keep]
            unit = unit[keep] if unit is not None else None
        self.truth, self.answer, self.weights = truth, answer, weight
        self.unit, self.n_units = _unit_codes(unit, len(truth))
        self._kept: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return len(self.truth)

    def cached(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The thing kept under `key`, made at first asking."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def by_unit(self, values: Array) -> Array:
        """Sums of row values (..., n) over units of resampling, (..., units)."""
        if self.unit is None:
            return values
        if values.ndim == 1:
            return np.bincount(self.unit, weights=values, minlength=self.n_units)
        order, starts = self.unit_runs
        return np.add.reduceat(values[..., order], starts, axis=-1)

    def leverage(self, strata: Array | None) -> Any:
        """Share (n,) of its stratum's weight that the unit of each row carries there."""
        if strata is None and self.unit is None and not self.weighted:
            return 1 / len(self)
        total = self.weights.sum() if strata is None else np.bincount(strata, self.weights)[strata]
        if self.unit is None:
            return self.weights / total
        parts = 1 if strata is None else int(strata.max()) + 1
        cell = self.unit * parts + (0 if strata is None else strata)
        return np.bincount(cell, self.weights)[cell] / total

    @cached_property
    def unit_runs(self) -> tuple[Array, Array]:
        """Order that puts the rows of a unit together, and where each unit starts in it."""
        if self.unit is None:
            return np.arange(len(self)), np.arange(len(self))
        order = np.argsort(self.unit, kind="stable")
        starts = np.searchsorted(self.unit[order], np.arange(self.n_units))
        return order, starts


class NumberSheet(Sheet):
    """Regression: truth (n,) and answer (n,), numbers."""

    def __init__(self, truth: Any, answer: Any, *, weights: Any = None, units: Any = None,
                 **_: Any) -> None:
        actual = _column("truth", truth, None, np.float64)
        given = np.asarray(answer, dtype=np.float64)
        if given.ndim == 2 and given.shape[1] == 1:
            given = given[:, 0]
        given = _column("answer", given, len(actual))
        known = ~np.isnan(actual)
        _check_finite(given, known)
        _check_infinite_truth(actual)
        super().__init__(actual, given, known, weights, units)

    @cached_property
    def error(self) -> Array:
        """Answer minus truth."""
        return self.answer - self.truth

    @cached_property
    def distance(self) -> Array:
        """Absolute error."""
        return np.abs(self.error)

    @cached_property
    def square(self) -> Array:
        """Squared error."""
        return self.error * self.error

    @cached_property
    def spread(self) -> float:
        """Range of all numbers seen, truth and answers: the size that an unseen error may have."""
        if not len(self):
            return 0.0
        high = max(self.truth.max(), self.answer.max())
        return float(high - min(self.truth.min(), self.answer.min()))


class ClassSheet(Sheet):
    """Classification: truth (n,) codes, answer (n, k) probabilities.

    `predicted` (n,) codes are what was decided, where that is not the most probable class.
    """

    def __init__(self, truth: Any, answer: Any, *, positive: int = 1, weights: Any = None,
                 units: Any = None, predicted: Any = None, **_: Any) -> None:
        actual = _codes(truth)
        given = np.asarray(answer, dtype=np.float64)
        if given.ndim != 2 or given.shape[1] < 2 or len(given) != len(actual):
            raise DataError(
                f"answer must be (n, classes) probabilities with n = {len(actual)} rows and at "
                f"least 2 classes; got shape {given.shape}.")
        self.k = given.shape[1]
        if len(actual) and actual.max() >= self.k:
            raise DataError(f"truth codes must be < {self.k}, the number of probability columns; "
                            f"got {int(actual.max())}.")
        if not 0 <= int(positive) < self.k:
            raise DataError(f"positive must be a class code 0..{self.k - 1}; got {positive}.")
        self.positive = int(positive)
        known = actual >= 0
        _check_finite(given, known)
        _check_probabilities(given, known)
        decided = None if predicted is None else _decided(predicted, len(actual), self.k)
        super().__init__(actual, given, known, weights, units)
        self._decided = None if decided is None else decided[self._keep]

    @property
    def binary(self) -> bool:
        """True if there are two classes, so that one of them is the positive one."""
        return self.k == 2

    @cached_property
    def predicted(self) -> Array:
        """Code of the class decided for each row, (n,): the most probable unless told otherwise."""
        return self.most_probable if self._decided is None else self._decided

    @cached_property
    def most_probable(self) -> Array:
        """Code of the most probable class of each row, (n,); the first one of equals."""
        return self.answer.argmax(axis=1)

    @cached_property
    def hit(self) -> Array:
        """1.0 where the prediction is right, (n,)."""
        return (self.predicted == self.truth).astype(np.float64)

    @cached_property
    def rows_of(self) -> Array:
        """Number of rows whose truth is each class, (k,)."""
        return np.bincount(self.truth, minlength=self.k)

    @cached_property
    def predicted_as(self) -> Array:
        """Number of rows predicted as each class, (k,)."""
        return np.bincount(self.predicted, minlength=self.k)

    def indicator(self, kind: str) -> Array:
        """0/1 columns (n, k): "truth", "predicted", or "hit" (both)."""
        if kind == "hit":
            return self.cached("hit1", lambda: self.indicator("truth") * self.hit[:, None])
        codes = self.truth if kind == "truth" else self.predicted
        return self.cached((kind, "1"), lambda: np.eye(self.k)[codes])

    def ranking(self, column: int) -> Ranking:
        """The order of the rows by the probability of class `column`; kept if memory allows."""
        def make() -> Ranking:
            return Ranking(self.answer[:, column], self.truth == column)

        return self.cached(("ranking", column), make) if self.keeps_rankings else make()

    @property
    def keeps_rankings(self) -> bool:
        """Whether the orders by all classes are small enough to keep."""
        return self.k * len(self) <= _KEPT_RANKS


class Ranking:
    """Rows grouped by equal score, in order of rising score."""

    def __init__(self, scores: Array, positive: Array) -> None:
        self.order = np.argsort(scores)
        ranked = scores[self.order]
        new = np.ones(len(ranked), dtype=bool)
        np.not_equal(ranked[1:], ranked[:-1], out=new[1:])
        self.starts = np.flatnonzero(new)
        self.group = np.empty(len(ranked), dtype=np.intp)
        self.group[self.order] = np.cumsum(new) - 1
        self.scores = ranked[self.starts]
        self.positive = positive
        self._positive = positive[self.order]

    def sums(self, weights: Array) -> tuple[Array, Array]:
        """Weight of positive and of negative rows in each group of equal scores, (..., g)."""
        ranked = weights[..., self.order]
        up = np.add.reduceat(ranked * self._positive, self.starts, axis=-1)
        down = np.add.reduceat(ranked * ~self._positive, self.starts, axis=-1)
        return up, down


# ---- checks -----------------------------------------------------------------------------


def _column(what: str, values: Any, rows: int | None, dtype: Any = None) -> Array:
    try:
        column = np.asarray(values, dtype=dtype)
    except (TypeError, ValueError):
        raise DataError(f"{what} must be numbers; got {str(values)[:60]!r}.") from None
    if column.ndim != 1 or (rows is not None and len(column) != rows):
        wanted = "one column" if rows is None else f"one column of {rows} rows"
        raise DataError(f"{what} must be {wanted}; got shape {column.shape}.")
    return column


def _codes(truth: Any) -> Array:
    codes = _column("truth", truth, None)
    if codes.dtype.kind == "f" and np.all(codes == np.floor(codes)):
        codes = codes.astype(np.intp)
    if codes.dtype.kind not in "iub" and len(codes):
        raise DataError(f"truth must be class codes 0, 1, ...; got {codes.dtype} "
                        f"({codes[0]!r}, ...). Encode the labels with the target's codec.")
    return codes.astype(np.intp)


def _decided(predicted: Any, rows: int, classes: int) -> Array:
    codes = _column("predicted", predicted, rows)
    inside = not len(codes) or 0 <= codes.min() <= codes.max() < classes
    if codes.dtype.kind not in "iu" or not inside:
        raise DataError(f"predicted must be class codes 0..{classes - 1}; got {codes.dtype}.")
    return codes.astype(np.intp)


def _weights(weights: Any, rows: int) -> Array:
    if weights is None:
        return np.ones(rows)
    weight = _column("weights", weights, rows, np.float64)
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise DataError(f"weights must be finite and >= 0; got {weight[first]} in row {first}.")
    return weight


def _unit_codes(unit: Array | None, rows: int) -> tuple[Array | None, int]:
    """Units as codes 0..u-1; None where each row is its own unit."""
    if unit is None:
        return None, rows
    names, codes = np.unique(unit, return_inverse=True)
    return (None, rows) if len(names) == rows else (codes, len(names))


def _check_finite(answer: Array, known: Array) -> None:
    total = answer.sum()
    if np.isfinite(total):
        return
    bad = ~np.isfinite(answer) & (known if answer.ndim == 1 else known[:, None])
    if bad.any():
        first = int(np.argwhere(bad)[0][0])
        raise DataError(f"answer must be finite; got {answer[first]} in row {first}. "
                        "A model must answer every row.")


def _check_infinite_truth(truth: Array) -> None:
    bad = np.isinf(truth)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise DataError(f"truth must be finite; got {truth[first]} in row {first}.")


def _check_probabilities(answer: Array, known: Array) -> None:
    if not len(answer):
        return
    wrong = (np.abs(answer.sum(axis=1) - 1) > 1e-3) | (answer.min(axis=1) < -1e-9)
    wrong &= known
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise DataError("answer must be probabilities: >= 0, each row summing to 1; got "
                        f"{answer[first][:6].tolist()} in row {first}.")
