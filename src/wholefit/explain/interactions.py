"""Interactions: which pairs of columns act together beyond what each does alone.

Friedman's H (Friedman and Popescu 2008) compares the partial dependence of two columns with the
sum of those of each: H squared is the share of the pair's variance that the sum leaves over, and
the unnormalised H its size, in the unit of the answer. A strong H between two columns that hardly
matter is nothing; so the size is what pairs are put in order by.

Classes are told on the scale where sums are natural, the log of each probability about their mean
(so that a logistic regression has no interaction), numbers as they are.

What is a model's may still be no fact of the data: a forest that imitates a sum of curves with
boxes has an H for every pair. So where the rows have the target, each pair is put to it: the
joint part is taken out of the answers, and only if they get worse by it, on these rows, more than
chance would have it (a paired test, corrected for the number of pairs by Holm's method), do the
two "act together". Without a target a pair is called "in the model" where its size is above a
stated share of the answer's own spread, and no more is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.events import emit
from wholefit.base.seeds import generator
from wholefit.evaluation import intervals, two_sample
from wholefit.explain._mixed import short
from wholefit.explain._pairs import Interactions, Pair
from wholefit.explain.pool import Pool

__all__ = ["Interactions", "Pair", "h_statistic", "interactions"]

Array = np.ndarray
# Rows that lend their values, and rows that they are lent to; fewer where asking is slow.
_QUICK, _SLOW = (1_000, 150), (300, 80)
_BLOCK, _DRAWS = 250, 200
# Below this share of the answer's spread a joint part is no matter, whatever the rest.
_LEAST = 0.05
_CLIP = 1e-15


def h_statistic(both: Array, first: Array, second: Array) -> tuple[float, float]:
    """H squared of a pair, and the unnormalised H.

    Of partial dependences (rows, outputs), or (rows,), at the rows' own values: of the two
    columns together, and of each.
    """
    centred = [each - each.mean(axis=0) for each in (both, first, second)]
    joint = centred[0] - centred[1] - centred[2]
    over, whole = float((joint**2).sum()), float((centred[0] ** 2).sum())
    share = over / whole if whole > 1e-24 * len(both) else 0.0
    return share, float(np.sqrt(over / len(both)))


def interactions(
    pool: Pool, truth: Array | None = None, *, top: int = 8,
    columns: Sequence[str] | None = None, level: float = 0.95, most: int | None = None,
    seed: int = 0,
) -> Interactions:
    """The strength of each pair of the `top` most moving columns, or of `columns`.

    `truth` (n,) is the encoded target, where known. At most `most` rows are looked at. Raises
    DataError for fewer than ten rows.
    """
    if top < 2:
        raise ParameterError(f"top must be >= 2 columns; got {top}.")
    if len(pool) < 10:
        raise DataError(f"interactions need at least 10 rows; got {len(pool)}.")
    quick = pool.separable and short(pool.scorer)
    rows, behind = _QUICK if quick else _SLOW
    random = generator(seed, "interactions")
    order = random.permutation(len(pool))
    kept = np.sort(order[:most or rows])
    background = np.sort(random.permutation(len(pool))[:behind])
    study = _Study(pool, kept, background)
    names = list(pool.columns) if columns is None else list(columns)
    for name in names:
        pool.at(name)
    moving = _moving(study, names, random) if columns is None else dict.fromkeys(names, 1.0)
    chosen = sorted((name for name in names if moving[name] > 0), key=lambda name: -moving[name])
    chosen = chosen[:top] if columns is None else names
    pairs = list(combinations(chosen, 2))
    found = []
    for number, (a, b) in enumerate(pairs):
        found.append(study.pair(a, b))
        emit("interaction_pair", done=number + 1, of=len(pairs))
    tests = [study.test(each, truth) for each in found]
    corrected = two_sample.adjusted([p for _, p in tests], "holm")
    made = [each.told(study, level, test, float(p), seed, truth is not None)
            for each, test, p in zip(found, tests, corrected, strict=True)]
    made.sort(key=lambda pair: -pair.size)
    left = tuple(name for name in names if name not in chosen)
    return Interactions(
        str(pool.fitted.schema.target), study.scale, tuple(made), tuple(chosen), left,
        study.spread, len(kept), len(background), level, truth is not None, _LEAST)


class _Study:
    """Rows whose values are lent, the rows they are lent to, and partial dependences so far."""

    def __init__(self, pool: Pool, rows: Array, background: Array) -> None:
        self.pool, self.rows, self.background = pool, rows, background
        self.behind = Pool(pool.fitted, pool.dataset.take(np.concatenate([background, rows])))
        self._size = len(background)
        answer = pool.answer(pool.own(rows))
        self._clip = _lowest(answer)
        self.own = self._scaled(answer)
        self.spread = float(np.sqrt(self.own.var(axis=0).sum()))
        self._alone: dict[str, Array] = {}

    @property
    def scale(self) -> str:
        """What the sizes are measured in."""
        classes = getattr(self.pool.fitted.codec, "classes", None)
        return "log of probability" if classes is not None else str(self.pool.fitted.schema.target)

    def alone(self, name: str) -> Array:
        """Partial dependence (rows, outputs) of one column at the rows' own values."""
        if name not in self._alone:
            self._alone[name] = self._dependence([name])
        return self._alone[name]

    def pair(self, a: str, b: str) -> _Found:
        """The joint part of two columns, (rows, outputs), centred."""
        both = self._dependence([a, b])
        parts = [each - each.mean(axis=0) for each in (both, self.alone(a), self.alone(b))]
        return _Found((a, b), parts[0] - parts[1] - parts[2], parts[0])

    def test(self, found: _Found, truth: Array | None) -> tuple[Array, float]:
        """Loss that each row has more without the joint part, and its p-value, one-sided."""
        if truth is None:
            return np.empty(0), float("nan")
        if float(np.abs(found.joint).max(initial=0.0)) <= 1e-9 * max(self.spread, 1e-300):
            return np.zeros(len(self.rows)), 1.0
        actual = truth[self.rows]
        more = self._loss(self.own - found.joint, actual) - self._loss(self.own, actual)
        groups = self.pool.dataset.groups()
        if groups is not None:
            unit = np.unique(groups[self.rows], return_inverse=True)[1]
            more = np.bincount(unit, more) * len(np.unique(unit)) / len(more)
        units = len(more)
        spread = intervals.Spread.of((more - more.mean()) / np.sqrt(units * max(units - 1, 1)))
        if not spread.error > 0:
            return more, 1.0
        from scipy.special import stdtr

        return more, float(stdtr(spread.degrees, -more.mean() / spread.error))

    def _loss(self, scaled: Array, actual: Array) -> Array:
        """Log loss of each row, or squared error."""
        if self.scale != "log of probability":
            return np.asarray((scaled[:, 0] - actual) ** 2)
        top = scaled.max(axis=1, keepdims=True)
        total = top[:, 0] + np.log(np.exp(scaled - top).sum(axis=1))
        return np.asarray(total - scaled[np.arange(len(actual)), actual])

    def _scaled(self, answer: Array) -> Array:
        """Answers (..., outputs) on the scale on which parts are added up."""
        if getattr(self.pool.fitted.codec, "classes", None) is None:
            return answer[..., None]
        logs = np.log(np.maximum(answer, self._clip))
        return np.asarray(logs - logs.mean(axis=-1, keepdims=True))

    def _dependence(self, names: list[str]) -> Array:
        """Mean scaled answer (rows, outputs) of the background with each row's values."""
        parts = []
        for at in range(0, len(self.rows), _BLOCK):
            lenders = np.arange(at, min(at + _BLOCK, len(self.rows)))
            parts.append(self._scaled(self._asked(names, lenders)).mean(axis=1))
        return np.concatenate(parts)

    def _asked(self, names: list[str], lenders: Array) -> Array:
        """Answers (lenders, background, ...)."""
        pool = self.behind
        places = [pool.at(name) for name in names]
        if pool.separable:
            features = np.concatenate([pool.groups[place] for place in places])
            if not len(features):
                own = pool.answer(pool.own(np.arange(self._size)))
                return np.repeat(own[None], len(lenders), axis=0)
            values = pool.matrix[self._size + lenders][:, features]
            return np.asarray(self._mixed.grid(features, values))
        take = np.tile(pool.own(np.arange(self._size)), (len(lenders), 1))
        take[:, places] = np.repeat(self._size + lenders, self._size)[:, None]
        found = pool.answer(take)
        return found.reshape(len(lenders), self._size, *found.shape[1:])

    @property
    def _mixed(self) -> Any:
        if not hasattr(self, "_kept"):
            from wholefit.explain._mixed import mixed

            self._kept = mixed(self.behind.scorer, self.behind.matrix[:self._size])
        return self._kept


def _lowest(answer: Array) -> float:
    """What a probability is taken for at least: a forest's shares of trees may be none at all.

    Where some are 0, half the smallest that is not; a model whose sums go through a link has
    none, and is not cut, so that its sums stay sums.
    """
    some = answer[answer > 0]
    return float(some.min() / 2) if len(some) < answer.size and len(some) else _CLIP


def _moving(study: _Study, names: list[str], random: np.random.Generator) -> dict[str, float]:
    """How much answers change where a column is shuffled (Jansen 1999): XOR is seen as well."""
    pool, rows = study.pool, study.rows
    found = {}
    for name in names:
        take = pool.own(rows)
        take[:, pool.at(name)] = random.permutation(rows)
        change = study._scaled(pool.answer(take)) - study.own
        found[name] = float((change**2).sum(axis=1).mean())
        if found[name] <= 1e-20 * max(study.spread**2, 1e-300):
            found[name] = 0.0
    return found


@dataclass(frozen=True, eq=False)
class _Found:
    """A pair, its joint part and its whole partial dependence, both (rows, outputs)."""

    names: tuple[str, str]
    joint: Array
    both: Array

    def told(self, study: _Study, level: float, test: tuple[Array, float], p: float, seed: int,
             tested: bool) -> Pair:
        """The record of the pair."""
        over, whole = (self.joint**2).sum(axis=1), (self.both**2).sum(axis=1)
        share, size = h_statistic(self.both, self.both - self.joint, np.zeros_like(self.both))
        units = len(over)
        times = generator(seed, "pair", *self.names).multinomial(
            units, np.full(units, 1 / units), _DRAWS)
        sizes = np.sqrt(times @ over / units)
        low, high = np.quantile(sizes, [(1 - level) / 2, (1 + level) / 2])
        gain = float(test[0].mean()) if len(test[0]) else float("nan")
        weak = size < _LEAST * study.spread
        if tested:
            verdict = "not told apart from adding up" if weak else (
                "act together" if p < 1 - level else "in the model, not borne out")
        else:
            verdict = "not told apart from adding up" if weak else "in the model"
        return Pair(self.names, share, size, float(min(low, size)), float(max(high, size)),
                    float(whole.mean() ** 0.5), gain, test[1], p, verdict)
