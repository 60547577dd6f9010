"""Principal components: the few directions that hold most of the variance.

>>> X = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
>>> found = learn(X, 1)
>>> found.share.round(6).tolist()
[1.0]
>>> found.apply(X).ravel().round(6).tolist()
[-1.414214, 0.0, 1.414214]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.seeds import generator
from wholefit.base.state import State

KIND = "encoder.projection"
_SMALL = 2500
"""Up to so many features (or rows) the decomposition is that of all directions, exact."""
_STRETCH = 1 << 21


@dataclass(frozen=True, eq=False)
class Projection:
    """`mean` (features,) is taken off, then rows are laid on `axes` (components, features).

    `share` (components,) of the training rows' variance, descending; components are
    uncorrelated over those rows, and each axis has its largest entry positive.
    """

    mean: np.ndarray
    axes: np.ndarray
    share: np.ndarray

    @property
    def names(self) -> list[str]:
        """ "pc1", "pc2", ..."""
        return [f"pc{at + 1}" for at in range(len(self.axes))]

    def apply(self, X: Any) -> np.ndarray:
        """Components (rows, components) of X (rows, features), dense or CSR; dense float64."""
        if hasattr(X, "tocsr"):
            return np.asarray(X @ self.axes.T - self.axes @ self.mean)
        out = np.empty((X.shape[0], len(self.axes)))
        for span in _spans(X):
            out[span] = (X[span] - self.mean) @ self.axes.T
        return out

    def state(self) -> State:
        """The three arrays."""
        return State(KIND, {}, {"mean": self.mean, "axes": self.axes, "share": self.share})

    @classmethod
    def from_state(cls, state: State) -> Projection:
        """The projection that `state` describes."""
        return cls(**state.arrays)


def learn(X: Any, wanted: float, seed: int = 0) -> Projection:
    """Components of X (rows, features), dense or CSR: `wanted` of them, or a share below 1.

    Exact where features or rows number at most 2,500; beyond, the leading ones are iterated
    for (Lanczos) without making the matrix dense, and a share cannot be asked for. Raises
    DataError if X has gaps, ParameterError for a share that is not to be had.
    """
    rows, wide = X.shape
    _check(X)
    mean = np.asarray(X.mean(axis=0), dtype=np.float64).ravel()
    if min(rows, wide) <= _SMALL:
        power, axes = _by_features(X, mean) if wide <= rows else _by_rows(X, mean)
        total = power.sum()
    else:
        power, axes = _leading(X, mean, wanted, seed)
        total = _total(X, mean)
    if total <= 0:
        return Projection(mean, np.eye(1, wide), np.ones(1))
    kept = power > total * 1e-12
    power, axes = power[kept], axes[kept]
    count = _count(power / total, wanted)
    axes = axes[:count]
    largest = axes[np.arange(count), np.abs(axes).argmax(axis=1)]
    return Projection(mean, np.ascontiguousarray(axes * np.sign(largest)[:, None]),
                      power[:count] / total)


def _check(X: Any) -> None:
    values = X.data if hasattr(X, "tocsr") else X
    if not np.isfinite(values).all():
        raise DataError("Encoding.pca needs numbers without gaps, and some are missing: say "
                        "impute='median' too.")


def _count(share: np.ndarray, wanted: float) -> int:
    if wanted >= 1:
        return min(int(wanted), len(share))
    return min(int(np.searchsorted(np.cumsum(share), wanted - 1e-12)) + 1, len(share))


def _spans(X: Any) -> list[slice]:
    step = max(1, _STRETCH // max(X.shape[1], 1))
    return [slice(at, min(at + step, X.shape[0])) for at in range(0, X.shape[0], step)]


def _by_features(X: Any, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared singular values, descending, and axes, from the features' covariances."""
    if hasattr(X, "tocsr"):
        X = X.astype(np.float64)
        among = np.asarray((X.T @ X).todense()) - X.shape[0] * np.outer(mean, mean)
    else:
        among = np.zeros((len(mean), len(mean)))
        for span in _spans(X):
            tile = X[span] - mean
            among += tile.T @ tile
    power, axes = np.linalg.eigh(among)
    return power[::-1].clip(min=0), axes.T[::-1]


def _by_rows(X: Any, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same where there are fewer rows than features, from the rows themselves."""
    whole = np.asarray(X.toarray() if hasattr(X, "tocsr") else X, dtype=np.float64) - mean
    _, strength, axes = np.linalg.svd(whole, full_matrices=False)
    return strength**2, axes


def _leading(
    X: Any, mean: np.ndarray, wanted: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    from scipy.sparse.linalg import LinearOperator, svds

    rows, wide = X.shape
    if wanted < 1:
        raise ParameterError(
            f"Encoding.pca must be a number of components where there are {wide:,} features and "
            f"{rows:,} rows (a share is found up to {_SMALL:,}); got {wanted!r}: say pca=100, or "
            "select first."
        )
    count = min(int(wanted), min(rows, wide) - 1)
    centred = LinearOperator(
        X.shape, dtype=np.float64,
        matvec=lambda v: X @ v - mean @ v, rmatvec=lambda u: X.T @ u - mean * u.sum(),
        matmat=lambda V: X @ V - mean @ V,
        rmatmat=lambda U: X.T @ U - np.outer(mean, U.sum(axis=0)))
    start = generator(seed, "pca").uniform(-1, 1, min(rows, wide))
    _, strength, axes = svds(centred, k=count, v0=start)
    order = np.argsort(-strength)
    return strength[order] ** 2, axes[order]


def _total(X: Any, mean: np.ndarray) -> float:
    if hasattr(X, "tocsr"):
        return float((X.data.astype(np.float64) ** 2).sum() - X.shape[0] * (mean @ mean))
    return float(sum(((X[span] - mean) ** 2).sum() for span in _spans(X)))
