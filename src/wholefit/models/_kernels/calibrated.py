"""Margins turned into probabilities by a sigmoid for each class (Platt 1999)."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.models._kernels._links import sigmoid, spread
from wholefit.models._kernels.linear import normalised, pair


class Calibrated:
    """Answers from the margins of `base` and sigmoids `slope`, `offset` (outputs,)."""

    def __init__(self, state: State) -> None:
        from wholefit.models._scorers import scorer

        self._base = scorer(state.parts["base"])
        self._slope = np.asarray(state.arrays["slope"], dtype=np.float64)
        self._offset = np.asarray(state.arrays["offset"], dtype=np.float64)
        self._classes = state.config["classes"]
        self._n_classes = int(state.config["n_classes"])

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to probabilities (n, classes)."""
        found = probabilities(self._base.answer(X), self._slope, self._offset)
        return spread(found, self._classes, self._n_classes)


def probabilities(margins: np.ndarray, slope: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Margins (n,) of the second of two classes, or (n, k), to probabilities (n, 2) or (n, k)."""
    if margins.ndim == 1:
        return pair(sigmoid(margins * slope[0] + offset[0]))
    return normalised(sigmoid(margins * slope + offset))
