"""The expected cost of decisions, under a matrix that says what each mistake costs."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.evaluation.metrics._metric import Array, Mean, amount
from wholefit.evaluation.metrics._sheet import ClassSheet


def expected_cost(costs: Any) -> Mean:
    """The metric of a cost matrix (k, k): true class down, class answered across; lower is better.

    Its value is the mean cost of a row, in the unit of the matrix; the class answered is the
    decided one where a decision is scored, else the most probable. Raises DataError for a
    matrix that is not square, not finite, or not of as many classes as the answers.
    """
    matrix = np.asarray(costs, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all():
        raise DataError(f"a cost matrix must be square and finite; got shape {matrix.shape}.")

    def rows(sheet: ClassSheet) -> Array:
        return _of(sheet)[sheet.truth, sheet.predicted]

    def extremes(sheet: ClassSheet) -> tuple[Array, Array]:
        column = _of(sheet)[:, sheet.predicted]
        return column.min(axis=0), column.max(axis=0)

    def _of(sheet: ClassSheet) -> Array:
        if sheet.k != len(matrix):
            raise DataError(f"the cost matrix is of {len(matrix)} classes, the answer of "
                            f"{sheet.k}: they must be the same.")
        return matrix

    return Mean(
        "expected_cost", "mean cost of a row, under the stated costs of mistakes", "lower",
        float(matrix.min()), float(matrix.max()), "as the costs were stated",
        "a row costs {value} on average.", ("cost",), rows=rows, extremes=extremes,
        scale="plain", told=amount)
