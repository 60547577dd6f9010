"""Generation: of texts where they are asked for or all there is, else of rows."""

from __future__ import annotations

from wholefit.base.tasks import Task
from wholefit.data import Dataset
from wholefit.training.found import Common, Found
from wholefit.training.generation import _rows, _texts
from wholefit.training.generation._trials import Options


def fit(dataset: Dataset, task: Task, options: Options, common: Common) -> Found:
    """Judge the models, let the best learn on all rows.

    Raises DataError where there is nothing to learn, ParameterError for words that do not fit,
    UnknownNameError for a column of texts that is not there.
    """
    column = _texts.column_of(dataset, options)
    if column is None:
        return _rows.fit(dataset, task, options, common)
    return _texts.fit(dataset, column, task, options, common)
