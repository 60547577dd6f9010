"""`result.export`: the model written for another runtime, checked on rows before it is left there.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wholefit import data
from wholefit.api import _answers
from wholefit.api._telling import warn
from wholefit.artifact import exports
from wholefit.artifact.exports import Exported
from wholefit.base.errors import DataError, ParameterError, UnknownNameError, unknown
from wholefit.base.seeds import generator
from wholefit.data import Dataset, Schema
from wholefit.data.schema import LEARNT
from wholefit.data.validate.sketch import Sketch

_MADE_UP = 1000


def exported(
    result: Any, path: str | Path, to: str | None, rows: Any, tolerance: float | None,
    force: bool, options: dict[str, Any],
) -> Exported:
    """See `Result.export`; `options` are the target's own, policies, and those of `wf.read`.

    Those named `distil` and `held_out` ask for a student in the place of the model.
    """
    target = exports.named(path, to)
    options = dict(options)
    word, held_out = options.pop("distil", None), options.pop("held_out", None)
    if word is not None:
        from wholefit.api._export_small import exported_student

        return exported_student(result, path, target.NAME, rows, tolerance, force, word, held_out,
                                options)
    if held_out is not None:
        raise ParameterError("held_out judges a student that is exported: say distil= (--distil) "
                             "too, or give rows= (--rows) for the export to be checked on.")
    own = list(inspect.signature(target.write).parameters)[2:]
    mine = {name: value for name, value in options.items() if name in own}
    others = {name: value for name, value in options.items() if name not in own}
    check_options(others, target.NAME, own)
    asked = _made_up(result) if rows is None else _rows(result, rows, others)
    found = exports.export(result, target.NAME, path, asked, tolerance=tolerance, force=force,
                           made_up=rows is None, **mine)
    if rows is None:
        warn("no rows were given: the export was checked on rows made up from what the model "
             "remembers of its columns, each by itself; real ones, rows=, tell more.", stacklevel=3)
    return found


def listed() -> list[dict[str, str]]:
    """Every target: its name, how its files end, what it gives."""
    return [{"target": name, "ending": target.EXTENSION or "(folder)", "says": target.SAID}
            for name, target in exports.targets().items()]


def check_options(others: dict[str, Any], target: str, own: list[str]) -> None:
    """UnknownNameError for what is no option of the target, no policy and none of `wf.read`."""
    try:
        _answers.asked_for(others)
    except UnknownNameError:
        for name in others:
            if name not in inspect.signature(data.read).parameters:
                raise unknown(f"option of the {target} export", name, own or ["rows"]) from None


def _rows(result: Any, rows: Any, options: dict[str, Any]) -> Dataset:
    """Real rows as the model takes them."""
    if hasattr(result, "_fitted"):
        return _answers.dataset(result._fitted, rows, options)
    found: Dataset = result.asked(rows, options)
    return found


def _made_up(result: Any) -> Dataset:
    """Rows made up from what the model remembers of its columns: a sketch, or their ranges."""
    schema = result.schema
    if any(column.role == "image" for column in schema.columns):
        raise DataError("rows with pictures cannot be made up: give the export rows to be checked "
                        "on (rows=, --rows).")
    sketch = result._facts.sketch() if hasattr(result, "_facts") else result._sketch()
    rows = _spread(schema) if sketch is None else _drawn(schema, sketch)
    return _worded(rows, result)


def _worded(rows: Dataset, result: Any) -> Dataset:
    """The rows with texts of words that the model knows: no text of training is remembered."""
    encoder = getattr(getattr(result, "_fitted", None), "encoder", None)
    frame, draw = rows.frame, generator(0, "export", "texts")
    for name in rows.schema.having("text"):
        known = [word for block in getattr(encoder, "_blocks", ()) for word in (
            getattr(block, "words", None) or getattr(
                getattr(block, "tokenizer", None), "words", None) or ())
            if getattr(block, "column", None) == name]
        if known:
            frame = frame.with_columns(pl.Series(name, [
                " ".join(draw.choice(known, draw.integers(0, 13))) or None for _ in range(len(rows))
            ], dtype=pl.String))
    return Dataset(frame, rows.schema, source=rows.source)


def _spread(schema: Schema) -> Dataset:
    """Rows within the ranges and levels that a schema notes, one cell in twenty missing."""
    draw = generator(0, "export")
    made = {}
    for column in schema.columns:
        if column.role not in LEARNT:
            continue
        low, high = column.low or 0.0, 1.0 if column.high is None else column.high
        if column.role in ("numeric", "boolean"):
            cells = draw.uniform(low, high, _MADE_UP)
            cells = np.rint(cells) if column.role == "boolean" else cells
            found = pl.Series(column.name, cells)
        elif column.role == "datetime":
            found = pl.Series(column.name, draw.integers(0, 2**51, _MADE_UP)).cast(
                pl.Datetime("us"))
        else:
            found = pl.Series(column.name, draw.choice([*(column.levels or ("word",))], _MADE_UP))
        lost = pl.Series(draw.random(_MADE_UP) < 0.05)
        made[column.name] = found.set(lost, None) if column.missing else found
    return Dataset(data.conform(schema, pl.DataFrame(made))[0], schema, source="the schema")


def _drawn(schema: Schema, sketch: Sketch) -> Dataset:
    from wholefit.explain import background

    none = pl.DataFrame({name: [] for name in schema.features})
    empty, _ = data.conform(schema, none, data.Policies(missing_column="impute"))
    asked = Dataset(empty, schema, source="no rows")
    return background.of_sketch(schema, sketch, asked, _MADE_UP, 0).dataset
