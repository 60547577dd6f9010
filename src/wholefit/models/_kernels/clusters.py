"""Fitted clusters as numpy alone: rows to memberships (n, k), all zero where a row is noise.

What comes from a file is checked when it is taken up: shapes agree, labels are in range.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import ArtifactError, DataError
from wholefit.base.state import State
from wholefit.models._kernels._links import dense, softmax
from wholefit.models._kernels._near import Near

MOST = 100_000
"""Clusters that a state may have."""
# Cells of memberships and distances held at once.
_BLOCK = 1 << 22


class Centres:
    """The cluster of the nearest of `centres` (k, p); the first of those equally near."""

    def __init__(self, state: State) -> None:
        self._centres = _table(state, "centres")

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to memberships (n, k) of 0 and 1."""
        X = _finite(dense(X, self._centres.shape[1]))
        return members(Near(self._centres).nearest(X, 1)[1][:, 0], len(self._centres))


class Mixture:
    """Responsibilities of Gaussians: `weights` (k,), `means` (k, p), `roots` of precisions.

    The config's "covariance" says what the roots are: upper triangles (k, p, p) for "full",
    one (p, p) for "tied", (k, p) for "diag", (k,) for "spherical".
    """

    def __init__(self, state: State) -> None:
        self._means = _table(state, "means")
        k, p = self._means.shape
        self._kind = str(state.config["covariance"])
        shape = {"full": (k, p, p), "tied": (p, p), "diag": (k, p), "spherical": (k,)}[self._kind]
        self._roots = _shaped(state, "roots", shape)
        self._weights = _shaped(state, "weights", (k,))
        if (self._weights < 0).any():
            raise _wrong("its weights are negative")

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to responsibilities (n, k), rows summing to 1."""
        X = _finite(dense(X, self._means.shape[1]))
        step = max(1, _BLOCK // max(1, self._means.size))
        parts = [softmax(self.joint(X[at:at + step])) for at in range(0, max(len(X), 1), step)]
        return np.concatenate(parts)

    def joint(self, X: np.ndarray) -> np.ndarray:
        """Log of weight times density (n, k)."""
        k, p = self._means.shape
        far = np.empty((len(X), k))
        for at, mean in enumerate(self._means):
            apart = X - mean
            root = self._roots if self._kind == "tied" else self._roots[at]
            apart = apart @ root if np.ndim(root) == 2 else apart * root
            far[:, at] = np.einsum("ij,ij->i", apart, apart)
        with np.errstate(divide="ignore"):
            weights = np.log(self._weights)
        return weights + self._scale() - 0.5 * (far + p * np.log(2 * np.pi))

    def _scale(self) -> np.ndarray | float:
        """Log of the root's determinant, (k,) or one number."""
        p = self._means.shape[1]
        if self._kind == "spherical":
            return p * np.log(self._roots)
        if self._kind == "diag":
            return np.log(self._roots).sum(axis=1)
        return np.log(np.diagonal(self._roots, axis1=-2, axis2=-1)).sum(axis=-1)


class NearestRow:
    """The cluster of the nearest of stored `rows` (m, p) with `labels` (m,)."""

    def __init__(self, state: State) -> None:
        self._rows, self._labels, self._k = _rows(state)
        self._near = Near(self._rows)

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to memberships (n, k) of 0 and 1."""
        X = _finite(dense(X, self._rows.shape[1]))
        return members(self._labels[self._near.nearest(X, 1)[1][:, 0]], self._k)


class Reached:
    """The cluster whose dense rows a new row can reach.

    Among the `neighbours` nearest stored `rows` (m, p) the nearest one by reachability, which is
    the largest of the distance and both rows' core distances (`core` (m,); the new row's own is
    the distance to its `least`-th nearest row), gives its label, -1 for noise; and only where that
    reachability is no more than the `reach` (k,) of that cluster.
    """

    def __init__(self, state: State) -> None:
        self._rows, self._labels, self._k = _rows(state, noise=True)
        self._core = _shaped(state, "core", (len(self._rows),))
        self._reach = _shaped(state, "reach", (self._k,))
        self._neighbours = _count(state, "neighbours", len(self._rows))
        self._least = min(int(state.config["least"]), self._neighbours)
        self._near = Near(self._rows)

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to memberships (n, k): one of 1, or none."""
        X = _finite(dense(X, self._rows.shape[1]))
        if not self._k:
            return np.zeros((len(X), 0))
        step = max(1, _BLOCK // self._neighbours)
        labels = [self._label(X[at:at + step]) for at in range(0, len(X), step)]
        return members(np.concatenate([np.empty(0, dtype=np.intp), *labels]), self._k)

    def _label(self, X: np.ndarray) -> np.ndarray:
        """The cluster (n,) of each row, -1 for none."""
        distance, row = self._near.nearest(X, self._neighbours)
        reach = np.maximum(distance, self._core[row])
        if self._least > 0:
            reach = np.maximum(reach, distance[:, self._least - 1:self._least])
        first = reach.argmin(axis=1)
        at = np.arange(len(X))
        label = self._labels[row[at, first]]
        near = reach[at, first] <= self._reach[label] * (1 + 1e-9)
        return np.where(near, label, -1)


class Weighed:
    """Features bent, centred and weighed, then answered by the part "model".

    What lies further than `bend` (p,) from 0 is drawn in by a logarithm: z becomes
    bend + log(1 + |z| - bend), with its sign. Then `centre` (p,) is taken off and what is left
    multiplied by `weights` (p,); with `axes` (p, q) it is laid on these.
    """

    def __init__(self, state: State) -> None:
        from wholefit.models._scorers import scorer

        self.weights = np.asarray(state.arrays["weights"], dtype=np.float64)
        if self.weights.ndim != 1:
            raise _wrong("its weights are no list")
        self.bend = _shaped(state, "bend", self.weights.shape, infinite=True)
        self.centre = _shaped(state, "centre", self.weights.shape)
        axes = state.arrays.get("axes")
        self.axes = None if axes is None else _shaped(
            state, "axes", (len(self.weights), int(np.shape(axes)[-1])))
        self._model = scorer(state.parts["model"]) if "model" in state.parts else None

    def space(self, X: Any) -> np.ndarray:
        """Features (n, p) as distances are measured between them, (n, p) or (n, q)."""
        Z = np.array(dense(X, len(self.weights)), dtype=np.float64)
        Z = (bent(Z, self.bend) - self.centre) * self.weights
        return Z if self.axes is None else Z @ self.axes

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to the memberships of the model inside."""
        assert self._model is not None
        return self._model.answer(self.space(X))


def bent(Z: np.ndarray, bend: np.ndarray) -> np.ndarray:
    """What lies beyond `bend` (p,) drawn in by a logarithm; the slope has no jump."""
    finite = np.isfinite(bend)
    if not finite.any():
        return Z
    part, limit = Z[:, finite], bend[finite]
    far = np.abs(part) - limit
    Z = Z.copy()
    Z[:, finite] = np.where(
        far > 0, np.sign(part) * (limit + np.log1p(np.maximum(far, 0.0))), part)
    return Z


def members(labels: np.ndarray, k: int) -> np.ndarray:
    """Labels (n,), -1 for none, as memberships (n, k) of 0 and 1."""
    found = np.zeros((len(labels), k))
    known = np.flatnonzero(labels >= 0)
    found[known, labels[known]] = 1.0
    return found


def labels_of(memberships: np.ndarray) -> np.ndarray:
    """Memberships (n, k) as labels (n,): the likeliest, -1 where a row belongs to none."""
    if not memberships.shape[1]:
        return np.full(len(memberships), -1)
    return np.where(memberships.any(axis=1), memberships.argmax(axis=1), -1)


def _rows(state: State, noise: bool = False) -> tuple[np.ndarray, np.ndarray, int]:
    """Stored rows (m, p), their labels (m,), and the number of clusters."""
    rows = _table(state, "rows")
    labels = np.asarray(state.arrays["labels"])
    k = int(state.config["clusters"])
    if labels.shape != (len(rows),) or labels.dtype.kind not in "iu":
        raise _wrong("it has not one label for each row")
    if not 0 <= k <= min(MOST, len(rows)) or labels.min() < -noise or labels.max() >= k:
        raise _wrong("a label names no cluster")
    return rows, labels.astype(np.intp), k


def _table(state: State, name: str) -> np.ndarray:
    found = np.asarray(state.arrays[name], dtype=np.float64)
    if found.ndim != 2 or found.shape[0] == 0 or not np.isfinite(found).all():
        raise _wrong(f"its {name} are no table of numbers")
    return found


def _shaped(state: State, name: str, shape: tuple[int, ...], infinite: bool = False) -> np.ndarray:
    found = np.asarray(state.arrays[name], dtype=np.float64)
    good = np.isfinite(found) | infinite & ~np.isnan(found)
    if found.shape != shape or not good.all():
        raise _wrong(f"its {name} do not fit")
    return found


def _count(state: State, name: str, most: int) -> int:
    found = int(state.config[name])
    if not 1 <= found <= most:
        raise _wrong(f"{name} must be 1 to {most}")
    return found


def _finite(X: np.ndarray) -> np.ndarray:
    X = np.asarray(X, dtype=np.float64)
    if not np.isfinite(X).all():
        raise DataError("clusters need features that are finite; got NaN or infinity.")
    return X


def _wrong(why: str) -> ArtifactError:
    return ArtifactError(f"the clusters of the model file cannot be read: {why}; save it anew.")
