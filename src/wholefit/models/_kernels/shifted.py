"""Probabilities brought from the proportions that were learnt from to those that occur."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.state import State

LEAST = 1e-12

class Shifted:
    """Answers of the part "base", to the config's power, times `factor` (k,), summing to 1."""

    def __init__(self, state: State) -> None:
        from wholefit.models._scorers import scorer

        self._base = scorer(state.parts["base"])
        self._factor = np.asarray(state.arrays["factor"], dtype=np.float64)
        self._power = float(state.config["power"])

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to probabilities (n, classes)."""
        return shifted(self._base.answer(X), self._factor, self._power)


def shifted(found: np.ndarray, factor: np.ndarray, power: float = 1.0) -> np.ndarray:
    """Probabilities (n, k) to a power, times the factor of each class (k,), rows summing to 1."""
    heavy = (found if power == 1 else np.maximum(found, LEAST) ** power) * factor
    return heavy / heavy.sum(axis=1, keepdims=True)
