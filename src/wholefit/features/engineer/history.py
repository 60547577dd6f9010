"""What came before: earlier values and windows of a column, strictly in the past of each row.

Rows are put in order of time within their group. A row sees only rows with an earlier time,
never those of its own moment. The end of the training history is kept for each group, so that
the first new rows have a past; a group never seen has only what the new rows themselves hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.params import param
from wholefit.data._clock import MICROS, clock_of, read_times, span_of
from wholefit.data._ranges import STATISTICS, Ranges
from wholefit.features.engineer import _cells
from wholefit.features.engineer._past import Past
from wholefit.features.engineer._step import Step


@dataclass(eq=False, repr=False)
class _History(Step):
    """What lags and rolling windows share: order, groups, and the tail of training."""

    wants: ClassVar[str] = "frame"
    ordered: ClassVar[bool] = True

    time: str = param("", "Column of time.")
    group: str | Sequence[str] | None = param(
        None, "Column, or columns, of what each row is a moment of: shop, machine, person.",
        none=True)

    def reads(self, columns: list[str]) -> list[str]:
        """The numbers, and the columns of time and group."""
        return list(dict.fromkeys([*columns, self.time, *self._groups()]))

    def check(self) -> None:
        """Raise ParameterError for an option outside its bounds."""
        Step.check(self)
        if not self.time:
            raise ParameterError(f"{type(self).__name__}.time must name the column of time; "
                                 "got ''.")

    def _learn(self, values: Any, y: np.ndarray | None) -> None:
        absent = [n for n in (self.time, *self._groups()) if n not in values.columns]
        if absent:
            raise ParameterError(f"{type(self).__name__} must be given the columns of time and "
                                 f"group too; {absent[0]!r} is not among them.")
        if not self._numbers():
            raise ParameterError(f"{type(self).__name__} must be given a column of numbers beside "
                                 "those of time and group.")
        self.clock_ = clock_of(values.get_column(self.time))
        names, code, when, numbers = self._rows(values, [])
        past = Past.of(code, when, numbers)
        kept = past.tail(*self._reach())
        self.groups_ = names
        self.tail_group_, self.tail_time_ = past.code[kept], past.time[kept]
        self.tail_ = past.values[kept]

    def _make(self, values: Any) -> np.ndarray:
        _, code, when, numbers = self._rows(values, self.groups_)
        past = Past.of(code, when, numbers,
                       before=(self.tail_group_, self.tail_time_, self.tail_))
        made = np.full((len(values), len(self._called(self.columns_))), np.nan)
        made[past.owner] = self._look(past)
        return made

    def _look(self, past: Past) -> np.ndarray:
        """What the rows `past.owner` see."""
        raise NotImplementedError

    def _reach(self) -> tuple[int, float]:
        """How many rows, and how much time, of the past are looked at."""
        raise NotImplementedError

    def _groups(self) -> list[str]:
        if self.group is None:
            return []
        return [self.group] if isinstance(self.group, str) else list(self.group)

    def _numbers(self) -> list[str]:
        return [name for name in self.columns_ if name not in (self.time, *self._groups())]

    def _rows(
        self, values: Any, known: list[str]
    ) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
        """Group names; and for each row its group (-1 missing), time (NaN missing), numbers."""
        when = read_times(values.get_column(self.time), self.clock_)
        names, code = [""], np.zeros(len(values), dtype=np.int64)
        if self._groups():
            label = _cells.keys(values, self._groups())
            more = set(label.drop_nulls().unique().to_list()) - set(known)
            names = [*known, *sorted(more)]
            code = _cells.places(label, names)
            code = np.where(code == len(names), -1, code)
        numbers = np.stack([_cells.numbers(values.get_column(n)) for n in self._numbers()], axis=1)
        return names, code, when, numbers


@dataclass(eq=False, repr=False)
class Lags(_History):
    """Earlier values of columns: the row 1, 2, ... before, in the same group.

    Of several rows of one moment, the later in the data counts as the later. `change` gives the
    value minus the earlier one instead.
    """

    kind: ClassVar[str] = "lags"
    summary: ClassVar[str] = "earlier values of a column, by group and time"

    lags: Sequence[int] = param((1,), "How many rows back.")
    change: bool = param(False, "Give the value minus the earlier one.")

    def check(self) -> None:
        """Raise ParameterError for an option outside its bounds."""
        _History.check(self)
        whole = [isinstance(lag, int) and not isinstance(lag, bool) and lag >= 1
                 for lag in self.lags]
        if not whole or not all(whole):
            raise ParameterError("Lags.lags must be whole numbers >= 1 (a row never sees itself "
                                 f"or the future); got {list(self.lags)!r}.")

    def _reach(self) -> tuple[int, float]:
        return max(self.lags), 0.0

    def _look(self, past: Past) -> np.ndarray:
        made = [past.back(lag) for lag in self.lags]
        if self.change:
            made = [past.values[past.here] - earlier for earlier in made]
        return np.concatenate(made, axis=1)

    def _called(self, names: list[str]) -> list[str]:
        numbers = [n for n in names if n not in (self.time, *self._groups())]
        what = "change of" if self.change else "lag"
        if self.change:
            return [f"{what} {name} over {lag}" for lag in self.lags for name in numbers]
        return [f"{name} {what} {lag}" for lag in self.lags for name in numbers]


@dataclass(eq=False, repr=False)
class Rolling(_History):
    """Statistics of a window that ends just before each row, in the same group.

    `window` is a number of rows, or a stretch of time such as "7d", "12h", "30min" (where time
    is a number: of that number's units). Missing values are passed over. `gap` is the time since
    the row before, in days (or units); it belongs to the group, not to a column.
    """

    kind: ClassVar[str] = "rolling"
    summary: ClassVar[str] = "mean, spread, count of a window that ends before the row"

    window: int | float | str = param(5, "Rows, or time as '7d'.")
    statistics: Sequence[str] = param(
        ("mean",), f"Some of {', '.join(STATISTICS)}, gap.")

    def check(self) -> None:
        """Raise ParameterError for an option outside its bounds."""
        _History.check(self)
        self._reach()
        for name in self.statistics:
            if name not in (*STATISTICS, "gap"):
                raise ParameterError(f"Rolling.statistics must be some of "
                                     f"{', '.join(STATISTICS)}, gap; got {name!r}.")

    def _reach(self) -> tuple[int, float]:
        if isinstance(self.window, int) and not isinstance(self.window, bool) and self.window > 0:
            return self.window, 0.0
        span = span_of(self.window) if isinstance(self.window, str) else None
        if span is not None:
            return 1, span
        if isinstance(self.window, float) and self.window > 0:
            return 1, self.window
        raise ParameterError("Rolling.window must be rows (5) or time ('7d', '12h', '30min'); "
                             f"got {self.window!r}.")

    def _look(self, past: Past) -> np.ndarray:
        rows, span = self._reach()
        if span and self.clock_ == "times" and not isinstance(self.window, str):
            raise DataError("Rolling.window must be written as '7d' where time is a date; got "
                            f"{self.window!r}.")
        low, high = past.since(span) if span else past.last(rows)
        ranges = Ranges(low, high)
        made = []
        for name in dict.fromkeys(self.statistics):
            if name == "gap":
                gap = past.gap()
                made.append(gap / MICROS["d"] if self.clock_ == "times" else gap)
            else:
                made += [ranges.of(column, name) for column in past.values.T]
        return np.stack(made, axis=1)

    def _called(self, names: list[str]) -> list[str]:
        numbers: Sequence[str] = [n for n in names if n not in (self.time, *self._groups())]
        found = []
        for name in dict.fromkeys(self.statistics):
            if name == "gap":
                found.append(f"gap in {self.time}")
            else:
                found += [f"{name} of {column} over {self.window}" for column in numbers]
        return found
