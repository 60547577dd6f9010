"""Applying a user's transformers: columns in, computed columns out, checked at every seam."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError, unknown
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
    """A fitted step: what it reads, and the names of what it makes."""

    name: str
    transformer: Any
    columns: list[str]
    outputs: list[str]

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

    def apply(self, picked: Picked) -> None:
        """Compute the outputs for the picked rows."""
        self.keep(picked, _call(self, _input(picked, self)))

    def keep(self, picked: Picked, made: np.ndarray) -> None:
        """Remember computed columns under the names of the outputs."""
        if made.shape[1] != len(self.outputs):
            raise DataError(f"transformer {self.name!r} must give {len(self.outputs)} columns, "
                            f"as in training; got {made.shape[1]}.")
        picked.made.update(zip(self.outputs, made.T, strict=True))


def learn(picked: Picked, given: Any, layout: Layout) -> list[Applied]:
    """Fit the steps one after another on the picked rows; `layout` is changed to what they give."""
    found = []
    for step in steps(given):
        applied = Applied(step.name, copy.deepcopy(step.transformer),
                          _columns(step, layout), [])
        values = _input(picked, applied)
        if callable(getattr(applied.transformer, "fit", None)):
            with _named(step.name, "fit"):
                applied.transformer.fit(values)
        made = _call(applied, values)
        applied.outputs = _outputs(applied, made.shape[1])
        _rearrange(layout, step, applied)
        applied.keep(picked, made)
        found.append(applied)
    return found


def _columns(step: Custom, layout: Layout) -> list[str]:
    if step.columns is None:
        return list(layout.numeric)
    framed = getattr(step.transformer, "wants", None) == "frame"
    for name in step.columns:
        if name not in layout.all:
            raise unknown(f"column for transformer {step.name!r}", name, layout.all)
        if not framed and name not in layout.numeric:
            raise ParameterError(
                f"transformer {step.name!r} must be given numeric columns; got {name!r}: give it "
                "the attribute wants = 'frame' to receive other columns as a polars frame."
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
    if width == len(applied.columns):
        return list(applied.columns)
    named = getattr(applied.transformer, "get_feature_names_out", None)
    if callable(named):
        found = [str(name) for name in named(applied.columns)]
        if len(found) == width and len(set(found)) == width:
            return found
    return [f"{applied.name}.{i + 1}" for i in range(width)] if width > 1 else [applied.name]


def _input(picked: Picked, applied: Applied) -> Any:
    if getattr(applied.transformer, "wants", None) == "frame":
        return _frame(picked, applied.columns)
    values = np.empty((picked.size, len(applied.columns)))
    for at, name in enumerate(applied.columns):
        picked.numbers(name, slice(0, picked.size), values[:, at])
    return values


def _frame(picked: Picked, columns: list[str]) -> Any:
    import polars as pl

    plain = [name for name in columns if name not in picked.made]
    frame = picked.dataset.frame.select(plain)
    frame = frame if picked.rows is None else frame[picked.rows]
    made = [pl.Series(name, picked.made[name]) for name in columns if name in picked.made]
    return frame.with_columns(made).select(columns)


def _call(applied: Applied, values: Any) -> np.ndarray:
    """The transformer's answer as float64 (rows, columns)."""
    with _named(applied.name, "transform"):
        transform = getattr(applied.transformer, "transform", applied.transformer)
        found = transform(values)
    found = found.toarray() if hasattr(found, "toarray") else found
    try:
        made = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"transformer {applied.name!r} must give numbers; {error}.") from error
    made = made[:, None] if made.ndim == 1 else made
    if made.ndim != 2 or len(made) != len(values):
        raise DataError(f"transformer {applied.name!r} must give one row for each of the "
                        f"{len(values)} it gets; got shape {made.shape}.")
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
