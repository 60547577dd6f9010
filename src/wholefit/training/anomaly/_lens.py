"""What detectors look at: rows as they are, rows in their context, or stretches of a series.

A lens turns a dataset into another whose rows the detectors score: the same rows (a point
anomaly), the same rows with each value measured against what is usual in its context (a
contextual one), or windows of a series as rows of traits (a collective one). Chandola, Banerjee
and Kumar (2009) name the three kinds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.state import State
from wholefit.data import Dataset, Schema
from wholefit.training.anomaly._context import Context, Key, judged, keys_of
from wholefit.training.anomaly._windows import Cut, Windows, cut, length_of

KINDS = ("point", "contextual", "collective")
# Windows that a detector needs to tell one from the others.
_FEWEST = 20


@dataclass(frozen=True)
class Plan:
    """What kind of anomaly is looked for: words of context, and rows of a window (0 for none)."""

    keys: tuple[Key, ...] = ()
    length: int = 0

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        return "collective" if self.length else "contextual" if self.keys else "point"

    @property
    def stride(self) -> int:
        """Rows from one window to the next."""
        return max(1, self.length // 4)


@dataclass(frozen=True, eq=False)
class View:
    """What the detectors see: a dataset, and the windows that its rows are, if they are."""

    dataset: Dataset
    cut: Cut | None = None


def plan(dataset: Dataset, context: str | None, window: str | int | None) -> Plan:
    """The plan asked for, checked against the dataset."""
    keys = keys_of(context, dataset.schema, time_column(dataset.schema)) if context else ()
    length = length_of(window, dataset) if window is not None else 0
    numbers, labels = judged(dataset.schema, keys)
    if (keys or length) and not numbers and not labels:
        raise DataError("no number or category is left to judge once the context is set apart; "
                        "name fewer words of context.")
    return Plan(keys, length)


def time_column(schema: Schema) -> str | None:
    """The column that tells the time of a row: the one named, else the only datetime."""
    named = schema.having("time")
    if named:
        return named[0]
    dates = schema.having("datetime")
    return dates[0] if len(dates) == 1 else None


class Lens:
    """A plan and what it learnt from some rows."""

    def __init__(self, plan: Plan, context: Context | None, windows: Windows | None) -> None:
        self.plan, self.context, self.windows = plan, context, windows

    def view(self, dataset: Dataset) -> View:
        """What the detectors see of new rows."""
        if self.context is None:
            return View(dataset)
        seen = self.context.apply(dataset)
        if self.windows is None:
            return View(seen)
        found = cut(dataset, self.windows.length, self.windows.stride)
        return View(self.windows.apply(seen, found), found)

    def sources(self, name: str) -> str:
        """The column of the data that a column of the view tells of."""
        return self.windows.sources.get(name, name) if self.windows else name

    def states(self) -> dict[str, State]:
        """What must be kept, by name."""
        found = {}
        if self.context is not None:
            found["context"] = self.context.state()
        if self.windows is not None:
            found["windows"] = self.windows.state()
        return found

    @classmethod
    def from_states(cls, states: dict[str, State]) -> Lens:
        """Read back what `states` gave."""
        context = Context.from_state(states["context"]) if "context" in states else None
        windows = Windows.from_state(states["windows"]) if "windows" in states else None
        if windows is not None and context is None:
            raise ValueError("windows stand without their scale")
        plan = Plan(context.keys if context else (), windows.length if windows else 0)
        return cls(plan, context, windows)


class Cutting:
    """Lenses learnt from parts of one dataset, and what they see of it: for cross-fitting.

    Units are the rows that detectors score: rows, or windows.
    """

    def __init__(self, dataset: Dataset, plan: Plan, seed: int) -> None:
        self.dataset, self.plan, self.seed = dataset, plan, seed
        self.cut = cut(dataset, plan.length, plan.stride) if plan.length else None
        if self.cut is not None and len(self.cut.starts) < _FEWEST:
            raise DataError(
                f"{len(dataset):,} rows hold {len(self.cut.starts):,} windows of {plan.length:,} "
                f"rows without a gap; at least {_FEWEST} are needed: say a shorter window=.")

    @property
    def units(self) -> int:
        """Rows or windows there are to score."""
        return len(self.dataset) if self.cut is None else len(self.cut.starts)

    def learn(self, usable: np.ndarray) -> tuple[Lens, Dataset]:
        """The lens learnt from these units (a mask), and all units as it sees them."""
        if self.plan.kind == "point":
            return Lens(self.plan, None, None), self.dataset
        if self.cut is None:
            context = Context.learn(self.dataset, self.plan.keys, np.flatnonzero(usable))
            return Lens(self.plan, context, None), context.apply(self.dataset)
        context = Context.learn(self.dataset, self.plan.keys, self._rows(usable))
        scaled = context.apply(self.dataset)
        windows = Windows.learn(scaled, self.plan.length, [*context.numbers, *context.labels],
                                self.cut, usable, self.seed)
        return Lens(self.plan, context, windows), windows.apply(scaled, self.cut, own=True)

    def _rows(self, usable: np.ndarray) -> np.ndarray:
        """Rows that the usable windows cover."""
        assert self.cut is not None
        marks = np.zeros(len(self.dataset) + 1, dtype=np.int64)
        np.add.at(marks, self.cut.starts[usable], 1)
        np.add.at(marks, self.cut.starts[usable] + self.cut.length, -1)
        return np.sort(self.cut.order[np.cumsum(marks)[:-1] > 0])
