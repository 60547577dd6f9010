"""Small real tables for the checks, cut from the bundled sets (no network, no generator)."""

from __future__ import annotations

from functools import cache

import polars as pl

from wholefit.base import tasks
from wholefit.base.tasks import Task
from wholefit.data import Dataset, bundled, dataset_of, read

_TARGETS = {"classification": "Status", "regression": "Price"}
_ROWS = 400


@cache
def table(task: Task) -> pl.DataFrame:
    """400 rows of the bundled credit table: numbers, categories and missing values."""
    whole = read(bundled.path("credit_data")).frame
    return whole.gather_every(len(whole) // _ROWS).head(_ROWS)


def target(task: Task) -> str:
    """The column of `table` that the task predicts."""
    return _TARGETS[task.name]


def dataset(task: Task, frame: pl.DataFrame | None = None) -> Dataset:
    """`frame`, or the task's own table, as a Dataset."""
    return dataset_of(table(task) if frame is None else frame, target=target(task))


def known() -> list[Task]:
    """Tasks that the checks have a table for."""
    return [tasks.get(name) for name in _TARGETS]
