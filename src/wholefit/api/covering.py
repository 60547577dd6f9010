"""Intervals and sets that hold the truth at a stated level: the columns that answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from wholefit.base.errors import ParameterError, StateError
from wholefit.evaluation import conformal
from wholefit.evaluation.conformal import Calibration
from wholefit.evaluation.conformal_groups import Grouped

if TYPE_CHECKING:
    from wholefit.training import Fitted

_LEVEL = 0.9
_LEAST = 0.8


def interval(
    fitted: Fitted, raw: np.ndarray, level: float = _LEVEL, **other: Any
) -> dict[str, np.ndarray]:
    """Columns `low` and `high` around each number."""
    low, high = calibration(fitted).interval(raw, level, _rows(other))
    return {"low": low, "high": high}


def sets(
    fitted: Fitted, raw: np.ndarray, level: float = _LEVEL, per_class: bool = False, **other: Any
) -> dict[str, np.ndarray]:
    """Columns `set`, the classes that may be true, and `classes`, how many they are."""
    found = calibration(fitted).sets(raw, level, per_class, _rows(other))
    return {"set": np.array(conformal.words(fitted.codec.classes, found), dtype=object),  # type: ignore[attr-defined]
            "classes": found.sum(axis=1)}


def sure(
    fitted: Fitted, raw: np.ndarray, least: float = _LEAST, **other: Any
) -> dict[str, Any]:
    """Columns `prediction`, nothing where it is less sure than `least`, and `confidence`.

    The confidence is the probability of the class that is said; for which `least` an error rate
    can be promised, see `result.diagnose(rows).abstain(error)`.
    """
    if not (isinstance(least, (int, float)) and 0 <= least <= 1):
        raise ParameterError(f"least must be a probability, from 0 to 1; got {least!r}.")
    codes = fitted.codes(raw, other.get("asked"))
    codes = raw.argmax(axis=1) if codes is None else codes
    confidence = raw[np.arange(len(raw)), codes]
    said = pl.Series("prediction", fitted.codec.decode(codes).tolist())
    return {"prediction": said.set(pl.Series(confidence < least), None), "confidence": confidence}


def _rows(other: dict[str, Any]) -> Any:
    """The rows that are asked about, whose groups may matter; None where they are not at hand."""
    asked = other.get("asked")
    return None if asked is None else asked.original


def calibration(fitted: Fitted) -> Calibration | Grouped:
    """What the fitted model's intervals or sets rest on; StateError where there is nothing."""
    if fitted.calibration is None:
        raise StateError(
            "the model has no answers to unseen rows that intervals or sets could rest on (it was "
            "adopted, updated, or saved before they were kept): give it rows with a known target "
            "that it did not learn from, result.calibrated(rows).")
    return fitted.calibration
