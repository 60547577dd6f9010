"""Which columns and rows there are: rename, select, drop, filter, derive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from wholefit.base.errors import ParameterError, unknown
from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.data import _cells
from wholefit.data.clean._step import Edit, Step, View, here, kind_word, register
from wholefit.data.formulas import columns_of, compute, condition, parse


@register
@dataclass(frozen=True)
class Rename(Step):
    """Columns get other names, all at once: two may swap theirs."""

    name: ClassVar[str] = "rename"
    names: dict[str, Any] | None = param(  # noqa: RUF009
        None, "Old name to new.", none=True)

    def check(self) -> None:
        """Names are words, and no two columns get the same."""
        new = list((self.names or {}).values())
        if not new or not all(isinstance(name, str) and name for name in new):
            raise ParameterError(f"Rename.names must map old names to new; got {self.names!r}.")
        if len(set(new)) < len(new):
            raise ParameterError("Rename.names must not give two columns one name; got "
                                 f"{self.names!r}.")

    def learn(self, view: View) -> State:
        """The old names, which must be there; a new one must be free."""
        names = self.names or {}
        _check_there(names, view.frame)
        stay = set(view.frame.columns) - set(names)
        for new in names.values():
            if new in stay:
                raise ParameterError(f"Rename.names must not name a column like another; "
                                     f"{new!r} is there already.")
        return self.as_state(names)

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Rename those that are there."""
        return Edit(renamed={name: (self.names or {})[name] for name in here(frame, learnt)})


@register
@dataclass(frozen=True)
class Select(Step):
    """These columns stay, in this order; all others go."""

    name: ClassVar[str] = "select"
    columns: tuple[str, ...] = param((), "Columns that stay.")

    def check(self) -> None:
        """Something stays."""
        if not self.columns or len(set(self.columns)) < len(self.columns):
            raise ParameterError("Select.columns must name at least one column, each once; got "
                                 f"{list(self.columns)!r}.")

    def learn(self, view: View) -> State:
        """The columns, which must be there."""
        _check_there(self.columns, view.frame)
        return self.as_state(self.columns)

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Keep those that are there."""
        return Edit(order=tuple(here(frame, learnt)))


@register
@dataclass(frozen=True)
class Drop(Step):
    """These columns go."""

    name: ClassVar[str] = "drop"
    columns: tuple[str, ...] = param((), "Columns that go.")

    def check(self) -> None:
        """Something goes."""
        if not self.columns:
            raise ParameterError("Drop.columns must name at least one column; got none.")

    def learn(self, view: View) -> State:
        """The columns, which must be there."""
        _check_there(self.columns, view.frame)
        return self.as_state(self.columns)

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Leave them out."""
        return Edit(dropped=tuple(here(frame, learnt)))


@register
@dataclass(frozen=True)
class Filter(Step):
    """Rows stay in which a condition holds, such as "age >= 18 and town != 'Ely'"."""

    name: ClassVar[str] = "filter"
    where: str = param("", "The condition.")
    unknown: str = param("drop", "Rows in which a missing value leaves it open.",
                         choices=("drop", "keep"))

    def check(self) -> None:
        """The condition can be read."""
        _check_said("Filter.where", self.where)

    @property
    def drops(self) -> bool:
        """True."""
        return True

    def learn(self, view: View) -> State:
        """The columns that the condition names; one that is not there is an error."""
        condition(self.where, view.frame.head(0))
        return self.as_state(columns_of(parse(self.where)))

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Keep the rows in which it holds."""
        found = condition(self.where, frame)
        open_ = int(found.null_count())
        word = "kept" if self.unknown == "keep" else "left out"
        said = (f"{open_:,} rows in which a missing value leaves it open: {word}",) if open_ else ()
        return Edit(kept=found.fill_null(self.unknown == "keep").to_numpy(), said=said)


@register
@dataclass(frozen=True)
class Derive(Step):
    """A column computed from others, row by row: "weight / (height / 100) ** 2"."""

    name: ClassVar[str] = "derive"
    column: str = param("", "The new column; one of that name is replaced.")
    formula: str = param("", "How it is computed.")

    def check(self) -> None:
        """The formula can be read."""
        if not self.column:
            raise ParameterError("Derive.column must name the new column; got ''.")
        _check_said("Derive.formula", self.formula)

    def learn(self, view: View) -> State:
        """The columns that the formula names, which must be there, and what they hold."""
        compute(self.formula, view.frame.head(0))
        names = columns_of(parse(self.formula))
        return self.as_state(names, kinds=[kind_word(view.frame.schema[name]) for name in names])

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Add the column; inputs that were read as another type are brought to the one learnt."""
        kinds = dict(zip(learnt.config["columns"], learnt.config["kinds"], strict=True))
        there = [name for name in frame.columns if name in kinds]
        inputs = pl.DataFrame([_as_learnt(frame.get_column(name), kinds[name]) for name in there])
        if not kinds:
            inputs = frame
        return Edit((compute(self.formula, inputs).alias(self.column),))


def _as_learnt(column: pl.Series, kind: str) -> pl.Series:
    """A column of another type than it had when the formula was fitted, in that type."""
    changes: dict[str, Callable[[pl.Series], pl.Series]] = {
        "numbers": _cells.to_numbers, "dates": _cells.to_times, "text": _cells.to_labels,
        "true or false": lambda cells: _cells.to_booleans(cells).cast(pl.Boolean)}
    if kind_word(column.dtype) == kind or kind not in changes:
        return column
    return changes[kind](column.alias("column")).alias(column.name)


def _check_there(names: Any, frame: pl.DataFrame) -> None:
    there = set(frame.columns)
    for name in names:
        if name not in there:
            raise unknown("column", name, frame.columns)


def _check_said(what: str, source: str) -> None:
    if not source.strip():
        raise ParameterError(f"{what} must say something, such as \"age >= 18\"; got {source!r}.")
    parse(source)
