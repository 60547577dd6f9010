"""Detectors that know the shape of the usual rows: ellipse, mixture, plane, network, boundary."""

from __future__ import annotations

import numpy as np

from wholefit.base.state import State
from wholefit.models._kernels._links import softmax
from wholefit.models._kernels.detectors import Detector, array, number

_HALF_LOG = 0.5 * np.log(2 * np.pi)


class Ellipse(Detector):
    """Squared Mahalanobis distance from `location` (p,) under `precision` (p, p)."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._location = array(state, "location", self.features)
        self._precision = array(state, "precision", self.features, self.features)

    def score(self, Z: np.ndarray) -> np.ndarray:
        """Squared distances (n,)."""
        return self.share(Z).sum(axis=1)

    def share(self, Z: np.ndarray) -> np.ndarray:
        """The terms of the distance by feature; a row's terms sum to its score."""
        apart = Z - self._location
        return apart * (apart @ self._precision)


class Mixture(Detector):
    """Minus the log density of Gaussians: `weights` (k,), `means` (k, p), `factors` (k, p, p).

    A factor F of a component has F F' for its precision.
    """

    def __init__(self, state: State) -> None:
        super().__init__(state)
        p = self.features
        self._means = array(state, "means", None, p)
        self._weights = array(state, "weights", len(self._means))
        self._factors = array(state, "factors", len(self._means), p, p)
        diagonal = np.abs(np.diagonal(self._factors, axis1=1, axis2=2))
        with np.errstate(divide="ignore"):
            self._offset = (np.log(np.maximum(self._weights, 1e-300)) - p * _HALF_LOG
                            + np.log(np.maximum(diagonal, 1e-300)).sum(axis=1))

    def score(self, Z: np.ndarray) -> np.ndarray:
        """Minus the log density (n,)."""
        logs = self._logs(Z)
        top = logs.max(axis=1)
        return np.asarray(-(top + np.log(np.exp(logs - top[:, None]).sum(axis=1))))

    def share(self, Z: np.ndarray) -> np.ndarray:
        """Squared deviation from the components' means, weighted by how much a row is theirs."""
        mine = softmax(self._logs(Z))
        found = np.zeros(Z.shape)
        for part, mean, factor in zip(mine.T, self._means, self._factors, strict=True):
            apart = Z - mean
            found += part[:, None] * apart * (apart @ factor @ factor.T)
        return found

    def _logs(self, Z: np.ndarray) -> np.ndarray:
        """Log of weight times density of each component, (n, k)."""
        squares = [(((Z - mean) @ factor) ** 2).sum(axis=1)
                   for mean, factor in zip(self._means, self._factors, strict=True)]
        return self._offset - 0.5 * np.stack(squares, axis=1)


class Plane(Detector):
    """What principal components leave unexplained: `axes` (k, p) kept, about `location` (p,)."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._location = array(state, "location", self.features)
        self._axes = array(state, "axes", None, self.features)

    def score(self, Z: np.ndarray) -> np.ndarray:
        """Squared distances from the plane (n,)."""
        return self.share(Z).sum(axis=1)

    def share(self, Z: np.ndarray) -> np.ndarray:
        """Squared error of each feature."""
        apart = Z - self._location
        return np.asarray((apart - apart @ self._axes.T @ self._axes) ** 2)


class Rebuilt(Detector):
    """An autoencoder: what comes out beside what went in. Layers `weights i`, `bias i`.

    Hidden layers are tanh, the last is linear: standardised features have no bounds.
    """

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._layers: list[tuple[np.ndarray, np.ndarray]] = []
        wide = self.features
        for at in range(sum(name.startswith("bias") for name in state.arrays)):
            weights = array(state, f"weights {at}", wide, None)
            wide = weights.shape[1]
            self._layers.append((weights, array(state, f"bias {at}", wide)))
        array(state, f"bias {len(self._layers) - 1}", self.features)
        self._reach = number(state, "reach")

    def score(self, Z: np.ndarray) -> np.ndarray:
        """Mean squared error (n,)."""
        return self.share(Z).mean(axis=1)

    def share(self, Z: np.ndarray) -> np.ndarray:
        """Squared error of each feature."""
        found = np.clip(Z, -self._reach, self._reach)
        for weights, bias in self._layers[:-1]:
            found = np.tanh(found @ weights + bias)
        weights, bias = self._layers[-1]
        return np.asarray((Z - (found @ weights + bias)) ** 2)


class Boundary(Detector):
    """A one-class support vector machine with rbf kernel: `support` (s, p), `dual` (s,)."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self._support = array(state, "support", None, self.features)
        self._dual = array(state, "dual", len(self._support))
        self._gamma, self._offset = number(state, "gamma"), number(state, "offset")
        self._middle = self._support.mean(axis=0)
        self._centred = self._support - self._middle
        self._norms = np.einsum("ij,ij->i", self._centred, self._centred)

    def score(self, Z: np.ndarray) -> np.ndarray:
        """Distance outside the boundary (n,), in the kernel's space; below 0 inside."""
        return np.asarray(self._offset - self._near(Z) @ self._dual)

    def share(self, Z: np.ndarray) -> np.ndarray:
        """How much less strange a row were with the feature's usual value (the support's mean)."""
        found = np.empty(Z.shape)
        near = self._near(Z)
        for at in range(self.features):
            stored = self._support[:, at]
            moved = (Z[:, at, None] - stored) ** 2 - (self._middle[at] - stored) ** 2
            power = np.log(np.maximum(near, 1e-300)) + self._gamma * moved
            found[:, at] = (np.exp(np.minimum(power, 0.0)) - near) @ self._dual
        return found

    def _near(self, Z: np.ndarray) -> np.ndarray:
        apart = Z - self._middle
        squares = apart @ (-2.0 * self._centred.T)
        squares += np.einsum("ij,ij->i", apart, apart)[:, None]
        squares += self._norms
        return np.exp(-self._gamma * np.maximum(squares, 0.0))
