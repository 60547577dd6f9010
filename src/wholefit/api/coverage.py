"""How often intervals and sets in fact hold the truth, and what they rest on instead."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import polars as pl

from wholefit.api import _answers
from wholefit.api.covering import calibration
from wholefit.base.errors import unknown
from wholefit.evaluation import Score, conformal
from wholefit.evaluation.conformal_groups import grouped
from wholefit.training import Fitted


def measured(
    fitted: Fitted, held_out: Any, level: float, by: str | None, per_class: bool,
    options: dict[str, Any],
) -> dict[Any, dict[str, Score]]:
    """Scores of the intervals or sets on held-out rows: of all, and of each value of `by`."""
    asked = _answers.dataset(fitted, held_out, options, with_target=True)
    truth, raw = _answers.truth_and_answer(fitted, asked)
    parts: dict[Any, np.ndarray] = {"all": np.ones(len(truth), dtype=bool)}
    if by is not None:
        if by not in asked.original.columns:
            raise unknown("column", by, asked.original.columns)
        values = np.array(asked.original.get_column(by).to_list(), dtype=object)
        parts |= {value: values == value for value in dict.fromkeys(values.tolist())}
    held, size = _held(fitted, truth, raw, level, per_class, asked.original)
    return {name: _score(fitted, held[rows], size[rows]) for name, rows in parts.items()}


def calibrated(fitted: Fitted, rows: Any, by: str | None, options: dict[str, Any]) -> Fitted:
    """The same model, its intervals or sets resting on these rows; by the column, on its groups."""
    asked = _answers.dataset(fitted, rows, options, with_target=True)
    truth, answer = _answers.truth_and_answer(fitted, asked)
    changed = copy.copy(fitted)
    if by is None:
        changed.calibration = conformal.calibrate(truth, answer)
        return changed
    if by not in asked.original.columns:
        raise unknown("column", by, asked.original.columns)
    changed.calibration = grouped(truth, answer, by, asked.original.get_column(by))
    return changed


def _held(
    fitted: Fitted, truth: np.ndarray, raw: np.ndarray, level: float, per_class: bool,
    rows: pl.DataFrame,
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each row's truth is held (n,), and how much room its answer takes (n,)."""
    known = calibration(fitted)
    if known.classes:
        sets = known.sets(raw, level, per_class, rows)
        return sets[np.arange(len(truth)), truth], sets.sum(axis=1)
    low, high = known.interval(raw, level, rows)
    return (truth >= low) & (truth <= high), high - low


def _score(fitted: Fitted, held: np.ndarray, size: np.ndarray) -> dict[str, Score]:
    if calibration(fitted).classes:
        return conformal.of_sets(held, size)
    return conformal.of_intervals(held, size)
