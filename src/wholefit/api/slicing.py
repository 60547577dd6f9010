"""`result.evaluate(rows, by=...)`: scores of each part of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wholefit.api import _answers
from wholefit.api._shown import shown_slices
from wholefit.base.errors import unknown
from wholefit.evaluation.slices import Slices, slices
from wholefit.training import Fitted


def by_slices(
    fitted: Fitted, held_out: Any, by: str | Sequence[str], metric: Any, options: dict[str, Any]
) -> Slices:
    """Every metric of each part of the rows, the worst part first.

    `by` names columns of the rows, learnt from or not; several make parts together.
    """
    names = [by] if isinstance(by, str) else list(by)
    asked = _answers.dataset(fitted, held_out, options, with_target=True)
    rows = asked.original
    for name in names:
        if name not in rows.columns:
            raise unknown("column", name, rows.columns)
    truth, answer = _answers.truth_and_answer(fitted, asked)
    wanted = _answers.wanted_metrics(fitted, metric)
    return shown_slices(slices(
        fitted.task.name, truth, answer, {name: rows.get_column(name) for name in names},
        wanted=wanted, positive=getattr(fitted.codec, "positive", 1), weights=asked.weights(),
        predicted=fitted.codes(answer, asked)))
