"""One way of writing: spaces, letters, case, stand-ins for missing values, spellings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from wholefit.base.errors import ParameterError
from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.data.clean import _spelling
from wholefit.data.clean._step import (
    Edit,
    Step,
    View,
    cells,
    here,
    is_plain,
    is_text,
    on_columns,
    on_role,
    register,
)

# Letters that are not seen: joiners, marks of direction, soft hyphens, byte-order marks.
INVISIBLE = "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
SPACES = r"[\s\u{a0}\u{2000}-\u{200a}\u{202f}\u{205f}\u{3000}]+"
_SHOWN = 5


@register
@dataclass(frozen=True)
class Whitespace(Step):
    """No spaces around text, one between words; text of nothing but spaces is missing."""

    name: ClassVar[str] = "whitespace"
    columns: tuple[str, ...] | None = on_columns()
    role: str | None = on_role()
    inner: bool = param(True, "Several spaces, tabs or line ends inside become one space.")
    empty: bool = param(True, "Empty text becomes a missing cell.")

    def learn(self, view: View) -> State:
        """The text columns, the target too: spaces around its words are never meant."""
        return self.as_state(view.pick(self.columns, self.role, is_text, "text", safe=True))

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Strip and squeeze."""
        return _each_text(frame, learnt, self._tidied)

    def _tidied(self, column: pl.Series) -> pl.Series:
        found = column.str.replace_all(SPACES, " ") if self.inner else column
        found = found.str.strip_chars() if self.inner else found.str.replace_all(
            f"^{SPACES}|{SPACES}$", "")
        return found.set(found == "", None) if self.empty else found


@register
@dataclass(frozen=True)
class Unicode(Step):
    """Letters in one normal form, and none that cannot be seen."""

    name: ClassVar[str] = "unicode"
    columns: tuple[str, ...] | None = on_columns()
    role: str | None = on_role()
    form: str = param("NFC", "Normal form; NFKC also writes wide and joined letters plainly.",
                      choices=("NFC", "NFKC", "NFD", "NFKD"))
    invisible: bool = param(True, "Take out letters of no width.")

    def learn(self, view: View) -> State:
        """The text columns, the target too."""
        return self.as_state(view.pick(self.columns, self.role, is_text, "text", safe=True))

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Normalise."""
        return _each_text(frame, learnt, self._tidied)

    def _tidied(self, column: pl.Series) -> pl.Series:
        found = column.str.normalize(self.form)  # type: ignore[arg-type]
        return found.str.replace_all(INVISIBLE, "") if self.invisible else found


@register
@dataclass(frozen=True)
class Case(Step):
    """Text in one case."""

    name: ClassVar[str] = "case"
    columns: tuple[str, ...] | None = on_columns()
    role: str | None = on_role()
    to: str = param("lower", "The case.", choices=("lower", "upper", "title"))

    def learn(self, view: View) -> State:
        """The text columns."""
        return self.as_state(view.pick(self.columns, self.role, is_text, "text"))

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Change the case."""
        return _each_text(frame, learnt, lambda column: getattr(
            column.str, {"lower": "to_lowercase", "upper": "to_uppercase",
                         "title": "to_titlecase"}[self.to])())


@register
@dataclass(frozen=True)
class Replace(Step):
    """Stand-ins such as -999 or "unknown" become missing, or another value."""

    name: ClassVar[str] = "replace"
    columns: tuple[str, ...] | None = on_columns()
    role: str | None = on_role()
    values: tuple[Any, ...] = param((), "Values to replace: numbers, words, true or false.")
    by: str | int | float | bool | None = param(None, "What takes their place; missing if left "
                                                "out.", none=True)

    def check(self) -> None:
        """Values are plain."""
        if not self.values or not all(isinstance(v, (str, int, float)) for v in self.values):
            raise ParameterError("Replace.values must be numbers or words, at least one; got "
                                 f"{list(self.values)!r}.")
        for value in (*self.values, self.by):
            if isinstance(value, float) and not math.isfinite(value):
                raise ParameterError(f"Replace takes finite numbers; got {value!r}.")

    def learn(self, view: View) -> State:
        """The columns that can hold such values."""
        return self.as_state(view.pick(self.columns, self.role, lambda kind: is_plain(kind) and
                                   self._of(kind) != [], "cells of the kind of these values"))

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Replace."""
        made = []
        for name in here(frame, learnt):
            column = cells(frame, name)
            wanted = self._of(column.dtype)
            hit = column.is_in(wanted).fill_null(False) if wanted else None
            if hit is not None and hit.any():
                made.append(_replaced(column, hit, self.by).alias(name))
        return Edit(tuple(made))

    def _of(self, kind: pl.DataType) -> list[Any]:
        """The values that a column of this type can hold."""
        if kind == pl.String:
            return [value for value in self.values if isinstance(value, str)]
        if kind == pl.Boolean:
            return [value for value in self.values if isinstance(value, bool)]
        if not kind.is_numeric():
            return []
        numbers = [v for v in self.values
                   if isinstance(v, (int, float)) and not isinstance(v, bool)]
        if kind.is_float():
            return [float(value) for value in numbers]
        return [int(v) for v in numbers if float(v).is_integer() and abs(v) < 2**63]


@register
@dataclass(frozen=True)
class Spellings(Step):
    """Categories written in several ways become one: by a mapping, or by near spelling.

    Without a mapping, two kinds of pairs are merged. Words that are the same but for case,
    accents, spaces and punctuation take the most frequent writing. A rare word that is one
    letter (two, for long words) from a word at least `times` as frequent becomes that word;
    words that differ in digits, in their first letter, or in a short part are left alone.
    """

    name: ClassVar[str] = "spellings"
    columns: tuple[str, ...] | None = on_columns()
    role: str | None = on_role()
    mapping: dict[str, Any] | None = param(  # noqa: RUF009
        None, "Writing to right writing; found by near spelling if left out.", none=True)
    near: bool = param(True, "Merge misspelt words too, not only other writings of a word.")
    times: float = param(10.0, "How much more frequent the right word must be.", low=1)
    most: int = param(5000, "Most different words of a column that is looked at.", low=2,
                      high=100_000)

    def check(self) -> None:
        """A mapping maps words to words."""
        if self.mapping is not None and not (self.mapping and all(
                isinstance(right, str) for right in self.mapping.values())):
            raise ParameterError("Spellings.mapping must map words to words; got "
                                 f"{self.mapping!r} (to make words missing, use replace).")

    @property
    def learns(self) -> bool:
        """True unless the mapping is given."""
        return self.mapping is None

    def learn(self, view: View) -> State:
        """The mapping of each column, with the counts that speak for it."""
        names = view.pick(self.columns, self.role, is_text, "text")
        if self.mapping is not None:
            return self.as_state(names)
        found = {}
        for name in names:
            merges = _spelling.merges(cells(view.frame, name), near=self.near, times=self.times,
                                      most=self.most)
            if merges:
                found[name] = merges
        return self.as_state(found, mappings=[{m.wrong: m.right for m in merges}
                                          for merges in found.values()],
                         said=[f"{name!r}: {merge}" for name, merges in found.items()
                               for merge in merges])

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Write each word in its one way."""
        mappings = learnt.config.get("mappings")
        per = dict(zip(learnt.config["columns"], mappings, strict=True)) if mappings else {}
        made = []
        for name in here(frame, learnt):
            column = cells(frame, name)
            mapping = per.get(name, self.mapping or {})
            if column.dtype == pl.String and bool(column.is_in(list(mapping)).any()):
                made.append(column.replace(mapping).alias(name))
        return Edit(tuple(made), said=tuple(learnt.config.get("said", ())))


def _each_text(frame: pl.DataFrame, learnt: State, change: Any) -> Edit:
    """The text columns that a change makes different."""
    made = []
    for name in here(frame, learnt):
        column = cells(frame, name)
        if column.dtype != pl.String:
            continue
        found = change(column)
        if not found.equals(column):
            made.append(found.alias(name))
    return Edit(tuple(made))


def _replaced(column: pl.Series, hit: pl.Series, by: Any) -> pl.Series:
    """`by` in the cells that are hit; text where the column cannot hold it otherwise."""
    if by is None:
        return column.set(hit, None)
    if isinstance(by, str) != (column.dtype == pl.String) or isinstance(by, bool) != (
            column.dtype == pl.Boolean):
        raise ParameterError(f"Replace.by must be of the kind of the values it replaces; got "
                             f"{by!r} for a column of {column.dtype}.")
    if isinstance(by, float) and column.dtype.is_integer():
        column = column.cast(pl.Float64)
    frame = pl.DataFrame({"cells": column, "hit": hit})
    return frame.select(pl.when("hit").then(pl.lit(by)).otherwise(pl.col("cells"))).to_series()
