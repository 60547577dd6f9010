"""The table under examination: its columns as arrays, its target, and the numbers of its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from wholefit.base import errors, tasks
from wholefit.base.seeds import generator
from wholefit.data.dataset import Dataset
from wholefit.data.schema import Column, target_facts

_TEXTS = (pl.String, pl.Categorical, pl.Enum)
_DATES = (pl.Date, pl.Datetime)
# Figures of a column come from so many rows, of a wide table from fewer; what is found in them
# is then looked for in every row.
_MOST, _MOST_QUICK = 50_000, 5_000
_LEAST = 1_000
_CELLS, _CELLS_QUICK = 20_000_000, 100_000
# So many columns are compared with each other.
_WIDE, _WIDE_QUICK = 1_000, 100
MANY_LEVELS = 20_000


@dataclass
class Look:
    """A Dataset and what the families of findings share about it.

    `quick` looks at fewer rows, and leaves out what takes long: the way of `fit`. `y` is the
    encoded target: class codes (int32) or numbers (float64); found out when left out.
    """

    dataset: Dataset
    quick: bool = False
    y: np.ndarray | None = None
    classes: tuple[object, ...] = ()
    cache: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.n = len(self.dataset)
        self.schema = self.dataset.schema
        self.target = self.schema.target
        self._columns = {column.name: column for column in self.schema.columns}
        if self.y is None and self.target is not None:
            self._learn_target(self.target)

    def _learn_target(self, target: str) -> None:
        try:
            task, _ = tasks.infer(target_facts(self.dataset.frame, target))
            codec = task.codec(target, self.dataset.target_values())
            self.y = self.dataset.target(codec)
            self.classes = getattr(codec, "classes", ())
        except errors.WholefitError:
            return  # one value only, dates, ...: nothing can be said of how columns relate to it

    # Rows

    @cached_property
    def numbers_of_rows(self) -> np.ndarray:
        """The data row, from 1, that each row was: those without a target were left out."""
        left_out = next((n for n in self.dataset.notes if n.kind == "target_missing"), None)
        if left_out is None or len(left_out.rows) != left_out.count:
            return np.arange(1, self.n + 1, dtype=np.int64)
        whole = np.arange(1, self.n + left_out.count + 1, dtype=np.int64)
        return np.setdiff1d(whole, np.array(left_out.rows, dtype=np.int64), assume_unique=True)

    def rows(self, where: np.ndarray | pl.Series) -> np.ndarray:
        """Numbers of the rows that a mask, or indices, say; sorted."""
        if isinstance(where, pl.Series):
            where = where.fill_null(False).to_numpy()
        where = np.flatnonzero(where) if where.dtype == bool else np.unique(where)
        return self.numbers_of_rows[where]

    @cached_property
    def sample(self) -> np.ndarray:
        """Indices of the rows that figures come from, sorted."""
        most, cells = (_MOST_QUICK, _CELLS_QUICK) if self.quick else (_MOST, _CELLS)
        most = int(np.clip(cells // max(len(self._columns), 1), min(_LEAST, most), most))
        if self.n <= most:
            return np.arange(self.n)
        drawn = generator(0, "findings").integers(0, self.n, size=2 * most)
        return np.sort(np.unique(drawn)[:: max(1, len(np.unique(drawn)) // most)][:most])

    # Columns

    @cached_property
    def looked_at(self) -> list[Column]:
        """All columns but those that the user left out, or whose cells are no plain values."""
        return [column for column in self.schema.columns
                if not (column.role == "ignored" and column.reason == "set by the user")
                and self.plain(column.name)]

    def plain(self, name: str) -> bool:
        """True unless the cells are lists, structures or bytes."""
        kind = self.series(name).dtype
        return not kind.is_nested() and kind not in (pl.Object, pl.Binary)

    def column(self, name: str) -> Column:
        """What the schema says of a column."""
        return self._columns[name]

    @property
    def most_compared(self) -> int:
        """How many columns are compared with each other."""
        return _WIDE_QUICK if self.quick else _WIDE

    @cached_property
    def numeric(self) -> list[Column]:
        """Columns of quantities: features, and a target that is a number."""
        return [c for c in self.looked_at if c.role == "numeric" or (
            c.role in ("target", "weight") and self.series(c.name).dtype.is_numeric()
            and c.distinct > 2)]

    @cached_property
    def worded(self) -> list[Column]:
        """Columns whose cells are text, whatever their role."""
        return [c for c in self.looked_at if self.series(c.name).dtype in _TEXTS]

    @cached_property
    def dated(self) -> list[Column]:
        """Columns of dates, also of dates in text."""
        return [c for c in self.looked_at
                if c.role == "datetime" or self.series(c.name).dtype in _DATES
                or (c.role == "time" and c.format is not None)]

    @cached_property
    def features(self) -> list[Column]:
        """Columns that are learnt from."""
        learnt = set(self.schema.features)
        return [c for c in self.looked_at if c.name in learnt]

    def series(self, name: str) -> pl.Series:
        """The cells of a column, under a neutral name."""
        return self.dataset._column(name) if self.dataset._rows is None else \
            self.dataset._column(name)[self.dataset._rows]

    def numbers(self, name: str) -> np.ndarray:
        """The cells as float64 (n,), NaN where missing."""
        return self.dataset.numeric(name)

    def present(self, name: str) -> np.ndarray:
        """The finite numbers of a column in the sampled rows."""
        cells = self.numbers(name)[self.sample]
        return cells[np.isfinite(cells)]

    def few_levels(self, column: Column) -> bool:
        """True if the levels of a text column are worth looking at one by one."""
        return column.distinct <= (1_000 if self.quick else MANY_LEVELS)

    def levels(self, name: str) -> tuple[np.ndarray, list[str]]:
        """Codes (n,), -1 where missing, into the levels of a column."""
        return self.dataset.codes(name)

    def missing(self, name: str) -> np.ndarray:
        """True (n,) where a cell is null, NaN or says so in words."""
        from wholefit.data import _cells

        return _cells.is_missing(self.series(name)).to_numpy()

    def role_is(self, name: str, *roles: str) -> bool:
        """True if the column plays one of these roles."""
        return self._columns[name].role in roles


def share(count: float, of: float) -> str:
    """A share in words: "0.3%"."""
    value = 100 * count / max(of, 1)
    return f"{value:.0f}%" if value >= 10 else f"{value:.2g}%"


def short(value: float) -> str:
    """A number as a person would write it."""
    if np.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.4g}"


def quoted(values: list[str], most: int = 3) -> str:
    """The first few texts, quoted, each cut to forty characters."""
    shown = ", ".join(repr(v if len(v) <= 40 else v[:37] + "...") for v in values[:most])
    return shown + (", ..." if len(values) > most else "")
