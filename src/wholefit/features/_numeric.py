"""Numbers: filled where missing, flagged, brought to a common scale, multiplied.

Order, per column: an infinite value becomes the largest (smallest) finite training value; a
missing one becomes the learnt fill, or what the row's other columns say of it (impute="knn",
"iterative"); then scaling; then products. Statistics of scale are those
of the filled column, as when an imputer and a scaler follow one another. A column without any
training value carries nothing, and stays at its fill whatever new rows hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.features import _dates, _impute
from wholefit.features._dates import Calendar
from wholefit.features._impute import Filler
from wholefit.features._picked import Picked
from wholefit.features._polynomial import Terms
from wholefit.features._statistics import Learnt, summarise
from wholefit.features.encoding import Encoding

KIND = "encoder.numeric"

# Numbers are held within this, so that a model may weigh, square and add them without overflow.
_LARGEST = 1e100


class Numeric:
    """Numeric and boolean columns, computed columns, and the parts of datetimes, as one block.

    Features in order: the columns, the calendar parts, 0/1 flags of missing values, products.
    """

    def __init__(
        self, columns: list[str], calendars: list[Calendar], learnt: Learnt,
        flagged: list[int], terms: Terms | None, single: bool, filler: Filler | None = None,
    ) -> None:
        self.columns, self.calendars, self.learnt = columns, calendars, learnt
        self.flagged, self.terms = flagged, terms
        self.single, self.filler = single, filler
        self.limit = float(np.finfo(np.float32).max) if single else _LARGEST
        self._owners = columns + [c.column for c in calendars for _ in c.parts]
        self._plain = columns + [f"{c.column}.{part}" for c in calendars for part in c.parts]
        self._centre = learnt.centre[:, None]
        self._scale = learnt.scale[:, None]
        self._scaled = bool((learnt.centre != 0).any() or (learnt.scale != 1).any())

    @property
    def names(self) -> list[str]:
        """One name a feature."""
        flags = [f"{self._owners[i]} (missing)" for i in self.flagged]
        return self._plain + flags + (self.terms.names if self.terms else [])

    @property
    def sources(self) -> list[str]:
        """The column each feature came from; "a*b" for a product of two."""
        flags = [self._owners[i] for i in self.flagged]
        return self._owners + flags + (self.terms.sources if self.terms else [])

    def filled(self) -> float:
        """Expected number of entries of a row that are not zero."""
        flags = float(self.learnt.missing[self.flagged].sum())
        return len(self._plain) + flags + (len(self.terms.names) if self.terms else 0)

    def write(self, picked: Picked, span: slice, out: np.ndarray) -> None:
        """Fill `out` (rows, features) for a stretch of rows."""
        tile, flags = self._tile(picked, span)
        wide = len(tile)
        out[:, :wide] = tile.T
        if self.flagged:
            out[:, wide:wide + len(flags)] = flags.T
        if self.terms:
            found = self.terms.of(tile[:len(self.columns)], self.limit)
            out[:, wide + len(flags):] = found.T

    def _tile(self, picked: Picked, span: slice) -> tuple[np.ndarray, np.ndarray]:
        """Encoded columns (columns, rows) and flags of missing values (flagged, rows)."""
        tile = np.empty((len(self._plain), span.stop - span.start))
        for row, name in zip(tile, self.columns, strict=False):
            picked.numbers(name, span, row)
        at = len(self.columns)
        for calendar in self.calendars:
            calendar.read(picked, span, tile[at:at + len(calendar.parts)])
            at += len(calendar.parts)
        flags = np.isnan(tile[self.flagged]) if self.flagged else np.empty((0, 0), bool)
        self._mend(tile)
        with np.errstate(over="ignore", invalid="ignore"):
            if self._scaled:
                tile -= self._centre
                tile /= self._scale
            np.clip(tile, -self.limit, self.limit, out=tile)
        return tile, flags

    def _mend(self, tile: np.ndarray) -> None:
        learnt = self.learnt
        if len(learnt.empty):
            tile[learnt.empty] = np.nan
        finite = np.isfinite(tile)
        if finite.all():
            return
        gaps = np.flatnonzero(~finite.all(axis=1))
        for row in gaps:
            values = tile[row]
            values[values == np.inf] = learnt.high[row]
            values[values == -np.inf] = learnt.low[row]
        if self.filler is not None:
            wide = len(self.columns)
            tile[:wide] = self.filler.fill(tile[:wide].T).T
        for row in gaps:
            values = tile[row]
            values[np.isnan(values)] = learnt.fill[row]

    def state(self) -> State:
        """Learnt numbers as arrays, the rest as config."""
        config: dict[str, Any] = {
            "columns": self.columns, "flagged": self.flagged,
            "calendars": [c.to_json() for c in self.calendars],
            "single": self.single, "terms": None,
        }
        if self.terms:
            config["terms"] = {"flags": self.terms.flags, "degree": self.terms.degree,
                               "distinct": self.terms.distinct}
        parts = {} if self.filler is None else {"filler": self.filler.state()}
        return State(KIND, config, arrays=self.learnt.arrays(), parts=parts)

    @classmethod
    def from_state(cls, state: State) -> Numeric:
        """The block that `state` describes."""
        config = state.config
        terms = Terms(config["columns"], **config["terms"]) if config["terms"] else None
        return cls(
            list(config["columns"]), [Calendar.from_json(c) for c in config["calendars"]],
            Learnt(**state.arrays), list(config["flagged"]), terms, config["single"],
            Filler.from_state(state.parts["filler"]) if "filler" in state.parts else None,
        )


def learn(
    picked: Picked, columns: list[str], dates: list[str], booleans: list[str], encoding: Encoding,
    seed: int = 0,
) -> Numeric | None:
    """The block learnt on the picked rows; None when no column gives a number."""
    calendars = [c for name in dates if (c := _dates.learn(picked, name)) is not None]
    learnt = Learnt.gather(summarise(values, encoding)
                           for values in _raw(picked, columns, calendars))
    if not len(learnt.fill):
        return None
    filler = None
    if encoding.impute in ("knn", "iterative"):
        filler, learnt = _filled(picked, columns, learnt, encoding, seed)
    flagged = _flagged(learnt, columns, calendars) if encoding.indicator else []
    terms = None
    if encoding.degree > 1 and columns:
        flags = [name for name in booleans if name in columns]
        terms = Terms(columns, flags, encoding.degree, encoding.interactions_only)
    return Numeric(columns, calendars, learnt, flagged, terms, encoding.single, filler)


def _filled(
    picked: Picked, columns: list[str], learnt: Learnt, encoding: Encoding, seed: int
) -> tuple[Filler | None, Learnt]:
    """What fills the columns from one another, and the centres and scales of filled columns."""
    if len(columns) < 2 or not learnt.missing[:len(columns)].any():
        return None, learnt
    table = np.stack([picked.column(name) for name in columns], axis=1)
    low, high = learnt.low[:len(columns)], learnt.high[:len(columns)]
    table = np.where(np.isnan(low), np.nan, np.clip(table, low, high))
    filler = _impute.learn(encoding.impute, table, seed)
    whole = Learnt.gather(summarise(values.copy(), encoding) for values in filler.fill(table).T)
    rest = slice(len(columns), None)
    return filler, replace(learnt, centre=np.append(whole.centre, learnt.centre[rest]),
                           scale=np.append(whole.scale, learnt.scale[rest]))


def _raw(picked: Picked, columns: list[str], calendars: list[Calendar]) -> Iterator[np.ndarray]:
    """Each input of the block, one after another: only one is held in full."""
    for name in columns:
        yield picked.column(name)
    for calendar in calendars:
        parts = np.empty((len(calendar.parts), picked.size))
        calendar.read(picked, slice(0, picked.size), parts)
        yield from parts


def _flagged(learnt: Learnt, columns: list[str], calendars: list[Calendar]) -> list[int]:
    """Inputs whose missing values are flagged: one for a datetime, not one for each part."""
    firsts, at = list(range(len(columns))), len(columns)
    for calendar in calendars:
        firsts.append(at)
        at += len(calendar.parts)
    return [i for i in firsts if 0 < learnt.missing[i] < 1]
