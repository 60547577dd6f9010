"""Isomap: paths along the neighbours of stored rows, then a projection of their squares."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.models._kernels._links import dense
from wholefit.models._kernels.neighbors import nearest

_STRETCH = 1 << 21


class Geodesic:
    """`rows` (m, q), `paths` (m, m) between them, `dual` (m, d); features come through `axes`."""

    def __init__(self, state: State) -> None:
        arrays, config = state.arrays, state.config
        self._rows = np.asarray(arrays["rows"], dtype=np.float64)
        self._paths = arrays["paths"]
        self._dual = np.asarray(arrays["dual"], dtype=np.float64)
        self._means = np.asarray(arrays["means"], dtype=np.float64)
        self._axes = np.asarray(arrays["axes"], dtype=np.float64) if "axes" in arrays else None
        self._mean = np.asarray(arrays["mean"], dtype=np.float64) if "mean" in arrays else None
        self._features, self._k = int(config["features"]), int(config["neighbors"])
        self._whole = float(config["mean"])
        many = len(self._rows)
        if self._rows.ndim != 2 or self._paths.shape != (many, many) or self._k < 1 or \
                self._dual.shape[:1] != (many,) or self._means.shape != (many,):
            raise ValueError("the parts of the map do not belong together")
        wide = self._features if self._axes is None else len(self._axes)
        if self._rows.shape[1] != wide or (self._axes is not None and (
                self._mean is None or self._axes.shape[1:] != self._mean.shape)):
            raise ValueError("the rows of the map have another number of features")

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to places (n, d): shortest paths through the nearest stored rows."""
        if self._axes is not None and self._mean is not None:
            Z = np.asarray(X @ self._axes.T - self._axes @ self._mean)
        else:
            Z = np.asarray(dense(X, self._features), dtype=np.float64)
        distance, row = nearest(self._rows, Z, self._k, 2.0)
        out = np.empty((len(Z), self._dual.shape[1]))
        step = max(1, _STRETCH // max(self._rows.shape[0] * distance.shape[1], 1))
        for at in range(0, len(Z), step):
            span = slice(at, at + step)
            path = (distance[span][:, :, None] + self._paths[row[span]]).min(axis=1)
            alike = -0.5 * path**2
            alike -= alike.mean(axis=1, keepdims=True)
            out[span] = (alike - self._means + self._whole) @ self._dual
        return out
