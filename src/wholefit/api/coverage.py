"""How often intervals and sets in fact hold the truth, and what they rest on instead."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from wholefit.api import _answers
from wholefit.api.covering import calibration
from wholefit.base.errors import unknown
from wholefit.evaluation import Score, conformal
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
    return {name: _score(fitted, truth[rows], raw[rows], level, per_class)
            for name, rows in parts.items()}


def calibrated(fitted: Fitted, rows: Any, options: dict[str, Any]) -> Fitted:
    """The same model, its intervals or sets resting on these rows."""
    asked = _answers.dataset(fitted, rows, options, with_target=True)
    changed = copy.copy(fitted)
    changed.calibration = conformal.calibrate(*_answers.truth_and_answer(fitted, asked))
    return changed


def _score(
    fitted: Fitted, truth: np.ndarray, raw: np.ndarray, level: float, per_class: bool
) -> dict[str, Score]:
    known = calibration(fitted)
    if known.classes:
        return conformal.set_coverage(truth, known.sets(raw, level, per_class))
    return conformal.coverage(truth, *known.interval(raw, level))
