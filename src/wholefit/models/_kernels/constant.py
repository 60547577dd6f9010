"""The same answer for every row: what the baseline learnt."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.models._kernels._links import spread


class Constant:
    """Answers `value`: probabilities of the classes seen (seen,), or one number (1,)."""

    def __init__(self, state: State) -> None:
        self._value = np.asarray(state.arrays["value"], dtype=np.float64)
        self._classes = state.config.get("classes")
        self._n_classes = int(state.config.get("n_classes", 0))

    def answer(self, X: Any) -> np.ndarray:
        """The stored answer once for each row of `X`."""
        if not self._n_classes:
            return np.full(X.shape[0], self._value[0])
        found = np.tile(self._value, (X.shape[0], 1))
        return spread(found, self._classes, self._n_classes)
