"""Nearest neighbours by looking at every stored row, a block of questions at a time.

Among rows equally far away the one that comes first is kept, so that the answer depends on
nothing but the rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.state import State
from wholefit.models._kernels._links import dense, spread

# Distances held at once: 32 MB of them.
_BLOCK = 1 << 22


class Neighbors:
    """Answers from stored `rows` (m, p) and their `labels` (m,) or `target` (m,)."""

    def __init__(self, state: State) -> None:
        self._rows = np.asarray(state.arrays["rows"], dtype=np.float64)
        self._labels = state.arrays.get("labels")
        self._target = state.arrays.get("target")
        self._k = int(state.config["neighbors"])
        self._power = float(state.config["power"])
        self._weights = state.config["weights"]
        self._classes = state.config.get("classes", [])
        self._n_classes = int(state.config["n_classes"])

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to shares of votes (n, classes) or means (n,)."""
        X = np.asarray(dense(X, self._rows.shape[1]), dtype=np.float64)
        distance, row = nearest(self._rows, X, self._k, self._power)
        weights = weigh(distance, self._weights)
        if self._labels is None:
            return _mean(np.asarray(self._target)[row], weights)
        found = votes(self._labels[row], weights, len(self._classes))
        return spread(found, self._classes, self._n_classes)


def weigh(distance: np.ndarray, how: str) -> np.ndarray | None:
    """Weights (n, k): None for "uniform"; one over the distance for "distance".

    Where neighbours lie on the very spot, they alone count.
    """
    if how == "uniform":
        return None
    with np.errstate(divide="ignore"):
        weights = 1.0 / distance
    endless = np.isinf(weights)
    return np.where(endless.any(axis=1, keepdims=True), endless, weights)


def votes(labels: np.ndarray, weights: np.ndarray | None, n_classes: int) -> np.ndarray:
    """Shares (n, classes) of the weights of neighbours with `labels` (n, k)."""
    cells = labels + n_classes * np.arange(len(labels))[:, None]
    flat = None if weights is None else weights.ravel().astype(np.float64)
    found = np.bincount(cells.ravel(), flat, minlength=n_classes * len(labels))
    found = found.reshape(len(labels), n_classes).astype(np.float64)
    return found / found.sum(axis=1, keepdims=True)


def nearest(rows: np.ndarray, X: np.ndarray, k: int,
            power: float) -> tuple[np.ndarray, np.ndarray]:
    """Distances (n, k) to the k nearest of `rows` (m, p) for each of `X` (n, p), and which.

    Both in order of distance, then of row. The distance is Minkowski's of the given power.
    """
    if not np.isfinite(X).all():
        raise DataError("neighbours need features that are finite; got NaN or infinity.")
    k = min(k, len(rows))
    search = _Straight(rows) if power == 2 else _Powers(rows, power)
    step = max(1, _BLOCK // max(1, len(rows)))
    distance, found = np.empty((len(X), k)), np.empty((len(X), k), dtype=np.intp)
    for start in range(0, len(X), step):
        block = slice(start, start + step)
        distance[block], found[block] = _first(*search.near(X[block], k), k)
    return distance, found


def _first(question: np.ndarray, row: np.ndarray, distance: np.ndarray,
           k: int) -> tuple[np.ndarray, np.ndarray]:
    """The first k of each question's candidates, which are at least k."""
    order = np.lexsort((row, distance, question))
    starts = np.flatnonzero(np.diff(question[order], prepend=-1))
    take = order[starts[:, None] + np.arange(k)]
    return distance[take], row[take]


class _Straight:
    """Candidates under the Euclidean distance: a matrix product screens, then each is measured."""

    def __init__(self, rows: np.ndarray) -> None:
        self._rows = rows
        self._middle = rows.mean(axis=0)
        self._centred = rows - self._middle
        self._norms = np.einsum("ij,ij->i", self._centred, self._centred)

    def near(self, X: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Question, row and distance of every row that may be among the k nearest."""
        X_centred = X - self._middle
        norms = np.einsum("ij,ij->i", X_centred, X_centred)
        squares = norms[:, None] + self._norms - 2.0 * (X_centred @ self._centred.T)
        limit = np.partition(squares, k - 1, axis=1)[:, k - 1]
        question, row = _cells(squares <= (limit + slack(X_centred, self._norms.max()))[:, None])
        return question, row, measure(X, self._rows, question, row)


def slack(X: np.ndarray, largest: float) -> np.ndarray:
    """How far rounding may move squared distances that a matrix product of `X` (n, p) gives.

    `largest` is the largest squared length of the rows that `X` is compared with.
    """
    lengths = np.einsum("ij,ij->i", X, X) + largest
    return 16 * np.finfo(float).eps * (X.shape[1] + 4) * lengths


def measure(X: np.ndarray, rows: np.ndarray, question: np.ndarray,
            row: np.ndarray) -> np.ndarray:
    """Euclidean distances (m,), free of cancellation, of the pairs (question, row)."""
    found = np.empty(len(row))
    step = max(1, _BLOCK // max(1, X.shape[1]))
    for start in range(0, len(row), step):
        part = slice(start, start + step)
        apart = X[question[part]] - rows[row[part]]
        found[part] = np.sqrt(np.einsum("ij,ij->i", apart, apart))
    return found


class _Powers:
    """Candidates under other Minkowski distances, feature by feature."""

    def __init__(self, rows: np.ndarray, power: float) -> None:
        self._columns = np.ascontiguousarray(rows.T)
        self._power = power

    def near(self, X: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Question, row and distance of every row that may be among the k nearest."""
        total = np.zeros((len(X), self._columns.shape[1]))
        for values, column in zip(X.T, self._columns, strict=True):
            apart = np.abs(values[:, None] - column)
            total += apart if self._power == 1 else apart**self._power
        limit = np.partition(total, k - 1, axis=1)[:, k - 1]
        question, row = _cells(total <= limit[:, None])
        return question, row, total[question, row] ** (1 / self._power)


def _cells(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of each True; far faster than np.nonzero where they are few."""
    question, row = np.divmod(np.flatnonzero(mask), mask.shape[1])
    return question, row


def _mean(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    if weights is None:
        return values.mean(axis=1)
    return (values * weights).sum(axis=1) / weights.sum(axis=1)
