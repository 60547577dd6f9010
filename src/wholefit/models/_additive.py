"""Learning an additive model: bins, bags, curves, pairs that help, and what is told of them.

The explainable boosting machine of Lou, Caruana and Gehrke (2012) and Nori, Jenkins, Koch and
Caruana (2019): shallow trees on one feature at a time, in turn, at a low rate; pairs found by FAST
(Lou et al. 2013). Each bag learns from all rows but a seventh, which tells it when to stop. What
the bags disagree on gives the standard error: seven bags that each leave out another seventh are
the jackknife that deletes groups (Shao and Tu 1995), whose variance is six times the spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from wholefit.models import _additive_bins, _additive_cuts
from wholefit.models._additive_boost import Bags, Terms, boost
from wholefit.models._additive_loss import Logistic, Loss, Softmax, Squared
from wholefit.models._additive_pairs import Pairs, candidates
from wholefit.models._kernels.additive import Binned, starts

_SHARES = 7
# Bins in all: the table of bins that meet has this many squared. Columns that get a curve: of
# more than that those are left out whose best small tree gains least.
_MOST_BINS, _MOST_COLUMNS = 4_000, 200
_SMOOTH = 10.0
# A pair stays if the rows left out gain by more than this many standard errors, after so many
# rounds in which all pairs were boosted together.
_SURE, _TRIAL = 2.33, 60
_LINKS = {0: "identity", 1: "sigmoid"}


@dataclass(frozen=True)
class Settings:
    """How to learn; `categorical` features hold codes, `classes` is 0 for a number."""

    rate: float
    rounds: int
    bins: int
    least: int
    interactions: int
    bags: int
    l2: float
    categorical: tuple[int, ...]
    classes: int
    seed: int


def learn(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray | None, settings: Settings
) -> tuple[dict[str, np.ndarray], str]:
    """The arrays of the state of kind "additive", and its link.

    `y` are codes 0.. of `settings.classes` classes, or numbers.
    """
    return _Learner(X, y, weight, settings).learn()


class _Learner:
    def __init__(self, X: np.ndarray, y: np.ndarray, weight: np.ndarray | None,
                 settings: Settings) -> None:
        self.settings, self.y = settings, y
        self.weight = np.ones(len(y)) if weight is None else weight / weight.mean()
        self.bags = _bags(y, self.weight, settings)
        columns = min(max(X.shape[1], 1), _MOST_COLUMNS)
        most = max(4, min(settings.bins, _MOST_BINS // columns))
        self.arrays = _additive_bins.learn(X, settings.categorical, most, settings.least)
        binned = Binned(self.arrays)
        self.codes = [binned.of(X, feature) for feature in range(X.shape[1])]
        self.sizes = self.arrays["size"].tolist()
        self.loss, self.base, self.offset, self.scale = _loss(y, self.weight, settings.classes)

    def learn(self) -> tuple[dict[str, np.ndarray], str]:
        """All steps, one after the other."""
        start = np.repeat(
            np.repeat(self.base[None, None], len(self.y), axis=0), self.settings.bags, axis=1)
        main = self._main(start)
        raw = start + self._rows(main, self.codes, self.sizes)
        pairs = self._pairs(main, raw)
        table = self._kept(pairs, raw)
        return self._told(main, *table), _LINKS.get(len(self.base) if self.settings.classes else 0,
                                                    "softmax")

    def _main(self, start: np.ndarray) -> np.ndarray:
        """What the bins of each column add, (bags, outputs, all bins)."""
        finders = self._finders()
        chosen = self._chosen(finders, start[:, :1])
        found = self._boost(Terms([self.codes[at] for at in chosen],
                                  [self.sizes[at] for at in chosen],
                                  [finders[at] for at in chosen]), start)
        place = starts(np.array(self.sizes))
        bins = np.concatenate([place[at] + np.arange(self.sizes[at]) for at in chosen])
        whole = np.zeros((*found.shape[:2], int(np.sum(self.sizes))))
        whole[:, :, bins] = found
        return whole

    def _chosen(self, finders: list[Any], start: np.ndarray) -> list[int]:
        """The columns that get a curve: all, or those whose first small tree gains most."""
        if len(self.codes) <= _MOST_COLUMNS:
            return list(range(len(self.codes)))
        gradient, curve = (each[:, 0] * self.weight[:, None] for each in self.loss.gradient(start))
        gains = []
        for code, size, finder in zip(self.codes, self.sizes, finders, strict=True):
            G, H = (np.stack([np.bincount(code, weights=one, minlength=size) for one in each.T])
                    for each in (gradient, curve))
            rows = np.bincount(code, weights=self.weight, minlength=size)
            rows = np.repeat(rows[None], len(G), axis=0)
            gains.append(-float((G * finder(G, H, rows)).sum()))
        return sorted(np.argsort(-np.array(gains), kind="stable")[:_MOST_COLUMNS].tolist())

    def _boost(self, terms: Terms, start: np.ndarray, most: int | None = None) -> np.ndarray:
        settings = self.settings
        rounds = settings.rounds if most is None else min(most, settings.rounds)
        return boost(terms, self.loss, self.bags, start, rate=settings.rate, rounds=rounds,
                     seed=settings.seed)

    def _finders(self) -> list[Any]:
        settings = self.settings
        l2, least = settings.l2, float(settings.least)
        named = partial(_additive_cuts.levels, l2=l2, least=least, smooth=_SMOOTH)
        line = partial(_additive_cuts.line, l2=l2, least=least)
        return [named if kind else line for kind in self.arrays["kind"]]

    def _rows(self, value: np.ndarray, codes: Any, sizes: Any) -> np.ndarray:
        """What terms add in each row: (n, bags, outputs)."""
        total = np.zeros((len(self.y), value.shape[0], value.shape[1]))
        for code, start in zip(codes, starts(np.asarray(sizes)), strict=True):
            total += value[:, :, start + code].transpose(2, 0, 1)
        return total

    def _pairs(self, main: np.ndarray, raw: np.ndarray) -> Pairs:
        if not self.settings.interactions or len(self.codes) < 2:
            return Pairs.none(len(self.y))
        gradient, curve = self.loss.gradient(raw.mean(axis=1, keepdims=True))
        each = self.weight[:, None]
        return candidates(
            self.codes, self.arrays, main.mean(axis=0), gradient[:, 0] * each, curve[:, 0] * each,
            self.settings.interactions, self.settings.l2, self.settings.seed)

    def _kept(self, pairs: Pairs, raw: np.ndarray) -> tuple[Pairs, np.ndarray]:
        """The pairs that help on rows left out, boosted together, and their tables."""
        if len(pairs.pair):
            table = self._boost(self._tables(pairs), raw, _TRIAL)
            pairs = pairs.take(np.flatnonzero(self._helps(pairs, table, raw)))
        if not len(pairs.pair):
            return pairs, np.zeros((*raw.shape[1:], 0))
        return pairs, self._boost(self._tables(pairs), raw)

    def _tables(self, pairs: Pairs) -> Terms:
        finders = [partial(_additive_cuts.grid, l2=self.settings.l2,
                           least=float(self.settings.least), shape=(int(a), int(b)))
                   for a, b in pairs.size]
        return Terms(pairs.codes, pairs.cells(), finders)

    def _helps(self, pairs: Pairs, table: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Whether the loss on rows left out grows, beyond chance, if a pair is taken away."""
        whole = raw + self._rows(table, pairs.codes, pairs.cells())
        judge = self.bags.judge
        seen = judge.sum(axis=1) > 0
        share = judge / np.where(seen, judge.sum(axis=1), 1.0)[:, None]
        with_it = self.loss.each(whole)
        found = []
        for code, start in zip(pairs.codes, starts(np.array(pairs.cells())), strict=True):
            without = self.loss.each(whole - table[:, :, start + code].transpose(2, 0, 1))
            gain = (((without - with_it) * share).sum(axis=1) * self.weight)[seen]
            error = gain.std() / np.sqrt(max(len(gain), 1))
            found.append(bool(gain.mean() > _SURE * error > 0))
        return np.array(found)

    # ---- what is told ---------------------------------------------------------------------

    def _told(self, main: np.ndarray, pairs: Pairs, table: np.ndarray) -> dict[str, np.ndarray]:
        """Bags put together: centred curves, their errors, and all that answers need."""
        main, table = main.copy(), table.copy()
        weight = self._weights(self.codes, self.sizes)
        cells = self._weights(pairs.codes, pairs.cells())
        pairs.purify(main, table, cells, starts(np.array(self.sizes)), self.sizes)
        intercept = np.repeat(self.base[None], len(main), axis=0)
        for start, size in zip(starts(np.array(self.sizes)), self.sizes, strict=True):
            here = slice(start, start + size)
            mean = main[:, :, here] @ weight[here] / weight[here].sum()
            # A bin that no row came to says nothing: it must not move with the mean.
            main[:, :, here] -= np.where(weight[here] > 0, mean[:, :, None], 0.0)
            intercept += mean
        if len(self.base) > 1:  # outputs of a softmax: only their differences mean something
            for each in (main, table):
                each -= each.mean(axis=1, keepdims=True)
            intercept -= intercept.mean(axis=1, keepdims=True)
        named = {"value": main, "pair_value": table}
        found = {name: self.scale * each.mean(axis=0).T for name, each in named.items()}
        errors = {name.replace("value", "error"): self.scale * _error(each).T
                  for name, each in named.items()}
        return {**self.arrays, **found, **errors, "weight": weight, "pair_weight": cells,
                "intercept": self.offset + self.scale * intercept.mean(axis=0), **pairs.arrays()}

    def _weights(self, codes: Any, sizes: Any) -> np.ndarray:
        """Weight of the rows in each bin, end to end."""
        found = [np.bincount(code, weights=self.weight, minlength=size)
                 for code, size in zip(codes, sizes, strict=True)]
        return np.concatenate(found) if found else np.zeros(0)


def _error(each: np.ndarray) -> np.ndarray:
    """Standard errors from the bags (bags, ...), by the jackknife that deletes groups."""
    if len(each) < 2:
        return np.zeros(each.shape[1:])
    return np.asarray(np.sqrt((_SHARES - 1) * each.var(axis=0)))


def _bags(y: np.ndarray, weight: np.ndarray, settings: Settings) -> Bags:
    """Each bag leaves out another seventh; after seven, rows are dealt anew."""
    rng = np.random.default_rng(settings.seed)
    judge = np.zeros((len(y), settings.bags))
    for bag in range(settings.bags):
        if bag % _SHARES == 0:
            mixed = rng.permutation(len(y))
            # Sorted by target, so that every share has its part of each class or range.
            order = mixed[np.argsort(y[mixed], kind="stable")]
            share = np.empty(len(y), dtype=np.intp)
            share[order] = np.arange(len(y)) % _SHARES
        judge[:, bag] = share == bag % _SHARES
    return Bags((1 - judge) * weight[:, None], judge * weight[:, None])


def _loss(
    y: np.ndarray, weight: np.ndarray, classes: int
) -> tuple[Loss, np.ndarray, float, float]:
    """The loss, what its sums start from (outputs,), and the offset and scale of a number."""
    if not classes:
        mean = float(np.average(y, weights=weight))
        scale = float(np.sqrt(np.average((y - mean) ** 2, weights=weight))) or 1.0
        return Squared((y - mean) / scale), np.zeros(1), mean, scale
    share = np.bincount(y, weights=weight, minlength=classes) / weight.sum()
    share = np.clip(share, 1e-12, 1.0)
    if classes <= 2:
        odds = np.log(share[1] / share[0]) if classes == 2 else 0.0
        return Logistic(y), np.array([odds]), 0.0, 1.0
    return Softmax(y, classes), np.log(share) - np.log(share).mean(), 0.0, 1.0
