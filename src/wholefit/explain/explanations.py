"""What an explanation of rows says: the start, what each column adds, and the answer.

>>> told = result.explain(rows)                                         # doctest: +SKIP
>>> print(told.to_text())                                               # doctest: +SKIP
Row 1: churn = Yes is put at 0.71; the common start is 0.27. ...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError
from wholefit.base.wording import counted, plain
from wholefit.explain import _told
from wholefit.explain._additive import LOG, LOG_ODDS, ONE_AGAINST_REST, PROBABILITY


@dataclass(frozen=True, eq=False)
class Detail:
    """The finer parts of one column's contributions: words of a text, levels of a category.

    For each row the parts that weigh most, at most k: `at` (rows, k) are places in `names`, -1
    where there is none, `values` (rows, k, outputs) what they add, and `absent` (rows, k) whether
    it is by not being there: a word that the text lacks, a level that the row does not have.
    """

    names: tuple[str, ...]
    at: np.ndarray
    values: np.ndarray
    absent: np.ndarray

    def row(self, row: int, output: int) -> list[tuple[str, float]]:
        """The parts of a row (name, what it adds to an output), the largest first."""
        found = [(f"not {self.names[at]}" if self.absent[row, place] else self.names[at],
                  float(self.values[row, place, output]))
                 for place, at in enumerate(self.at[row].tolist()) if at >= 0]
        return sorted(found, key=lambda part: -abs(part[1]))

    def take(self, rows: np.ndarray) -> Detail:
        """The same of some rows."""
        return Detail(self.names, self.at[rows], self.values[rows], self.absent[rows])


@dataclass(frozen=True)
class Part:
    """What one column adds to one row's answer: the row's own value of it, and the error."""

    column: str
    value: Any
    adds: float
    error: float

    @property
    def low(self) -> float:
        """Lower end of the 95% interval; `adds` itself where it is exact."""
        return self.adds - 1.96 * self.error

    @property
    def high(self) -> float:
        """Upper end of the 95% interval."""
        return self.adds + 1.96 * self.error

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"column": self.column, "value": _plain(self.value), "adds": plain(self.adds),
                "error": plain(self.error)}


@dataclass(frozen=True, eq=False, repr=False)
class Explanations:
    """Why rows get their answers.

    For every row and output, `base` (outputs,) plus the sum of `values` (rows, columns, outputs)
    is `answers` (rows, outputs), the model's answer on `scale`: "probability", "log-odds",
    "one-against-rest log-odds", "number" (the target's own unit) or "log" (its logarithm).
    `errors` are standard errors, 0 where `exact`. `outputs` names what the outputs stand for:
    classes (of two, the positive one), or the target. `chosen` (rows,) is the output that is told
    of each row; `told` and `told_base` are what `answers` and `base` mean as probabilities or
    numbers. `rows` holds the rows' own columns, and `ranks` (rows, columns) where a number stands
    among those of its column, from 0 to 1, NaN where it is none; `details` finer parts, by
    column; `together` pairs of columns that go together, which share what they add.
    """

    target: str
    columns: tuple[str, ...]
    outputs: tuple[str, ...]
    scale: str
    exact: bool
    how: str
    compared: str
    base: np.ndarray
    values: np.ndarray
    errors: np.ndarray
    answers: np.ndarray
    told: np.ndarray
    told_base: np.ndarray
    chosen: np.ndarray
    rows: pl.DataFrame
    ranks: np.ndarray
    numbers: tuple[int, ...] = ()
    details: Mapping[str, Detail] = field(default_factory=dict)
    together: tuple[tuple[str, str, float], ...] = ()
    notes: tuple[str, ...] = ()
    evaluations: int = 0

    def __len__(self) -> int:
        return len(self.values)

    @property
    def of_classes(self) -> bool:
        """Whether what is explained is a probability of classes."""
        return self.scale in (PROBABILITY, LOG_ODDS, ONE_AGAINST_REST)

    @property
    def unit(self) -> str:
        """What the contributions are measured in, in words."""
        if self.scale == LOG_ODDS and len(self.outputs) > 1:
            return "points of score"
        return {PROBABILITY: "probability", LOG: f"log of {self.target}"}.get(
            self.scale, self.scale if self.of_classes else self.target)

    def parts(self, row: int, output: int | None = None) -> list[Part]:
        """What each column adds to a row's answer, the largest first."""
        at = self._output(row, output)
        found = [Part(name, self.rows.get_column(name)[row], float(self.values[row, place, at]),
                      float(self.errors[row, place, at]))
                 for place, name in enumerate(self.columns)]
        return sorted(found, key=lambda part: -abs(part.adds))

    def importance(self, output: int | None = None) -> list[tuple[str, float]]:
        """Mean absolute contribution of each column over the rows, the largest first.

        Of several outputs, the mean over them unless one is named.
        """
        if not len(self):
            return [(name, 0.0) for name in self.columns]
        whole = self.values if output is None else self.values[:, :, [output]]
        mean = np.abs(whole).mean(axis=(0, 2))
        return sorted(zip(self.columns, mean.tolist(), strict=True), key=lambda pair: -pair[1])

    def take(self, rows: Any) -> Explanations:
        """The explanations of some of the rows."""
        from dataclasses import replace

        at = np.arange(len(self))[np.asarray(rows, dtype=np.intp)]
        return replace(
            self, values=self.values[at], errors=self.errors[at], answers=self.answers[at],
            told=self.told[at], chosen=self.chosen[at], rows=self.rows[at],
            ranks=self.ranks[at],
            numbers=tuple(self.numbers[each] for each in at.tolist()),
            details={name: each.take(at) for name, each in self.details.items()})

    def __getitem__(self, row: int) -> Explanations:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row must be >= 0 and < {len(self)}; got {row}")
        return self.take([row % len(self)])

    def __iter__(self) -> Iterator[Explanations]:
        return (self[row] for row in range(len(self)))

    def frame(self) -> pl.DataFrame:
        """One line for each row, output and column: row, output, column, value, adds, error."""
        rows, columns, outputs = self.values.shape
        cells = pl.concat([_tellable(self.rows.get_column(name)).alias("value")
                           for name in self.columns]) if columns else pl.Series("value", [""])[:0]
        # Column by column, as the cells are; then row by row.
        whole = pl.DataFrame({
            "row": np.tile(np.repeat(np.asarray(self.numbers, dtype=np.int64), outputs), columns),
            "output": list(self.outputs) * (rows * columns),
            "column": [name for name in self.columns for _ in range(rows * outputs)],
            "value": cells[np.repeat(np.arange(rows * columns), outputs)],
            "adds": self.values.transpose(1, 0, 2).ravel(),
            "error": self.errors.transpose(1, 0, 2).ravel(),
        })
        return whole.sort("row", maintain_order=True)

    def to_text(self, most: int = 5, rows: int = 5) -> str:
        """The explanation in plain sentences: of each of the first rows, and of all together."""
        return _told.text(self, most, rows)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values: each row with its parts, and the mean sizes of columns."""
        return {
            "target": self.target, "outputs": list(self.outputs), "scale": self.scale,
            "exact": self.exact, "how": self.how, "compared": self.compared,
            "base": plain(self.base.tolist()), "base_told": plain(self.told_base.tolist()),
            "rows": [self._row_json(row) for row in range(len(self))],
            "importance": [{"column": name, "mean_absolute": plain(size)}
                           for name, size in self.importance()],
            "together": [list(pair) for pair in self.together], "notes": list(self.notes),
            "evaluations": self.evaluations,
        }

    def _row_json(self, row: int) -> dict[str, Any]:
        each = []
        for output, name in enumerate(self.outputs):
            parts = self.parts(row, output)
            each.append({
                "output": name, "answer": plain(float(self.answers[row, output])),
                "told": plain(float(self.told[row, output])),
                "parts": [{**part.to_json(), **self._detail_json(part.column, row, output)}
                          for part in parts]})
        return {"row": self.numbers[row], "chosen": self.outputs[int(self.chosen[row])],
                "outputs": each}

    def _detail_json(self, column: str, row: int, output: int) -> dict[str, Any]:
        if column not in self.details:
            return {}
        return {"details": [{"part": name, "adds": plain(adds)}
                            for name, adds in self.details[column].row(row, output)]}

    def _output(self, row: int, output: int | None) -> int:
        return int(self.chosen[row]) if output is None else output

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        how = "exact" if self.exact else "sampled"
        return (f"<Explanations of {self.target!r}: {counted(len(self), 'row')}, "
                f"{counted(len(self.columns), 'column')}, {how}, in {self.unit}>")


def together(frame: pl.DataFrame, least: float = 0.7, most: int = 200) -> list[
        tuple[str, str, float]]:
    """Pairs of number columns whose rank correlation is at least `least` in size, strongest first.

    Of at most `most` columns and 5,000 rows; none below 30 rows, where chance makes such pairs.
    """
    names = [name for name in frame.columns if frame.get_column(name).dtype == pl.Float64][:most]
    if frame.height < 30 or len(names) < 2:
        return []
    ranks = np.column_stack([
        _shares(frame.get_column(name).alias("cells").head(5000)) for name in names])
    known = np.maximum((~np.isnan(ranks)).sum(axis=0), 1)
    ranks = np.nan_to_num(ranks - np.nansum(ranks, axis=0) / known)
    size = np.sqrt((ranks ** 2).sum(axis=0))
    found = (ranks.T @ ranks) / np.maximum(np.outer(size, size), 1e-300)
    pairs = [(names[a], names[b], float(found[a, b])) for a, b in
             zip(*np.triu_indices(len(names), 1), strict=True) if abs(found[a, b]) >= least]
    return sorted(pairs, key=lambda pair: -abs(pair[2]))


def ranked(frame: pl.DataFrame) -> np.ndarray:
    """Where each number stands among those of its column: (rows, columns) from 0 to 1, or NaN."""
    found = np.full(frame.shape, np.nan)
    for at, cells in enumerate(frame.get_columns()):
        if cells.dtype == pl.Float64:
            found[:, at] = _shares(cells)
    return found


def _shares(cells: pl.Series) -> np.ndarray:
    """Ranks from 0 to 1; 0.5 where all are alike."""
    # Under a neutral name: the engine reads names such as "*" and "^a.*$" as patterns.
    rank = cells.alias("cells").fill_nan(None).rank().to_numpy().astype(np.float64)
    known = rank[~np.isnan(rank)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    return (rank - low) / (high - low) if high > low else 0.5 + 0 * rank


def own_cells(frame: pl.DataFrame, original: pl.DataFrame) -> pl.DataFrame:
    """The columns of `frame` as the user wrote them, where the user's rows have them."""
    theirs = {cells.name: cells for cells in original.get_columns()}
    return pl.DataFrame([theirs.get(cells.name, cells) for cells in frame.get_columns()])


def checked_rows(rows: int) -> None:
    """DataError where there is no row to explain."""
    if not rows:
        raise DataError("explain must have at least one row to explain; got none.")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return _told.cell(value)
    return plain(value) if isinstance(value, (int, float, str, bool, type(None))) else str(value)


def _tellable(cells: pl.Series) -> pl.Series:
    """Cells as words, missing ones as null."""
    cells = cells.alias("value")
    if cells.dtype.is_float():
        return pl.Series("value", [None if cell is None or cell != cell else f"{cell:.12g}"
                                   for cell in cells.to_list()], dtype=pl.String)
    if cells.dtype == pl.Binary:
        return pl.Series("value", [None if cell is None else _told.cell(cell)
                                   for cell in cells.to_list()], dtype=pl.String)
    return cells.cast(pl.String, strict=False)
