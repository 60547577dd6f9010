"""`profile`: from any source to a Profile."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from wholefit.base import tasks
from wholefit.base.errors import ParameterError, WholefitError
from wholefit.base.events import emit
from wholefit.base.seeds import generator
from wholefit.data import _cells, findings
from wholefit.data.dataset import Dataset
from wholefit.data.loading import load
from wholefit.data.profile import _advice, _against, _columns, _informs, _missing, _pairs, _rows
from wholefit.data.profile import _target as _targets
from wholefit.data.profile._parts import Against, ColumnProfile
from wholefit.data.profile._profile import Profile
from wholefit.data.schema import target_facts

MOST_ROWS = 1_000_000
_MOST_CLASSES = 1000


def profile(
    source: Any, target: str | None = None, *, against: Any = None, most: int = MOST_ROWS,
    seed: int = 0, **options: Any,
) -> Profile:
    """Profile a Dataset, or anything that `read` reads; `against` is a second one beside it.

    Above `most` rows the figures of columns come from a random sample of `most` rows; rows,
    missing, distinct and duplicates always count all of them. Pairs and what columns tell of
    the target come from at most 50,000 rows. Rows without a value of the target stay in, so
    that row numbers are those of the source. Raises UnknownNameError for a misspelt target.
    """
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise ParameterError(f"most must be a whole number of rows >= 1; got {most!r}.")
    dataset = _dataset(source, target, options)
    other = None if against is None else _dataset(against, None, options)
    emit("profiling", source=dataset.source, rows=len(dataset))
    return _profiled(dataset, other, most, seed)


def _dataset(source: Any, target: str | None, options: dict[str, Any]) -> Dataset:
    """All rows of a source, with roles."""
    given = isinstance(source, Dataset) and not options
    dataset = source if given else load(source, **options)
    if target is None or dataset.schema.target == target:
        return dataset
    return dataset.with_schema(_aimed(dataset, target))


def _aimed(dataset: Dataset, target: str) -> Any:
    """The schema with that target; the one that was the target before is ignored."""
    schema, before = dataset.schema, dataset.schema.target
    schema.column(target)
    roles = {target: "target", **({} if before is None else {before: "ignored"})}
    return schema.with_role(roles)


def _profiled(dataset: Dataset, other: Dataset | None, most: int, seed: int) -> Profile:
    frame, target = dataset.frame, dataset.schema.target
    task = None if target is None else _task(dataset, target)
    columns, sampled = _all_columns(dataset, frame, task, most, seed)
    sample = _rows.sampled(frame, columns, seed)
    informs = _informs.informs(sample, target)
    pairs = _pairs.pairs(sample, target, informs)
    grounds = _advice.Grounds(
        dataset.source, frame.height, _duplicates(frame), target, task,
        _classes(frame, target) if task == "classification" and target else (), columns,
        _targets.by_target(sample, target, informs), _missing.missing(frame, columns))
    found = Profile(
        dataset.source, frame.height, grounds.duplicates, int(frame.estimated_size()), target,
        columns, tuple(dataset.notes), sampled, task=task, classes=grounds.classes, pairs=pairs,
        informs=informs, by_target=grounds.by_target,
        scatters=_targets.scatters(sample, pairs, seed), missing=grounds.missing,
        against=_beside(columns, frame, other, seed), advice=_advice.advise(grounds),
        next=_advice.next_steps(grounds))
    return _with_findings(found, dataset)


def _all_columns(
    dataset: Dataset, frame: pl.DataFrame, task: str | None, most: int, seed: int
) -> tuple[tuple[ColumnProfile, ...], int | None]:
    """The profile of each column, and how many rows the figures come from if not all."""
    looked, sampled = frame, None
    if frame.height > most:
        rows = generator(seed, "profile").choice(frame.height, most, replace=False)
        looked, sampled = frame[np.sort(rows)], most
    target = dataset.schema.target
    found = []
    for column in dataset.schema.columns:
        kind = "categorical" if column.name == target and task == "classification" else None
        cells = looked.get_column(column.name).alias("column")
        found.append(_columns.profiled(column, cells, kind))
    return tuple(found), sampled


def _beside(
    columns: tuple[ColumnProfile, ...], frame: pl.DataFrame, other: Dataset | None, seed: int
) -> Against | None:
    return None if other is None else _against.against(columns, frame, other, seed)


def _with_findings(profile: Profile, dataset: Dataset) -> Profile:
    return replace(profile, findings=findings.find(dataset))


def _task(dataset: Dataset, target: str) -> str | None:
    """The task that the target asks for; None where it asks for none."""
    if dataset.schema.task is not None:
        return dataset.schema.task
    with contextlib.suppress(WholefitError):
        return tasks.infer(target_facts(dataset.frame, target))[0].name
    return None


def _classes(frame: pl.DataFrame, target: str) -> tuple[tuple[str, int], ...]:
    """The classes of all rows with their counts, the most frequent first."""
    labels = _cells.to_labels(frame.get_column(target).alias("column")).drop_nulls()
    counted = labels.rename("level").value_counts(name="rows")
    counted = counted.sort(["rows", "level"], descending=[True, False]).head(_MOST_CLASSES)
    return tuple(zip(counted["level"].to_list(), counted["rows"].to_list(), strict=True))


def _duplicates(frame: pl.DataFrame) -> int:
    """Rows that repeat an earlier one in every column."""
    apt = [name for name, kind in frame.schema.items()
           if not kind.is_nested() and kind not in (pl.Object, pl.Binary)]
    if not apt or not frame.height:
        return 0
    columns = pl.DataFrame([frame.get_column(name).alias(str(i)) for i, name in enumerate(apt)])
    return frame.height - columns.hash_rows(seed=0).n_unique()
