"""What several checks need: a split, a fit, an answer."""

from __future__ import annotations

import numpy as np
import polars as pl

from wholefit.base.tasks import Task
from wholefit.checks import _data
from wholefit.data import Dataset, Policies, conforming
from wholefit.models import Model
from wholefit.training import Fitted, fit_plain


def halves(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Odd and even rows."""
    rows = np.arange(len(dataset))
    return rows[::2], rows[1::2]


def fitted(model: Model, task: Task, frame: pl.DataFrame | None = None, seed: int = 0) -> Fitted:
    """The model fitted on the task's small table, or on `frame`."""
    return fit_plain(_data.dataset(task, frame), task, model, seed=seed)


def answer(made: Fitted, frame: pl.DataFrame) -> np.ndarray:
    """The fitted model's answer to the rows of `frame`."""
    return made.answer(conforming(frame, made.schema, Policies()))


def valid(made: Fitted, found: np.ndarray, rows: int) -> None:
    """Assert that an answer has the task's shape, is finite, and sums to one where it must."""
    assert len(found) == rows, f"{len(found)} answers for {rows} rows"
    assert np.isfinite(found).all(), "an answer is not finite"
    classes = getattr(made.codec, "classes", None)
    if classes is None:
        assert found.ndim == 1, f"a number was expected for each row, got shape {found.shape}"
        return
    assert found.shape == (rows, len(classes)), f"shape {found.shape}"
    assert (found >= 0).all(), "a probability is negative"
    assert np.allclose(found.sum(axis=1), 1, atol=1e-6), "probabilities do not sum to 1"
