"""Text that holds numbers, dates or truth values becomes such: units, signs and formats settled.

Nothing here learns from what values are, only from how they are written: which sign stands
before fractions, which unit is usual, whether the day comes first. Where that is not stated it
is settled once from the rows at hand, as reading a file does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from wholefit.base.errors import ParameterError, unknown
from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.data import _cells
from wholefit.data import _words as words
from wholefit.data.clean import _written
from wholefit.data.clean._step import (
    Edit,
    Step,
    View,
    cells,
    here,
    is_plain,
    is_text,
    kind_word,
    on_columns,
    on_role,
    register,
)
from wholefit.data.notes import some

_EXAMPLES = 3


@register
@dataclass(frozen=True)
class Numbers(Step):
    """Text such as "1,234.50", "$12", "(3.5)", "45 %", "180 lb" or "2.5k" becomes numbers.

    Units of one measure are brought to one; what is no number becomes missing, and is counted.
    Left without columns, those are taken of which at least `least` of the cells are numbers.
    """

    name: ClassVar[str] = "numbers"
    columns: tuple[str, ...] | None = on_columns()
    role: str | None = on_role()
    decimal: str | None = param(None, "Sign before fractions; the column tells.",
                                choices=(".", ","), none=True)
    unit: str | None = param(None, "Unit that all are brought to, e.g. kg; the usual one.",
                             none=True)
    percent: str = param("fraction", "Whether 5 % is 0.05 or 5.", choices=("fraction", "points"))
    least: float = param(0.9, "Share of cells that must be numbers.", above=0, high=1)

    def check(self) -> None:
        """The unit is known."""
        if self.unit is not None and self.unit.lower() not in _written.UNITS:
            raise unknown("unit", self.unit, _written.UNITS)

    def learn(self, view: View) -> State:
        """Columns, and of each the decimal sign and the unit."""
        chosen, styles = [], []
        for name in view.pick(self.columns, self.role, is_text, "text"):
            column = cells(view.frame, name)
            if self.columns is None and _is_code(column):
                continue
            cut = _written.parts(_written.spread(column))
            decimal = self.decimal or _written.decimal_sign(cut["number"])
            unit = self.unit or _written.usual_unit(cut["tail"])
            if self.columns is not None or _written.share_read(
                    column, _written.numbers(column, decimal, unit, self.percent)) >= self.least:
                chosen.append(name)
                styles.append([decimal, unit])
        return self.as_state(chosen, styles=styles)

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Read the numbers; a column that holds numbers already is left alone."""
        styles = dict(zip(learnt.config["columns"], learnt.config["styles"], strict=True))
        made, said = [], []
        for name in here(frame, learnt):
            column = cells(frame, name)
            if column.dtype != pl.String:
                continue
            decimal, unit = styles[name]
            found = _whole(_written.numbers(column, decimal, unit, self.percent))
            made.append(found.alias(name))
            in_unit = f", in {unit}" if unit else ""
            said.append(f"{name!r}: numbers with {decimal!r} before fractions{in_unit}"
                        + _lost(column, found))
        return Edit(tuple(made), said=tuple(said))


@register
@dataclass(frozen=True)
class Dates(Step):
    """Text dates, perhaps written in several ways, become dates (or ISO text).

    Formats are tried in order, each cell takes the first that reads it; what none reads becomes
    missing, and is counted. Without `formats` the column tells them; where nothing tells day
    from month, `day_first` decides.
    """

    name: ClassVar[str] = "dates"
    columns: tuple[str, ...] | None = on_columns()
    role: str | None = on_role()
    formats: tuple[str, ...] | None = param(None, "Such as %d/%m/%Y.", none=True)
    day_first: bool | None = param(None, "Whether 03/04/2024 is the third of April.", none=True)
    to: str = param("date", "Dates, or text written 2024-01-31.", choices=("date", "text"))
    least: float = param(0.9, "Share of cells that must be dates.", above=0, high=1)

    def check(self) -> None:
        """Formats can be used."""
        for form in self.formats or ():
            if not _written.check_format(form):
                raise ParameterError("Dates.formats must be date formats such as '%d/%m/%Y'; got "
                                     f"{form!r}.")

    def learn(self, view: View) -> State:
        """Columns, and the formats of each."""
        chosen, formats, guesses = [], [], []
        for name in view.pick(self.columns, self.role, is_text, "text"):
            column = cells(view.frame, name)
            if self.formats is not None:
                found, guessed = list(self.formats), False
            elif self.columns is None and not _cells.parse_times(column)[1]:
                continue
            else:
                found, guessed = _written.date_formats(column, self.day_first)
            read = _written.share_read(column, _written.dates(column, found))
            if self.columns is None and read < self.least:
                continue
            chosen.append(name)
            formats.append(found)
            guesses.append(guessed)
        return self.as_state(chosen, formats=formats, guessed=guesses)

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Read the dates; a column that holds dates already is left alone."""
        places = {name: at for at, name in enumerate(learnt.config["columns"])}
        made, said = [], []
        for name in here(frame, learnt):
            column, at = cells(frame, name), places[name]
            if column.dtype != pl.String:
                continue
            formats = learnt.config["formats"][at]
            found = _written.dates(column, formats)
            guess = "; the order of day and month is a guess: say day_first" \
                if learnt.config["guessed"][at] else ""
            said.append(f"{name!r}: {', '.join(formats) or 'no date'}{guess}"
                        + _lost(column, found))
            if self.to == "text":
                found = found.dt.to_string("iso") if found.dtype == pl.Date else \
                    found.dt.to_string("%Y-%m-%dT%H:%M:%S")
            made.append(found.alias(name))
        return Edit(tuple(made), said=tuple(said))


@register
@dataclass(frozen=True)
class Types(Step):
    """Columns get the type that their cells have.

    With `to`, the columns named become that; cells that cannot become missing, and are counted.
    Without, text of which at least `least` is numbers, dates, or true and false becomes such;
    digits with leading zeros are codes and stay text.
    """

    name: ClassVar[str] = "types"
    columns: tuple[str, ...] | None = on_columns()
    role: str | None = on_role()
    to: str | None = param(None, "The type; what the cells are if left out.", none=True,
                           choices=("number", "integer", "boolean", "date", "text"))
    least: float = param(0.95, "Share of cells that must be of the type.", above=0, high=1)

    def check(self) -> None:
        """A stated type is for stated columns."""
        if self.to is not None and self.columns is None and self.role is None:
            raise ParameterError(f"Types.columns must name the columns that become {self.to}.")

    def learn(self, view: View) -> State:
        """Columns and what each becomes."""
        suits, what = (is_text, "text") if self.to is None else (is_plain, "plain cells")
        chosen, kinds = [], []
        for name in view.pick(self.columns, self.role, suits, what):
            column = cells(view.frame, name)
            found = self._kind(column) if self.to is None else self._stated(column)
            if found is not None:
                chosen.append(name)
                kinds.append(found)
        return self.as_state(chosen, kinds=kinds)

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Convert."""
        kinds = dict(zip(learnt.config["columns"], learnt.config["kinds"], strict=True))
        made, said = [], []
        for name in here(frame, learnt):
            column = cells(frame, name)
            kind, *formats = kinds[name]
            found = _as_kind(column, kind, formats)
            if found is None or found.dtype == column.dtype:
                continue
            made.append(found.alias(name))
            said.append(f"{name!r}: {kind_word(column.dtype)} became "
                        f"{kind_word(found.dtype)}{_lost(column, found)}")
        return Edit(tuple(made), said=tuple(said))

    def _stated(self, column: pl.Series) -> list[str]:
        if self.to == "date" and column.dtype == pl.String:
            return ["date", *_written.date_formats(column, None)[0]]
        return [str(self.to)]

    def _kind(self, column: pl.Series) -> list[str] | None:
        """The kind of the cells of a text column, and date formats; None for text."""
        if _is_code(column):
            return None
        numbers = _cells.to_numbers(column)
        if _written.share_read(column, numbers) >= self.least:
            return ["number"]
        lower = column.str.strip_chars().str.to_lowercase()
        words_only = lower.set(~lower.is_in(["true", "false"]).fill_null(False), None)
        if _written.share_read(column, words_only) >= self.least:
            return ["boolean"]
        if _cells.parse_times(column)[1] is None:
            return None
        formats, _ = _written.date_formats(column, None)
        if _written.share_read(column, _written.dates(column, formats)) >= self.least:
            return ["date", *formats]
        return None


def _as_kind(column: pl.Series, kind: str, formats: list[str]) -> pl.Series | None:
    text = column.dtype == pl.String
    if kind == "text":
        return _cells.to_labels(column)
    if kind in ("number", "integer"):
        if column.dtype.is_numeric() and kind == "number":
            return None
        found = _cells.to_numbers(column)
        if kind == "integer":
            found = found.set((found != found.floor()).fill_null(False), None)
        return _whole(found)
    if kind == "boolean":
        if not text:
            column = _cells.to_labels(column)
        return _written.truths(column)
    if column.dtype.is_temporal():
        return None
    return _written.dates(column if text else _cells.to_labels(column), formats)


def _whole(found: pl.Series) -> pl.Series:
    """Integers where every number is whole and exact."""
    if found.null_count() == len(found) or not bool(
            (found.is_finite() & (found == found.floor()) & (found.abs() < 2.0**53)).all()):
        return found
    return found.cast(pl.Int64)


def _is_code(column: pl.Series) -> bool:
    """True if some cells are digits with a zero in front."""
    return bool(column.str.strip_chars().str.contains(words.ZEROS).any())


def _lost(before: pl.Series, after: pl.Series) -> str:
    """What could not be read, for a sentence."""
    bad = _cells.unconverted(before, after)
    if not len(bad):
        return ""
    values = _cells.to_labels(before).gather(bad).unique(maintain_order=True)
    shown = some([repr(v) for v in values.head(_EXAMPLES + 1).to_list()], _EXAMPLES)
    return f"; {len(bad):,} cells could not be read and are missing, such as {shown}"
