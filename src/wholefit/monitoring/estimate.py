"""How good is a model on rows whose truth is not known yet?

Where rows have moved but what they mean has not (covariate shift), reference rows with a known
truth say enough. Two ways are joined, so that one may fail (doubly robust: Robins, Rotnitzky and
Zhao 1994; under covariate shift Reddi, Poczos and Smola 2015):

- what the confidence promises: how often answers of each confidence are wrong in the reference
  (isotonic: recalibrated), averaged over the window (Guillory et al. 2021; Garg et al. 2022); for
  numbers, trees that learnt how far answers are off from the columns;
- what rows like the window's were worth: the rest of the reference's errors, each row weighted by
  how much more frequent its like has become (Shimodaira 2000), by the odds of `apart`.

It cannot see that the same rows mean something else now (concept drift), and says "not known"
where the reference holds too few rows like the window's, or the interval is too wide to be of use.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit import models
from wholefit.base import tasks
from wholefit.base.errors import WholefitError
from wholefit.base.seeds import generator
from wholefit.data import Dataset, Schema, dataset_of
from wholefit.evaluation.intervals import student
from wholefit.monitoring.apart import Apart
from wholefit.training import Fitted
from wholefit.training.plain import fit_plain

Array = np.ndarray
_LEAST, _EFFECTIVE, _HEAVIEST = 100, 50, 25.0
# Share of the window's rows that may be unlike all of the reference's.
_STRANGERS, _UNLIKE = 0.2, 25.0
_WIDEST = 0.1
_FOLDS = 5
_TREES = "hist_gradient_boosting(n_estimators=50, max_leaf_nodes=8, min_samples_leaf=20)"


@dataclass(frozen=True)
class Estimate:
    """The mean loss (share wrong, or mean absolute error) of rows without truths.

    `low` and `high` hold it at `level` if rows mean what they meant; `why` says why it is not
    known, where it is not. `effective` is how many reference rows the weights leave.
    """

    value: float
    low: float
    high: float
    effective: float
    why: str = ""
    level: float = 0.95

    @property
    def known(self) -> bool:
        """True if it can be relied on, as far as rows mean what they meant."""
        return not self.why


def estimated(
    losses: Array, sure: Array | None, sure_new: Array, odds: Array, odds_new: Array,
    *, level: float = 0.95, bounded: bool = True, seed: int = 0, promised: Any = None,
) -> Estimate:
    """The mean loss of a window.

    Of the reference's n rows `losses` (n,), `sure` (n,) and `odds` (n,); of the window's m rows
    `sure_new` (m,) and `odds_new` (m,); `odds` are those of being of the window. `promised` are
    (n,), (m,) losses promised from elsewhere, in the place of those by confidence; `bounded`:
    losses lie in 0..1.
    """
    nan = math.nan
    if min(len(losses), len(sure_new)) < _LEAST:
        few = "the reference has" if len(losses) < _LEAST else "the window has"
        return Estimate(nan, nan, nan, 0.0, f"{few} fewer than {_LEAST} rows", level)
    if promised is None:
        assert sure is not None
        promised = _promised(sure, losses, sure_new, seed)
    old, new = promised
    weights = np.minimum(odds, _HEAVIEST)
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    rest = losses - old
    shift = float(weights @ rest / weights.sum())
    value = float(new.mean()) + shift
    spread = float(new.var(ddof=1)) / len(new) + float(
        (weights**2 @ (rest - shift) ** 2) / weights.sum() ** 2)
    # What confidence promises was learnt from the reference too.
    spread += float(rest.var(ddof=1)) / len(rest)
    reach = student(level, max(min(effective, len(new)) - 1, 1)) * math.sqrt(spread)
    low, high = value - reach, value + reach
    if bounded:
        value, low, high = (float(np.clip(each, 0, 1)) for each in (value, low, high))
    return Estimate(value, max(low, 0.0), high, effective,
                    _unknown(effective, odds_new, reach, float(losses.mean()), bounded), level)


def _unknown(
    effective: float, odds_new: Array, reach: float, usual: float, bounded: bool
) -> str:
    """Why an estimate cannot be relied on; empty where it can."""
    strangers = float((odds_new > _UNLIKE).mean())
    if strangers > _STRANGERS:
        return f"{strangers:.0%} of the rows are unlike all that the reference has"
    if effective < _EFFECTIVE:
        return (f"only {effective:.0f} rows of the reference count, as few of them are like the "
                "window's")
    widest = _WIDEST if bounded else 0.5 * usual
    if reach > widest:
        return f"it can be told to within {reach:.3g} only"
    return ""


def _promised(sure: Array, losses: Array, sure_new: Array, seed: int) -> tuple[Array, Array]:
    """Losses by confidence (isotonic): of each reference row by others, and of each new one."""
    from sklearn.isotonic import IsotonicRegression

    def learnt(rows: Array) -> Any:
        made = IsotonicRegression(increasing=False, out_of_bounds="clip")
        return made.fit(sure[rows], losses[rows])

    fold = generator(seed, "promised").permutation(len(losses)) % _FOLDS
    old, new = np.empty(len(losses)), np.zeros(len(sure_new))
    for each in range(_FOLDS):
        made = learnt(np.flatnonzero(fold != each))
        old[fold == each] = made.predict(sure[fold == each])
        new += made.predict(sure_new) / _FOLDS
    return old, new


@dataclass(frozen=True, eq=False)
class ByColumns:
    """How far answers to numbers are off, by columns: trees, each of one half of the reference.

    `old` (n,) is what they promise of the reference's rows, each by the trees of the other half.
    """

    names: tuple[str, ...]
    schema: Schema
    trees: tuple[Fitted, ...]
    old: Array

    def of(self, new: Dataset) -> Array | None:
        """What they promise of a window's rows (m,); None where those cannot be answered."""
        asked = Dataset(new.frame.select(self.names), self.schema)
        found = np.zeros(len(new))
        try:
            for made in self.trees:
                found += made.answer(asked) / len(self.trees)
        except WholefitError:
            return None
        return found


def by_columns(
    old: Dataset, losses: Array, names: Sequence[str], seed: int = 0
) -> ByColumns | None:
    """Learn the losses (n,) of the reference's rows from these columns; None where that fails."""
    import polars as pl

    label = "loss"
    while label in names:
        label += "_"
    roles = {name: old.schema.role(name) for name in names}
    mixed = dataset_of(old.frame.select(names).with_columns(pl.Series(label, losses)),
                       target=label, roles=roles)
    half = generator(seed, "losses").permutation(len(losses)) % 2
    promised, trees, task = np.empty(len(losses)), [], tasks.get("regression")
    try:
        for side in (0, 1):
            learnt, asked = np.flatnonzero(half != side), np.flatnonzero(half == side)
            made = fit_plain(mixed, task, models.make(_TREES), rows=learnt, seed=seed)
            promised[asked] = made.answer(mixed.take(asked))
            trees.append(made)
    except WholefitError:
        return None
    return ByColumns(tuple(names), mixed.schema, tuple(trees), promised)


def of_window(
    apart: Apart, losses: Array, sure: Array | None, sure_new: Array | None, *,
    bounded: bool, seed: int = 0, promised: tuple[Array, Array] | None = None,
) -> Estimate:
    """`estimated` with the odds of `apart`, whose rows are some of both sides' rows."""
    if promised is None:
        if sure is None or sure_new is None:
            return Estimate(math.nan, math.nan, math.nan, 0.0, "answers come without confidence")
        have = np.isfinite(sure[apart.rows])
        have_new = np.isfinite(sure_new[apart.rows_new])
        return estimated(losses[apart.rows][have], sure[apart.rows][have],
                         sure_new[apart.rows_new][have_new], apart.odds[have],
                         apart.odds_new[have_new], bounded=bounded, seed=seed)
    chosen = (promised[0][apart.rows], promised[1][apart.rows_new])
    return estimated(losses[apart.rows], None, np.zeros(len(apart.rows_new)), apart.odds,
                     apart.odds_new, bounded=bounded, seed=seed, promised=chosen)
