"""What a cleaning step is: hyper-parameters, what it learns from rows, and the edit it makes.

A step never runs code that came from a file: it is a frozen dataclass of numbers and words, found
by name in a registry. What it learns is a State (JSON config and arrays), so that a fitted recipe
can be stored and repeated to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import numpy as np
import polars as pl

from wholefit.base.errors import ParameterError, unknown
from wholefit.base.params import Params, param
from wholefit.base.state import State

ROLES = ("numeric", "categorical", "boolean", "datetime", "text", "identifier")
Suits = Callable[[pl.DataType], bool]
AnyStep = TypeVar("AnyStep", bound="type[Step]")
STEPS: dict[str, type[Step]] = {}


@dataclass(frozen=True, eq=False)
class Edit:
    """What a step does to a frame.

    `columns` replace columns of their name or are added at the end; `dropped` names columns that
    go; `renamed` old name to new; `order` the columns to keep, in order. `kept` is a mask of the
    rows that stay (all when None), `twins` for each row that goes the position of the row that
    stays in its place, else -1. `said` is evidence in sentences.
    """

    columns: tuple[pl.Series, ...] = ()
    dropped: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] | None = None
    kept: np.ndarray | None = None
    twins: np.ndarray | None = None
    said: tuple[str, ...] = ()

    def of(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`frame` with this edit made."""
        columns = {column.name: column for column in frame.get_columns()}
        columns.update((column.name, column) for column in self.columns)
        for name in self.dropped:
            columns.pop(name, None)
        found = [column.alias(self.renamed.get(name, name)) for name, column in columns.items()
                 if self.order is None or name in self.order]
        if self.order is not None:
            place = {name: at for at, name in enumerate(self.order)}
            found.sort(key=lambda column: place.get(column.name, len(place)))
        made = pl.DataFrame(found)
        return made if self.kept is None else made.filter(pl.Series(self.kept))


class View:
    """A frame as a step sees it: `protected` columns are only touched where they are named."""

    def __init__(self, frame: pl.DataFrame, protected: Iterable[str] = ()) -> None:
        self.frame = frame
        self.protected = frozenset(protected)

    @cached_property
    def roles(self) -> dict[str, str]:
        """The role that each column seems to have."""
        from wholefit.data.schema import infer

        return {column.name: column.role for column in infer(self.frame).columns}

    def pick(
        self, names: tuple[str, ...] | None, role: str | None, suits: Suits, what: str,
        *, safe: bool = False,
    ) -> list[str]:
        """The columns a step works on: those named, else all that suit it.

        A column that is named must be there (UnknownNameError) and suit (ParameterError, which
        says that the step needs `what`). `safe` steps take protected columns too.
        """
        kinds = dict(self.frame.schema)
        for name in names or ():
            if name not in kinds:
                raise unknown("column", name, self.frame.columns)
            if not suits(kinds[name]) and kinds[name] != pl.Null:
                raise ParameterError(f"it needs {what}; column {name!r} holds "
                                     f"{kind_word(kinds[name])}.")
        free = [name for name in (kinds if names is None else names)
                if suits(kinds[name]) and (names or safe or name not in self.protected)]
        return free if role is None else [n for n in free if self.roles[n] == role]


@dataclass(frozen=True)
class Step(Params):
    """Base of every cleaning step; subclasses are frozen dataclasses with a `name`."""

    name: ClassVar[str] = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        for spec in self.specs():
            value = getattr(self, spec.name)
            if spec.type is tuple and spec.name not in ("values",) and value is not None and not (
                    all(isinstance(each, str) for each in value)):
                raise ParameterError(f"{type(self).__name__}.{spec.name} must be a list of words; "
                                     f"got {list(value)!r}.")
        self.check()

    def check(self) -> None:
        """Refuse parameters that do not go together."""

    @property
    def learns(self) -> bool:
        """True if it learns from the values of rows: then it is fitted on training rows only."""
        return False

    @property
    def drops(self) -> bool:
        """True if rows may go."""
        return False

    def learn(self, view: View) -> State:
        """What `apply` will need, from these rows; config "columns" names those worked on."""
        raise NotImplementedError

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """The edit of `frame`; columns that are absent from it are passed over."""
        raise NotImplementedError

    def stored(self) -> dict[str, Any]:
        """The step as JSON-able data: its name and every parameter that is not the default."""
        values = {spec.name: getattr(self, spec.name) for spec in self.specs()
                  if getattr(self, spec.name) != spec.default}
        return {"do": self.name, **{n: list(v) if isinstance(v, tuple) else v
                                    for n, v in values.items()}}

    def as_state(self, columns: Iterable[str], arrays: Mapping[str, np.ndarray] | None = None,
                 **config: Any) -> State:
        """A State of this step's kind."""
        return State(f"clean.{self.name}", {"columns": list(columns), **config},
                     dict(arrays or {}))


def register(step: AnyStep) -> AnyStep:
    """Make a step known by its name."""
    STEPS[step.name] = step
    return step


def on_columns() -> Any:
    """The parameter that names columns."""
    return param(None, "Columns to work on; every one that it suits if left out.", none=True)


def on_role() -> Any:
    """The parameter that narrows the columns to a role."""
    return param(None, "Only columns of this role.", choices=ROLES, none=True)


def here(frame: pl.DataFrame, learnt: State) -> list[str]:
    """The columns a step was fitted for that are in `frame`."""
    present = set(frame.columns)
    return [name for name in learnt.config["columns"] if name in present]


def cells(frame: pl.DataFrame, name: str) -> pl.Series:
    """A column under a neutral name: the engine reads names such as "^a.*$" as patterns."""
    return frame.get_column(name).alias("column")


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """`wanted`, with marks added until it is not taken."""
    names = set(taken)
    while wanted in names:
        wanted += "'"
    return wanted


def is_number(kind: pl.DataType) -> bool:
    """True for integers, floats and decimals; not for truth values."""
    return kind.is_numeric()


def is_text(kind: pl.DataType) -> bool:
    """True for text."""
    return kind == pl.String


def is_plain(kind: pl.DataType) -> bool:
    """True for everything but lists, records and objects."""
    return not kind.is_nested() and kind != pl.Object


def kind_word(kind: pl.DataType) -> str:
    """What a column of this type holds, in a word."""
    if kind == pl.Boolean:
        return "true or false"
    if kind.is_numeric():
        return "numbers"
    if kind.is_temporal():
        return "dates"
    return "text" if kind == pl.String else str(kind)
