"""Permutation importance: how much a score falls when a column is shuffled among the rows.

A shuffled row is made of two rows: one that keeps its other columns, and one that lends the
shuffled ones (Breiman 2001; Fisher, Rudin and Dominici 2019, "All models are wrong, but many are
useful"). So the score after shuffling is a statistic of pairs of rows, and each row pulls on it
twice: as the one that keeps and as the one that lends. The interval is made of those pulls
(Hajek's projection of a U-statistic; the pulls of each metric are those of its own interval),
taken off from what the same row pulls on the score without shuffling. Pulls are means over few
shuffles, so that they hold the noise of shuffling too, a little more of it than there is.

With groups the units are the groups. Verdicts are corrected for the number of columns (Holm,
1979): a column "matters" only where that would be seen by chance, among all columns, in at most
1 - level of all cases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.events import emit
from wholefit.base.seeds import generator
from wholefit.evaluation import intervals, metrics, two_sample
from wholefit.evaluation.metrics import Custom, Metric
from wholefit.evaluation.score import Score, check_level, score_sheet, value_of, why_undefined
from wholefit.explain._mixed import mixed
from wholefit.explain._together import alike, associations
from wholefit.explain._worth import Importance, Worth
from wholefit.explain.pool import Pool

__all__ = ["Importance", "Worth", "importance", "permutation", "shuffles"]

Array = np.ndarray
# A user's own function is judged by leaving out each of so many blocks of units.
_BLOCKS = 25
# Columns beyond so many are not looked through for others that stand in for them.
_LOOKED_AT = 60
_FEWEST = 10
_SAME = 1e-12


def permutation(
    answer: Any, X: Any, y: Any, metric: Any, permutations: Array,
    features: Sequence[Any] | None = None, task: str | None = None,
) -> Array:
    """The fall of a score for each feature and permutation, (features, k).

    `answer` is a scorer of a state or a function from rows (n, p) to answers; `metric` a function
    of (y, answer), higher being better, or the name of one of `task`'s, whose fall is in the
    direction of worse; `permutations` (k, n), the same for each feature, or (features, k, n);
    `features` indices, or groups of them that are shuffled together (all, one by one, if None).
    """
    score = metric if callable(metric) and not isinstance(metric, Metric) else _scored(metric, task)
    asked = mixed(answer, X)
    groups = [np.atleast_1d(one) for one in (range(X.shape[1]) if features is None else features)]
    orders = np.asarray(permutations)
    base = score(y, answer.answer(X) if hasattr(answer, "answer") else answer(X))
    found = np.empty((len(groups), orders.shape[-2]))
    for at, group in enumerate(groups):
        which = orders if orders.ndim == 2 else orders[at]
        lent = asked.lent(group, X[:, group], which)
        found[at] = [base - score(y, each) for each in lent]
    return found


def _scored(metric: Any, task: str | None) -> Callable[[Any, Array], float]:
    """A named metric as a function of which more is better."""
    if task is None:
        raise ParameterError("permutation needs task= to know what a metric's name means; or "
                             "give a function of (y, answer).")
    named, owner = metrics.get(task, metric), task

    def score(y: Any, answer: Array) -> float:
        return named.sign * value_of(named, metrics.sheet(owner, y, answer))

    return score


def importance(
    pool: Pool, truth: Array, metric: Metric, *, repeats: int = 5,
    together: Mapping[str, Sequence[str]] | str | None = "auto", alike_from: float = 0.7,
    within: Array | None = None, level: float = 0.95, most: int = 10_000, seed: int = 0,
    columns: Sequence[str] | None = None,
) -> Importance:
    """What each column of the pool is worth, on rows whose encoded target is `truth` (n,).

    `repeats` shuffles of each column. `together`: groups of columns that are shuffled together
    too, by name; "auto" finds those that stand in for each other (mean association at least
    `alike_from`); None for none. `within` (n,) codes: rows lend only to rows of the same code
    (conditional permutation, Strobl and others 2008). At most `most` rows are asked. Raises
    DataError for fewer than ten units, or a score that is undefined on these rows.
    """
    check_level(level)
    if repeats < 1:
        raise ParameterError(f"repeats must be >= 1; got {repeats}.")
    study = _Study.of(pool, truth, metric, within, repeats, level, most, seed)
    names = list(pool.columns) if columns is None else [c for c in columns if pool.at(c) >= 0]
    single = [study.shuffled((name,), number, len(names)) for number, name in enumerate(names)]
    groups, bonds = _groups(study.pool, names, single, together, alike_from)
    joint = [study.shuffled(group, -1 - number, 0) for number, group in enumerate(groups)]
    corrected = two_sample.adjusted([each.p for each in (*single, *joint)], "holm")
    judged = [each.judged(float(p), 1 - level)
              for each, p in zip((*single, *joint), corrected, strict=True)]
    order = sorted(judged[:len(single)], key=lambda each: -_or_zero(each.value))
    return Importance(
        metric.name, metric.better, study.score, tuple(order), tuple(judged[len(single):]),
        tuple(bonds), len(study.pool), len(pool), repeats, level, study.how, within is not None)


def _or_zero(number: float) -> float:
    return number if math.isfinite(number) else -math.inf


def shuffles(rows: int, repeats: int, random: np.random.Generator,
             within: Array | None = None) -> Array:
    """Permutations (repeats, rows); with `within` (rows,) codes, only among rows of one code."""
    made = random.random((repeats, rows))
    if within is None:
        return made.argsort(axis=1)
    found = np.empty((repeats, rows), dtype=np.intp)
    home = np.argsort(within, kind="stable")
    for each, draw in zip(found, made, strict=True):
        each[home] = np.lexsort((draw, within))
    return found


@dataclass(frozen=True, eq=False)
class _Study:
    """One table asked, and what its rows pull on the score as they are."""

    pool: Pool
    truth: Array
    metric: Metric
    answer: Array
    weights: Array | None
    unit: Array | None
    within: Array | None
    score: Score
    base: float
    pulls: Array
    repeats: int
    level: float
    seed: int

    @classmethod
    def of(cls, pool: Pool, truth: Array, metric: Metric, within: Array | None, repeats: int,
           level: float, most: int, seed: int) -> _Study:
        """The rows that count, at most `most` of them, whole units together."""
        dataset = pool.dataset
        weights, unit = dataset.weights(), _units(dataset.groups())
        kept = _picked(len(pool), weights, unit, most, seed)
        if len(kept) < len(pool):
            dataset, truth = dataset.take(kept), truth[kept]
            weights = None if weights is None else weights[kept]
            unit = None if unit is None else np.unique(unit[kept], return_inverse=True)[1]
            within = None if within is None else within[kept]
            pool = Pool(pool.fitted, dataset)
        answer = pool.answer(pool.own())
        sheet = _sheet(pool, truth, answer, weights)
        reason = why_undefined(metric, sheet)
        if reason:
            raise DataError(f"{metric.name} cannot fall on these rows: it is {reason}.")
        units = len(truth) if unit is None else int(unit.max()) + 1
        if units < _FEWEST:
            raise DataError("importance needs at least ten rows (or groups) with a known target to "
                            f"tell anything from chance; got {units}.")
        score = score_sheet(metric, sheet, level, seed)
        pulls = (np.zeros(len(truth)) if isinstance(metric, Custom)
                 else intervals.pull(metric, sheet))
        return cls(pool, truth, metric, answer, weights, unit, within, score, score.value, pulls,
                   repeats, level, seed)

    @property
    def how(self) -> str:
        """How the intervals were come by."""
        unit = "row" if self.unit is None else "group"
        what = (f"{_BLOCKS} blocks of {unit}s left out in turn" if isinstance(self.metric, Custom)
                else f"influence of each {unit}, as the one that keeps and the one that lends")
        return f"{what}; {self.repeats} shuffles"

    def shuffled(self, columns: tuple[str, ...], number: int, of: int) -> Worth:
        """What these columns are worth, before the verdict."""
        random = generator(self.seed, "importance", *columns)
        which = shuffles(len(self.truth), self.repeats, random, self.within)
        found = self._answers(columns, which)
        scale = max(float(np.abs(self.answer).max(initial=0.0)), 1e-300)
        if float(np.abs(found - self.answer[None]).max(initial=0.0)) <= _SAME * scale:
            return Worth(columns, 0.0, 0.0, 0.0, math.nan, 0.0, "not used")
        falls, gap = self._judge(found, which)
        value = float(np.mean(falls))
        if of:
            emit("importance_column", done=number + 1, of=of, column=columns[0])
        spread = intervals.Spread.of(gap)
        if not math.isfinite(value) or not spread.error > 0:
            return Worth(columns, value, math.nan, math.nan, math.nan, math.nan, "")
        reach = intervals.student(self.level, spread.degrees) * spread.error
        from scipy.special import stdtr

        p = 2 * float(stdtr(spread.degrees, -abs(value) / spread.error))
        return Worth(columns, value, value - reach, value + reach, p,
                     float(np.std(falls)), "")

    def _answers(self, columns: tuple[str, ...], which: Array) -> Array:
        pool, places = self.pool, [self.pool.at(name) for name in columns]
        if not pool.separable:
            return _framed(pool, places, which)
        features = np.concatenate([pool.groups[place] for place in places])
        if not len(features):
            return np.repeat(self.answer[None], len(which), axis=0)
        return self.pool.mixed.lent(features, pool.matrix[:, features], which)

    def _judge(self, found: Array, which: Array) -> tuple[list[float], Array]:
        """The fall in each shuffle, and the pulls of units on their mean."""
        sign = self.metric.sign
        sheets = [_sheet(self.pool, self.truth, each, self.weights) for each in found]
        values = [value_of(self.metric, sheet) for sheet in sheets]
        falls = [sign * (self.base - value) for value in values]
        if isinstance(self.metric, Custom):
            return falls, self._left_out(sheets, which)
        each = np.stack([intervals.pull(self.metric, sheet) for sheet in sheets])
        pulls = self.pulls - _parted(each, which, self.pulls)
        return falls, sign * self._by_unit(pulls)

    def _by_unit(self, pulls: Array) -> Array:
        if self.unit is None:
            return pulls
        found = np.bincount(self.unit, pulls)
        return found * math.sqrt(len(found) / max(len(found) - 1, 1))

    def _left_out(self, sheets: list[Any], which: Array) -> Array:
        """Pulls of blocks of units on a user's own function (delete-a-group jackknife)."""
        assert isinstance(self.metric, Custom)
        unit = np.arange(len(self.truth)) if self.unit is None else self.unit
        units = int(unit.max()) + 1
        blocks = min(_BLOCKS, units)
        block = generator(self.seed, "importance blocks").permutation(units)[unit] % blocks
        plain = _sheet(self.pool, self.truth, self.answer, self.weights)
        without = np.empty(blocks)
        for one in range(blocks):
            kept = block != one
            falls = [self.metric.on(plain, kept)
                     - self.metric.on(sheet, kept & (block[lender] != one))
                     for sheet, lender in zip(sheets, which, strict=True)]
            without[one] = self.metric.sign * float(np.mean(falls))
        return (without.mean() - without) * math.sqrt((blocks - 1) / blocks)


def _parted(pulls: Array, which: Array, before: Array) -> Array:
    """What each row pulls (n,), as the one that keeps and the one that lends together.

    `pulls` (k, n) are those of shuffled rows, row i with what which[k, i] lends. Few shuffles
    know the part of a lender badly as long as the keeper's is in it, and the other way round;
    so each is taken from what the other leaves (least squares of a two-way table, two rounds).
    A single shuffle has the pulls `before` it as the keepers'.
    """
    rounds = len(pulls)
    keeps = before if rounds == 1 else pulls.mean(axis=0)
    lends = np.zeros_like(keeps)
    for _ in range(2):
        lends = np.zeros_like(keeps)
        for each, lender in zip(pulls, which, strict=True):
            lends[lender] += (each - keeps) / rounds  # a permutation: each row lends once
        if rounds == 1:
            break
        keeps = np.mean([each - lends[lender]
                         for each, lender in zip(pulls, which, strict=True)], axis=0)
    return np.asarray(keeps + lends)


def _sheet(pool: Pool, truth: Array, answer: Array, weights: Array | None) -> Any:
    fitted = pool.fitted
    return metrics.sheet(
        fitted.task.name, truth, answer, positive=getattr(fitted.codec, "positive", 1),
        weights=weights,
        predicted=fitted.codes(answer, pool.dataset))


def _framed(pool: Pool, places: list[int], which: Array) -> Array:
    """Answers where columns cannot be taken apart once encoded: frame by frame."""
    parts = []
    for lender in which:
        take = pool.own()
        take[:, places] = lender[:, None]
        parts.append(pool.answer(take))
    return np.stack(parts)


def _units(groups: Array | None) -> Array | None:
    """Groups as codes from 0; a row without a group is a unit of its own."""
    if groups is None:
        return None
    alone = groups < 0
    codes = groups.astype(np.int64)
    codes[alone] = codes.max(initial=0) + 1 + np.arange(int(alone.sum()))
    return np.unique(codes, return_inverse=True)[1]


def _picked(rows: int, weights: Array | None, unit: Array | None, most: int, seed: int) -> Array:
    """Rows with a weight, at most `most`; with units, whole ones."""
    kept = np.arange(rows) if weights is None else np.flatnonzero(weights > 0)
    if len(kept) <= most:
        return kept
    random = generator(seed, "importance rows")
    if unit is None:
        return np.sort(random.choice(kept, most, replace=False))
    order = random.permutation(int(unit.max()) + 1)[unit[kept]]
    counts = np.cumsum(np.bincount(order))
    enough = max(2, int(np.searchsorted(counts, most, side="right")))
    return kept[order < enough]


def _groups(
    pool: Pool, names: list[str], single: list[Worth], together: Any, least: float
) -> tuple[list[tuple[str, ...]], list[float]]:
    """Groups to shuffle together, and the mean association within each."""
    if together is None:
        return [], []
    if isinstance(together, str):
        if together != "auto":
            raise ParameterError("together must be \"auto\", groups of columns, or None; got "
                                 f"{together!r}.")
        used = [each.columns[0] for each in sorted(single, key=lambda one: -_or_zero(one.value))
                if each.verdict != "not used"][:_LOOKED_AT]
        used = [name for name in names if name in set(used)]
        bond = associations(pool.dataset, used)
        groups = alike(used, bond, least)
        at = {name: place for place, name in enumerate(used)}
        return groups, [_mean_bond(bond, [at[name] for name in group]) for group in groups]
    groups = list(_named(pool, together))
    return groups, [_mean_bond(associations(pool.dataset, group), list(range(len(group))))
                    for group in groups]


def _named(pool: Pool, together: Any) -> Iterator[tuple[str, ...]]:
    for group in (together.values() if isinstance(together, Mapping) else together):
        if isinstance(group, str) or len(group) < 2:
            raise ParameterError("each group of columns to shuffle together must name at least "
                                 f"two; got {group!r}.")
        yield tuple(pool.columns[pool.at(name)] for name in group)


def _mean_bond(bond: Array, places: list[int]) -> float:
    part = bond[np.ix_(places, places)]
    return float(part[np.triu_indices(len(places), 1)].mean())
