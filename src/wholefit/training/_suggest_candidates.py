"""Which features may be worth a try: a bounded list, from the roles and shapes of the columns.

Pairs grow with the square of the columns, so ratios, products and differences are made only of
the columns that tell most of the target, each on its own and without a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from wholefit.data.dataset import Dataset
from wholefit.features.custom import Custom
from wholefit.features.engineer.writing import feature

_PAIRED, _SINGLE, _GROUPED, _LAGGED = 12, 30, 4, 4
_SHARES = 12
_SKEWED = 1.0
_FEW, _MANY = 3, 2000


@dataclass(frozen=True)
class _Shape:
    """A numeric column in the rows at hand: what decides which features can be made of it."""

    name: str
    promise: float
    skew: float
    distinct: int
    sign: int
    spread: float


def candidates(dataset: Dataset, rows: np.ndarray, y: np.ndarray, most: int) -> list[Custom]:
    """At most `most` features to try, the most telling columns' first; none twice."""
    shapes = sorted(_shapes(dataset, rows, y), key=lambda shape: -shape.promise)
    wide = [shape for shape in shapes if shape.distinct > 2]
    found: dict[str, Custom] = {}
    for step in _all(dataset, rows, wide):
        found.setdefault(step.name, step)
    return list(found.values())[:most]


def promise(values: np.ndarray, y: np.ndarray) -> float:
    """Share of the target's variance between equal slices of a column (n,), missing ones apart.

    The correlation ratio, above what slices drawn at random would show; for classes their mean.
    """
    slices = _slices(values)
    targets = y[:, None] if y.dtype.kind == "f" else (y[:, None] == np.unique(y)).astype(float)
    count = np.bincount(slices).astype(float)
    groups = int((count > 0).sum())
    if groups < 2 or len(y) <= groups:
        return 0.0
    shares = []
    for column in targets.T:
        total = column.var() * len(column)
        means = np.bincount(slices, weights=column) / np.maximum(count, 1)
        between = (count * (means - column.mean())**2).sum()
        shares.append(between / total if total > 0 else 0.0)
    return float(np.mean(shares)) - (groups - 1) / (len(y) - 1)


def _slices(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(len(values), dtype=np.intp)
    cuts = np.unique(np.quantile(values[known], np.arange(1, _SHARES) / _SHARES))
    return np.where(known, np.searchsorted(cuts, values, side="left"), len(cuts) + 1)


def _shapes(dataset: Dataset, rows: np.ndarray, y: np.ndarray) -> Iterator[_Shape]:
    for name in dataset.schema.features:
        if dataset.schema.role(name) != "numeric":
            continue
        values = dataset.numeric(name)[rows]
        known = values[np.isfinite(values)]
        if len(known) < 10 or known.min() == known.max():
            continue
        with np.errstate(all="ignore"):
            spread = float(known.std())
            skew = float((((known - known.mean()) / spread)**3).mean())
        sign = int((known > 0).mean() > 0.99) - int((known < 0).mean() > 0.99)
        yield _Shape(name, promise(values, y), skew if np.isfinite(skew) else 0.0,
                     len(np.unique(known[:_MANY])), sign, spread)


def _all(dataset: Dataset, rows: np.ndarray, wide: Sequence[_Shape]) -> Iterator[Custom]:
    yield from _dates(dataset)
    yield from _texts(dataset)
    yield from _groups(dataset, rows, wide)
    yield from _history(dataset, wide)
    yield from _missing(dataset, rows)
    singles = list(_singles(wide[:_SINGLE]))
    yield from singles[:_SINGLE]
    yield from _pairs(wide[:_PAIRED])
    yield from singles[_SINGLE:]


def _singles(shapes: Sequence[_Shape]) -> Iterator[Custom]:
    for shape in shapes:
        if abs(shape.skew) > _SKEWED:
            yield _beside("log", shape.name)
        if shape.distinct > _FEW:
            yield _beside("polynomial", shape.name)
        if shape.distinct > _SHARES:
            yield _beside("bins", shape.name, output="onehot")


def _pairs(shapes: Sequence[_Shape]) -> Iterator[Custom]:
    """Pairs in order of the weaker one's promise; a ratio needs a side that is never zero."""
    for high in range(1, len(shapes)):
        for low in range(high):
            a, b = shapes[low], shapes[high]
            yield feature("product", [a.name, b.name])
            if b.sign:
                yield feature("ratio", [a.name, b.name])
            if a.sign:
                yield feature("ratio", [b.name, a.name])
            if max(a.spread, b.spread) < 20 * min(a.spread, b.spread):
                yield feature("difference", [a.name, b.name])


def _dates(dataset: Dataset) -> Iterator[Custom]:
    names = [n for n in dataset.schema.features if dataset.schema.role(n) == "datetime"]
    for name in names + dataset.schema.having("time"):
        if dataset.times(name).astype("datetime64[D]").astype(np.int64).any():
            yield _beside("cyclic", name)
    for first, second in list(combinations(names, 2))[:10]:
        yield feature("elapsed", [second, first])


def _texts(dataset: Dataset) -> Iterator[Custom]:
    for name in dataset.schema.features:
        if dataset.schema.role(name) == "text":
            yield _beside("text", name)


def _groups(dataset: Dataset, rows: np.ndarray, wide: Sequence[_Shape]) -> Iterator[Custom]:
    """Categories as numbers, and numbers measured against their category."""
    names = [n for n in dataset.schema.features if dataset.schema.role(n) == "categorical"]
    sizes = {name: len(np.unique(dataset.codes(name)[0][rows])) for name in names}
    many = sorted((n for n in names if sizes[n] > _FEW), key=lambda name: -sizes[name])
    for name in many[:_SINGLE]:
        yield _beside("target", name)
        yield _beside("frequency", name)
    grouped = [n for n in names if 2 <= sizes[n] <= max(2, len(rows) // 10)]
    grouped = sorted(grouped, key=lambda name: -sizes[name])[:_GROUPED]
    for name in grouped:
        for shape in wide[:_GROUPED]:
            yield feature("aggregate", shape.name, by=name, statistics=["difference"])


def _history(dataset: Dataset, wide: Sequence[_Shape]) -> Iterator[Custom]:
    if not dataset.schema.having("time"):
        return
    time = dataset.schema.having("time")[0]
    groups = dataset.schema.having("group")
    group = groups[0] if groups else None
    for shape in wide[:_LAGGED]:
        yield feature("lags", shape.name, time=time, group=group, lags=[1])
        yield feature("rolling", shape.name, time=time, group=group, window=7)


def _missing(dataset: Dataset, rows: np.ndarray) -> Iterator[Custom]:
    holed = [c.name for c in dataset.schema.columns
             if c.name in set(dataset.schema.features) and c.missing]
    if len(holed) > 1:
        yield feature("missing", holed)


def _beside(kind: str, name: str, **options: Any) -> Custom:
    return feature(kind, name, keep=True, **options)
