"""`result.examples`: the rows that the model treats most like a row.

    result.examples(rows[3:4], among=train, k=5)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wholefit.api import _answers
from wholefit.api._shown import Noted, as_kind
from wholefit.api.counterfactual import as_rows
from wholefit.base.errors import DataError
from wholefit.explain import nearest as records

if TYPE_CHECKING:
    from wholefit.data import Dataset
    from wholefit.training import Fitted


@dataclass(frozen=True)
class Examples(records.Examples, Noted):
    """Examples of each asked row; see `wholefit.explain.nearest` for their facts."""

    _topic = "counterfactuals.examples"


def examples(result: Any, rows: Any, among: Any, options: dict[str, Any]) -> Examples:
    """The `k` rows of `among` most like each of `rows`, with their outcomes where they are there.

    `options`: `k`, `seed`, and those of reading. DataError where `among` or `rows` has no rows.
    """
    fitted = result._fitted
    known = [spec.name for spec in records.Options.specs()]
    reading = {name: value for name, value in options.items() if name not in known}
    settings = {name: value for name, value in options.items() if name in known}
    chosen = records.Options(**settings)
    asked = _answers.dataset(fitted, as_rows(rows), reading)
    others = _answers.dataset(fitted, among, reading)
    if not len(asked) or not len(others):
        raise DataError(f"{'rows' if not len(asked) else 'among'} must hold at least one row.")
    found = records.nearest(fitted, asked, others, _outcomes(fitted, others), chosen)
    return as_kind(Examples, found)


def _outcomes(fitted: Fitted, among: Dataset) -> np.ndarray | None:
    """The encoded target (n,), or None where the rows have none."""
    if str(fitted.schema.target) not in among.frame.columns:
        return None
    return among.target(fitted.codec)
