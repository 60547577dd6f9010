"""What is mended: a finished fit, the groups, and what is to be made equal between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.training._folds import Problem
from wholefit.training.fairness import _by_group
from wholefit.training.fairness._by_group import GOALS
from wholefit.training.fitted import Fitted
from wholefit.training.record import Run


@dataclass(frozen=True)
class Asked:
    """What is to be made equal, between whom, and how.

    `group` (n,) codes of the groups named `names`; `edges` cut columns of numbers. `bound` is
    the gap from the common rate that constrained training allows, `rounds` its most fits.
    """

    by: tuple[str, ...]
    names: tuple[str, ...]
    group: np.ndarray
    edges: dict[str, tuple[float, ...]]
    goal: str
    metric: str
    bound: float = 0.01
    rounds: int = 40
    thin: int = 30
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.goal not in GOALS:
            raise unknown("goal", self.goal, GOALS)
        if not 0 < self.bound < 1:
            raise ParameterError(f"bound must be above 0 and below 1; got {self.bound}.")
        if self.rounds < 1:
            raise ParameterError(f"rounds must be >= 1; got {self.rounds}.")
        if len(self.names) < 2:
            raise DataError(f"there is one group by {' x '.join(self.by)}: {self.names[0]!r}; "
                            "fairness between groups needs two.")


@dataclass(frozen=True)
class Made:
    """A method's model, with its answers to unseen rows and what it decides on them."""

    fitted: Fitted
    answer: np.ndarray
    codes: np.ndarray
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ground:
    """The fit that is mended: its problem, its model, and its decisions on unseen rows."""

    run: Run
    problem: Problem
    positive: int
    codes: np.ndarray
    asked: Asked

    @property
    def yes(self) -> np.ndarray:
        """Whether the outcome is true, (n,)."""
        return np.asarray(self.problem.y == self.positive)

    @property
    def answer(self) -> np.ndarray:
        """The model's answers to unseen rows as it was, (n, 2)."""
        return self.run.oof[self.run.chosen.model]

    def seen(self) -> np.ndarray:
        """The rows that some fold held out, (n,)."""
        return np.isfinite(self.answer).all(axis=1)

    def gap(self, said: np.ndarray, rows: np.ndarray) -> float:
        """The gap by the goal asked for of decisions (m,) on some rows; NaN of too few."""
        asked, weights = self.asked, self.problem.weights
        heavy = np.ones(len(said)) if weights is None else weights[rows]
        found = []
        for code in range(len(asked.names)):
            own = asked.group[rows] == code
            if own.sum() >= asked.thin:
                found.append(_by_group.rates(said[own].astype(float), self.yes[rows][own],
                                             heavy[own], asked.goal))
        table = np.array(found)
        if len(table) < 2 or np.isnan(table).any(axis=1).sum() > len(table) - 2:
            return float("nan")
        return float(np.nanmax(np.nanmax(table, axis=0) - np.nanmin(table, axis=0)))

def thresholds(ground: Ground, score: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Thresholds from some rows, one for each group; of a group that has none, a half."""
    asked, weights = ground.asked, ground.problem.weights
    here, codes = np.unique(asked.group[rows], return_inverse=True)
    found = np.full(len(asked.names), 0.5)
    found[here] = _by_group.chosen(score[rows], ground.yes[rows], codes, asked.goal,
                                   None if weights is None else weights[rows])
    return np.clip(found, 0.0, 1.0)
