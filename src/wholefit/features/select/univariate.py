"""One feature at a time: variance, F, chi-squared, mutual information.

F and chi-squared are those of scikit-learn's `f_classif`, `f_regression` and `chi2`, to the last
digits. A feature of category codes has no order, so it is scored by its table against the
target: Pearson's chi-squared over its degrees of freedom, or the F of the target by level; both
are about one for a feature that does not matter, as F is.

Without a number to keep, those are kept that a false discovery rate of 5% allows.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from wholefit.data._association import information
from wholefit.features.select import _tables
from wholefit.features.select._seen import Scores, Seen, discoveries, needs_classes

_ROWS = 20_000
"""Rows that mutual information is counted on: its error is then far below what matters."""


def variance(seen: Seen) -> Scores:
    """Variance of values brought to 0..1, so that units do not matter; constants are left out."""
    found = np.zeros(seen.X.shape[1])
    for span, block in seen.blocks():
        low, high = block.min(axis=0), block.max(axis=0)
        width = np.where(high > low, high - low, 1.0)
        found[span] = (block / width).var(axis=0)
        found[span][high == low] = 0.0
    return Scores(found, found > 0, only=True)


def f(seen: Seen) -> Scores:
    """F of the feature between classes, or of the line from it to a numeric target."""
    values, p_values = _between_classes(seen) if seen.n_classes else _by_line(seen)
    for at, places in _tables.code_columns(seen):
        values[at], p_values[at] = _of_codes(seen, places)
    return Scores(values, discoveries(p_values), p_values)


def chi2(seen: Seen) -> Scores:
    """Chi-squared between the classes and the feature's sum over each.

    Every feature is first brought to 0..1 over its range in training, as the sums would else be
    those of its unit.
    """
    needs_classes(seen, "chi2")
    targets = seen.targets()
    shares = targets.mean(axis=0)[:, None]
    values = np.zeros(seen.X.shape[1])
    for span, block in seen.blocks():
        _to_unit(block)
        observed = targets.T @ block
        expected = shares * observed.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            values[span] = np.nan_to_num(((observed - expected) ** 2 / expected).sum(axis=0))
    free = max(targets.shape[1] - 1, 1)
    p_values = special.chdtrc(free, values)
    for at, places in _tables.code_columns(seen):
        found, own = _tables.chi_squared(_tables.contingency(places, seen.y, seen.n_classes))
        values[at] = found * free / own if own else 0.0
        p_values[at] = special.chdtrc(own, found) if own else 1.0
    return Scores(values, discoveries(p_values), p_values)


def mutual_info(seen: Seen) -> Scores:
    """Mutual information with the target in nats, of quantile bins, less its bias.

    The bias of counting is (cells' degrees of freedom) / (2 rows) (Miller 1955); the test is
    the likelihood-ratio test of independence. Any shape of dependence shows. Counted on at most
    20,000 rows; in a sparse matrix a mostly-zero feature counts as there or not.
    """
    seen = seen.sample(_ROWS, "mutual_info")
    y, wide = _tables.target_codes(seen)
    codes, rows = set(seen.codes), len(y)
    found = np.zeros((seen.X.shape[1], 2))
    X = seen.X.tocsc() if seen.sparse else seen.X
    for at in range(X.shape[1]):
        if seen.sparse:
            places = _thin_places(X, at)
        else:
            column = X[:, at].astype(np.float64)
            places = _tables.levels(column) if at in codes else _tables.binned(column)
        found[at] = information(_tables.contingency(places, y, wide))
    values, free = found.T
    known = free > 0
    p_values = np.where(known, special.chdtrc(np.maximum(free, 1), 2 * rows * values), 1.0)
    return Scores(values - free / (2 * rows), discoveries(p_values), p_values)


def _between_classes(seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    targets = seen.targets()
    counts = targets.sum(axis=0)[:, None]
    among, total = np.zeros((2, seen.X.shape[1]))
    for span, block in seen.blocks():
        steady = block.min(axis=0) == block.max(axis=0)
        block -= block.mean(axis=0)
        among[span] = ((targets.T @ block) ** 2 / counts).sum(axis=0)
        total[span] = np.einsum("ij,ij->j", block, block)
        total[span][steady] = 0.0
    free, rest = len(counts) - 1, len(seen.y) - len(counts)
    return _ratio(among, total, free, rest)


def _by_line(seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    y = seen.y - seen.y.mean()
    power = float(y @ y)
    among, total = np.zeros((2, seen.X.shape[1]))
    for span, block in seen.blocks():
        steady = block.min(axis=0) == block.max(axis=0)
        block -= block.mean(axis=0)
        squares = np.einsum("ij,ij->j", block, block)
        squares[steady] = 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            among[span] = np.nan_to_num((y @ block) ** 2 / squares)
        total[span] = np.where(squares > 0, power, 0.0)
    return _ratio(among, total, 1, len(y) - 2)


def _ratio(
    among: np.ndarray, total: np.ndarray, free: int, rest: int
) -> tuple[np.ndarray, np.ndarray]:
    """F and p from sums of squares; 0 and 1 for what does not vary."""
    if free < 1 or rest < 1:
        return np.zeros(len(total)), np.ones(len(total))
    within = np.maximum(total - among, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = (among / free) / (within / rest)
    values[total <= 0] = 0.0
    values = np.nan_to_num(values, nan=0.0, posinf=np.finfo(np.float64).max)
    return values, special.fdtrc(free, rest, values)


def _of_codes(seen: Seen, places: np.ndarray) -> tuple[float, float]:
    if not seen.n_classes:
        return _tables.between(places, seen.y)
    table = _tables.contingency(places, seen.y, seen.n_classes)
    value, free = _tables.chi_squared(table)
    return (value / free, float(special.chdtrc(free, value))) if free else (0.0, 1.0)


def _to_unit(block: np.ndarray) -> None:
    low, high = block.min(axis=0), block.max(axis=0)
    block -= low
    block /= np.where(high > low, high - low, 1.0)


def _thin_places(X: object, at: int) -> np.ndarray:
    column = X[:, [at]]  # type: ignore[index]
    if column.nnz > 0.5 * column.shape[0]:
        return _tables.binned(column.toarray().ravel())
    return (column.toarray().ravel() != 0).astype(np.intp)
