"""A variational autoencoder as detector, in numpy: what a row costs it."""

from __future__ import annotations

import numpy as np

from wholefit.base.errors import ArtifactError
from wholefit.base.state import State
from wholefit.models._kernels.detectors import _ALTERED, Detector, array, number

HOW = ("reconstruction", "bound")
_HALF_LOG = 0.5 * np.log(2 * np.pi)
# Log variances of codes beyond these are not told: those of `wholefit.nn.networks.variational`.
CODE_SPREAD = (-10.0, 10.0)


class Variational(Detector):
    """Minus the reconstruction probability of An and Cho (2015), or minus the evidence bound.

    Layers `encoder`, `mean`, `spread`, `decoder`, `rows`, each with `weights` (in, out) and `bias`
    (out,); tanh after encoder and decoder. `noise` (draws, code) are the normal draws by which
    every row's code is drawn.
    """

    def __init__(self, state: State) -> None:
        super().__init__(state)
        p = self.features
        self._encoder = self._layer("encoder", p, None)
        self._mean = self._layer("mean", len(self._encoder[1]), None)
        code = len(self._mean[1])
        self._spread = self._layer("spread", len(self._encoder[1]), code)
        self._decoder = self._layer("decoder", code, None)
        self._rows = self._layer("rows", len(self._decoder[1]), 2 * p)
        self._noise = array(state, "noise", None, code)
        self._reach, self._least, self._widest = (
            number(state, name) for name in ("reach", "least", "widest"))
        self._how = state.config.get("how")
        for name, holds in (("how", self._how in HOW), ("reach", self._reach > 0),
                            ("least", 0 < self._least <= self._widest)):
            if not holds:
                raise ArtifactError(_ALTERED.format(state.kind, name))
        self.limits = 2 * float(np.log(self._least)), 2 * float(np.log(self._widest))

    def _layer(self, name: str, wide: int, out: int | None) -> tuple[np.ndarray, np.ndarray]:
        weights = array(self.state, f"{name} weights", wide, out)
        return weights, array(self.state, f"{name} bias", weights.shape[1])

    def score(self, Z: np.ndarray) -> np.ndarray:
        """Nats (n,) that a row costs, with the cost of its code where the bound is asked for."""
        costs, told = self._costs(Z)
        found = costs.sum(axis=1)
        return np.asarray(found + told if self._how == "bound" else found)

    def share(self, Z: np.ndarray) -> np.ndarray:
        """Nats of each feature, given the code; the code's own cost is no feature's."""
        return self._costs(Z)[0]

    def _costs(self, Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Nats of each number, the mean over draws (n, p), and of the code (n,)."""
        seen = np.clip(Z, -self._reach, self._reach)
        hidden = np.tanh(_through(seen, self._encoder))
        mean = _through(hidden, self._mean)
        spread = np.clip(_through(hidden, self._spread), *CODE_SPREAD)
        found = np.zeros(Z.shape)
        for draw in self._noise:
            code = mean + draw * np.exp(0.5 * spread)
            said = _through(np.tanh(_through(code, self._decoder)), self._rows)
            scale = np.clip(said[:, self.features:], *self.limits)
            found += scale + (Z - said[:, :self.features]) ** 2 * np.exp(-scale)
        told = -0.5 * (1 + spread - mean ** 2 - np.exp(spread)).sum(axis=1)
        return 0.5 * found / len(self._noise) + _HALF_LOG, told


def _through(x: np.ndarray, layer: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return np.asarray(x @ layer[0] + layer[1])
