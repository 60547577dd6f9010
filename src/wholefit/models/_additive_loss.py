"""Losses of additive boosting: each row's loss, and its first and second derivatives."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from wholefit.models._kernels._links import sigmoid


class Loss(Protocol):
    """Of sums `raw` (n, bags, outputs): `each` row's loss (n, bags), and its derivatives.

    `caution` scales steps where outputs are coupled; `constant` says that curves never change.
    """

    caution: float
    constant: bool

    def each(self, raw: np.ndarray) -> np.ndarray:
        """The loss of each row."""
        ...

    def gradient(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First and second derivatives, as `raw` is shaped."""
        ...


class Squared:
    """Half the squared error of numbers (n,)."""

    caution, constant = 1.0, True

    def __init__(self, y: np.ndarray) -> None:
        self.y = y

    def each(self, raw: np.ndarray) -> np.ndarray:
        """Half the squared error."""
        return np.asarray(0.5 * (raw[:, :, 0] - self.y[:, None]) ** 2)

    def gradient(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The residual, and one."""
        return raw - self.y[:, None, None], np.ones_like(raw)


class Logistic:
    """Log loss of two classes, coded 0 and 1."""

    caution, constant = 1.0, False

    def __init__(self, y: np.ndarray) -> None:
        self.y = y.astype(np.float64)

    def each(self, raw: np.ndarray) -> np.ndarray:
        """-log of the probability given to the truth."""
        sums = raw[:, :, 0]
        return np.asarray(np.maximum(sums, 0) - sums * self.y[:, None]
                          + np.log1p(np.exp(-np.abs(sums))))

    def gradient(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probability minus truth; p (1 - p)."""
        found = sigmoid(raw)
        return found - self.y[:, None, None], np.maximum(found * (1 - found), 1e-9)


class Softmax:
    """Log loss of three classes or more, coded 0.."""

    constant = False

    def __init__(self, y: np.ndarray, outputs: int) -> None:
        self.y, self.caution = y.astype(np.intp), (outputs - 1) / outputs

    def each(self, raw: np.ndarray) -> np.ndarray:
        """-log of the probability given to the truth."""
        top = raw.max(axis=2)
        total = np.log(np.exp(raw - top[:, :, None]).sum(axis=2)) + top
        return np.asarray(total - raw[np.arange(len(raw)), :, self.y])

    def gradient(self, raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probability minus truth; p (1 - p), each output by itself."""
        found = np.exp(raw - raw.max(axis=2, keepdims=True))
        found /= found.sum(axis=2, keepdims=True)
        curve = np.maximum(found * (1 - found), 1e-9)
        found[np.arange(len(raw)), :, self.y] -= 1.0
        return found, curve
