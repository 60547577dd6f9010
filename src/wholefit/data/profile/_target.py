"""The target beside the columns that tell most of it, and the strongest pairs of numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wholefit.base.seeds import generator
from wholefit.data.profile import _numbers, _times
from wholefit.data.profile._parts import ByTarget, Group, Informs, Pairs, Scatter
from wholefit.data.profile._rows import Looked, Sample, binned

Array = np.ndarray
MOST_COLUMNS = 12
_MOST_GROUPS = 8
_MOST_LINES = 3
_GRID = 48
_FEWEST = 5
_CURVE_BINS = 12
_SCATTERS, _POINTS = 6, 400
_BOX = [0.05, 0.25, 0.5, 0.75, 0.95]


def by_target(
    sample: Sample, target: str | None, informs: Sequence[Informs]
) -> tuple[ByTarget, ...]:
    """Pictures of the target with at most 12 columns, and along at most 3 columns of time."""
    answer = None if target is None else sample.get(target)
    if answer is None:
        return ()
    told = [sample.get(each.column) for each in informs[:MOST_COLUMNS] if each.share > 0]
    found = [_beside(column, answer) for column in told
             if column is not None and column.kind != "datetime"]
    times = [column for column in sample.columns if column.kind == "datetime"]
    found += [_along(column, answer) for column in times[:_MOST_LINES]
              if column.name != answer.name]
    return tuple(each for each in found if each is not None)


def scatters(sample: Sample, pairs: Pairs, seed: int) -> tuple[Scatter, ...]:
    """The six strongest pairs of numbers, as some of their rows and a line through all."""
    found: list[Scatter] = []
    for pair in pairs.found:
        a, b = sample.get(pair.a), sample.get(pair.b)
        if pair.kind != "numeric" or a is None or b is None or "datetime" in (a.kind, b.kind):
            continue
        drawn = _scatter(a, b, seed)
        found += [drawn] if drawn is not None else []
        if len(found) == _SCATTERS:
            break
    return tuple(found)


def _scatter(a: Looked, b: Looked, seed: int) -> Scatter | None:
    both = ~(np.isnan(a.values) | np.isnan(b.values))
    x, y = a.values[both], b.values[both]
    with np.errstate(all="ignore"):
        dx, dy = x - x.mean(), y - y.mean()
        slope = float(dx @ dy / (dx @ dx))
        r = float(dx @ dy / np.sqrt((dx @ dx) * (dy @ dy)))
    if not (np.isfinite(slope) and np.isfinite(r)):
        return None
    rows = generator(seed, "points", a.name, b.name).permutation(len(x))[:_POINTS]
    points = tuple((float(f"{x[row]:.4g}"), float(f"{y[row]:.4g}")) for row in rows)
    return Scatter(a.name, b.name, points, slope, float(y.mean() - slope * x.mean()), r, len(x))


def _beside(column: Looked, answer: Looked) -> ByTarget | None:
    if answer.is_numeric:
        return _curve(column, answer) if column.is_numeric else _spread(column, answer, column.name)
    return _spread(answer, column, column.name) if column.is_numeric else _shares(column, answer)


def _spread(levels: Looked, numbers: Looked, name: str) -> ByTarget | None:
    """The numbers of each of the most frequent levels."""
    codes, names = levels.coded
    known = ~np.isnan(numbers.values)
    if not known.any():
        return None
    ends = _numbers.quantiles(np.sort(numbers.values[known]), [0.01, 0.99])
    grid = np.linspace(ends[0], ends[1], _GRID) if ends[1] > ends[0] else np.empty(0)
    groups = [_group(names[code], numbers.values[known & (codes == code)], grid)
              for code in _frequent(codes)]
    kept = tuple(group for group in groups if group is not None)
    return ByTarget(name, "spread", numbers.name, kept, tuple(grid.tolist())) if kept else None


def _group(name: str, values: Array, grid: Array) -> Group | None:
    if len(values) < _FEWEST:
        return None
    ordered = np.sort(values)
    shape: tuple[float, ...] = ()
    if len(grid) and ordered[-1] > ordered[0]:
        found = _numbers.kernel(ordered, grid)
        shape = tuple((found / (found.max() or 1.0)).round(3).tolist())
    return Group(name, len(values), tuple(_numbers.quantiles(ordered, _BOX).tolist()), shape)


def _shares(column: Looked, answer: Looked) -> ByTarget | None:
    """The share of each class among the rows of each level."""
    codes, names = column.coded
    truth, classes = answer.coded
    levels, kept = _frequent(codes), _frequent(truth)
    table = []
    for level in levels:
        among = truth[(codes == level) & (truth >= 0)]
        counts = np.bincount(among, minlength=len(classes))
        table.append((float(len(among)), *(float(counts[c] / max(len(among), 1)) for c in kept)))
    return ByTarget(column.name, "shares", names=tuple(names[level] for level in levels),
                    classes=tuple(classes[c] for c in kept), table=tuple(table))


def _curve(column: Looked, answer: Looked) -> ByTarget | None:
    """The target's quartiles in bins of equally many rows of the column."""
    both = ~(np.isnan(column.values) | np.isnan(answer.values))
    x, y = column.values[both], answer.values[both]
    codes = binned(x, _CURVE_BINS)
    rows = []
    for code in range(int(codes.max(initial=-1)) + 1):
        inside = codes == code
        if inside.sum() >= _FEWEST:
            low, middle, high = np.quantile(y[inside], [0.25, 0.5, 0.75]).tolist()
            rows.append((float(np.median(x[inside])), float(inside.sum()), low, middle, high))
    return ByTarget(column.name, "curve", answer.name, table=tuple(rows)) if len(rows) > 1 else None


def _along(column: Looked, answer: Looked) -> ByTarget | None:
    """The mean of the target, or the share of its rarest class of two, period by period."""
    truth, of = _followed(answer)
    known = ~(np.isnan(column.values) | np.isnan(truth))
    if not known.any():
        return None
    stamps = (column.values[known] * 1e6).astype("datetime64[us]")
    _, starts, places = _times.periods(stamps)
    if len(starts) < 3:
        return None
    rows = np.bincount(places, minlength=len(starts))
    with np.errstate(all="ignore"):
        means = np.bincount(places, weights=truth[known], minlength=len(starts)) / rows
    table = tuple((float(n), float(mean)) for n, mean in zip(rows, means, strict=True))
    return ByTarget(column.name, "line", of, names=starts, table=table)


def _followed(answer: Looked) -> tuple[Array, str]:
    """The target as numbers to average, and the class that they count (empty for numbers)."""
    if answer.is_numeric:
        return answer.values, ""
    codes, classes = answer.coded
    counts = np.bincount(codes[codes >= 0], minlength=len(classes))
    rare = int(counts.argmin()) if len(classes) == 2 else int(counts.argmax())
    return np.where(codes >= 0, (codes == rare).astype(np.float64), np.nan), classes[rare]


def _frequent(codes: Array) -> Array:
    """The most frequent codes, the most frequent first."""
    counts = np.bincount(codes[codes >= 0], minlength=1)
    order = np.argsort(-counts, kind="stable")[:_MOST_GROUPS]
    return order[counts[order] > 0]
