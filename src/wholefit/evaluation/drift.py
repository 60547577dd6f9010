"""Drift: is each column of new rows distributed as in the reference, and does it matter?

A column has drifted if both hold: its p-value, corrected for the number of columns, is below
`level`; and its distance is at least `threshold`. The first keeps a few rows from crying wolf,
the second keeps millions of rows from calling every trifle drift. The distance is a share of
rows in all cases: for numbers and lengths of text the Kolmogorov-Smirnov gap, for categories
the total variation, for missing cells the difference of their shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.params import Params, param
from wholefit.base.seeds import generator
from wholefit.base.wording import plain
from wholefit.data.notes import some
from wholefit.data.schema import Column, Schema
from wholefit.data.validate import sketch as sketching
from wholefit.data.validate.sketch import ColumnSketch, Sketch
from wholefit.evaluation import two_sample
from wholefit.evaluation._table_distance import whole
from wholefit.evaluation.two_sample import Tested

_MOST_ROWS = 200_000
_BINS = 10
# Beyond this many levels the rest are one: nobody reads further, and counts are small.
_MOST_LEVELS = 1_000
_WHOLE_LEVEL = 0.01


@dataclass(frozen=True)
class Options(Params):
    """When a difference between two sets of rows is called drift."""

    level: float = param(0.05, "Chance of one false alarm among all columns.", above=0, below=1)
    threshold: float = param(
        0.1, "Smallest distance that matters, as a share of rows; smaller ones are \"slight\".",
        low=0, high=1)
    correction: str = param(
        "holm", "Correction for many columns: Holm or Bonferroni bound the chance of a false "
        "alarm, Benjamini-Hochberg (bh) their share among the alarms.",
        choices=two_sample.CORRECTIONS)
    whole: bool = param(
        True, "Also compare the tables as a whole, by the energy distance of 500 rows of each.")


@dataclass(frozen=True)
class Shift:
    """One comparison: what was compared, the distances, the p-values and the verdict.

    `kind` is number, text (its length), category or missing; `distance` is the one that the
    threshold is held against. `verdict` is "drift", "slight" (certain, but too small to
    matter), "none", or "not judged"; `said` shows what changed, or why it was not judged.
    """

    column: str
    kind: str
    verdict: str
    said: str
    distance: float = math.nan
    p: float = math.nan
    p_adjusted: float = math.nan
    psi: float = math.nan
    jensen_shannon: float = math.nan
    l_infinity: float = math.nan
    how: str = ""

    @property
    def p_said(self) -> str:
        """The corrected p-value, as short as it may be."""
        if math.isnan(self.p_adjusted):
            return ""
        return f"{self.p_adjusted:.2g}" if self.p_adjusted > 0 else "< 1e-300"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; a number that is not known is null."""
        found: dict[str, Any] = plain(asdict(self))
        return found


@dataclass(frozen=True)
class Drift:
    """Every comparison of two sets of rows, the worst first, and the tables as a whole.

    `table` is the test of the tables as a whole, or None where the reference is a sketch; `notes`
    say which columns only one side has, or holds in another type.
    """

    rows: int
    reference_rows: int
    shifts: tuple[Shift, ...]
    table: Tested | None
    options: Options
    notes: tuple[str, ...] = ()

    @property
    def shifted(self) -> tuple[Shift, ...]:
        """What has drifted."""
        return tuple(shift for shift in self.shifts if shift.verdict == "drift")

    @property
    def table_differs(self) -> bool:
        """True if the tables as a whole differ: p < 0.01.

        At most 500 rows of each are compared, so what is too small to matter is not certain.
        """
        return self.table is not None and self.table.p < _WHOLE_LEVEL

    @property
    def ok(self) -> bool:
        """True if nothing has drifted."""
        return not self.shifted and not self.table_differs

    @property
    def said(self) -> str:
        """The outcome in one sentence."""
        judged = sum(shift.verdict != "not judged" for shift in self.shifts)
        names = list(dict.fromkeys(repr(shift.column) for shift in self.shifted))
        drifted = some(names, 10) if names else "nothing drifted"
        said = (f"{self.rows:,} new rows against {self.reference_rows:,}: "
                + (f"drifted: {drifted}" if names else drifted)
                + f" ({judged} comparisons, {self.options.correction} at "
                f"{self.options.level:g}, distances from {self.options.threshold:g} matter).")
        if self.table is None:
            return said
        differ = "differ" if self.table_differs else "do not differ"
        return (f"{said} As a whole the tables {differ}: energy distance "
                f"{self.table.statistic:.3f}, p = {self.table.p:.2g}.")

    def to_text(self) -> str:
        """The sentence, and a line for each comparison."""
        lines = [f"{shift.column} ({shift.kind}): {shift.verdict}, {shift.said}"
                 + ("" if math.isnan(shift.p) else f", distance {shift.distance:.3f}, "
                    f"p {shift.p_said}") for shift in self.shifts]
        return "\n".join([self.said, *lines, *self.notes])

    def __str__(self) -> str:
        return self.to_text()

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"ok": self.ok, "rows": self.rows, "reference_rows": self.reference_rows,
                **self.options.to_dict(), "table": self.table and asdict(self.table),
                "table_differs": self.table_differs,
                "shifts": [shift.to_json() for shift in self.shifts], "notes": list(self.notes)}


def drift(
    new: pl.DataFrame, reference: pl.DataFrame | Sketch, schema: Schema,
    options: Options | None = None, *, seed: int = 0,
) -> Drift:
    """Compare the columns of `new` with those of the reference: its rows, or a sketch of them.

    `schema` is that of the reference and says how each column is compared. Columns that only
    one side has are left to validation. Above 200,000 rows, numbers are compared on a sample.
    """
    options = options or Options()
    sides = {"new": {c.name: c.alias("column") for c in new.get_columns()}}
    if isinstance(reference, pl.DataFrame):
        sides["old"] = {c.name: c.alias("column") for c in reference.get_columns()}
    found: list[Shift] = []
    for column in schema.columns:
        old = sides["old"].get(column.name) if "old" in sides else \
            reference.column(column.name)  # type: ignore[union-attr]
        if old is not None and column.name in sides["new"]:
            found += _compared(column, sides["new"][column.name], old, seed)
    table = None
    if options.whole and isinstance(reference, pl.DataFrame):
        table = whole(new, reference, schema, seed)
    rows = reference.height if isinstance(reference, pl.DataFrame) else reference.rows
    notes = _on_one_side(set(new.columns), {column.name for column in schema.columns}, sides)
    return Drift(new.height, rows, _judged(found, options), table, options, notes)


def _on_one_side(
    new: set[str], known: set[str], sides: dict[str, dict[str, pl.Series]]
) -> tuple[str, ...]:
    """Schema skew in words: columns that one side has and the other has not, and other types."""
    found = []
    for names, where in ((known - new, "the reference"), (new - known, "the new rows")):
        if names:
            found.append(f"only {where} had: {some([repr(name) for name in sorted(names)], 10)}")
    for name, column in sides.get("old", {}).items():
        other = sides["new"].get(name)
        if other is not None and _family(other.dtype) != _family(column.dtype):
            found.append(f"{name!r} was {column.dtype} and is {other.dtype}")
    return tuple(found)


def _family(kind: pl.DataType) -> str:
    """Types that are read alike: 1 and 1.0, a date and a datetime."""
    if kind.is_numeric():
        return "number"
    return "time" if kind in (pl.Date, pl.Datetime) else "text" if kind in (
        pl.String, pl.Categorical, pl.Enum) else str(kind)


def _judged(found: list[Shift], options: Options) -> tuple[Shift, ...]:
    corrected = two_sample.adjusted([shift.p for shift in found], options.correction)
    judged = [_verdict(shift, float(p), options)
              for shift, p in zip(found, corrected, strict=True)]
    order = {"drift": 0, "slight": 1, "none": 2, "not judged": 3}
    return tuple(sorted(judged, key=lambda s: (order[s.verdict], -_rank(s.distance))))


def _rank(number: float) -> float:
    return -1.0 if math.isnan(number) else number


def _verdict(shift: Shift, p: float, options: Options) -> Shift:
    if shift.verdict == "not judged":
        return shift
    verdict = "none" if not p < options.level else (
        "drift" if shift.distance >= options.threshold else "slight")
    return Shift(**{**asdict(shift), "p_adjusted": p, "verdict": verdict})


# ---- one column -------------------------------------------------------------------------


def _compared(
    column: Column, new: pl.Series, old: pl.Series | ColumnSketch, seed: int
) -> list[Shift]:
    kind = old.kind if isinstance(old, ColumnSketch) else sketching.kind_of(column)
    if kind == "skipped":
        return [_unjudged(column.name, "skipped", sketching.why_skipped(column))]
    if not len(new) or not len(old if isinstance(old, pl.Series) else range(old.rows)):
        return [_unjudged(column.name, kind, "there are no rows")]
    compare = _category if kind == "category" else _number
    return compare(column.name, kind, new, old, seed)


def _unjudged(name: str, kind: str, why: str) -> Shift:
    return Shift(name, kind, "not judged", why)


def _number(
    name: str, kind: str, new: pl.Series, old: pl.Series | ColumnSketch, seed: int
) -> list[Shift]:
    every = sketching.numbers(new, kind)
    values, absent = np.sort(_some(every, seed, name)), len(new) - len(every)
    if isinstance(old, ColumnSketch):
        gone = _missing(name, absent, len(new), old.missing, old.rows)
        return gone + _present(name, kind, values, old.rows - old.missing,
                               lambda: _against_sketch(name, kind, values, old))
    before = sketching.numbers(old, kind)
    gone = _missing(name, absent, len(new), len(old) - len(before), len(old))
    before = np.sort(_some(before, seed, name))
    return gone + _present(name, kind, values, len(before),
                           lambda: _against_rows(name, kind, values, before))


def _present(
    name: str, kind: str, values: np.ndarray, before: int, make: Callable[[], Shift]
) -> list[Shift]:
    if not len(values) or not before:
        side = "the new rows" if not len(values) else "the reference"
        return [_unjudged(name, kind, f"{side} has no value of it")]
    return [make()]


def _against_rows(name: str, kind: str, new: np.ndarray, old: np.ndarray) -> Shift:
    test = two_sample.ks(old, new)
    edges = sketching.inner_edges(old, _BINS)
    said = _moved(kind, old[(len(old) - 1) // 2], new[(len(new) - 1) // 2])
    return _shift(name, kind, test.statistic, test, said,
                  sketching.binned(old, edges), sketching.binned(new, edges))


def _against_sketch(name: str, kind: str, new: np.ndarray, old: ColumnSketch) -> Shift:
    edges, before = np.array(old.edges), np.array(old.counts)
    if not len(edges):
        return _unjudged(name, kind, "the reference has too few rows of it")
    after = sketching.binned(new, edges)
    upto = np.cumsum(before)
    gap = float(np.abs(upto / upto[-1] - np.cumsum(after) / len(new)).max())
    test = Tested(gap, two_sample.ks_p(gap, int(upto[-1]), len(new)),
                  f"Kolmogorov-Smirnov at {len(edges)} quantiles, {upto[-1]:,} and "
                  f"{len(new):,} rows")
    middle = edges[min(int(np.searchsorted(upto, upto[-1] / 2)), len(edges) - 1)]
    return _shift(name, kind, gap, test, _moved(kind, middle, new[(len(new) - 1) // 2]),
                  before, after)


def _category(
    name: str, kind: str, new: pl.Series, old: pl.Series | ColumnSketch, seed: int
) -> list[Shift]:
    after = _level_counts(new)
    if isinstance(old, ColumnSketch):
        before, total, absent = dict(old.levels), old.rows, old.missing
        rest = old.other
    else:
        before = _level_counts(old)
        total, rest = len(old), 0
        absent = total - sum(before.values())
    gone = _missing(name, len(new) - sum(after.values()), len(new), absent, total)
    if not after or not total - absent:
        side = "the new rows have" if not after else "the reference has"
        return [*gone, _unjudged(name, kind, f"{side} no value of it")]
    known = sorted({*before, *after} if not rest else before,
                   key=lambda level: (-before.get(level, 0) - after.get(level, 0), level))
    known = known[:_MOST_LEVELS]
    first = [before.get(level, 0) for level in known]
    second = [after.get(level, 0) for level in known]
    first.append(total - absent - sum(first))
    second.append(sum(after.values()) - sum(second))
    a, b = np.array(first, dtype=float), np.array(second, dtype=float)
    test = two_sample.chi2(a, b)
    said = _reweighted([*known, "(other levels)"], a, b)
    return [*gone, _shift(name, kind, two_sample.total_variation(a, b), test, said, a, b)]


def _missing(name: str, new: int, rows: int, old: int, old_rows: int) -> list[Shift]:
    """The comparison of missing cells, where there are any on either side."""
    if not new and not old:
        return []
    a, b = np.array([old, old_rows - old]), np.array([new, rows - new])
    test = two_sample.chi2(a, b)
    said = f"missing {old / old_rows:.1%} -> {new / rows:.1%}"
    return [_shift(name, "missing", abs(old / old_rows - new / rows), test, said, a, b)]


def _shift(
    name: str, kind: str, distance: float, test: Tested, said: str, a: Any, b: Any
) -> Shift:
    return Shift(name, kind, "", said, distance, test.p, math.nan, two_sample.psi(a, b),
                 two_sample.jensen_shannon(a, b), two_sample.l_infinity(a, b), test.how)


def _moved(kind: str, old: float, new: float) -> str:
    return f"median {'length ' if kind == 'text' else ''}{old:.6g} -> {new:.6g}"


def _reweighted(levels: list[str], a: np.ndarray, b: np.ndarray) -> str:
    """The level whose share changed most."""
    before, after = a / a.sum(), b / b.sum()
    at = int(np.abs(before - after).argmax())
    return f"{levels[at][:40]!r} {before[at]:.1%} -> {after[at]:.1%}"


def _level_counts(column: pl.Series) -> dict[str, int]:
    cells = sketching.labels(column).drop_nulls().alias("level")
    return dict(cells.value_counts(name="rows").iter_rows())


def _some(values: np.ndarray, seed: int, name: str) -> np.ndarray:
    if len(values) <= _MOST_ROWS:
        return values
    return generator(seed, "drift", name).choice(values, _MOST_ROWS, replace=False)
