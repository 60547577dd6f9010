"""From a source to a Dataset: read, settle the roles, say what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wholefit.base import errors, steps, tasks
from wholefit.data import _cells, _dates, series
from wholefit.data.conform import conform
from wholefit.data.dataset import Dataset
from wholefit.data.notes import Note, info, some, warning
from wholefit.data.schema import Policies, Schema, infer, wanted_roles

_EXAMPLES = 5
_NO_DATES = ("image", "numeric")  # roles whose format says something else


def load(
    source: Any,
    *,
    target: str | None = None,
    roles: Mapping[str, str] | str | Path | None = None,
    task: str | None = None,
    time: str | None = None,
    groups: str | None = None,
    weights: str | None = None,
    **options: Any,
) -> Dataset:
    """Read any source and settle what its columns are for.

    `target`, `time`, `groups` and `weights` name columns; `roles` overrides others (a dict, or
    the path of a TOML file); `task` is checked and kept in the schema; `options` go to
    `read`. Rows without a target are left out, counted and noted, and kept apart in
    `Dataset.without_target`. Raises UnknownNameError for a
    misspelt name and DataError for a source that cannot be learnt from.
    """
    return _settled(_read(source, options), target=target, roles=roles, task=task, time=time,
                    groups=groups, weights=weights)


def dataset_of(
    frame: pl.DataFrame, *, target: str | None = None, **settings: Any
) -> Dataset:
    """A Dataset of a frame at hand; `settings` as for `load`, reading options apart."""
    return _settled(_Table(frame, "memory (polars)", "polars", ()), target=target, **settings)


def conforming(
    source: Any,
    schema: Schema,
    policies: Policies | None = None,
    with_target: bool = False,
    **options: Any,
) -> Dataset:
    """New data for a fitted model: made to conform to `schema`, every row kept, in order.

    `with_target` asks for the target column too (SchemaError where it is absent); `options` go
    to `read`. The user's own columns stay in `original`.
    """
    pictures = [column for column in schema.columns if column.role == "image"]
    if pictures and pictures[0].format is not None:
        options.setdefault("image_limit", int(pictures[0].format))
    shape = steps.shape_of(column.format for column in schema.columns)
    if shape is not None:
        options.setdefault("arrays", "series")
    table = _named_alike(_read(source, options), schema)
    if shape is not None:
        series.check_alike(table, shape)
    if policies is not None and policies.wrong_type == "error":
        _refuse_bad_cells(table.notes, schema)
    read, again = _dates_as_in_training(table.frame, schema, table.formats)
    kept = [note for note in table.notes
            if note.kind != "ambiguous_dates" or note.column not in again]
    frame, notes = conform(schema, read, policies)
    if with_target and schema.target not in frame.columns:
        near = errors.nearest(schema.target or "", table.frame.columns)
        raise errors.SchemaError(
            f"data to evaluate on must have the target column {schema.target!r}; "
            + (f"there is {near!r}: rename it." if near else "it is not there."))
    return Dataset(frame, schema, source=table.source, guest=table.guest,
                   notes=[*kept, *notes], original=table.frame)


def _refuse_bad_cells(notes: Sequence[Note], schema: Schema) -> None:
    """What reading a text file took for missing is a wrong type too, for those who ask."""
    learnt = set(schema.features)
    for note in notes:
        if note.kind == "bad_cells" and note.column in learnt:
            raise errors.SchemaError(f"{note.message} Clean them, or say wrong_type='convert'.")


@dataclass(frozen=True)
class _Table:
    """What reading gives: the frame, where it came from, the user's frame type, notes."""

    frame: pl.DataFrame
    source: str
    guest: str
    notes: Sequence[Note]
    formats: Mapping[str, str] = field(default_factory=dict)


def _read(source: Any, options: dict[str, Any]) -> Any:
    if isinstance(source, Dataset):
        return _Table(source.original, source.source, source.guest, source.notes)
    from wholefit.data.read import read

    return read(source, **options)


def _settled(
    table: Any,
    *,
    target: str | None = None,
    roles: Mapping[str, str] | str | Path | None = None,
    task: str | None = None,
    time: str | None = None,
    groups: str | None = None,
    weights: str | None = None,
) -> Dataset:
    """A read table as a Dataset: roles inferred, rows without a target left out."""
    own = dict(getattr(table, "roles", {}))
    if target is None and getattr(table, "target", None) is not None:
        if task is None or tasks.get(task).supervised:
            target = table.target
        else:
            own[table.target] = "label"  # judges what is found, and is never learnt
    single = {"target": target, "time": time, "group": groups, "weight": weights}
    said = wanted_roles(table.frame.columns, roles, **single)
    wanted = {**{name: role for name, role in own.items() if role != "image"}, **said}
    name = next((name for name, role in wanted.items() if role == "target"), None)
    frame, dropped, rest = _with_target(table.frame, name)
    frame, blank = _with_pictures(frame, {**own, **wanted})
    if frame.height == 0:
        why = "" if name is None else f" with a value of target {name!r}"
        raise errors.DataError(f"{table.source} must have rows{why} to learn from; it has none.")
    schema = infer(frame, roles=wanted)
    schema = replace(schema, columns=tuple(
        replace(c, format=table.formats.get(c.name, c.format),
                reason="names the files of the pictures"
                if c.name in own and c.name not in said and c.role == "identifier" else c.reason)
        for c in schema.columns))
    if task is None or tasks.get(task).supervised:  # what others learn from, their recipe knows
        _check_learnable(schema, table.source)
    if task is not None:
        schema = replace(schema, task=tasks.get(task).name)
    notes = [*table.notes, *dropped, *blank, *_lost_cells(frame, schema)]
    found = Dataset(frame, schema, source=table.source, guest=table.guest, notes=notes)
    found.without_target = rest
    return found


def _dates_as_in_training(
    frame: pl.DataFrame, schema: Schema, formats: Mapping[str, str]
) -> tuple[pl.DataFrame, list[str]]:
    """Text dates that reading took for month first, say, when training had the day first.

    Gives the frame, and the columns whose dates are now written as in training.
    """
    known = {column.name: column.format for column in schema.columns}
    settled = []
    for name, form in formats.items():
        trained = known.get(name)
        if trained is None or name not in frame.columns or schema.role(name) in _NO_DATES:
            continue
        if trained == form:
            settled.append(name)
            continue
        cells = frame.get_column(name).alias("column")
        again = _dates.with_format(cells.dt.to_string(form), trained)
        if again.null_count() == cells.null_count():
            frame = frame.with_columns(again.alias(name))
            settled.append(name)
    return frame, settled


def _with_target(
    frame: pl.DataFrame, target: str | None
) -> tuple[pl.DataFrame, list[Note], pl.DataFrame | None]:
    """Rows whose target is there, a note on the others, and these."""
    if target is None:
        return frame, [], None
    column = frame.get_column(target).alias("column")
    empty = column.is_null()
    if column.dtype.is_float():
        empty = empty | column.is_nan().fill_null(True)
    elif column.dtype == pl.String:
        empty = empty | (column.str.strip_chars() == "").fill_null(True)
    count = int(empty.sum())
    if not count:
        return frame, [], None
    rows = np.flatnonzero(empty.to_numpy()) + 1
    word = "row has" if count == 1 else "rows have"
    note = warning(
        "target_missing", f"{count:,} of {frame.height:,} {word} no target {target!r} and cannot "
        f"be learnt from: left out (rows {some(rows.tolist())}).",
        column=target, rows=rows, count=count)
    return frame.filter(~empty), [note], frame.filter(empty)


def _with_pictures(
    frame: pl.DataFrame, roles: Mapping[str, str]
) -> tuple[pl.DataFrame, list[Note]]:
    """Rows whose pictures are all there, and a note on those that were left out."""
    names = [name for name, role in roles.items() if role == "image"]
    lost = np.zeros(frame.height, bool)
    for name in names:
        lost |= frame.get_column(name).is_null().to_numpy()
    count = int(lost.sum())
    if not count:
        return frame, []
    rows = np.flatnonzero(lost) + 1
    word = "row has" if count == 1 else "rows have"
    note = warning(
        "picture_missing", f"{count:,} of {frame.height:,} {word} no picture that can be used: "
        f"left out (rows {some(rows.tolist())}).", rows=rows, count=count)
    return frame.filter(pl.Series(~lost)), [note]


def _named_alike(table: Any, schema: Schema) -> Any:
    """New data whose one picture column is called otherwise gets the name of training."""
    wanted = schema.having("image")
    there = [name for name, role in getattr(table, "roles", {}).items() if role == "image"]
    if len(wanted) != 1 or len(there) != 1 or wanted[0] in table.frame.columns:
        return table
    return replace(table, frame=table.frame.rename({there[0]: wanted[0]}),
                   roles={wanted[0]: "image"})


def _check_learnable(schema: Schema, source: str) -> None:
    if schema.target is not None and not schema.features:
        said = "; ".join(f"{c.name!r} is {c.role} ({c.reason})"
                         for c in schema.columns[:_EXAMPLES] if c.role != "target")
        if not said:
            raise errors.DataError(
                f"{source} must have a column to learn from beside the target; it has no other.")
        raise errors.DataError(
            f"{source} must have a column to learn from beside the target; {said}. "
            "If one is wrong, say roles={'column': 'numeric'}.")


def _lost_cells(frame: pl.DataFrame, schema: Schema) -> list[Note]:
    """Notes on text cells of number and date columns that become missing."""
    change = {"numeric": _cells.to_numbers, "datetime": _cells.to_times,
              "boolean": _cells.to_booleans}
    notes = []
    for column in schema.columns:
        if column.role not in change or column.dtype != "String":
            continue
        cells = frame.get_column(column.name).alias("column")
        bad = _cells.unconverted(cells, change[column.role](cells))
        if len(bad):
            values = cells.gather(bad).unique(maintain_order=True)
            examples = some([repr(value) for value in values.to_list()], _EXAMPLES)
            notes.append(warning(
                "cells_not_converted", f"column {column.name!r} is {column.role}, and {len(bad):,} "
                f"of its cells are not, such as {examples}: they become missing.",
                column=column.name, rows=bad + 1, count=len(bad)))
        elif column.role != "boolean":
            notes.append(info("text_converted", f"column {column.name!r}: {column.reason}.",
                              column=column.name, count=len(cells)))
    return notes
