"""From states to verdicts: scores of new rows, alarms, and why each row alarmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.base.stored import reading
from wholefit.data import Dataset
from wholefit.features.encoder import Encoder
from wholefit.models import scorer
from wholefit.training.anomaly._lens import Lens, View
from wholefit.training.anomaly._threshold import Ladder
from wholefit.training.anomaly._usual import Usual, cells, number, shown
from wholefit.training.anomaly._windows import Cut, spans

_CHUNK = 50_000
# Rows times features that are scored at once when columns are put back to usual one by one.
_CELLS = 2_000_000
# A column is a reason if it carries this share of what the first one carries.
_WORTH = 0.1
REFERENCE = "anomaly.reference"


@dataclass(frozen=True)
class Reason:
    """One column's part in a row's strangeness: its share of the whole, and a clause on it."""

    column: str
    share: float
    said: str

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"column": self.column, "share": round(self.share, 3), "said": self.said}


@dataclass(frozen=True, eq=False)
class Verdict:
    """Scores of rows, and of the units (rows or windows) that they come from.

    `ranks` are shares of usual rows at least as strange, `alarms` whether a row alarms; NaN and
    False where no window covers it.
    """

    view: View
    unit_scores: np.ndarray
    scores: np.ndarray
    ranks: np.ndarray
    alarms: np.ndarray

    @property
    def cut(self) -> Cut | None:
        """The windows, where units are windows."""
        return self.view.cut


class Judge:
    """Answers from states alone: `lens`, "encoder", "model", "ladder", "usual", "reference"."""

    def __init__(self, states: Mapping[str, State]) -> None:
        with reading("the model file cannot answer"):
            self.lens = Lens.from_states(dict(states))
            self.encoder = Encoder.from_state(states["encoder"])
            self.scorer = scorer(states["model"])
            self.ladder = Ladder.from_state(states["ladder"])
            self.usual = Usual.from_state(states["usual"])
            self.reference = states["reference"].arrays["values"].astype(np.float64)
            self.trait_low, self.trait_high = (
                states["reference"].arrays[name] for name in ("low", "high"))
            if self.reference.shape != (len(self.encoder.names),):
                raise ValueError("its usual row has the wrong shape")

    def verdict(self, dataset: Dataset, threshold: float) -> Verdict:
        """Scores, ranks and alarms of every row of a conforming dataset, in order."""
        with reading("the model file cannot answer"):
            view = self.lens.view(dataset)
            found = self.scores(view.dataset)
            rows = found if view.cut is None else view.cut.spread(found)
            with np.errstate(invalid="ignore"):
                alarms = rows > threshold
            return Verdict(view, found, rows, self.ladder.rank(rows), alarms)

    def scores(self, view: Dataset) -> np.ndarray:
        """The detector's scores of the units that a lens shows, (units,)."""
        total = len(view)
        parts = [self.scorer.answer(self.encoder.transform(
            view, np.arange(at, min(at + _CHUNK, total)))) for at in range(0, total, _CHUNK)]
        found = np.concatenate([np.empty(0), *parts])
        if found.shape != (total,):
            raise ValueError(f"its model gives answers of shape {found.shape}")
        return found

    # ---- why ----------------------------------------------------------------------------

    def columns(self) -> list[str]:
        """Columns of the data that features are made of, in the order they are met."""
        return list(dict.fromkeys(self._sources()))

    def _sources(self) -> list[str]:
        return [self.lens.sources(source) for source in self.encoder.sources]

    def contributions(self, view: Dataset, units: np.ndarray) -> np.ndarray:
        """How much less strange each unit were with one column as usual, (units, columns)."""
        with reading("the model file cannot answer"):
            X = np.asarray(self.encoder.transform(view, units), dtype=np.float64)
            sources = self._sources()
            return occluded(self.scorer, X, self.reference, sources, self.columns())

    def reasons(
        self, dataset: Dataset, verdict: Verdict, units: Sequence[int] | np.ndarray, most: int = 3
    ) -> list[list[Reason]]:
        """Why these units (rows, or windows) are strange: at most so many columns each."""
        chosen = np.asarray(units, dtype=np.int64)
        if not most or not len(chosen):
            return [[] for _ in chosen]
        parts = self.contributions(verdict.view.dataset, chosen)
        names = self.columns()
        found = []
        for weights in parts:
            found.append([(names[place], share) for place, share in _largest(weights, most)])
        if verdict.cut is not None:
            return self._of_windows(verdict, chosen, found)
        return self._of_rows(dataset, chosen, found)

    def _of_rows(
        self, dataset: Dataset, rows: np.ndarray, named: list[list[tuple[str, float]]]
    ) -> list[list[Reason]]:
        wanted = sorted({name for some in named for name, _ in some if name in
                         dataset.schema.names})
        values = {name: cells(dataset, name, rows) for name in wanted}
        told = self._context_words(dataset.take(rows)) if self.lens.context else None
        return [[Reason(name, share, self._clause(name, values, at, told)) for name, share in some]
                for at, some in enumerate(named)]

    def _clause(
        self, name: str, values: dict[str, list[Any]], at: int, told: dict[str, Any] | None
    ) -> str:
        if name not in values:
            return f"{shown(name)} is unusual"
        value = values[name][at]
        if told is None or value is None or value != value:
            return self.usual.reason(name, value)
        where = told["where"][at]
        beside = f" for {where}" if where else ""
        if name in told["low"]:
            low, high = told["low"][name][at], told["high"][name][at]
            whole = self.usual.whole.get(name, False)
            return (f"{shown(name)} is {number(value, whole)}, while usual{beside} is "
                    f"{number(_near(low, whole), whole)} to {number(_near(high, whole), whole)} "
                    "(98% of rows)")
        if name in told["share"]:
            return (f"{shown(name)} is {shown(str(value))!r}, as in "
                    f"{100 * told['share'][name][at]:.2g}% of rows{beside}")
        return self.usual.reason(name, value)

    def _context_words(self, dataset: Dataset) -> dict[str, Any]:
        """Usual ranges of each number in the rows' contexts, and shares of each category there."""
        context = self.lens.context
        assert context is not None
        middle, spread = context.usual(dataset)
        seen = context.apply(dataset)
        edges = dict(zip(self.encoder.names, zip(self.trait_low, self.trait_high, strict=True),
                         strict=True))
        low, high = {}, {}
        for at, name in enumerate(context.numbers):
            below, above = edges.get(name, (-3.0, 3.0))
            least, most = self.usual.of(name)[[0, -1]]  # no range beyond what was ever seen
            low[name] = np.clip(middle[:, at] + below * spread[:, at], least, most)
            high[name] = np.clip(middle[:, at] + above * spread[:, at], least, most)
        share = {name: np.exp(-seen.numeric(name)) for name in context.labels}
        return {"where": context.said(dataset), "low": low, "high": high, "share": share}

    def _of_windows(
        self, verdict: Verdict, units: np.ndarray, named: list[list[tuple[str, float]]]
    ) -> list[list[Reason]]:
        """What is strange of a stretch: the trait of each column that lies farthest out."""
        X = np.asarray(self.encoder.transform(verdict.view.dataset, units), dtype=np.float64)
        sources = self._sources()
        return [[Reason(name, share, self._trait(name, X[at], sources)) for name, share in some]
                for at, some in enumerate(named)]

    def _trait(self, column: str, row: np.ndarray, sources: list[str]) -> str:
        mine = [at for at, source in enumerate(sources) if source == column]
        wide = np.maximum(self.trait_high[mine] - self.trait_low[mine], 1e-9)
        out = np.maximum(row[mine] - self.trait_high[mine], self.trait_low[mine] - row[mine]) / wide
        worst = mine[int(np.argmax(out))]
        trait = self.encoder.names[worst].rsplit(": ", 1)[-1]
        return _trait_said(column, trait, float(row[worst]), float(self.trait_low[worst]),
                           float(self.trait_high[worst]), self._scale(column))

    def _scale(self, column: str) -> tuple[float, float] | None:
        """Middle and spread of a number, where one scale holds for all rows."""
        context = self.lens.context
        if context is None or context.keys or column not in context.numbers:
            return None
        at = context.numbers.index(column)
        return float(context.tables[0].middle[0, at]), float(context.tables[0].spread[0, at])

    def stretches(self, verdict: Verdict, threshold: float) -> list[tuple[int, int, int]]:
        """Alarmed windows that touch, as one: (first place, place after the last, worst window)."""
        assert verdict.cut is not None
        return [(low, high, int(which[np.argmax(verdict.unit_scores[which])]))
                for low, high, which in spans(verdict.cut, verdict.unit_scores > threshold)]


def occluded(
    model: Any, X: np.ndarray, reference: np.ndarray, sources: Sequence[str],
    columns: Sequence[str],
) -> np.ndarray:
    """How much each row's score falls when one column's features are put to `reference` (p,).

    Rows (n, p), to (n, columns). Any detector can be asked so; what it asks is: would this row be
    strange if that column were as usual?
    """
    whole = model.answer(X)
    found = np.zeros((len(X), len(columns)))
    mine = {name: [at for at, source in enumerate(sources) if source == name] for name in columns}
    step = max(1, _CELLS // max(X.size, 1))
    for low in range(0, len(columns), step):
        some = columns[low:low + step]
        asked = np.tile(X, (len(some), 1))
        for place, name in enumerate(some):
            rows = slice(place * len(X), (place + 1) * len(X))
            asked[rows, mine[name]] = reference[mine[name]]
        found[:, low:low + len(some)] = (
            whole[None, :] - model.answer(asked).reshape(len(some), len(X))).T
    return found


def _largest(weights: np.ndarray, most: int) -> list[tuple[int, float]]:
    """Places and shares of the largest contributions, none that is a tenth of the first."""
    order = np.argsort(-weights, kind="stable")[:most]
    first, total = weights[order[0]], weights[weights > 0].sum()
    if not first > 0:
        return [(int(order[0]), 0.0)]
    return [(int(at), float(weights[at] / total)) for at in order if weights[at] >= _WORTH * first]


def _near(value: float, whole: bool) -> float:
    return float(round(value)) if whole else float(value)


_SAID = {"mean": "its mean", "variation": "its variation", "jumps": "its jumps from row to row",
         "peak": "its largest distance from the usual", "shift": "its shift against the stretch "
         "before", "missing": "the share of it that is missing"}


def _trait_said(
    column: str, trait: str, value: float, low: float, high: float,
    scale: tuple[float, float] | None,
) -> str:
    called = shown(column)
    if trait == "course":
        return f"{called}: its course is unlike that of any other stretch"
    if trait == "missing":
        return f"{called}: {100 * value:.3g}% of it is missing"
    unit = "" if scale is not None else " spreads of its context"
    if scale is not None:
        middle, spread = scale
        added = middle if trait == "mean" else 0.0
        value, low, high = (x * spread + added for x in (value, low, high))
    if trait in ("variation", "jumps", "peak") and low > 0 and value > high:
        return (f"{called}: {_SAID[trait]} is {number(value)}{unit}; in 99% of stretches it is "
                f"at most {number(high)}")
    return (f"{called}: {_SAID[trait]} is {number(value)}{unit}; in 98% of stretches it is "
            f"{number(low)} to {number(high)}")
