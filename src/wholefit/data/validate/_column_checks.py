"""The checks of one column, each in one pass over its cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from wholefit.base.errors import DataError
from wholefit.data import _cells
from wholefit.data.notes import some
from wholefit.data.validate import _depend
from wholefit.data.validate._toml import key
from wholefit.data.validate._weigh import Weigher, rows_of, values_at, violation
from wholefit.data.validate.expectations import ColumnRule
from wholefit.data.validate.validation import Violation

_SAID = {"integer": "whole numbers", "number": "numbers", "boolean": "true or false",
         "datetime": "dates", "text": "text"}


def checked(name: str, cells: pl.Series, rule: ColumnRule, weigher: Weigher) -> list[Violation]:
    """All violations of a column's expectations."""
    made = _Checks(name, cells, rule, weigher)
    found = [*made.missing(), *made.type()]
    if made.values is not None:
        found += [*made.allowed(), *made.range(), *made.lengths(), *made.pattern(),
                  *made.unique(), *made.order()]
    return found


class _Checks:
    """One column: its cells, the same as the type that is expected, and the rule."""

    def __init__(
        self, name: str, cells: pl.Series, rule: ColumnRule, weigher: Weigher
    ) -> None:
        self.name, self.cells, self.rule, self.weigher = name, cells, rule, weigher
        self.gap = _depend.absent(cells)
        self.values = _as(cells, rule.type)
        self.present = len(cells) - int(self.gap.sum())
        self.place = f"[columns.{key(name)}]"

    def missing(self) -> Iterator[Violation]:
        """More cells are missing than may be."""
        count, of = len(self.cells) - self.present, len(self.cells)
        weight = self.weigher.share(count, of, self.rule.missing, self.rule.exact)
        # Shares vary from one set of rows to the next: a few more are not worth a line.
        if weight == "error" or (weight and not self.rule.missing):
            may = "none may be" if not self.rule.missing else f"{self.rule.missing:.2%} may be"
            yield self._found("missing", weight, self.gap, count, of,
                              f"cells of {self.name!r} are missing; {may}",
                              f"Fill or drop them, or change missing in {self.place}.",
                              values=False)

    def type(self) -> Iterator[Violation]:
        """Cells that are not what the column holds."""
        kind = self.rule.type
        if kind == "any" or not self.present:
            return
        if self.values is None:
            bad = ~self.gap
        else:
            bad = self.values.is_null() & ~self.gap
            if kind == "integer":
                bad = bad | (self.values != self.values.floor()).fill_null(False)
            elif kind == "boolean":
                bad = bad | ~self.values.is_in([0.0, 1.0]).fill_null(True)
        if count := int(bad.sum()):
            yield self._found("type", "error", bad, count, self.present,
                              f"cells of {self.name!r} are not {_SAID[kind]}",
                              f"Correct them, or change type in {self.place}.")

    def allowed(self) -> Iterator[Violation]:
        """Values that are not among those there may be."""
        if self.rule.allowed is None or self.values is None:
            return
        known = [_like(value, self.values.dtype) for value in self.rule.allowed]
        bad = self.values.is_not_null() & ~self.values.is_in(
            pl.Series([value for value in known if value is not None],
                      dtype=self.values.dtype).implode()).fill_null(False)
        count = int(bad.sum())
        weight = self.weigher.share(count, self.present, self.rule.other, self.rule.exact)
        if weight:
            others = self.cells.filter(bad).unique(maintain_order=True).to_list()
            yield self._found(
                "allowed", weight, bad, count, self.present,
                f"cells of {self.name!r} are not among the {len(self.rule.allowed):,} values "
                f"allowed: {some([repr(each) for each in others])}",
                f"Correct them, or add them to allowed in {self.place}.")

    def range(self) -> Iterator[Violation]:
        """Values beyond the bounds; then more beyond the range seen than chance explains."""
        low, high = (self._bound(each) for each in (self.rule.min, self.rule.max))
        if self.values is None or self.values.dtype in (pl.String, pl.Boolean):
            return
        outside = _outside(self.values, low, high)
        first, last = (self._bound(each) for each in self.rule.seen or (None, None))
        if count := int(outside.sum()):
            # An edge is where the rows seen ended, and no more sure than they were many; 0 is.
            edges = [bound if bound != seen or bound == 0 else None
                     for bound, seen in ((low, first), (high, last))]
            sure = bool(_outside(self.values, *edges).any())
            weight = "error" if sure else self.weigher.share(
                count, self.present, 0.0, self.rule.exact)
            yield self._found("range", str(weight), outside, count, self.present,
                              f"cells of {self.name!r} lie outside {_span(low, high)}",
                              f"Correct them, or change min and max in {self.place}.")
        if self.rule.seen is None:
            return
        beyond = _outside(self.values, first, last) & ~outside
        count = int(beyond.sum())
        if self.weigher.unlikely(count, self.present):
            yield self._found(
                "seen range", "warning", beyond, count, self.present,
                f"cells of {self.name!r} lie outside {_span(first, last)}, where all rows lay "
                "before: more than chance explains",
                f"See whether the source has changed (wholefit drift), or widen seen in "
                f"{self.place}.")

    def lengths(self) -> Iterator[Violation]:
        """Texts that are too short or too long."""
        low, high = self.rule.min_length, self.rule.max_length
        if (low is None and high is None) or self.values is None:
            return
        lengths = _cells.to_labels(self.cells).str.len_chars()
        bad = _outside(lengths.set(self.gap, None), low, high)
        if count := int(bad.sum()):
            yield self._found("length", "error", bad, count, self.present,
                              f"cells of {self.name!r} do not have {_span(low, high)} letters",
                              f"Correct them, or change min_length, max_length in {self.place}.")

    def pattern(self) -> Iterator[Violation]:
        """Texts that do not match the pattern."""
        if self.rule.pattern is None:
            return
        matched = _cells.to_labels(self.cells).str.contains(f"^(?:{self.rule.pattern})$")
        bad = ~self.gap & ~matched.fill_null(False)
        count = int(bad.sum())
        weight = self.weigher.share(count, self.present, self.rule.unmatched, self.rule.exact)
        if weight:
            yield self._found("pattern", weight, bad, count, self.present,
                              f"cells of {self.name!r} do not match {self.rule.pattern}",
                              f"Correct them, or change pattern in {self.place}.")

    def unique(self) -> Iterator[Violation]:
        """Values that come again."""
        if not self.rule.unique or self.values is None:
            return
        values = self._as_they_are()
        bad = values.is_duplicated() & ~self.gap & ~values.is_first_distinct()
        if count := int(bad.sum()):
            yield self._found("unique", "error", bad, count, self.present,
                              f"cells of {self.name!r} repeat a value that came before",
                              f"Drop duplicate rows, or say unique = false in {self.place}.")

    def order(self) -> Iterator[Violation]:
        """Rows that are not in order."""
        if self.rule.order is None or self.values is None or self.values.dtype == pl.Boolean:
            return
        values = self._as_they_are()
        before = values.forward_fill().shift(1)
        bad = (values < before if self.rule.order == "increasing" else values > before).fill_null(
            False)
        if count := int(bad.sum()):
            yield self._found("order", "error" if self.rule.exact else "warning", bad, count,
                              self.present,
                              f"cells of {self.name!r} are not in {self.rule.order} order",
                              f"Sort the rows, or drop order from {self.place}.")

    def _as_they_are(self) -> pl.Series:
        """The values, but whole numbers as such: beyond 2**53 two of them are one float."""
        assert self.values is not None
        return self.cells if self.cells.dtype.is_integer() else self.values

    def _bound(self, given: Any) -> Any:
        if given is None or self.values is None:
            return None
        made = _like(given, self.values.dtype)
        if made is None:
            raise DataError(f"column {self.name!r}: the bound {given!r} is not one of "
                            f"{_SAID.get(self.rule.type, 'its values')}; change it in "
                            f"{self.place}.")
        return made

    def _found(
        self, check: str, severity: str, mask: pl.Series, count: int, of: int, said: str,
        remedy: str, values: bool = True,
    ) -> Violation:
        rows = rows_of(mask)
        shown = values_at(self.cells, rows) if values else ()
        return violation(check, severity, (self.name,), count, of, said, remedy, rows, shown)


def _as(cells: pl.Series, kind: str) -> pl.Series | None:
    """The cells as the type expected, what does not convert as null; None if nothing can."""
    if cells.dtype.is_nested() or cells.dtype in (pl.Object, pl.Binary):
        return None
    if kind in ("integer", "number"):
        return _cells.to_numbers(cells)
    if kind == "boolean":
        return _cells.to_booleans(cells)
    if kind == "datetime":
        return _cells.to_times(cells)
    if kind == "text":
        labels = _cells.to_labels(cells)
        return labels.set(labels.str.strip_chars() == "", None)
    if cells.dtype.is_numeric():
        return _cells.to_numbers(cells)
    if cells.dtype in (pl.Date, pl.Datetime):
        return _cells.to_times(cells)
    return cells if cells.dtype == pl.Boolean else _cells.to_labels(cells)


def _like(value: Any, kind: pl.DataType) -> Any:
    """A bound or a value from TOML as the column holds it; None if it cannot be."""
    if isinstance(value, bool) and kind == pl.String:
        return str(value).lower()
    made = pl.Series([value], strict=False)
    if kind == pl.String:
        return _cells.to_labels(made)[0]
    if kind.is_temporal():
        return _cells.to_times(made.cast(pl.String))[0]
    if kind.is_numeric():
        return _cells.to_numbers(made)[0]
    return value if isinstance(value, bool) else None


def _outside(values: pl.Series, low: Any, high: Any) -> pl.Series:
    found = pl.repeat(False, len(values), eager=True)
    if low is not None:
        found = found | (values < low).fill_null(False)
    if high is not None:
        found = found | (values > high).fill_null(False)
    return found


def _span(low: Any, high: Any) -> str:
    if low is None or high is None:
        return f"at most {_plain(high)}" if low is None else f"at least {_plain(low)}"
    return f"{_plain(low)} to {_plain(high)}"


def _plain(bound: Any) -> str:
    return f"{bound:.10g}" if isinstance(bound, (int, float)) else str(bound)
