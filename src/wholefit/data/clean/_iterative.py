"""Missing numbers from regressions on the other columns, round after round, in numpy.

Chained equations with ridge regressions (van Buuren and Groothuis-Oudshoorn, 2011; as in
scikit-learn's IterativeImputer, with which the results agree). What is learnt is the sequence
of regressions: new rows pass through the same ones. Each column is regressed on at most `most`
others, those it correlates with most, so that the cost is linear in columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_TINY = 1e-12


@dataclass(frozen=True)
class Chain:
    """What was learnt: means, scales and bounds (p,); predictors (p, k); coefficients.

    `weights` (rounds, p, k) and `offsets` (rounds, p) are on standardised columns; `order` (p,)
    is the order in which columns are visited.
    """

    means: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    order: np.ndarray
    predictors: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray

    def fill(self, values: np.ndarray) -> np.ndarray:
        """`values` (n, p) with NaN filled; others untouched. Columns never seen stay NaN."""
        empty = np.isnan(values)
        if not empty.any():
            return values
        rows = np.flatnonzero(empty.any(axis=1))
        gaps = empty[rows]
        table = np.where(gaps, 0.0, (values[rows] - self.means) / self.scale)
        hit = [int(column) for column in self.order if gaps[:, column].any()]
        for weights, offsets in zip(self.weights, self.offsets, strict=True):
            for column in hit:
                lost = gaps[:, column]
                found = table[np.ix_(lost, self.predictors[column])] @ weights[column]
                table[lost, column] = np.clip(found + offsets[column], self.low[column],
                                              self.high[column])
        filled = values.copy()
        filled[rows] = np.where(gaps, table * self.scale + self.means, values[rows])
        return filled

    def arrays(self) -> dict[str, np.ndarray]:
        """As named arrays."""
        return dict(vars(self))


def learn(values: np.ndarray, rounds: int, alpha: float, most: int, bounded: bool) -> Chain:
    """The chain of regressions for `values` (n, p) with NaN where missing."""
    empty = np.isnan(values)
    counts = (~empty).sum(axis=0)
    means, scale = _moments(values, counts)
    table = np.where(empty, 0.0, (values - means) / scale)
    low, high = _bounds(table, empty, bounded)
    predictors = _predictors(table, min(most, values.shape[1] - 1))
    # Fewest gaps first; a column with none, or without any value, needs no rounds.
    order = np.argsort(empty.sum(axis=0), kind="stable")
    order = order[counts[order] > 0]
    weights = np.zeros((rounds, *predictors.shape))
    offsets = np.zeros((rounds, values.shape[1]))
    for turn in range(rounds):
        for column in order:
            gaps = empty[:, column]
            if not gaps.any() and turn < rounds - 1:
                continue
            used = table[:, predictors[column]]
            coefficients, offset = _ridge(used[~gaps], table[~gaps, column], alpha)
            weights[turn, column], offsets[turn, column] = coefficients, offset
            if gaps.any():
                table[gaps, column] = np.clip(used[gaps] @ coefficients + offset, low[column],
                                              high[column])
    whole = ~empty.any(axis=0)
    weights[:-1, whole], offsets[:-1, whole] = weights[-1, whole], offsets[-1, whole]
    return Chain(means, scale, low, high, order, predictors, weights, offsets)


def _moments(values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = np.maximum(counts, 1)
    filled = np.nan_to_num(values)
    means = filled.sum(axis=0) / known
    spread = np.where(np.isnan(values), 0.0, filled - means)
    scale = np.sqrt((spread**2).sum(axis=0) / known)
    means = np.where(counts > 0, means, np.nan)
    return means, np.where(scale > _TINY, scale, 1.0)


def _bounds(
    table: np.ndarray, empty: np.ndarray, bounded: bool
) -> tuple[np.ndarray, np.ndarray]:
    width = table.shape[1]
    if not bounded or not len(table):
        return np.full(width, -np.inf), np.full(width, np.inf)
    low = np.where(empty, np.inf, table).min(axis=0)
    high = np.where(empty, -np.inf, table).max(axis=0)
    return low, high


def _predictors(table: np.ndarray, most: int) -> np.ndarray:
    """For each column the `most` others that go with it most closely, in order of place."""
    width = table.shape[1]
    if most == width - 1:
        return np.array([[j for j in range(width) if j != i] for i in range(width)],
                        dtype=np.int64).reshape(width, most)
    size = np.sqrt((table**2).sum(axis=0))
    alike = np.abs(table.T @ table) / np.maximum(np.outer(size, size), _TINY)
    np.fill_diagonal(alike, -1.0)
    return np.sort(np.argsort(-alike, axis=1, kind="stable")[:, :most], axis=1)


def _ridge(X: np.ndarray, y: np.ndarray, alpha: float) -> tuple[np.ndarray, float]:
    """Ridge regression with an intercept that is not punished."""
    middle, level = X.mean(axis=0), float(y.mean())
    X = X - middle
    gram = X.T @ X
    gram[np.diag_indices_from(gram)] += alpha
    weights = np.linalg.solve(gram, X.T @ (y - level))
    return weights, level - float(middle @ weights)
