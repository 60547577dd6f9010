"""A pipeline as numbers and words: a table's columns in, prepared step by step, then a model.

Each step takes the columns, a list of 1-D arrays (float64 with NaN, or objects with None where
missing), and gives the columns that come out of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.base.errors import ArtifactError, DataError
from wholefit.base.state import State
from wholefit.models._scorers import scorer

Columns = list[np.ndarray]
_CHUNK = 50_000
# A file may ask for columns upon columns: more than any pipeline makes are not made.
_MOST_COLUMNS = 100_000


class Steps:
    """Parts "prepare" (a step) and "model"; config `columns`: [name, kind] in order.

    `kind` is "number" or "word". It answers to a table by column names, not to a matrix.
    """

    wants = "frame"

    def __init__(self, state: State) -> None:
        self._columns = [(str(name), str(kind)) for name, kind in state.config["columns"]]
        self._prepare = state.parts["prepare"]
        self._model = scorer(state.parts["model"])

    def answer(self, frame: Any) -> np.ndarray:
        """A polars frame (n rows) to probabilities (n, classes) or numbers (n,)."""
        absent = [name for name, _ in self._columns if name not in frame.columns]
        if absent:
            raise DataError(f"the pipeline needs columns {absent}, which the rows lack: add them.")
        found = [self._answer(frame[at:at + _CHUNK])
                 for at in range(0, max(frame.height, 1), _CHUNK)]
        return np.concatenate(found)

    def _answer(self, frame: Any) -> np.ndarray:
        cells = [_cells(frame.get_column(name), kind) for name, kind in self._columns]
        return self._model.answer(matrix(apply(self._prepare, cells), frame.height))


def apply(step: State, columns: Columns) -> Columns:
    """The columns that come out of the step."""
    if step.kind not in _STEPS:
        raise ArtifactError(f"the stored pipeline has a step {step.kind!r}, which this version of "
                            "wholefit does not know: upgrade wholefit, or save the model anew.")
    return _bounded(_STEPS[step.kind](step, columns))


def _bounded(columns: Columns) -> Columns:
    if len(columns) > _MOST_COLUMNS:
        raise ArtifactError(f"the stored pipeline makes {len(columns):,} columns; at most "
                            f"{_MOST_COLUMNS:,} are made.")
    return columns


def matrix(columns: Columns, rows: int) -> np.ndarray:
    """Columns side by side as float64 (rows, columns)."""
    out = np.empty((rows, len(columns)))
    for at, column in enumerate(columns):
        try:
            out[:, at] = column
        except (TypeError, ValueError) as error:
            raise DataError(f"the pipeline needs numbers, and a column holds words ({error}): "
                            "check the table's columns.") from error
    return out


def _cells(column: Any, kind: str) -> np.ndarray:
    import polars as pl

    column = column.alias("column")
    if kind == "number":
        return column.cast(pl.Float64, strict=False).to_numpy()
    if column.dtype.is_numeric() or column.dtype == pl.Boolean:
        return column.to_numpy().astype(object)
    return np.array(column.cast(pl.String).to_list(), dtype=object)


def _is_missing(column: np.ndarray) -> np.ndarray:
    if column.dtype == object:
        return np.array([cell is None or cell != cell for cell in column.tolist()], dtype=bool)
    return np.isnan(column)


# Steps of steps ------------------------------------------------------------------------------

def _chain(step: State, columns: Columns) -> Columns:
    for number in range(len(step.parts)):
        columns = apply(step.parts[str(number)], columns)
    return columns


def _side_by_side(step: State, columns: Columns) -> Columns:
    """Config `picks`: which columns each part is given."""
    found: Columns = []
    for number, picked in enumerate(step.config["picks"]):
        found += apply(step.parts[str(number)], [columns[at] for at in picked[:_MOST_COLUMNS]])
        _bounded(found)
    return found


def _pick(step: State, columns: Columns) -> Columns:
    return [columns[at] for at in step.config["picked"]]


# Numbers -------------------------------------------------------------------------------------

def _scale(step: State, columns: Columns) -> Columns:
    """Arrays subtract, divide, multiply, add (each may be absent), in that order; then clip."""
    work: dict[str, Callable[[Any, Any], Any]] = {
        "subtract": np.subtract, "divide": np.divide, "multiply": np.multiply, "add": np.add}
    found = [np.asarray(column, dtype=np.float64) for column in columns]
    for name, change in work.items():
        if name in step.arrays:
            by = step.arrays[name]
            found = [change(column, by[at]) for at, column in enumerate(found)]
    clip = step.config.get("clip")
    return found if clip is None else [np.clip(column, *clip) for column in found]


def _project(step: State, columns: Columns) -> Columns:
    """Arrays components (directions, columns), perhaps mean (columns,) and divide (directions,)."""
    X = matrix(columns, len(columns[0]))
    if "mean" in step.arrays:
        X = X - step.arrays["mean"]
    found = X @ step.arrays["components"].T
    return list((found / step.arrays["divide"] if "divide" in step.arrays else found).T)


def _powers(step: State, columns: Columns) -> Columns:
    """Array powers (terms, columns): products of powers of columns."""
    found = []
    for row in step.arrays["powers"]:
        term = np.ones(len(columns[0]))
        for at in np.flatnonzero(row):
            term = term * np.asarray(columns[at], dtype=np.float64) ** row[at]
        found.append(term)
    return found


def _function(step: State, columns: Columns) -> Columns:
    """Config `name`: one of numpy's functions of one number, by an allowed name."""
    change = getattr(np, FUNCTIONS[step.config["name"]])
    return [change(np.asarray(column, dtype=np.float64)) for column in columns]


def _yeo_johnson(step: State, columns: Columns) -> Columns:
    """Array lambdas (columns,): Yeo and Johnson (2000)."""
    return [_yeo_johnson_one(np.asarray(column, dtype=np.float64), power)
            for column, power in zip(columns, step.arrays["lambdas"], strict=True)]


def _yeo_johnson_one(x: np.ndarray, power: float) -> np.ndarray:
    up, down = np.maximum(x, 0.0), -np.minimum(x, 0.0)
    left = np.log1p(up) if abs(power) < 1e-12 else np.expm1(power * np.log1p(up)) / power
    other = 2.0 - power
    right = np.log1p(down) if abs(other) < 1e-12 else np.expm1(other * np.log1p(down)) / other
    return np.where(np.isnan(x), np.nan, left - right)


def _bins(step: State, columns: Columns) -> Columns:
    """Arrays "0", "1", ...: the inner edges of each column's bins."""
    found = []
    for at, column in enumerate(columns):
        cells = np.asarray(column, dtype=np.float64)
        found.append(np.searchsorted(step.arrays[str(at)], cells, side="right").astype(np.float64))
    return found


# Gaps and categories -------------------------------------------------------------------------

def _impute(step: State, columns: Columns) -> Columns:
    """Config `fill` (null: the column is left out), `missing` (null: NaN), `flags`."""
    gaps = [_gaps(column, step.config["missing"]) for column in columns]
    found: Columns = []
    for column, gap, fill in zip(columns, gaps, step.config["fill"], strict=True):
        if fill is None:
            continue
        filled = column.astype(object) if isinstance(fill, str) else column.copy()
        filled[gap] = fill
        found.append(filled)
    return found + [gaps[at].astype(np.float64) for at in step.config["flags"]]


def _gaps(column: np.ndarray, missing: Any) -> np.ndarray:
    return _is_missing(column) if missing is None else np.asarray(column == missing, dtype=bool)


def _one_hot(step: State, columns: Columns) -> Columns:
    """Config `features`: for each column `values`, the `places` they light (-1: none), `width`,
    and `unknown`: the place of other values, -1 for none, null for an error."""
    found: Columns = []
    for column, feature in zip(columns, step.config["features"], strict=True):
        places = _looked_up(column, feature["values"], feature["places"], feature["unknown"])
        width = min(feature["width"], len(feature["values"]) + 1)  # no more than it can light
        found += [(places == place).astype(np.float64) for place in range(width)]
        _bounded(found)
    return found


def _ordinal(step: State, columns: Columns) -> Columns:
    """Config `features`: for each column `values`, their `codes`, `unknown` (null: an error)."""
    return [_looked_up(column, f["values"], f["codes"], f["unknown"]).astype(np.float64)
            for column, f in zip(columns, step.config["features"], strict=True)]


def _looked_up(column: np.ndarray, values: list[Any], codes: list[Any], other: Any) -> np.ndarray:
    """The code of each cell; `other` for a cell that is none of the values."""
    known: dict[Any, float] = {value: np.nan if code is None else code
                               for value, code in zip(values, codes, strict=True)}
    seen = [None if cell is None or cell != cell else cell for cell in column.tolist()]
    if other is None:
        strange = next((cell for cell in seen if cell not in known), _NONE)
        if strange is not _NONE:
            raise DataError(f"the pipeline knows no category {strange!r} and was made to refuse "
                            f"new ones; it knows {', '.join(map(repr, values[:10]))}.")
        other = np.nan
    return np.array([known.get(cell, other) for cell in seen], dtype=np.float64)


_NONE = object()
FUNCTIONS = {name: name for name in (
    "abs", "absolute", "arcsinh", "cbrt", "exp", "expm1", "log", "log10", "log1p", "log2",
    "negative", "sign", "sqrt", "square", "tanh")}
_STEPS: dict[str, Callable[[State, Columns], Columns]] = {
    "step.bins": _bins, "step.chain": _chain, "step.columns": _side_by_side,
    "step.function": _function, "step.impute": _impute, "step.onehot": _one_hot,
    "step.ordinal": _ordinal, "step.pick": _pick, "step.powers": _powers,
    "step.project": _project, "step.scale": _scale, "step.yeo_johnson": _yeo_johnson,
}
