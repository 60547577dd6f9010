"""Applying a user's transformers: columns in, computed columns out, checked at every seam."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError, SchemaError, unknown
from wholefit.base.state import State
from wholefit.features._picked import Picked
from wholefit.features.custom import Custom, restore, steps, store

KIND = "encoder.custom"


@dataclass
class Layout:
    """Which columns go to which block; `sources` says where a computed column came from."""

    numeric: list[str]
    booleans: list[str]
    categories: list[str]
    dates: list[str]
    texts: list[str]
    sources: dict[str, str] = field(default_factory=dict)

    @property
    def all(self) -> list[str]:
        """Every column, each once."""
        return self.numeric + self.categories + self.dates + self.texts

    def drop(self, names: list[str]) -> None:
        """Take columns out of every block."""
        for block in (self.numeric, self.booleans, self.categories, self.dates, self.texts):
            block[:] = [name for name in block if name not in names]


@dataclass
class Applied:
    """A fitted step: what it reads, and the names of what it makes.

    `crossed` holds, while the encoder lives, what a supervised step made of the very rows it was
    fitted on, each by a fit that had not seen that row's target: (rows, outputs).
    """

    name: str
    transformer: Any
    columns: list[str]
    outputs: list[str]
    crossed: np.ndarray | None = None

    def state(self) -> State:
        """The transformer's state beside the names."""
        return State(KIND, {"name": self.name, "columns": self.columns, "outputs": self.outputs},
                     parts={"transformer": store(self.name, self.transformer)})

    @classmethod
    def from_state(cls, state: State) -> Applied:
        """The step that `state` describes."""
        config = state.config
        return cls(config["name"], restore(state.parts["transformer"]), list(config["columns"]),
                   list(config["outputs"]))

    def apply(self, picked: Picked, training: bool = False) -> None:
        """Compute the outputs for the picked rows; those of `crossed` if they are its own."""
        if training and self.crossed is not None:
            self.keep(picked, self.crossed)
        else:
            self.keep(picked, _call(self, _input(picked, self)))

    def keep(self, picked: Picked, made: np.ndarray) -> None:
        """Remember computed columns under the names of the outputs."""
        if made.shape[1] != len(self.outputs):
            raise DataError(f"transformer {self.name!r} must give {len(self.outputs)} columns, "
                            f"as in training; got {made.shape[1]}.")
        picked.made.update(zip(self.outputs, made.T, strict=True))


def learn(
    picked: Picked, given: Any, layout: Layout, y: np.ndarray | None = None
) -> list[Applied]:
    """Fit the steps one after another on the picked rows; `layout` is changed to what they give.

    `y`, the encoded target of those rows, goes to steps that are supervised.
    """
    found = []
    for step in steps(given):
        applied = Applied(step.name, copy.deepcopy(step.transformer),
                          _columns(step, layout, picked.dataset.schema), [])
        made = _fit(applied, _input(picked, applied), y)
        applied.outputs = _outputs(applied, made.shape[1])
        _rearrange(layout, step, applied)
        applied.keep(picked, made)
        found.append(applied)
    return found


def _fit(applied: Applied, values: Any, y: np.ndarray | None) -> np.ndarray:
    """Fit the step; gives its answer for the rows it was fitted on."""
    if supervised(applied.transformer):
        return _teach(applied, values, y)
    if callable(getattr(applied.transformer, "fit", None)):
        with _named(applied.name, "fit"):
            applied.transformer.fit(values)
    return _call(applied, values)


def _teach(applied: Applied, values: Any, y: np.ndarray | None) -> np.ndarray:
    if y is None:
        raise ParameterError(f"transformer {applied.name!r} must be given the target, for it is "
                             "supervised; got none: call fit(dataset, rows, y).")
    if not callable(getattr(applied.transformer, "fit_transform", None)):
        with _named(applied.name, "fit"):
            applied.transformer.fit(values, y)
        return _call(applied, values)
    with _named(applied.name, "fit_transform"):
        found = applied.transformer.fit_transform(values, y)
    applied.crossed = _numbers(applied.name, found, len(values))
    return applied.crossed


def supervised(transformer: Any) -> bool:
    """True if it learns from the target: it says so itself, or by scikit-learn's tags."""
    said = getattr(transformer, "supervised", None)
    if said is not None:
        return bool(said)
    with contextlib.suppress(Exception):  # one without scikit-learn's tags tells nothing
        return bool(transformer.__sklearn_tags__().target_tags.required)
    return False


def _columns(step: Custom, layout: Layout, schema: Any) -> list[str]:
    if step.columns is None:
        return list(layout.numeric)
    framed = getattr(step.transformer, "wants", None) == "frame"
    known = list(layout.all)
    if framed:  # the time or the group of a row may place it, though nothing is learnt from it
        known += [c.name for c in schema.columns if c.role != "target" and c.name not in known]
    for name in step.columns:
        if name not in known:
            raise unknown(f"column for transformer {step.name!r}", name, known)
        if not framed and name not in layout.numeric:
            raise ParameterError(
                f"transformer {step.name!r} must be given numeric columns; got {name!r}, which is "
                f"{schema.role(name)}: set its role, or give a transformer of your own the "
                "attribute wants = 'frame' to receive other columns as a polars frame."
            )
    return list(step.columns)


def _rearrange(layout: Layout, step: Custom, applied: Applied) -> None:
    """Put computed columns where the step's own columns were, or beside them if it keeps them."""
    if step.keep:
        there = set(layout.all)
        applied.outputs = [f"{step.name}({name})" if name in there else name
                           for name in applied.outputs]
    elif applied.outputs == applied.columns and set(applied.columns) <= set(layout.numeric):
        layout.booleans[:] = [b for b in layout.booleans if b not in applied.columns]
        return
    else:
        layout.drop(applied.columns)
    for name in applied.outputs:
        if name in layout.all:
            raise ParameterError(f"transformer {step.name!r} must not make a column that is there "
                                 f"already; got {name!r}.")
    layout.numeric += applied.outputs
    for name, origin in zip(applied.outputs, _origins(applied), strict=True):
        layout.sources[name] = layout.sources.get(origin, origin)


def _origins(applied: Applied) -> list[str]:
    """The column each output came from; the step's name where it came from several."""
    if len(applied.outputs) == len(applied.columns):
        return applied.columns
    whole = applied.columns[0] if len(applied.columns) == 1 else applied.name
    return [whole] * len(applied.outputs)


def _outputs(applied: Applied, width: int) -> list[str]:
    named = getattr(applied.transformer, "get_feature_names_out", None)
    if width == len(applied.columns) and not getattr(applied.transformer, "own_names", False):
        return list(applied.columns)
    if callable(named):
        found = [str(name) for name in named(applied.columns)]
        if len(found) == width and len(set(found)) == width:
            return found
    return [f"{applied.name}.{i + 1}" for i in range(width)] if width > 1 else [applied.name]


def _input(picked: Picked, applied: Applied) -> Any:
    if getattr(applied.transformer, "wants", None) == "frame":
        return _frame(picked, applied)
    values = np.empty((picked.size, len(applied.columns)))
    for at, name in enumerate(applied.columns):
        picked.numbers(name, slice(0, picked.size), values[:, at])
    return values


def _frame(picked: Picked, applied: Applied) -> Any:
    import polars as pl

    frame = picked.dataset.frame
    return pl.DataFrame([_cells(picked, frame, name, applied.name) for name in applied.columns])


def _cells(picked: Picked, frame: Any, name: str, step: str) -> Any:
    """A column of the picked rows in the type of its role: as in training, so in new data."""
    import polars as pl

    if name in picked.made:
        return pl.Series(name, picked.made[name])
    dataset = picked.dataset
    if name not in frame.columns:
        raise SchemaError(f"new data must have column {name!r}, which transformer {step!r} needs: "
                          "add it.")
    role = dataset.schema.role(name)
    if role in ("numeric", "boolean"):
        found = pl.Series(name, dataset.numeric(name), nan_to_null=True)
    elif role == "datetime":
        found = pl.Series(name, dataset.times(name))
    else:
        found = frame.get_column(name)
    return found if picked.rows is None else found[picked.rows]


def _call(applied: Applied, values: Any) -> np.ndarray:
    """The transformer's answer as float64 (rows, columns)."""
    with _named(applied.name, "transform"):
        transform = getattr(applied.transformer, "transform", applied.transformer)
        found = transform(values)
    return _numbers(applied.name, found, len(values))


def _numbers(name: str, found: Any, rows: int) -> np.ndarray:
    """What a transformer gave, as float64 (rows, columns); DataError if it is no such thing."""
    found = found.toarray() if hasattr(found, "toarray") else found
    try:
        made = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"transformer {name!r} must give numbers; {error}.") from error
    made = made[:, None] if made.ndim == 1 else made
    if made.ndim != 2 or len(made) != rows:
        raise DataError(f"transformer {name!r} must give one row for each of the "
                        f"{rows} it gets; got shape {made.shape}.")
    return made


class _named:
    """Adds to whatever a user's code raises which transformer it was."""

    def __init__(self, name: str, verb: str) -> None:
        self.said = f"raised by {verb} of transformer {name!r}"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is not None:
            error.add_note(self.said)
