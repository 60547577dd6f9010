"""Stretches of a series judged as wholes: each value may be usual and their course strange.

Rows in order of time (each series apart) are cut into overlapping windows. Each column of each
window becomes six numbers: its mean; its variation; its jumps from row to row; its largest
distance from the usual; its shift against the stretch before; and how far its course, level and
scale apart, lies from the nearest course of another window (the discord distance: Keogh, Lin and
Fu, 2005; the matrix profile: Yeh et al., 2016). Windows then are rows to the detectors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.data import Dataset, Schema
from wholefit.data.schema import Column, times_or_numbers
from wholefit.training.anomaly._alerts import SECONDS, _unit

KIND = "anomaly.windows"
TRAITS = ("mean", "variation", "jumps", "peak", "shift", "course")
_LEAST, _MOST = 4, 5_000
# Windows that courses are compared with, and numbers held for that at most.
_REFERENCE, _HELD = 4_000, 4_000_000
# Windows of history that a shift is measured against.
_HISTORY = 4
# Beyond this many spreads a value is far, and how far tells no more of a stretch.
_FAR = 20.0
# A course with less variation than this share of the usual one is flat.
_FLAT = 0.05
# A stretch with more than this share of a column missing has no course to be judged.
_ABSENT = 0.25
_CHUNK = 512


@dataclass(frozen=True, eq=False)
class Cut:
    """Windows of a dataset: `order` (n,) puts rows in order, window i holds the `length` rows
    order[starts[i]:starts[i] + length]; `joined[i]` is true where it overlaps or touches the
    window before it in the same run; `clock` (n,) is the time of each place, or None."""

    order: np.ndarray
    starts: np.ndarray
    length: int
    joined: np.ndarray
    run: np.ndarray
    clock: np.ndarray | None = None

    def rows(self, window: int) -> np.ndarray:
        """Rows of one window, in order."""
        return self.order[self.starts[window]:self.starts[window] + self.length]

    def spread(self, values: np.ndarray) -> np.ndarray:
        """The largest value of the windows that cover each row (n,); NaN where none does."""
        rows = np.full(len(self.order), -np.inf)
        for at in range(self.length):
            np.maximum.at(rows, self.starts + at, values)
        found = np.full(len(self.order), np.nan)
        found[self.order] = np.where(np.isfinite(rows), rows, np.nan)
        return found


def length_of(window: str | int, dataset: Dataset) -> int:
    """Rows in a window: a number of rows, or a time such as "24h" over the usual step."""
    if isinstance(window, bool) or (isinstance(window, int) and not _LEAST <= window <= _MOST):
        raise ParameterError(f"window must be {_LEAST} to {_MOST:,} rows, or a time such as "
                             f"'24h'; got {window!r}.")
    if isinstance(window, int):
        return window
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", window)
    if found is None:
        raise ParameterError(f"window must be a number of rows, or a time such as '24h' or "
                             f"'7 days'; got {window!r}.")
    number, word = float(found[1]), found[2]
    if not word or word.lower() in ("row", "rows"):
        return length_of(int(number), dataset)
    step = typical_step(dataset)
    if step is None:
        raise DataError(f"window={window!r} is a time, and the rows have none: name their column "
                        "with time=, or say a number of rows.")
    rows = round(number * SECONDS.get(_unit(word, window), 1.0) / step)
    if not _LEAST <= rows <= _MOST:
        raise ParameterError(f"window={window!r} is {rows:,} rows of {step:g} seconds; it must be "
                             f"{_LEAST} to {_MOST:,}: say a "
                             f"{'longer' if rows < _LEAST else 'shorter'} one.")
    return rows


def typical_step(dataset: Dataset) -> float | None:
    """Seconds from one row to the next of its series, the median; None where time is not known."""
    order, run = in_order(dataset)
    names = dataset.schema.having("time")
    if not names or names[0] not in dataset.frame.columns:
        return None
    times = dataset.times(names[0])[order]
    if np.isnat(times).mean() > 0.5:
        return None
    steps = np.diff(times.astype(np.int64))[np.diff(run) == 0]
    steps = steps[steps > 0]
    return float(np.median(steps)) / 1e6 if len(steps) else None


def in_order(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Rows by series and time (n,), and the series of each in that order (n,)."""
    rows = len(dataset)
    names = dataset.schema.having("group")
    group = dataset.codes(names[0])[0] if names and names[0] in dataset.frame.columns else \
        np.zeros(rows, dtype=np.int32)
    cells = _moments(dataset)
    rank = np.arange(rows) if cells is None else \
        cells.rank("dense").cast(pl.Int64).fill_null(0).to_numpy()
    order = np.lexsort((np.arange(rows), rank, group))
    return order, group[order]


def _moments(dataset: Dataset) -> pl.Series | None:
    """What the time column holds, as dates or numbers."""
    timed = dataset.schema.having("time")
    if not timed or timed[0] not in dataset.frame.columns:
        return None
    return times_or_numbers(dataset.frame.get_column(timed[0]).alias("time"))


def cut(dataset: Dataset, length: int, stride: int) -> Cut:
    """Windows of so many rows, each `stride` rows after the last; none over a gap or two series.

    A window is over a gap where it takes more than twice the time that its rows usually take.
    """
    order, run = in_order(dataset)
    breaks = np.flatnonzero(np.diff(run) != 0) + 1
    starts = []
    for low, high in zip([0, *breaks], [*breaks, len(order)], strict=True):
        if high - low >= length:
            at = np.arange(low, high - length + 1, stride)
            starts.append(at if at[-1] == high - length else np.append(at, high - length))
    found = np.concatenate(starts).astype(np.int64) if starts else np.zeros(0, dtype=np.int64)
    found = found[~_over_gap(dataset, order, found, length)]
    joined = np.zeros(len(found), dtype=bool)
    joined[1:] = (np.diff(found) <= length) & (run[found[1:]] == run[found[:-1]])
    cells = _moments(dataset)
    clock = None if cells is None else cells.to_physical().cast(pl.Float64).fill_null(
        np.nan).to_numpy()[order]
    return Cut(order, found, length, joined, run, clock)


def _over_gap(
    dataset: Dataset, order: np.ndarray, starts: np.ndarray, length: int
) -> np.ndarray:
    step = typical_step(dataset)
    if step is None or not len(starts):
        return np.zeros(len(starts), dtype=bool)
    times = dataset.times(dataset.schema.having("time")[0])[order].astype("datetime64[us]")
    took = (times[starts + length - 1] - times[starts]).astype(np.float64) / 1e6
    return np.isnan(took) | (took > 2 * step * (length - 1) + step)


class Windows:
    """How stretches become rows of traits; `reference` holds courses that others are measured by.

    `columns` are those of the dataset, each a number whose usual value is 0 and spread 1.
    """

    def __init__(self, length: int, stride: int, columns: list[str], missing: np.ndarray,
                 reference: np.ndarray, spans: np.ndarray,
                 places: np.ndarray | None = None) -> None:
        self.length, self.stride, self.columns = length, stride, columns
        self.missing, self.reference, self.spans = missing, reference, spans
        self._places = places  # where references lie in the data learnt from; not kept in a file

    @classmethod
    def learn(cls, dataset: Dataset, length: int, columns: list[str], found: Cut,
              usable: np.ndarray, seed: int) -> Windows:
        """From the windows of `found` that are `usable` (m,), of a dataset of scaled numbers."""
        values, gone = _series(dataset, columns, found.order)
        stride = max(1, length // 4)
        covered = np.zeros(len(found.order) + 1, dtype=np.int64)
        np.add.at(covered, found.starts[usable], 1)
        np.add.at(covered, found.starts[usable] + length, -1)
        inside = np.concatenate([[0], np.cumsum(np.cumsum(covered)[:-1] > 0)])
        every = np.arange(len(found.order) - length + 1)
        whole = every[inside[every + length] - inside[every] == length]
        most = int(min(_REFERENCE, max(_HELD // max(length * len(columns), 1), 50)))
        if len(whole) > most:
            whole = np.sort(generator(seed, "courses").choice(whole, most, replace=False))
        reference = np.stack([_courses(values[:, at], whole, length)
                              for at in range(len(columns))]) if len(columns) else \
            np.zeros((0, len(whole), length), dtype=np.float32)
        return cls(length, stride, columns, np.asarray(gone.any(axis=0)), reference,
                   _times(found, whole), whole)

    def apply(self, dataset: Dataset, found: Cut, *, own: bool = False) -> Dataset:
        """Windows as rows of traits; `own` if the reference was learnt from this very dataset."""
        values, gone = _series(dataset, self.columns, found.order)
        columns = []
        for at, name in enumerate(self.columns):
            traits = self._traits(values[:, at], found, at, own)
            absent = _means(gone[:, at].astype(np.float64), found.starts, self.length)
            traits[-1][absent > _ABSENT] = 0.0
            columns += [pl.Series(f"{name}: {trait}", numbers)
                        for trait, numbers in zip(TRAITS, traits, strict=True)]
            if self.missing[at]:
                columns.append(pl.Series(f"{name}: missing", absent))
        frame = pl.DataFrame(columns)
        schema = Schema(tuple(Column(c.name, "numeric", "Float64", "a trait of a window")
                              for c in columns))
        return Dataset(frame, schema, source=dataset.source)

    @property
    def sources(self) -> dict[str, str]:
        """Column of the data that each trait tells of."""
        traits = (*TRAITS, "missing")
        return {f"{name}: {trait}": name for name in self.columns for trait in traits}

    def _traits(
        self, series: np.ndarray, found: Cut, at: int, own: bool
    ) -> tuple[np.ndarray, ...]:
        starts, length = found.starts, self.length
        near = np.clip(series, -_FAR, _FAR)
        mean = _means(near, starts, length)
        square = _means(near * near, starts, length)
        variation = np.sqrt(np.maximum(square - mean**2, 0.0))
        jumps = _means(np.abs(np.diff(near, append=near[-1:])), starts, length - 1)
        peak = _peaks(np.abs(series), starts, length)
        shift = mean - _before(near, found, length, mean)
        return mean, variation, jumps, np.minimum(peak, 10 * _FAR), shift, self._course(
            near, found, at, own)

    def _course(self, series: np.ndarray, found: Cut, at: int, own: bool) -> np.ndarray:
        """Distance of each window's course from the nearest reference, 0 alike to 1 unrelated.

        A reference of the same time, or the same place of the data learnt from, is no other one.
        """
        reference, length, starts = self.reference[at], self.length, found.starts
        spans = _times(found, starts)
        best = np.full(len(starts), np.inf)
        if not len(reference):
            return np.zeros(len(starts))
        flat = (reference == 0).all(axis=1)
        for low in range(0, len(starts), _CHUNK):
            some = starts[low:low + _CHUNK]
            asked = _courses(series, some, length)
            away = 1 - asked @ reference.T  # both have length 1: half the squared distance
            still = (asked == 0).all(axis=1)
            away[np.ix_(still, flat)] = 0.0
            if own and self._places is not None:
                away[np.abs(some[:, None] - self._places[None, :]) < length] = np.inf
            elif spans.shape[1] and self.spans.shape[1]:
                mine = spans[:, low:low + _CHUNK, None]
                away[(self.spans[0] <= mine[1]) & (mine[0] <= self.spans[1])] = np.inf
            best[low:low + _CHUNK] = away.min(axis=1)
        return np.where(np.isfinite(best), np.sqrt(np.maximum(best, 0.0)), 0.0)

    def state(self) -> State:
        """As plain data; the reference courses are stretches of the data, scaled."""
        return State(KIND, {"length": self.length, "stride": self.stride,
                            "columns": self.columns},
                     {"missing": self.missing, "reference": self.reference,
                      "spans": self.spans})

    @classmethod
    def from_state(cls, state: State) -> Windows:
        """Read back what `state` gave; ValueError where its parts do not fit together."""
        config, reference = state.config, state.arrays["reference"]
        length, stride, columns = config["length"], config["stride"], list(config["columns"])
        spans = state.arrays["spans"]
        if not (isinstance(length, int) and isinstance(stride, int) and stride >= 1
                and _LEAST <= length <= _MOST and reference.ndim == 3
                and reference.shape[0] == len(columns) == len(state.arrays["missing"])
                and reference.shape[2] == length and spans.ndim == 2 and len(spans) == 2
                and spans.shape[1] in (0, reference.shape[1])):
            raise ValueError("its windows have the wrong shape")
        return cls(length, stride, columns, state.arrays["missing"].astype(bool), reference, spans)


def _times(found: Cut, starts: np.ndarray) -> np.ndarray:
    """First and last moment of windows (2, m); (2, 0) where time is not known."""
    if found.clock is None:
        return np.zeros((2, 0))
    return np.stack([found.clock[starts], found.clock[starts + found.length - 1]])


def _series(
    dataset: Dataset, columns: list[str], order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Columns in order (n, p), what is missing taken for usual (0); and what is missing."""
    if not columns:
        return np.zeros((len(order), 0)), np.zeros((len(order), 0), dtype=bool)
    values = np.column_stack([dataset.numeric(name)[order] for name in columns])
    gone = ~np.isfinite(values)
    return np.where(gone, 0.0, values), gone


def _means(series: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    total = np.concatenate([[0.0], np.cumsum(series)])
    found: np.ndarray = (total[starts + length] - total[starts]) / length
    return found


def _before(series: np.ndarray, found: Cut, length: int, mean: np.ndarray) -> np.ndarray:
    """Mean of the stretch before each window in its run; its own where there is none."""
    if not len(found.starts):
        return np.zeros(0)
    begun = np.searchsorted(found.run, found.run[found.starts], side="left")
    low = np.maximum(found.starts - _HISTORY * length, begun)
    count = found.starts - low
    total = np.concatenate([[0.0], np.cumsum(series)])
    before = (total[found.starts] - total[low]) / np.maximum(count, 1)
    return np.where(count >= length, before, mean)


def _peaks(series: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    if not len(starts):
        return np.zeros(0)
    windows = np.lib.stride_tricks.sliding_window_view(series, length)
    found: np.ndarray = np.concatenate([windows[starts[at:at + _CHUNK]].max(axis=1)
                                        for at in range(0, len(starts), _CHUNK)])
    return found


def _courses(series: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """Windows with mean 0 and length 1 (m, length), float32; all 0 where a window is flat."""
    if not len(starts):
        return np.zeros((0, length), dtype=np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(series, length)[starts]
    centred = windows - windows.mean(axis=1, keepdims=True)
    size = np.sqrt((centred**2).sum(axis=1))
    flat = size < _FLAT * np.sqrt(length)
    found = centred / np.where(flat, 1.0, size)[:, None]
    found[flat] = 0.0
    return found.astype(np.float32)


def spans(found: Cut, alarmed: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
    """Alarmed windows that overlap or touch, as one: (first place, place after the last, which)."""
    at = np.flatnonzero(alarmed)
    if not len(at):
        return []
    broken = np.flatnonzero(~((np.diff(at) == 1) & found.joined[at[1:]])) + 1
    return [(int(found.starts[part[0]]), int(found.starts[part[-1]] + found.length), part)
            for part in np.split(at, broken)]


def joints(found: Cut, scores: np.ndarray) -> np.ndarray:
    """min(score, score of the joined window before), -inf at the start of a run: (m,).

    Alarms at a threshold t, joined ones counted once, are #(scores > t) - #(joints > t).
    """
    before = np.concatenate([[-np.inf], scores[:-1]])
    kept: Any = np.where(found.joined, np.minimum(scores, before), -np.inf)
    return np.asarray(kept)
