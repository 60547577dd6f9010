"""Study: what a search tried, what came of it, and what mattered; plain data."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wholefit.base.wording import aligned
from wholefit.training.tuning import importance as _importance
from wholefit.training.tuning._said import said as _said
from wholefit.training.tuning._said import value_of
from wholefit.training.tuning._store import Trial
from wholefit.training.tuning.dimensions import Choice
from wholefit.training.tuning.space import MODEL, Space

# Fewer trials than this say nothing about what mattered.
_FEWEST = 12
_ENOUGH = 30


@dataclass(frozen=True)
class Gain:
    """How the tuned model compares with the defaults: metric of tuned minus that of defaults.

    From rows that neither had learnt, paired; `better` is "tuned", "defaults" or "tied".
    """

    value: float
    low: float
    high: float
    better: str


@dataclass(frozen=True)
class Study:
    """A finished search.

    `metric` and whether "higher" or "lower" is `better`; `chosen` is the number of the trial whose
    configuration answers, None where the defaults were not beaten; `values` that configuration;
    `score` and `score_of_best` the metric of the tuned model as reported, and as the folds that it
    was chosen by have it: the difference is the luck of the choice. `nested` says by how many
    outer folds the reported one was measured, 0 where the choice alone was repeated.
    """

    strategy: str
    space: Space
    trials: tuple[Trial, ...]
    metric: str
    better: str
    chosen: int | None
    values: dict[str, Any]
    score: float
    score_of_best: float
    default: float | None = None
    gain: Gain | None = None
    nested: int = 0
    seconds: float = 0.0
    path: str | None = None
    outer: tuple[dict[str, Any], ...] = ()

    @property
    def done(self) -> list[Trial]:
        """Trials that have a loss, in order of their numbers."""
        return [trial for trial in self.trials if trial.status == "done"]

    @property
    def whole(self) -> list[Trial]:
        """Those of all rows and folds: their losses can be compared."""
        return [trial for trial in self.trials if trial.whole]

    def value(self, trial: Trial) -> float:
        """The metric of a trial."""
        return -trial.loss if self.better == "higher" else trial.loss

    @cached_property
    def said(self) -> tuple[str, ...]:
        """What the search comes to, in sentences."""
        return tuple(_said(self))

    def to_text(self) -> str:
        """The sentences and the best trials, for a terminal."""
        return "\n".join([*self.said, "", *aligned(*self.best_table())])

    def best_table(self, most: int = 10) -> tuple[list[str], list[list[str]]]:
        """Header and rows of the best trials as text."""
        best = self.ordered[:most]
        names = [name for name in self.space.dims if any(name in one.values for one in best)]
        part = any(not one.whole and one.status == "done" for one in best)
        header = ["trial", self.metric, *["rows", "folds"] * part, "seconds",
                  *(name if MODEL in self.space.dims else name.removeprefix(
                      next(iter(self.space.models)) + ".") for name in names)]
        return header, [[
            str(one.number if one.number >= 0 else "final"),
            f"{self.value(one):.5g}" if one.status == "done" else one.status,
            *[f"{one.share:.0%}", str(one.folds or "all")] * part, f"{one.seconds:.1f}",
            *(value_of(one.values[name]) if name in one.values else "" for name in names)]
            for one in best]

    @property
    def ordered(self) -> list[Trial]:
        """The trials, whole ones first, and of equal cost the best first."""
        return sorted(self.trials, key=lambda one: (
            not one.whole, -(one.folds or math.inf), -one.share, one.loss, one.number))

    def table(self) -> list[dict[str, Any]]:
        """One row a trial, whole ones first and the best first: for a frame or a table."""
        names = list(self.space.dims)
        return [{"trial": one.number, self.metric: self.value(one) if one.status == "done"
                 else math.nan, "status": one.status, "share": one.share, "folds": one.folds,
                 "seconds": round(one.seconds, 3),
                 **{name: one.values.get(name) for name in names}, "reason": one.reason}
                for one in self.ordered]

    @property
    def rung(self) -> list[Trial]:
        """The trials that can be compared with each other: whole ones if there are enough of them,
        else the most that had the same rows and folds.
        """
        if len(self.whole) >= _ENOUGH or not self.done:
            return self.whole
        kinds = Counter((trial.folds, trial.share) for trial in self.done)
        most = kinds.most_common(1)[0][0]
        return [trial for trial in self.done if (trial.folds, trial.share) == most]

    @cached_property
    def importance(self) -> _importance.Importance | None:
        """What share of the differences each dimension makes; None where too few trials tell.

        Trials of all rows and folds are used, or of the rung that has most of them, where that says
        more; with several models, those of the model that answers.
        """
        label = self.space.label(self.values)
        used = [trial for trial in self.rung if self.space.label(trial.values) == label]
        names = [name for name in self.space.active(label) if name != MODEL and not (
            isinstance(dim := self.space.dims[name], Choice) and len(dim.options) == 1)]
        if len(used) < _FEWEST or not names:
            return None
        return _importance.measured(self.space, names, [trial.values for trial in used],
                                    [trial.loss for trial in used])

    def to_json(self) -> dict[str, Any]:
        """JSON-able form: everything but the models themselves."""
        found = self.importance
        return {
            "strategy": self.strategy, "metric": self.metric, "better": self.better,
            "chosen": self.chosen, "values": self.space.packed(self.values),
            "score": self.score, "score_of_best": self.score_of_best, "default": self.default,
            "gain": None if self.gain is None else vars(self.gain), "nested": self.nested,
            "said": list(self.said), "seconds": round(self.seconds, 3), "path": self.path,
            "outer": list(self.outer),
            "space": {name: dim.to_json() for name, dim in self.space.dims.items()},
            "importance": None if found is None else found.to_json(),
            "trials": [{"number": one.number, "status": one.status, "share": one.share,
                        "folds": one.folds, "values": self.space.packed(one.values),
                        "value": self.value(one) if one.status == "done" else None,
                        "seconds": round(one.seconds, 3), "reason": one.reason}
                       for one in self.trials],
        }
