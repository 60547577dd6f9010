"""`result.diagnose`: where the model fails on rows that it has not seen, and how sure it is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wholefit.api import _answers
from wholefit.api._shown import as_kind
from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.data import Dataset, _cells
from wholefit.evaluation.failures import Failures, failures, kept
from wholefit.training import Fitted
from wholefit.training.decision import cost_matrix, read_costs

_SHOWN = 80


class Diagnosis(Failures):
    """Where a model fails, and how sure it is; see `wholefit.evaluation.failures.Failures`.

    It tells itself in words (`to_text`), writes itself as a page (`report`), and shows itself in
    a notebook.
    """

    def report(self, path: str | os.PathLike[str], *, force: bool = False) -> Path:
        """Write one self-contained HTML page to `path`; returns it.

        It shows ranges and levels of columns, numbers of rows, and cells of single rows only in
        the columns that were asked for. An existing file is replaced only with `force`.
        """
        from wholefit.report import failures as pages

        return pages.write(self, path, force=force)

    def _repr_html_(self) -> str:
        from wholefit.report import failures as pages

        return pages.snippet(self)


def diagnose(
    result: Any, held_out: Any, *, time: str | None, by: str | Sequence[str] | None,
    costs: Any, metric: Any, show: Sequence[str], examples: int, depth: int, least: int | None,
    level: float, seed: int, options: dict[str, Any],
) -> Diagnosis:
    """The diagnosis of a result on rows with a known target, not used for fitting."""
    fitted = result._fitted
    if examples < 0:
        raise ParameterError(f"examples must be >= 0 rows of each cell; got {examples}.")
    asked = _answers.dataset(fitted, held_out, options, with_target=True)
    if not len(asked):
        raise DataError(f"{asked.source} must have rows to judge the model by; it has none.")
    truth, answer = _answers.truth_and_answer(fitted, asked)
    found = failures(
        fitted.task.name, truth, answer, columns(fitted, asked),
        time=_time(asked, time), by=_named(asked, [by] if isinstance(by, str) else by or ()),
        metric=_answers.main_metric(fitted, metric), examples=examples, depth=depth, least=least,
        level=level, seed=seed, shown=_shown(asked, show), numbers=_numbers(asked),
        of=f"held-out rows of {asked.source}", **decided(fitted, answer, asked, costs))
    return as_kind(Diagnosis, found)


def of_fit(fitted: Fitted, truth: np.ndarray, answer: np.ndarray, rows: Dataset,
           **options: Any) -> dict[str, Any]:
    """What a file keeps of the out-of-fold answers to `rows`; no row in it."""
    more = decided(fitted, answer, rows, None)
    return kept(fitted.task.name, truth, answer, columns(fitted, rows), **{**more, **options})


def columns(fitted: Fitted, asked: Dataset) -> dict[str, pl.Series]:
    """What the rows hold beside the target, learnt from or not; identifiers and weights apart."""
    roles = {column.name: column.role for column in fitted.schema.columns}
    rows = asked.original
    # Under a neutral name: the engine reads names such as "*" and "^a.*$" as patterns.
    return {name: rows.get_column(name).alias("column") for name in rows.columns
            if roles.get(name) not in ("target", "identifier", "weight")
            and name != fitted.schema.target}


def decided(
    fitted: Fitted, answer: np.ndarray, asked: Dataset, costs: Any
) -> dict[str, Any]:
    """What the classes are, what was decided, at which threshold, at what cost; weights, groups."""
    found: dict[str, Any] = {"weights": asked.weights(), "units": asked.groups()}
    classes = getattr(fitted.codec, "classes", None)
    if classes is None:
        if costs is not None:
            raise ParameterError(f"costs are of classes; {fitted.schema.target!r} is a number.")
        return found
    decision = fitted.decision
    positive = int(getattr(fitted.codec, "positive", 1))
    found |= {"classes": tuple(map(str, classes)), "positive": positive}
    if decision is not None:  # rows that no fold answered are left out later
        found["predicted"] = fitted.codes(np.nan_to_num(answer), asked)
    if decision is not None and (decision.threshold is not None or decision.groups is not None):
        found["now"] = decision.threshold
    stated = decision.stated() if decision is not None else None
    priced = None if stated is None else np.array(stated)
    if costs is not None:
        if len(classes) != 2:
            raise ParameterError(
                "costs= prices the thresholds of two classes, and the target has "
                f"{len(classes)}: have the costs decide, result.with_threshold(costs=...), and "
                "diagnose that.")
        priced = cost_matrix(read_costs(costs), classes)
    if priced is not None and len(classes) == 2:
        matrix, other = priced, 1 - positive
        found["costs"] = (float(matrix[other, positive] - matrix[other, other]),
                          float(matrix[positive, other] - matrix[positive, positive]))
    return found


def _named(asked: Dataset, names: Sequence[str]) -> dict[str, pl.Series]:
    rows = asked.original
    for name in names:
        if name not in rows.columns:
            raise unknown("column", name, rows.columns)
    return {name: rows.get_column(name).alias("column") for name in names}


def _time(asked: Dataset, name: str | None) -> tuple[str, pl.Series] | None:
    """The column to order by: the one named, or that of the fit's own order, if it has one."""
    if name is None:
        name = next((column.name for column in asked.schema.columns if column.role == "time"
                     and column.name in asked.original.columns), None)
    if name is None:
        return None
    column = _named(asked, [name])[name].alias("time")
    if column.dtype == pl.String:
        column = _cells.to_times(column)
    if column.null_count() == len(column) or not (
            column.dtype.is_numeric() or column.dtype.is_temporal()):
        raise DataError(f"time={name!r} must be a column of dates, times or numbers, to put the "
                        "rows in order by.")
    return name, column


def _shown(asked: Dataset, show: Sequence[str]) -> tuple[dict[str, str], ...] | None:
    """Cells of the columns that were asked for, of every row."""
    picked = _named(asked, [show] if isinstance(show, str) else show)
    if not picked:
        return None
    texts = {name: _cells.to_labels(column).fill_null("").str.slice(0, _SHOWN).to_list()
             for name, column in picked.items()}
    return tuple(dict(zip(texts, row, strict=True)) for row in zip(*texts.values(), strict=True))


def _numbers(asked: Dataset) -> np.ndarray:
    """Row numbers, from 1, as in what was given: rows without a target were left out."""
    return (np.arange(len(asked)) if asked._rows is None else asked._rows) + 1
