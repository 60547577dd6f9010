"""Missing values: left out, filled with one number or word, or flagged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from wholefit.base.errors import ParameterError
from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.data.clean._step import (
    Edit,
    Step,
    Suits,
    View,
    cells,
    free_name,
    here,
    is_number,
    is_plain,
    on_columns,
    on_role,
    register,
)

_MOST_SHOWN = 5


@register
@dataclass(frozen=True)
class Fill(Step):
    """Missing cells get the mean, the median, the most frequent value, or a constant."""

    name: ClassVar[str] = "fill"
    columns: tuple[str, ...] | None = on_columns()
    role: str | None = on_role()
    strategy: str = param("median", "What a missing cell gets.",
                          choices=("mean", "median", "mode", "constant"))
    value: str | int | float | bool | None = param(
        None, "The constant, with strategy 'constant'.", none=True)

    def check(self) -> None:
        """A constant has a value, and nothing else has."""
        if (self.strategy == "constant") != (self.value is not None):
            raise ParameterError("Fill.value must be given with strategy 'constant', and only "
                                 f"with it; got {self.value!r} with {self.strategy!r}.")
        if isinstance(self.value, float) and not math.isfinite(self.value):
            raise ParameterError(f"Fill.value must be a finite number; got {self.value!r}.")

    @property
    def learns(self) -> bool:
        """True but for a constant."""
        return self.strategy != "constant"

    def learn(self, view: View) -> State:
        """The fill of each column; a column without any value has none and stays as it is."""
        names = view.pick(self.columns, self.role, self._suits(), self._what())
        fills = {name: self._fill(cells(view.frame, name)) for name in names}
        return self.as_state(names, fills=[fills[name] for name in names])

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Fill what is missing."""
        fills = dict(zip(learnt.config["columns"], learnt.config["fills"], strict=True))
        made = [filled(frame.get_column(name), fills[name]) for name in here(frame, learnt)
                if fills[name] is not None and has_missing(cells(frame, name))]
        return Edit(tuple(made), said=tuple(f"{c.name!r}: filled with {fills[c.name]!r}"
                                            for c in made[:_MOST_SHOWN]))

    def _fill(self, column: pl.Series) -> Any:
        if self.strategy == "constant":
            return self.value
        known = present(column)
        if known.dtype.is_float():
            known = known.filter(known.is_finite())
        if not len(known):
            return None
        return _mode(known) if self.strategy == "mode" else getattr(
            known.cast(pl.Float64), self.strategy)()

    def _suits(self) -> Suits:
        if self.strategy in ("mean", "median"):
            return is_number
        if self.strategy == "mode":
            return lambda kind: is_plain(kind) and kind != pl.Binary
        value = self.value
        if isinstance(value, bool):
            return lambda kind: kind == pl.Boolean
        if isinstance(value, str):
            return lambda kind: kind == pl.String
        return is_number

    def _what(self) -> str:
        if self.strategy == "constant":
            return {bool: "true or false", str: "text"}.get(type(self.value), "numbers")
        return "numbers" if self.strategy in ("mean", "median") else "plain cells"


@register
@dataclass(frozen=True)
class Indicator(Step):
    """A true-or-false column beside each column that has missing cells: "age (missing)"."""

    name: ClassVar[str] = "indicator"
    columns: tuple[str, ...] | None = on_columns()
    role: str | None = on_role()

    @property
    def learns(self) -> bool:
        """True: which columns get one is seen from the rows, unless they are named."""
        return self.columns is None

    def learn(self, view: View) -> State:
        """The columns with missing cells, and the names of their flags."""
        names = view.pick(self.columns, self.role, is_plain, "plain cells")
        if self.columns is None:
            names = [name for name in names if has_missing(cells(view.frame, name))]
        flags = [free_name(f"{name} (missing)", view.frame.columns) for name in names]
        return self.as_state(names, flags=flags)

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Add the flags."""
        flags = dict(zip(learnt.config["columns"], learnt.config["flags"], strict=True))
        return Edit(tuple(missing(cells(frame, name)).alias(flags[name])
                          for name in here(frame, learnt)))


@register
@dataclass(frozen=True)
class DropMissingRows(Step):
    """Rows with a missing cell (or with too many of them) go."""

    name: ClassVar[str] = "drop_missing_rows"
    columns: tuple[str, ...] | None = on_columns()
    role: str | None = on_role()
    above: float = param(0.0, "Share of these cells that may be missing.", low=0, below=1)

    @property
    def drops(self) -> bool:
        """True."""
        return True

    def learn(self, view: View) -> State:
        """The columns looked at; protected ones only where they are named."""
        return self.as_state(view.pick(self.columns, self.role, is_plain, "plain cells"))

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Leave out rows in which more than the share is missing."""
        names = here(frame, learnt)
        if not names:
            return Edit()
        counts = np.zeros(frame.height, dtype=np.int64)
        for name in names:
            counts += missing(cells(frame, name)).to_numpy()
        return Edit(kept=counts <= self.above * len(names))


@register
@dataclass(frozen=True)
class DropMissingColumns(Step):
    """Columns go in which more than a share of the cells is missing."""

    name: ClassVar[str] = "drop_missing_columns"
    columns: tuple[str, ...] | None = on_columns()
    role: str | None = on_role()
    above: float = param(0.5, "Share of missing cells that a column may have.", low=0, high=1)

    @property
    def learns(self) -> bool:
        """True: the share is that of the training rows."""
        return True

    def learn(self, view: View) -> State:
        """The columns that go, and the share missing in each."""
        names = view.pick(self.columns, self.role, is_plain, "plain cells")
        rows = max(view.frame.height, 1)
        shares = {name: int(missing(cells(view.frame, name)).sum()) / rows for name in names}
        gone = [name for name, share in shares.items() if share > self.above]
        return self.as_state(gone, shares=[shares[name] for name in gone])

    def apply(self, frame: pl.DataFrame, learnt: State) -> Edit:
        """Leave the columns out."""
        shares = dict(zip(learnt.config["columns"], learnt.config["shares"], strict=True))
        gone = here(frame, learnt)
        said = tuple(f"{name!r}: {shares[name]:.0%} missing" for name in gone[:_MOST_SHOWN])
        return Edit(dropped=tuple(gone), said=said)


def missing(column: pl.Series) -> pl.Series:
    """True where a cell is null or NaN."""
    if column.dtype.is_float():
        return column.is_null() | column.is_nan().fill_null(True)
    return column.is_null()


def present(column: pl.Series) -> pl.Series:
    """The cells that are there."""
    found = column.drop_nulls()
    return found.drop_nans() if found.dtype.is_float() else found


def has_missing(column: pl.Series) -> bool:
    """True if any cell is null or NaN."""
    if column.null_count():
        return True
    return column.dtype.is_float() and bool(column.is_nan().any())


def filled(column: pl.Series, value: Any) -> pl.Series:
    """The column with `value` where cells are missing; integers become floats where they must."""
    name, kind = column.name, column.dtype
    column = column.alias("column")
    if kind.is_float():
        column = column.fill_nan(None)
    if kind.is_integer() and isinstance(value, float):
        if value.is_integer() and abs(value) < 2**53:
            value = int(value)
        else:
            column = column.cast(pl.Float64)
    if kind.is_temporal() and isinstance(value, str):
        stand_in = pl.Series("column", [value]).str.to_datetime(time_unit="us", strict=False)
        return column.fill_null(stand_in.cast(kind)[0]).alias(name)
    return column.fill_null(pl.lit(value)).alias(name)


def _mode(known: pl.Series) -> Any:
    """The most frequent value; the smallest of several. Dates as ISO text."""
    counts = known.alias("value").value_counts(name="rows")
    best = counts.filter(counts["rows"] == counts["rows"].max())["value"].sort()[0]
    return best.isoformat() if hasattr(best, "isoformat") else best
