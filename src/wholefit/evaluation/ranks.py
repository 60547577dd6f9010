"""Models over many tables: mean ranks, Friedman's test, and Nemenyi's critical difference.

Scores of different tables have different units; ranks have not. Demšar (2006), Statistical
comparisons of classifiers over multiple data sets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.evaluation import _kept
from wholefit.evaluation.score import check_level


@dataclass(frozen=True)
class Ranks:
    """Mean ranks of models over `tables` tables, 1 the best.

    `p` is that of no difference among all (Iman and Davenport's form of Friedman's test); two
    models differ for certain where their mean ranks are `apart` or more (Nemenyi 1963). `groups`
    are runs of models that no such difference parts.
    """

    ranks: dict[str, float]
    tables: int
    p: float
    apart: float
    groups: tuple[tuple[str, ...], ...]
    level: float

    def to_text(self) -> str:
        """The ranks and what they show."""
        ordered = ", ".join(f"{name} {rank:.2f}" for name, rank in sorted(
            self.ranks.items(), key=lambda each: each[1]))
        verdict = ("some differ for certain" if self.p < 1 - self.level else
                   "no difference is certain")
        return (f"Mean ranks over {self.tables} tables: {ordered}. Friedman's test: {verdict} "
                f"(p = {self.p:.2g}); two models differ where their ranks are {self.apart:.2f} "
                "apart (Nemenyi). Not told apart: "
                + "; ".join(", ".join(group) for group in self.groups) + ".")

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        found: dict[str, Any] = _kept.put(self)
        return found

    def __str__(self) -> str:
        return self.to_text()


def friedman(
    scores: Mapping[str, Sequence[float]], *, higher: bool = True, level: float = 0.95
) -> Ranks:
    """Compare models over tables: `scores` of each model, one number a table, in one order.

    Equal scores share their mean rank. DataError for fewer than 2 models or tables, or a score
    that is not finite.
    """
    from scipy.stats import rankdata

    check_level(level)
    names = list(scores)
    sizes = {len(each) for each in scores.values()}
    if len(names) < 2 or len(sizes) != 1 or min(sizes) < 2:
        raise DataError("friedman needs at least 2 models, each with a score of the same 2 or "
                        f"more tables; got {len(names)} models with {sorted(sizes)} scores.")
    table = np.array([list(scores[name]) for name in names], dtype=np.float64).T
    if not np.isfinite(table).all():
        raise DataError("friedman needs finite scores; leave tables out where a model has none.")
    ranked = np.apply_along_axis(rankdata, 1, -table if higher else table)
    mean = ranked.mean(axis=0)
    n, k = table.shape
    apart = _studentised(k, level) * math.sqrt(k * (k + 1) / (6 * n))
    order = [names[at] for at in np.argsort(mean, kind="stable")]
    ranks = {name: float(value) for name, value in zip(names, mean, strict=True)}
    return Ranks(ranks, n, _p(ranked), apart, _groups(order, ranks, apart), level)


def _p(ranked: np.ndarray) -> float:
    """Friedman's chi-squared, ties accounted for, turned to Iman and Davenport's F."""
    from scipy.special import fdtrc

    n, k = ranked.shape
    spread = float(((ranked - (k + 1) / 2) ** 2).sum())
    if spread == 0:
        return 1.0
    chi = (k - 1) * float((n * (ranked.mean(axis=0) - (k + 1) / 2) ** 2).sum()) * n / spread
    rest = n * (k - 1) - chi
    if rest <= 1e-12:
        return 0.0
    return float(fdtrc(k - 1, (k - 1) * (n - 1), (n - 1) * chi / rest))


def _studentised(k: int, level: float) -> float:
    """The studentised range's quantile for infinite degrees, over the square root of 2."""
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(level, k, np.inf)) / math.sqrt(2)


def _groups(
    order: Sequence[str], ranks: Mapping[str, float], apart: float
) -> tuple[tuple[str, ...], ...]:
    """Longest runs, in order of rank, whose ends are not told apart."""
    found: list[tuple[str, ...]] = []
    for start in range(len(order)):
        end = max(at for at in range(start, len(order))
                  if ranks[order[at]] - ranks[order[start]] < apart)
        run = tuple(order[start:end + 1])
        if not any(set(run) <= set(other) for other in found):
            found.append(run)
    return tuple(found)
