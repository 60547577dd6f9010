"""A profile: what is in each column, at a glance, before anything is learnt.

>>> print(profile({"age": [30, 41, None], "town": ["Ely", "Wells", "Ely"]}).to_text())
memory (dict): 3 rows, 2 columns, ...
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import unknown
from wholefit.base.seeds import generator
from wholefit.data import _cells
from wholefit.data.dataset import Dataset
from wholefit.data.loading import load
from wholefit.data.notes import Note
from wholefit.data.schema import Column

_MOST_ROWS = 1_000_000
_TOP = 5
_QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
_WIDE = 60


@dataclass(frozen=True)
class ColumnProfile:
    """One column in numbers; what its role has no use for is None or empty.

    `numbers` are mean, std, min, max and quantiles; `span` the first and last time; `top` the
    most frequent levels with their counts; `words` the average words of a text cell.
    """

    name: str
    role: str
    dtype: str
    reason: str
    missing: int
    distinct: int
    numbers: Mapping[str, float] | None = None
    span: tuple[str, str] | None = None
    top: tuple[tuple[str, int], ...] = ()
    words: float | None = None

    def summary(self) -> str:
        """What the column holds, in a few words."""
        if self.numbers:
            n = self.numbers
            return (f"{_short(n['min'])} .. {_short(n['median'])} .. {_short(n['max'])}, "
                    f"mean {_short(n['mean'])}, std {_short(n['std'])}")
        if self.span:
            return f"{self.span[0]} .. {self.span[1]}"
        if self.words is not None:
            return f"{self.words:.1f} words a cell"
        return _clipped(", ".join(f"{level} ({count:,})" for level, count in self.top))


@dataclass(frozen=True)
class Profile:
    """Rows, duplicates and memory of a source, and a profile of each column.

    `sampled` is how many rows the columns' figures come from, None when all of them.
    """

    source: str
    rows: int
    duplicates: int
    memory: int
    target: str | None
    columns: tuple[ColumnProfile, ...]
    notes: tuple[Note, ...] = ()
    sampled: int | None = None

    def column(self, name: str) -> ColumnProfile:
        """The profile of the column of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise unknown("column", name, [column.name for column in self.columns])

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; what is not a finite number is null."""
        columns = [_plain(asdict(column)) for column in self.columns]
        facts = {name: getattr(self, name) for name in
                 ("source", "rows", "duplicates", "memory", "target", "sampled")}
        return {**facts, "columns": columns, "notes": [note.to_json() for note in self.notes]}

    def to_text(self) -> str:
        """A plain table, one line a column."""
        table = [("column", "role", "missing", "distinct", "values")]
        table += [(_clipped(c.name, 32), c.role, _share(c.missing, self.rows), f"{c.distinct:,}",
                   c.summary()) for c in self.columns]
        widths = [max(len(row[i]) for row in table) for i in range(4)]
        lines = [self._head(), ""]
        for name, role, missing, distinct, values in table:
            lines.append(f"{name:{widths[0]}}  {role:{widths[1]}}  {missing:>{widths[2]}}  "
                         f"{distinct:>{widths[3]}}  {values}".rstrip())
        lines += ["", *(str(note) for note in self.notes)] if self.notes else []
        return "\n".join(lines)

    def _head(self) -> str:
        sampled = f"; figures from {self.sampled:,} sampled rows" if self.sampled else ""
        return (f"{self.source}: {self.rows:,} rows, {len(self.columns)} columns, "
                f"{self.duplicates:,} duplicate rows, {_bytes(self.memory)}{sampled}")


def profile(
    source: Any, target: str | None = None, *, most: int = _MOST_ROWS, seed: int = 0,
    **options: Any,
) -> Profile:
    """Profile a Dataset, or anything that `read` reads.

    Above `most` rows the figures of columns come from a random sample of `most` rows; rows,
    missing, distinct and duplicates always count all of them.
    """
    given = isinstance(source, Dataset) and target in (None, source.schema.target)
    dataset = source if given else load(source, target=target, **options)
    frame = dataset.frame
    looked, sampled = frame, None
    if frame.height > most:
        rows = generator(seed, "profile").choice(frame.height, most, replace=False)
        looked, sampled = frame[np.sort(rows)], most
    columns = tuple(_profiled(column, looked.get_column(column.name).alias("column"))
                    for column in dataset.schema.columns)
    return Profile(dataset.source, frame.height, _duplicates(frame), int(frame.estimated_size()),
                   dataset.schema.target, columns, tuple(dataset.notes), sampled)


def _profiled(column: Column, cells: pl.Series) -> ColumnProfile:
    found: dict[str, Any] = {}
    kind = column.role
    if kind in ("target", "weight", "group", "time", "identifier", "ignored", "constant"):
        kind = _kind(cells)
    if kind == "numeric":
        found["numbers"] = _numbers(_cells.to_numbers(cells))
    elif kind == "datetime":
        found["span"] = _span(_cells.to_times(cells))
    elif kind == "text":
        found["words"] = _cells.mean(cells.cast(pl.String).str.count_matches(r"\S+"))
    elif kind in ("categorical", "boolean"):
        found["top"] = _top(_cells.to_labels(cells))
    return ColumnProfile(column.name, column.role, column.dtype, column.reason, column.missing,
                         column.distinct, **found)


def _kind(cells: pl.Series) -> str:
    """How to describe a column that is not learnt from."""
    if cells.dtype.is_nested() or cells.dtype in (pl.Object, pl.Binary, pl.Null):
        return "none"
    if cells.dtype.is_temporal() and cells.dtype not in (pl.Duration, pl.Time):
        return "datetime"
    return "numeric" if cells.dtype.is_numeric() else "categorical"


def _numbers(cells: pl.Series) -> dict[str, float] | None:
    finite = cells.filter(cells.is_finite())
    if not len(finite):
        return None
    values = finite.to_numpy()
    with np.errstate(over="ignore"):
        std = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        found = {"mean": float(values.mean()), "std": std, "min": float(values.min()),
                 "max": float(values.max())}
    cuts = np.quantile(values, list(_QUANTILES.values()))
    return {**found, **dict(zip(_QUANTILES, cuts.tolist(), strict=True))}


def _span(times: pl.Series) -> tuple[str, str] | None:
    first, last = times.min(), times.max()
    return None if first is None else (str(first), str(last))


def _top(labels: pl.Series) -> tuple[tuple[str, int], ...]:
    counts = labels.drop_nulls().rename("level").value_counts(name="rows")
    counts = counts.sort(["rows", "level"], descending=[True, False]).head(_TOP)
    return tuple(zip(counts["level"].to_list(), counts["rows"].to_list(), strict=True))


def _duplicates(frame: pl.DataFrame) -> int:
    """Rows that repeat an earlier one in every column."""
    plain = [name for name, kind in frame.schema.items()
             if not kind.is_nested() and kind not in (pl.Object, pl.Binary)]
    if not plain or not frame.height:
        return 0
    columns = pl.DataFrame([frame.get_column(name).alias(str(i)) for i, name in enumerate(plain)])
    return frame.height - columns.hash_rows(seed=0).n_unique()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _short(value: float) -> str:
    whole = value == int(value) and abs(value) < 1e6 if math.isfinite(value) else False
    return f"{int(value)}" if whole else f"{value:.4g}"


def _share(count: int, rows: int) -> str:
    return "-" if not count else f"{count:,} ({count / rows:.1%})"


def _clipped(text: str, width: int = _WIDE) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 3] + "..."


def _bytes(size: int) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} B"
