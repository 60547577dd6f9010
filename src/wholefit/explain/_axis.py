"""The values that an effect is asked at: those of rows at hand, so that every one is real."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from wholefit.base.errors import DataError
from wholefit.explain._together import numeric
from wholefit.explain.pool import Pool

Array = np.ndarray
_LEVELS, _RUG = 24, 80
_ROWS = 2_000


@dataclass(frozen=True, eq=False)
class Axis:
    """Points along a column, each the value of a row that lends it.

    `kind` is "number", "date" or "category"; `lenders` (q,) rows; `places` where the points lie
    (numbers; dates in seconds since 1970; 0, 1, ... of categories); `nearest` (n,) the point of
    each row, for ALE of numbers the upper end of its interval; `shares` (q,) of rows; `known`
    (n,) rows that have a value among the points; `rug` some of the values there are.
    """

    column: str
    kind: str
    lenders: Array
    places: list[float]
    names: tuple[str, ...]
    nearest: Array
    shares: list[float]
    known: Array
    rug: list[float]
    note: str = ""


def axis(pool: Pool, column: str, points: int, ordered: bool) -> Axis:
    """About `points` values of a column; categories in order of likeness where `ordered`."""
    pool.at(column)
    role = pool.dataset.schema.role(column)
    if role == "text":
        raise DataError(f"column {column!r} is text, which has no values to move along: ask for "
                        "its importance, or explain single rows.")
    if role == "image":
        raise DataError(f"column {column!r} holds pictures, which have no values to move along: "
                        "ask for its importance, or for the saliency of single rows.")
    values = numeric(pool.dataset, column)
    if values is None or role == "boolean":
        return _levels(pool, column, values, ordered)
    known = np.isfinite(values)
    present = np.sort(values[known])
    if not len(present) or present[0] == present[-1]:
        raise DataError(f"column {column!r} must have two different values in these rows to have "
                        "an effect; it has "
                        f"{'one' if len(present) else 'none'}.")
    ends = np.unique(np.quantile(present, np.linspace(0, 1, points + 1), method="inverted_cdf"))
    home = np.argsort(values, kind="stable")
    lenders = home[np.searchsorted(values[home][:len(present)], ends)]
    near = np.full(len(values), 0)
    near[known] = _nearest(values[known], ends)
    shares = np.bincount(near[known], minlength=len(ends)) / len(present)
    dated = role in ("datetime", "time")
    scale = 1e-6 if dated else 1.0
    names = tuple(_day(value) for value in ends) if dated else tuple(f"{v:.6g}" for v in ends)
    rug = present[np.linspace(0, len(present) - 1, min(_RUG, len(present))).astype(int)]
    return Axis(column, "date" if dated else "number", lenders, list(map(float, ends * scale)),
                names, near, list(map(float, shares)), known, list(map(float, rug * scale)))


def upper(values: Array, ends: Array) -> Array:
    """The interval (z[k-1], z[k]] of each value, as k = 1, 2, ...; the least value is in the first.
    """
    return np.clip(np.searchsorted(ends, values, side="left"), 1, len(ends) - 1)


def _nearest(values: Array, ends: Array) -> Array:
    middles = (ends[1:] + ends[:-1]) / 2
    return np.searchsorted(middles, values, side="right")


def _day(microseconds: float) -> str:
    stamp = np.datetime64(int(microseconds), "us")
    text = str(stamp.astype("datetime64[s]"))
    return text[:10] if text.endswith("T00:00:00") else text.replace("T", " ")[:16]


def _levels(pool: Pool, column: str, values: Array | None, ordered: bool) -> Axis:
    if values is None:
        codes, levels = pool.dataset.codes(column)
        codes, names = codes.astype(np.int64), [str(level) for level in levels]
    else:
        codes, names = np.where(np.isfinite(values), values, -1).astype(np.int64), ["no", "yes"]
    counts = np.bincount(codes[codes >= 0], minlength=max(len(names), 1))
    kept = np.argsort(-counts, kind="stable")[:_LEVELS]
    kept = np.sort(kept[counts[kept] > 0])
    if len(kept) < 2:
        raise DataError(f"column {column!r} must have two different values in these rows to have "
                        f"an effect; it has {'one' if len(kept) else 'none'}.")
    left = int((counts > 0).sum()) - len(kept)
    note = f"of {left} rarer levels nothing is told" if left else ""
    if ordered and len(kept) > 2:
        kept = kept[likeness(pool, column, codes, kept)]
        note = "; ".join(filter(None, ("levels stand in order of how alike their rows are "
                                       "otherwise", note)))
    place = np.full(len(counts) + 1, -1)
    place[kept] = np.arange(len(kept))
    near = place[codes]
    lenders = np.array([int(np.flatnonzero(codes == one)[0]) for one in kept])
    shares = counts[kept] / counts[kept].sum()
    return Axis(column, "category", lenders, list(map(float, range(len(kept)))),
                tuple(names[one] for one in kept), np.maximum(near, 0), list(map(float, shares)),
                near >= 0, [], note)


def likeness(pool: Pool, column: str, codes: Array, kept: Array) -> Array:
    """An order of levels: neighbours have rows alike in the other columns (Apley and Zhu 2020).

    Two levels are as far apart as their distributions of each other column, added up
    (Kolmogorov-Smirnov of numbers, total variation of levels); the first axis of classical
    scaling puts them in order. At most 2,000 rows of a level are looked at.
    """
    rows = [np.flatnonzero(codes == one)[:_ROWS] for one in kept]
    far = np.zeros((len(kept), len(kept)))
    for name in pool.columns:
        if name != column and pool.dataset.schema.role(name) != "text":
            far += _apart(pool, name, rows)
    square = far**2
    centre = np.eye(len(kept)) - 1 / len(kept)
    _, vectors = np.linalg.eigh(-centre @ square @ centre / 2)
    along = vectors[:, -1]
    # The sign of an axis is nobody's; the commonest way round is kept so that runs agree.
    along = along if along[np.abs(along).argmax()] > 0 else -along
    return np.argsort(along, kind="stable")


def _apart(pool: Pool, name: str, rows: list[Array]) -> Array:
    """How far the levels' distributions of one column lie from each other."""
    values = numeric(pool.dataset, name)
    if values is None:
        values = pool.dataset.codes(name)[0].astype(np.float64)
        codes = np.unique(values, return_inverse=True)[1]
        shares = np.stack([np.bincount(codes[each], minlength=codes.max() + 1) / len(each)
                           for each in rows])
        return np.abs(shares[:, None] - shares[None]).sum(axis=2) / 2
    grid = np.unique(np.quantile(values[np.isfinite(values)], np.linspace(0, 1, 51))) \
        if np.isfinite(values).any() else np.zeros(1)
    steps = np.stack([np.searchsorted(np.sort(values[each][np.isfinite(values[each])]), grid,
                                      side="right") / max(np.isfinite(values[each]).sum(), 1)
                      for each in rows])
    return np.abs(steps[:, None] - steps[None]).max(axis=2)


def spans(names: tuple[str, ...]) -> list[str]:
    """The intervals between points, in words."""
    return [f"{a} to {b}" for a, b in pairwise(names)]
