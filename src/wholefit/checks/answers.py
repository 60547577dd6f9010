"""Promises on answers."""

from __future__ import annotations

import numpy as np

from wholefit.base.tasks import Task
from wholefit.checks import _data, _tools
from wholefit.models import Model


def answers_are_valid(model: Model, task: Task) -> None:
    """One finite answer a row; probabilities that sum to one."""
    made = _tools.fitted(model, task)
    frame = _data.table(task)
    _tools.valid(made, _tools.answer(made, frame), len(frame))


def one_row_equals_the_batch(model: Model, task: Task) -> None:
    """A served row must get the answer it gets in a batch."""
    made = _tools.fitted(model, task)
    frame = _data.table(task).head(40)
    batch = _tools.answer(made, frame)
    scale = max(float(np.abs(batch).max()), 1.0)
    for at in (0, 7, 39):
        alone = _tools.answer(made, frame[at:at + 1])
        difference = float(np.abs(alone[0] - batch[at]).max())
        assert difference <= model.steady * scale, f"row {at} differs by {difference:.3g}"


def the_order_of_columns_and_rows_is_free(model: Model, task: Task) -> None:
    """Columns are known by name, and a row's answer does not depend on its neighbours."""
    made = _tools.fitted(model, task)
    frame = _data.table(task).head(60)
    plain = _tools.answer(made, frame)
    mixed = _tools.answer(made, frame.select(reversed(frame.columns)).reverse())[::-1]
    scale = max(float(np.abs(plain).max()), 1.0)
    assert np.allclose(plain, mixed, rtol=0, atol=model.steady * scale), (
        f"largest difference {np.abs(plain - mixed).max():.3g}"
    )
