"""What learning rows and learning texts have in common: words, rows set apart, trials in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import DataError, unknown
from wholefit.base.params import Params, param
from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.data import Dataset
from wholefit.evaluation import generation as measures
from wholefit.models import Model
from wholefit.training.found import Common
from wholefit.training.record import Entry

FEWEST, JUDGED = 60, 20
"""Rows from which on some are set apart, and fewest that anything is judged on."""


@dataclass(frozen=True)
class Options(Params):
    """The words of `wf.fit(..., task="generation")`."""

    shape: str | None = param(
        None, "Columns are the pixels of pictures of this size, row by row: '28x28', or with "
        "channels '3x32x32'; None: rows are rows of a table.", none=True)
    text: str | None = param(
        None, "The column of texts to learn to write like; None: where free text is all there is, "
        "that column.", none=True)
    useful_for: str | None = param(
        None, "A column that a model learns from made rows, to be judged on real ones; None is the "
        "label, where one is named.", none=True)
    judged: int = param(1000, "Most rows that models are judged on.", low=20, high=5000)
    near: int = param(5, "Nearest row whose distance is a row's reach, for precision, recall and "
                      "coverage.", low=1, high=50)
    shown: int = param(24, "Pictures of each kind that the report keeps, real and made; 0 keeps "
                       "none.", low=0, high=100)


@dataclass(frozen=True, eq=False)
class Trial:
    """A model learnt, what it was judged by (`judged`), and some of what it made."""

    model: Model
    entry: Entry
    judged: Any = None
    state: State | None = None
    estimator: Any = None
    made: Any = None


def metric_of(common: Common, usual: str, able: Sequence[str]) -> str:
    """The metric that was asked for, of those that `able` names, or the usual one."""
    metric = common.metric or usual
    if not isinstance(metric, str) or metric not in able:
        raise unknown("metric of generation", str(metric), able)
    return metric


def parted(dataset: Dataset, options: Options, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn on and rows to judge on, in order; those of a group are on one side."""
    n, groups = len(dataset), dataset.groups()
    order = generator(seed, "held rows").permutation(n)
    if n < FEWEST:
        return np.sort(order), order[:0]
    count = max(JUDGED, min(n // 5, options.judged))
    if groups is None:
        return np.sort(order[count:]), np.sort(order[:count])
    units = np.where(groups < 0, groups.max() + 1 + np.arange(n), groups)
    drawn = generator(seed, "held groups").permutation(np.unique(units))
    sizes = np.cumsum([int((units == unit).sum()) for unit in drawn])
    apart = np.isin(units, drawn[:int((sizes <= max(count, JUDGED)).sum())])
    if apart.sum() < JUDGED:
        return np.sort(order), order[:0]
    return np.flatnonzero(~apart), np.flatnonzero(apart)


def labelled(models: Sequence[Model]) -> list[str]:
    """Names on the board: a second one of a kind is called "vae_2"."""
    seen: dict[str, int] = {}
    found = []
    for model in models:
        seen[model.name] = seen.get(model.name, 0) + 1
        found.append(model.name if seen[model.name] == 1 else f"{model.name}_{seen[model.name]}")
    return found


def part(common: Common, share: float) -> Clock:
    """A clock with a share of what is left, so that judging and the last fit have theirs."""
    left = common.clock.left()
    return Clock(Budget()) if left == float("inf") else Clock(Budget(seconds=max(
        1.0, share * left)))


def ranked(trials: list[Trial], metric: str) -> list[Trial]:
    """Best first; those whose interval reaches that of the best are tied with it, and the cheapest
    of them is recommended.
    """
    trials = sorted(trials, key=lambda t: -measures.best_first(t.entry.scores, metric))
    done = [trial for trial in trials if trial.state is not None]
    if not done:
        raise DataError("no model could be fitted: " + "; ".join(
            f"{trial.model.name}: {trial.entry.reason}" for trial in trials))
    scored = [trial for trial in done if metric in trial.entry.scores]
    if not scored:
        return [replace(t, entry=replace(t.entry, recommended=t is done[0])) for t in trials]
    best = scored[0]
    tied = [trial for trial in scored if _reaches(trial, best, metric)]
    pick = min(tied, key=lambda trial: trial.model.burden)
    return [replace(t, entry=replace(t.entry, best=t is best, recommended=t is pick,
                                     tied=len(tied) > 1 and t in tied)) for t in trials]


def _reaches(trial: Trial, best: Trial, metric: str) -> bool:
    """Whether the difference of the two could be none, by their intervals."""
    a, b = trial.entry.scores[metric], best.entry.scores[metric]
    reach = float(np.hypot(a.high - a.low, b.high - b.low) / 2)
    return trial is best or abs(a.value - b.value) <= reach
