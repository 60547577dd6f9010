"""Is each column distributed as in the reference: rows, or the sketch that a model file carries?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from wholefit.data.predictions import Counted
from wholefit.data.validate.sketch import ColumnSketch, Sketch
from wholefit.evaluation import drift as drifting
from wholefit.evaluation import two_sample
from wholefit.evaluation.drift import Shift, drift
from wholefit.evaluation.two_sample import Tested
from wholefit.monitoring.case import Case, Side
from wholefit.monitoring.record import Check


def checks(case: Case, new: Side) -> Iterator[Check]:
    """Each column, and its missing cells, of a window against the reference."""
    for shift in shifts(case, new):
        if shift.verdict == "not judged":
            continue
        yield of_shift(shift, "missing" if shift.kind == "missing" else "input",
                       case.options.threshold)


def of_shift(shift: Shift, kind: str, threshold: float, what: str | None = None) -> Check:
    """A comparison of two distributions as a check."""
    return Check(kind, what or shift.column,
                 f"{shift.said}, distance {shift.distance:.3f} ({shift.how})",
                 value=shift.distance, distance=shift.distance, p=shift.p,
                 matters=shift.distance >= threshold)


def shifts(case: Case, new: Side) -> tuple[Shift, ...]:
    """Every comparison of columns, with p-values that are not corrected yet."""
    reference = case.inputs if case.inputs is not None else case.subject.sketch
    options = drifting.Options(threshold=case.options.threshold, whole=False, correction="none")
    if reference is None:
        return ()
    if new.frame is not None:
        return drift(case.within(new.frame), reference, case.subject.schema, options,
                     seed=case.options.seed).shifts
    sketch = case.subject.sketch
    if new.counted is None or sketch is None:
        return ()
    return tuple(of_counts(new.counted, sketch, set(case.subject.schema.features)))


def of_counts(counted: Counted, sketch: Sketch, names: set[str]) -> Iterator[Shift]:
    """The same comparisons of rows that were counted by the sketch, not kept."""
    for column in sketch.columns:
        bins = counted.bins.get(column.name)
        if column.name not in names or bins is None or not counted.rows or not column.rows:
            continue
        yield from drifting._missing(column.name, counted.missing[column.name], counted.rows,
                                     column.missing, column.rows)
        after = np.array(bins, dtype=float)
        if not after.sum() or column.rows == column.missing:
            continue
        made = _levels(column, after) if column.kind == "category" else _numbers(column, after)
        if made is not None:
            yield made


def _numbers(column: ColumnSketch, after: np.ndarray) -> Shift | None:
    """Kolmogorov-Smirnov at the sketch's quantiles."""
    edges, before = np.array(column.edges), np.array(column.counts, dtype=float)
    if not len(edges):
        return None
    upto, now = np.cumsum(before) / before.sum(), np.cumsum(after) / after.sum()
    gap = float(np.abs(upto - now).max())
    n, m = int(before.sum()), int(after.sum())
    test = Tested(gap, two_sample.ks_p(gap, n, m),
                  f"Kolmogorov-Smirnov at {len(edges)} quantiles, {n:,} and {m:,} rows")
    old, new = (float(edges[min(int(np.searchsorted(each, 0.5)), len(edges) - 1)])
                for each in (upto, now))
    return drifting._shift(column.name, column.kind, gap, test,
                           f"middle bin up to {old:.6g} -> {new:.6g}", before, after)


def _levels(column: ColumnSketch, after: np.ndarray) -> Shift:
    before = np.array([*column.levels.values(), column.other], dtype=float)
    names = [*column.levels, "(other levels)"]
    return drifting._shift(
        column.name, column.kind, two_sample.total_variation(before, after),
        two_sample.chi2(before, after), drifting._reweighted(names, before, after), before, after)
