"""Intervals and sets that hold the truth at a stated level, and how often they in fact do."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from wholefit.base.errors import StateError, unknown
from wholefit.evaluation import Score, conformal
from wholefit.evaluation.conformal import Calibration

if TYPE_CHECKING:
    from wholefit.training import Fitted

_LEVEL = 0.9


def interval(
    fitted: Fitted, raw: np.ndarray, level: float = _LEVEL, **other: Any
) -> dict[str, np.ndarray]:
    """Columns `low` and `high` around each number."""
    low, high = _calibration(fitted).interval(raw, level)
    return {"low": low, "high": high}


def sets(
    fitted: Fitted, raw: np.ndarray, level: float = _LEVEL, per_class: bool = False, **other: Any
) -> dict[str, np.ndarray]:
    """Columns `set`, the classes that may be true, and `classes`, how many they are."""
    found = _calibration(fitted).sets(raw, level, per_class)
    return {"set": np.array(conformal.words(fitted.codec.classes, found), dtype=object),  # type: ignore[attr-defined]
            "classes": found.sum(axis=1)}


def measured(
    fitted: Fitted, held_out: Any, level: float, by: str | None, per_class: bool,
    options: dict[str, Any],
) -> dict[Any, dict[str, Score]]:
    """Scores of the intervals or sets on held-out rows: of all, and of each value of `by`."""
    from wholefit.api import _answers

    asked = _answers.dataset(fitted, held_out, options, with_target=True)
    truth, raw = _answers.truth_and_answer(fitted, asked)
    parts: dict[Any, np.ndarray] = {"all": np.ones(len(truth), dtype=bool)}
    if by is not None:
        if by not in asked.original.columns:
            raise unknown("column", by, asked.original.columns)
        values = np.array(asked.original.get_column(by).to_list(), dtype=object)
        parts |= {value: values == value for value in dict.fromkeys(values.tolist())}
    return {name: _score(fitted, truth[rows], raw[rows], level, per_class)
            for name, rows in parts.items()}


def calibrated(fitted: Fitted, rows: Any, options: dict[str, Any]) -> Fitted:
    """The same model, its intervals or sets resting on these rows."""
    from wholefit.api import _answers

    asked = _answers.dataset(fitted, rows, options, with_target=True)
    changed = copy.copy(fitted)
    changed.calibration = conformal.calibrate(*_answers.truth_and_answer(fitted, asked))
    return changed


def _score(
    fitted: Fitted, truth: np.ndarray, raw: np.ndarray, level: float, per_class: bool
) -> dict[str, Score]:
    known = _calibration(fitted)
    if known.classes:
        return conformal.set_coverage(truth, known.sets(raw, level, per_class))
    return conformal.coverage(truth, *known.interval(raw, level))


def _calibration(fitted: Fitted) -> Calibration:
    if fitted.calibration is None:
        raise StateError(
            "the model has no answers to unseen rows that intervals or sets could rest on (it was "
            "adopted, updated, or saved before they were kept): give it rows with a known target "
            "that it did not learn from, result.calibrated(rows).")
    return fitted.calibration
