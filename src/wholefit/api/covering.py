"""Intervals and sets that hold the truth at a stated level: the columns that answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.evaluation import conformal
from wholefit.evaluation.conformal import Calibration

if TYPE_CHECKING:
    from wholefit.training import Fitted

_LEVEL = 0.9


def interval(
    fitted: Fitted, raw: np.ndarray, level: float = _LEVEL, **other: Any
) -> dict[str, np.ndarray]:
    """Columns `low` and `high` around each number."""
    low, high = calibration(fitted).interval(raw, level)
    return {"low": low, "high": high}


def sets(
    fitted: Fitted, raw: np.ndarray, level: float = _LEVEL, per_class: bool = False, **other: Any
) -> dict[str, np.ndarray]:
    """Columns `set`, the classes that may be true, and `classes`, how many they are."""
    found = calibration(fitted).sets(raw, level, per_class)
    return {"set": np.array(conformal.words(fitted.codec.classes, found), dtype=object),  # type: ignore[attr-defined]
            "classes": found.sum(axis=1)}


def calibration(fitted: Fitted) -> Calibration:
    """What the fitted model's intervals or sets rest on; StateError where there is nothing."""
    if fitted.calibration is None:
        raise StateError(
            "the model has no answers to unseen rows that intervals or sets could rest on (it was "
            "adopted, updated, or saved before they were kept): give it rows with a known target "
            "that it did not learn from, result.calibrated(rows).")
    return fitted.calibration
