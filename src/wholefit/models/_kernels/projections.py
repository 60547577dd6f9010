"""Projections: rows as coordinates on a few directions, and back to features where that exists.

Every class here answers `answer(X)`: features (n, p), dense or CSR, to coordinates (n, d); and,
but for the kernel projection, `restore(Z)`: coordinates (n, d) to features (n, p).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import SchemaError
from wholefit.base.state import State
from wholefit.models._kernels._links import dense

_STRETCH = 1 << 21
"""Numbers taken up at once."""
_SWEEPS = 2000
_CLOSE = 1e-10


class Linear:
    """`mean` (p,) is taken off, then rows are laid on `axes` (d, p); `back` (d, p) undoes it."""

    def __init__(self, state: State) -> None:
        self._mean = _vector(state, "mean")
        self._axes = _matrix(state, "axes", len(self._mean))
        self._back = _matrix(state, "back", len(self._mean)) if "back" in state.arrays \
            else self._axes
        if self._back.shape != self._axes.shape:
            raise ValueError("axes there and back differ in shape")
        self._offset = self._axes @ self._mean

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p), dense or CSR, to coordinates (n, d)."""
        if hasattr(X, "tocsr"):
            _fits(X, len(self._mean))
            return np.asarray(X @ self._axes.T - self._offset)
        whole = dense(X, len(self._mean))
        out = np.empty((len(whole), len(self._axes)))
        for span in spans(whole):
            out[span] = (whole[span] - self._mean) @ self._axes.T
        return out

    def restore(self, Z: np.ndarray) -> np.ndarray:
        """Coordinates (n, d) to the features (n, p) that lie there."""
        return _coordinates(Z, len(self._axes)) @ self._back + self._mean


class Parts:
    """Coordinates >= 0 on `parts` (d, p) >= 0 with the least squared error: W of X = W H.

    Coordinate descent on each row until none of its numbers moves (Cichocki and Phan 2009); the
    problem is convex, so this is the one answer. Features below zero count as zero.
    """

    def __init__(self, state: State) -> None:
        self._parts = _matrix(state, "parts", None)
        if (self._parts < 0).any():
            raise ValueError("parts must be >= 0")
        self._among = self._parts @ self._parts.T

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p), dense or CSR, to coordinates (n, d), all >= 0."""
        _fits(X, self._parts.shape[1])
        if hasattr(X, "tocsr"):
            return self._solved(np.asarray(X.maximum(0) @ self._parts.T))
        whole = np.asarray(X)
        out = np.empty((len(whole), len(self._parts)))
        for span in spans(whole):
            out[span] = self._solved(np.clip(whole[span], 0, None) @ self._parts.T)
        return out

    def restore(self, Z: np.ndarray) -> np.ndarray:
        """Coordinates (n, d) to the features (n, p) that their parts add up to."""
        return _coordinates(Z, len(self._parts)) @ self._parts

    def _solved(self, toward: np.ndarray) -> np.ndarray:
        """Coordinates (n, d) for products with the parts, `toward` (n, d)."""
        found = np.zeros_like(toward)
        live = np.arange(len(toward))
        used = [k for k in range(len(self._among)) if self._among[k, k] > 0]
        for _ in range(_SWEEPS):
            if not len(live):
                break
            part, goal = found[live], toward[live]
            moved, size = np.zeros(len(live)), np.zeros(len(live))
            for k in used:
                step = (goal[:, k] - part @ self._among[k]) / self._among[k, k]
                new = np.maximum(part[:, k] + step, 0.0)
                moved = np.maximum(moved, np.abs(new - part[:, k]))
                part[:, k] = new
                size = np.maximum(size, new)
            found[live] = part
            live = live[moved > _CLOSE * size]
        return found


class KernelProjection:
    """Coordinates from likeness to stored `rows` (m, p): centred kernel, then `dual` (m, d).

    Kernels: "rbf" exp(-gamma d^2), "cosine", "poly" (gamma x.y + 1)^degree (Schoelkopf et al.
    1998).
    """

    def __init__(self, state: State) -> None:
        self._rows = _matrix(state, "rows", None)
        self._dual = np.asarray(state.arrays["dual"], dtype=np.float64)
        self._means = _vector(state, "means")
        if self._dual.ndim != 2 or not len(self._rows) == len(self._dual) == len(self._means):
            raise ValueError("rows, weights and means differ in number")
        self._kernel = str(state.config["kernel"])
        if self._kernel not in ("rbf", "cosine", "poly"):
            raise ValueError(f"no kernel is named {self._kernel!r}")
        self._gamma = float(state.config["gamma"])
        self._degree = int(state.config["degree"])
        self._whole = float(state.config["mean"])

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to coordinates (n, d)."""
        whole = dense(X, self._rows.shape[1])
        out = np.empty((len(whole), self._dual.shape[1]))
        step = max(1, _STRETCH // max(len(self._rows), 1))
        for at in range(0, len(whole), step):
            span = slice(at, at + step)
            alike = kernel(whole[span], self._rows, self._kernel, self._gamma, self._degree)
            alike -= alike.mean(axis=1, keepdims=True)
            out[span] = (alike - self._means + self._whole) @ self._dual
        return out


def kernel(X: np.ndarray, rows: np.ndarray, name: str, gamma: float, degree: int) -> np.ndarray:
    """How alike X (n, p) and rows (m, p) are: (n, m)."""
    if name == "cosine":
        return unit(X) @ unit(rows).T
    products = X @ rows.T
    if name == "poly":
        return (gamma * products + 1.0) ** degree
    apart = (X * X).sum(axis=1)[:, None] + (rows * rows).sum(axis=1) - 2 * products
    return np.exp(-gamma * np.maximum(apart, 0))


def unit(X: np.ndarray) -> np.ndarray:
    """Rows brought to length one; rows of zeros stay."""
    length = np.sqrt((X * X).sum(axis=1, keepdims=True))
    return X / np.where(length > 0, length, 1.0)


def spans(X: Any) -> list[slice]:
    """Stretches of rows that are worked on at once."""
    step = max(1, _STRETCH // max(X.shape[1], 1))
    return [slice(at, min(at + step, X.shape[0])) for at in range(0, X.shape[0], step)]


def _vector(state: State, name: str) -> np.ndarray:
    found = np.asarray(state.arrays[name], dtype=np.float64)
    if found.ndim != 1 or not np.isfinite(found).all():
        raise ValueError(f"{name} must be a row of finite numbers")
    return found


def _matrix(state: State, name: str, wide: int | None) -> np.ndarray:
    found = np.asarray(state.arrays[name], dtype=np.float64)
    if found.ndim != 2 or not found.size or (wide is not None and found.shape[1] != wide):
        raise ValueError(f"{name} has the wrong shape, {found.shape}")
    if not np.isfinite(found).all():
        raise ValueError(f"{name} must be finite")
    return found


def _fits(X: Any, features: int) -> None:
    if X.ndim != 2 or X.shape[1] != features:
        raise SchemaError(
            f"the model was fitted on {features} features; got an array of shape {X.shape}.")


def _coordinates(Z: Any, axes: int) -> np.ndarray:
    found = np.asarray(Z, dtype=np.float64)
    if found.ndim != 2 or found.shape[1] != axes:
        raise SchemaError(f"the model has {axes} axes; got coordinates of shape {found.shape}.")
    return found
