"""A model taught to tell a window's rows from the reference's.

If it can, the rows are distributed otherwise, also where each column alone is as before (the
classifier two-sample test of Lopez-Paz and Oquab, 2017). The rows of both are dealt into two
halves; each half is judged by trees that learnt from the other. Within a half the chance of its
area under the ROC curve is that of Mann and Whitney, which is exact for rows of one distribution;
twice the mean of the two chances bounds both together, however they hang together (Vovk and Wang,
2020).

The same answers say how much more frequent rows like a given one have become: the odds that the
trees give are the ratio of densities, which `estimate` weighs the reference by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from wholefit import evaluation, models
from wholefit.base import tasks
from wholefit.base.errors import WholefitError
from wholefit.base.seeds import generator, some
from wholefit.data import Dataset
from wholefit.training._leaks_skew import _alone, _mixed
from wholefit.training.plain import fit_plain

Array = np.ndarray
MODEL = "hist_gradient_boosting(n_estimators=40, max_leaf_nodes=8, min_samples_leaf=20)"
MOST = 2_000
_FEWEST = 40
_SURE = 1e-3
# Which columns tell rows apart is looked at where something may do so.
_LOOKED = 0.1
# Below this share of different rows, rows that are alike are no questions asked again.
_REPEATED = 0.5


@dataclass(frozen=True, eq=False)
class Apart:
    """How far two sets of rows can be told apart.

    `auc` with its interval; `p` the chance of such answers for rows of one distribution; `odds`
    (n,) of each reference row, and `odds_new` (m,) of each row of the window, to be of the window,
    as if both had as many rows; `rows`, `rows_new` the places of those rows; `telling` the columns
    that alone tell most, with their area under the ROC curve (none where nothing tells).
    """

    auc: float
    low: float
    high: float
    p: float
    odds: Array
    odds_new: Array
    rows: Array
    rows_new: Array
    telling: tuple[tuple[str, float], ...] = ()

    @property
    def said(self) -> str:
        """The outcome in words."""
        named = ", ".join(f"{name} ({value:.2f} alone)" for name, value in self.telling[:3]
                          if value >= 0.5 + (self.auc - 0.5) / 2)
        return (f"a model tells the window's rows from the reference's with AUC {self.auc:.3f} "
                f"[{self.low:.3f}, {self.high:.3f}]"
                + (f"; most telling: {named}" if named and self.auc > 0.5 else ""))


def told_apart(old: Dataset, new: Dataset, seed: int = 0, most: int = MOST) -> Apart | None:
    """Tell the rows of two datasets apart, by at most `most` of each; None where they are too few.

    The columns are those that the old one's schema learns from and both have.
    """
    there = set(new.frame.columns)
    shared = [name for name in old.schema.features if name in there]
    if min(len(old), len(new)) < _FEWEST or not shared:
        return None
    rows, rows_new = (some(len(each), most, seed, "apart", which)
                      for each, which in ((old, "old"), (new, "new")))
    first, second = old.take(rows), new.take(rows_new)
    mixed, y, order = _mixed(first, second, shared, most, seed)
    half = _halves(mixed.frame.select(shared), y, seed)
    shares = np.full(len(y), np.nan)
    chances = []
    task = tasks.get("classification")
    for side in (0, 1):
        learnt, asked = np.flatnonzero(half != side), np.flatnonzero(half == side)
        try:
            fitted = fit_plain(mixed, task, models.make(MODEL), rows=learnt, seed=seed)
            shares[asked] = fitted.answer(mixed.take(asked))[:, 1]
        except WholefitError:
            return None  # no column of the mixed rows can be learnt from
        chances.append(_chance(shares[asked], y[asked]))
    answer = np.column_stack([1 - shares, shares])
    score = evaluation.score("classification", y, answer, metrics=["roc_auc"])["roc_auc"]
    back = np.empty(len(y))
    back[order] = np.clip(shares, _SURE, 1 - _SURE)
    odds = back / (1 - back) * len(first) / len(second)
    p = min(1.0, 2 * float(np.mean(chances)))
    telling = sorted(((name, _alone(mixed, name, y)) for name in mixed.schema.features),
                     key=lambda pair: -pair[1])[:5] if p < _LOOKED else []
    return Apart(score.value, score.low, score.high, p, odds[:len(first)], odds[len(first):],
                 rows, rows_new, tuple(telling))


def _halves(rows: pl.DataFrame, y: Array, seed: int) -> Array:
    """0 or 1 for each row, each side having about half the rows of either set.

    Where a few rows come again (a question that was asked twice), all of their like are on one
    side: trees would know them by heart. Where most do, they are levels, not the same question.
    """
    group = rows.hash_rows(seed=0).rank("dense").to_numpy().astype(np.intp) - 1
    groups = int(group.max()) + 1
    if _REPEATED * len(y) < groups < len(y):
        return (generator(seed, "apart").permutation(groups) % 2)[group]
    half = np.zeros(len(y), dtype=np.intp)
    for label in (0, 1):
        places = np.flatnonzero(y == label)
        half[generator(seed, "apart", label).permutation(places)[::2]] = 1
    return half


def _chance(shares: Array, y: Array) -> float:
    """Chance that rows of one distribution are told apart so well, one-sided."""
    from scipy.stats import mannwhitneyu

    first, second = shares[y == 1], shares[y == 0]
    if not len(first) or not len(second) or (shares == shares[0]).all():
        return 1.0
    return float(mannwhitneyu(first, second, alternative="greater").pvalue)
