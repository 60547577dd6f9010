"""Maps: every row of the map has a place; a new row is put among the rows that it lies nearest to.

Three rules, by the method of the map:

    fuzzy       UMAP's own first placement: weights exp(-d / s), s such that they add up to
                log2(k) (McInnes, Healy and Melville 2018)
    gaussian    t-SNE's likeness to the nearest rows at a perplexity of 5 (Policar, Strazar and
                Zupan 2019 place new points so before they move them)

                after either, ten steps that pull the row to where its neighbours are likeliest:
                sum of w log(1 / (1 + a r^(2b))) over them, r the distance on the map. Among
                neighbours in several groups the mean lies in none of them; this finds one
    barycentre  the weights that rebuild the row from its neighbours (Roweis and Saul 2000)

A map without a rule answers its own rows, and refuses others.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.state import State
from wholefit.models._kernels._links import dense
from wholefit.models._kernels.neighbors import nearest

MOST = 4096
"""Neighbours by which a row is put among others: of more, a table of their pairs has no room."""
# Cells held at once: 32 MB of them.
_BLOCK = 1 << 22
_ROUNDS = 64
_PULLS, _CLOSE = 10, 1e-3
_PERPLEXITY = 5.0
_SAME = 1e-6
"""Rows whose distance is below this share of their length are the same row."""


class Map:
    """`rows` (m, q) of the map and their `places` (m, d); features come through `axes` (q, p)."""

    def __init__(self, state: State) -> None:
        arrays, config = state.arrays, state.config
        self._rows = np.asarray(arrays["rows"], dtype=np.float64)
        self._places = np.asarray(arrays["places"], dtype=np.float64)
        self._features = int(config["features"])
        self._k, self._rule = int(config["neighbors"]), str(config["rule"])
        self._axes = np.asarray(arrays["axes"], dtype=np.float64) if "axes" in arrays else None
        self._mean = np.asarray(arrays["mean"], dtype=np.float64) if "mean" in arrays else None
        self._name = str(config["name"])
        self._curve = float(config.get("a", 1.0)), float(config.get("b", 1.0))
        self._check()

    def _check(self) -> None:
        rows, places = self._rows, self._places
        if rows.ndim != 2 or places.ndim != 2 or len(rows) != len(places) or not len(rows):
            raise ValueError("the rows of the map and their places do not belong together")
        if not (np.isfinite(rows).all() and np.isfinite(places).all()):
            raise ValueError("a map's rows and places must be finite")
        if not 1 <= self._k <= MOST or self._rule not in ("none", *_RULES):
            raise ValueError(f"a map cannot place rows by {self._rule!r} of {self._k} neighbours")
        if not all(0 < number < 1e6 for number in self._curve):
            raise ValueError(f"the curve of a map cannot be {self._curve}")
        wide = rows.shape[1]
        if self._axes is None or self._mean is None:
            if wide != self._features:
                raise ValueError("the rows of the map have another number of features")
        elif self._axes.shape != (wide, self._features) or self._mean.shape != (self._features,):
            raise ValueError("the axes before the map have the wrong shape")

    @property
    def places(self) -> np.ndarray:
        """The places (m, d) of the map's own rows."""
        return self._places

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p), dense or CSR, to places (n, d).

        A row of the map gets its own place (equal rows that of the first). Raises DataError for
        another row where the method has no rule for it.
        """
        Z = self._projected(X)
        if self._rule == "none":
            return self._among(Z)
        wide = max(Z.shape[1], self._places.shape[1], self._k)
        step = max(1, _BLOCK // (self._k * wide))
        parts = [self._among(Z[at:at + step]) for at in range(0, max(len(Z), 1), step)]
        return np.concatenate(parts)

    def _among(self, Z: np.ndarray) -> np.ndarray:
        distance, row = nearest(self._rows, Z, 1 if self._rule == "none" else self._k, 2.0)
        length = np.sqrt(np.einsum("ij,ij->i", Z, Z))
        known = distance[:, 0] <= _SAME * length + 1e-12
        out = self._places[row[:, 0]]
        if not known.all():
            self._refuse(int((~known).sum()), len(Z))
            new = ~known
            out[new] = self._placed(Z[new], distance[new], row[new])
        return out

    def _placed(self, Z: np.ndarray, distance: np.ndarray, row: np.ndarray) -> np.ndarray:
        near = self._places[row]
        if self._rule == "barycentre":
            return np.einsum("nk,nkd->nd", barycentre(Z, self._rows[row]), near)
        weights = fuzzy(distance) if self._rule == "fuzzy" else gaussian(distance)
        return pulled(weights, near, *self._curve)

    def _projected(self, X: Any) -> np.ndarray:
        if self._axes is None or self._mean is None:
            return np.asarray(dense(X, self._features), dtype=np.float64)
        if hasattr(X, "tocsr") and X.shape[1] == self._features:
            return np.asarray(X @ self._axes.T - self._axes @ self._mean)
        return np.asarray((dense(X, self._features) - self._mean) @ self._axes.T)

    def _refuse(self, new: int, of: int) -> None:
        if self._rule == "none":
            raise DataError(
                f"{self._name} has no place for rows that were not in its map, and {new:,} of "
                f"the {of:,} asked were not: fit models='umap', 'opentsne' or 'pca', which do, "
                "or fit the map again with these rows in it.")


def pulled(weights: np.ndarray, near: np.ndarray, a: float, b: float) -> np.ndarray:
    """Places (n, d) from the weighted mean of `near` (n, k, d) to where they are likeliest.

    Each step is a mean again, weighted by how steep the curve is there, which never makes the
    likelihood less for b <= 1.
    """
    found = np.einsum("nk,nkd->nd", weights, near)
    for _ in range(_PULLS):
        square = np.maximum(((found[:, None, :] - near) ** 2).sum(axis=2), _CLOSE)
        pull = weights * square ** (b - 1) / (1 + a * square**b)
        found = np.einsum("nk,nkd->nd", _summed(pull), near)
    return found


def fuzzy(distance: np.ndarray) -> np.ndarray:
    """Weights (n, k) of distances (n, k), nearest first: exp(-d / s), scaled to add up to one.

    s is such that all but the first add up to log2(k), as umap-learn has it for new rows.
    """
    if distance.shape[1] < 3:
        return np.full(distance.shape, 1 / distance.shape[1])
    goal = math.log2(distance.shape[1])
    low, high = np.zeros(len(distance)), np.full(len(distance), np.inf)
    scale = np.maximum(distance.mean(axis=1), 1e-12)
    for _ in range(_ROUNDS):
        over = np.exp(-distance[:, 1:] / scale[:, None]).sum(axis=1) > goal
        high, low = np.where(over, scale, high), np.where(over, low, scale)
        scale = np.where(np.isinf(high), scale * 2, (low + high) / 2)
    scale = np.maximum(scale, 1e-3 * np.maximum(distance.mean(axis=1), 1e-12))
    return _summed(np.exp(-(distance - distance[:, :1]) / scale[:, None]))


def gaussian(distance: np.ndarray, perplexity: float = _PERPLEXITY) -> np.ndarray:
    """Weights (n, k) of distances (n, k): Gaussian, with the perplexity; each row adds to one."""
    goal = math.log(max(min(perplexity, distance.shape[1] / 1.5), 1.0))
    square = distance**2 - distance[:, :1] ** 2
    size = np.maximum(square.mean(axis=1, keepdims=True), 1e-300)
    square = square / size
    low, high = np.zeros(len(square)), np.full(len(square), np.inf)
    sharp = np.ones(len(square))
    for _ in range(_ROUNDS):
        shares = _summed(np.exp(-square * sharp[:, None]))
        entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1)
        wide = entropy > goal
        low, high = np.where(wide, sharp, low), np.where(wide, high, sharp)
        sharp = np.minimum(np.where(np.isinf(high), sharp * 2, (low + high) / 2), 1e12)
    return _summed(np.exp(-square * sharp[:, None]))


def barycentre(Z: np.ndarray, near: np.ndarray, reg: float = 1e-3) -> np.ndarray:
    """Weights (n, k), each row adding to one, that rebuild Z (n, q) from near (n, k, q)."""
    apart = near - Z[:, None, :]
    gram = np.einsum("nkq,nlq->nkl", apart, apart)
    trace = np.trace(gram, axis1=1, axis2=2)
    ridge = np.where(trace > 0, reg * trace, reg)
    at = np.arange(gram.shape[1])
    gram[:, at, at] += ridge[:, None]
    found = np.linalg.solve(gram, np.ones((*gram.shape[:2], 1)))[:, :, 0]
    return found / found.sum(axis=1, keepdims=True)


_RULES = ("fuzzy", "gaussian", "barycentre")


def _summed(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum(axis=1, keepdims=True)
