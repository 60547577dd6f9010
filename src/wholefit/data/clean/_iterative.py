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
        gaps = np.ascontiguousarray(empty[rows].T)
        # Columns lie side by side in memory: a regression reads a few of them in full.
        given = np.ascontiguousarray(values[rows].T)
        table = np.where(gaps, 0.0, (given - self.means[:, None]) / self.scale[:, None])
        hit = [(int(column), np.flatnonzero(gaps[column])) for column in self.order
               if gaps[column].any()]
        for weights, offsets in zip(self.weights, self.offsets, strict=True):
            for column, lost in hit:
                # Term by term, not as a product of matrices: a row's value must not depend, in
                # its last bits, on how many other rows are filled with it.
                found = np.full(len(lost), offsets[column])
                for weight, other in zip(weights[column], self.predictors[column], strict=True):
                    found += weight * table[other, lost]
                table[column, lost] = np.clip(found, self.low[column], self.high[column])
        filled = values.copy()
        made = table * self.scale[:, None] + self.means[:, None]
        filled[rows] = np.where(gaps, made, given).T
        return filled

    def arrays(self) -> dict[str, np.ndarray]:
        """As named arrays."""
        return dict(vars(self))


def learn(
    values: np.ndarray, rounds: int, alpha: float, most: int, bounded: bool, tolerance: float = 0.0
) -> Chain:
    """The chain of regressions for `values` (n, p) with NaN where missing.

    Rounds end early once none changes a filled cell by more than `tolerance` times the largest
    number, columns standardised.
    """
    empty = np.isnan(values)
    counts = (~empty).sum(axis=0)
    means, scale = _moments(values, counts)
    table = np.where(empty, 0.0, (values - means) / scale)
    low, high = _bounds(table, empty, bounded)
    predictors = _predictors(table, min(most, values.shape[1] - 1))
    # Fewest gaps first; a column without any value is left out.
    order = np.argsort(empty.sum(axis=0), kind="stable")
    order = order[counts[order] > 0]
    weights = np.zeros((rounds, *predictors.shape))
    offsets = np.zeros((rounds, values.shape[1]))
    table, empty = np.ascontiguousarray(table.T), np.ascontiguousarray(empty.T)
    holes = [int(column) for column in order if empty[column].any()]
    enough = tolerance * float(np.abs(table).max(initial=0.0))
    done = 0
    while done < rounds:
        change = 0.0
        for column in holes:
            lost = empty[column]
            used = table[predictors[column]]
            coefficients, offset = _ridge(used[:, ~lost], table[column, ~lost], alpha)
            weights[done, column], offsets[done, column] = coefficients, offset
            made = np.clip(coefficients @ used[:, lost] + offset, low[column], high[column])
            change = max(change, float(np.abs(made - table[column, lost]).max()))
            table[column, lost] = made
        done += 1
        if change < enough:
            break
    # A column that was complete has one regression, on the filled columns, for every round.
    for column in order:
        if not empty[column].any():
            fitted = _ridge(table[predictors[column]], table[column], alpha)
            weights[:done, column], offsets[:done, column] = fitted
    return Chain(means, scale, low, high, order, predictors, weights[:done], offsets[:done])


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
    """Ridge regression of y (n,) on X (p, n), with an intercept that is not punished."""
    middle, level = X.mean(axis=1), float(y.mean())
    X = X - middle[:, None]
    gram = X @ X.T
    gram[np.diag_indices_from(gram)] += alpha
    weights = np.linalg.solve(gram, X @ (y - level))
    return weights, level - float(middle @ weights)
