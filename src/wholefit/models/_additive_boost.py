"""Cyclic boosting of binned terms, all bags and outputs at once, rarely touching the rows.

One step on a term changes the gradients of every other. Between looks at the rows the loss is
taken as quadratic, and then a step changes the histograms of gradients by a product with the table
of how often two bins meet in a row, weighted by second derivatives. So a round over all terms costs
a few small matrix products; every few rounds the rows are asked for the true gradients, and the
rows that each bag left out for the loss that tells when to stop. Because the true gradients come
back so soon, one table is shared by all bags, counted on a sample where the rows are many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from wholefit.models._additive_loss import Loss

# Rounds between two looks at the rows, and looks without improvement after which a bag is done.
_ROUNDS, _PATIENCE = 5, 8
# The share of its loss that a bag must gain within that many looks.
_WORTH = 3e-4
# Looks at the rows before which the table of bins that meet is counted anew.
_RECOUNTED = (0, 2, 6, 15)
# Row entries multiplied at most when that table is counted, but never fewer rows than this.
_MEETINGS, _LEAST_ROWS = 40_000_000, 2_000

Finder = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Terms:
    """What is boosted: for each term its bin in every row (n,), how many bins, how it is cut."""

    codes: Sequence[np.ndarray]
    sizes: Sequence[int]
    finders: Sequence[Finder]

    def hot(self) -> Any:
        """A CSR matrix (n, all bins) with a one for the bin of each term."""
        rows, terms = len(self.codes[0]), len(self.codes)
        start = np.cumsum(self.sizes) - self.sizes
        places = np.empty((rows, terms), dtype=np.int32)
        for at, code in enumerate(self.codes):
            places[:, at] = start[at] + code
        return sp.csr_matrix(
            (np.ones(rows * terms), places.ravel(), np.arange(rows + 1) * terms),
            shape=(rows, int(np.sum(self.sizes))))


@dataclass(frozen=True)
class Bags:
    """Which rows teach and which judge: weights (n, bags) each; `taught` sums the first."""

    train: np.ndarray
    judge: np.ndarray


def boost(
    terms: Terms, loss: Loss, bags: Bags, start: np.ndarray, *, rate: float, rounds: int,
    seed: int,
) -> np.ndarray:
    """What each bin adds, (bags, outputs, all bins); `start` (n, bags, outputs) is added to.

    Each bag stops by itself: it keeps the values at which the rows it left out were answered best.
    """
    made = _Boost(terms, loss, bags, start, rate, seed)
    for look in range(max(1, rounds // _ROUNDS)):
        if not made.look(look):
            break
        made.sweep()
    made.judge()
    return made.best


class _Boost:
    """The values as they grow, and the best so far of each bag."""

    def __init__(self, terms: Terms, loss: Loss, bags: Bags, start: np.ndarray, rate: float,
                 seed: int) -> None:
        self.terms, self.loss, self.bags, self.start = terms, loss, bags, start
        self.rate, self.seed = rate * loss.caution, seed
        self.hot = terms.hot()
        self.cold = self.hot.T.tocsr()
        _, self.count, self.outputs = start.shape
        self.value = np.zeros((self.count, self.outputs, self.hot.shape[1]))
        self.best = self.value.copy()
        self.rows = np.repeat(
            np.asarray(self.cold @ bags.train).T[:, None], self.outputs, axis=1)
        self.lowest, self.mark = np.full((2, self.count), np.inf)
        self.stale = np.zeros(self.count, dtype=np.intp)
        self.table: np.ndarray | None = None

    def raw(self) -> np.ndarray:
        """The sums (n, bags, outputs)."""
        flat = self.value.reshape(-1, self.hot.shape[1])
        found: np.ndarray = self.hot @ flat.T
        return self.start + found.reshape(self.start.shape)

    def judge(self) -> np.ndarray:
        """Keep what is best so far on the rows left out; gives the sums."""
        raw = self.raw()
        found = (self.loss.each(raw) * self.bags.judge).sum(axis=0)
        total = self.bags.judge.sum(axis=0)
        found = np.where(total > 0, found / np.where(total > 0, total, 1.0), 0.0)
        better = found < self.lowest
        self.best[better] = self.value[better]
        self.lowest = np.where(better, found, self.lowest)
        # What must be gained within the patience, not at every look: slow gains count too.
        gained = found < self.mark - _WORTH * np.abs(found)
        self.mark = np.where(gained, found, self.mark)
        self.stale = np.where(gained, 0, self.stale + 1)
        return raw

    def look(self, number: int) -> bool:
        """True gradients from the rows; False once every bag has stopped getting better."""
        raw = self.judge()
        if (self.stale >= _PATIENCE).all() or not np.isfinite(raw).all():
            return False
        gradient, curve = self.loss.gradient(raw)
        gradient *= self.bags.train[:, :, None]
        curve *= self.bags.train[:, :, None]
        self.G, self.H = (self._summed(each) for each in (gradient, curve))
        if number in _RECOUNTED and (number == 0 or not self.loss.constant):
            self._count(curve)
        return True

    def sweep(self) -> None:
        """Some rounds over all terms on the quadratic loss."""
        width = self.H.sum(axis=2, keepdims=True)
        share = width / np.maximum(width.mean(axis=0, keepdims=True), 1e-300)
        ends = np.cumsum(self.terms.sizes)
        tracks = self.count * self.outputs
        for _ in range(_ROUNDS):
            for size, end, finder in zip(self.terms.sizes, ends, self.terms.finders, strict=True):
                here = slice(end - size, end)
                step = self.rate * finder(*(
                    each[:, :, here].reshape(tracks, size) for each in (self.G, self.H, self.rows)))
                step = step.reshape(self.count, self.outputs, size)
                self.value[:, :, here] += step
                self._moved(step * share, here)

    def _moved(self, step: np.ndarray, here: slice) -> None:
        """What a step on one term does to the gradients of all."""
        assert self.table is not None
        for output in range(self.outputs):
            self.G[:, output] += step[:, output].astype(np.float32) @ self.table[output][here]

    def _summed(self, of_rows: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.cold @ of_rows.reshape(len(of_rows), -1)
        return np.ascontiguousarray(found.T).reshape(self.count, self.outputs, -1)

    def _count(self, curve: np.ndarray) -> None:
        """How often two bins meet, weighted by the mean curvature over bags: (outputs, T, T)."""
        rows, terms = self.start.shape[0], len(self.terms.sizes)
        most = max(_LEAST_ROWS, _MEETINGS // terms**2 // self.outputs)
        part = np.arange(rows)
        if rows > most:
            part = np.sort(np.random.default_rng(self.seed).choice(rows, most, replace=False))
        mean = curve[part].mean(axis=1) * (rows / len(part))
        self.table = meetings(self.hot[part], mean).astype(np.float32)


def meetings(hot: Any, weight: np.ndarray) -> np.ndarray:
    """Weights (n, outputs) summed over the rows in which two bins meet: (outputs, T, T)."""
    terms = hot.indptr[1] if hot.shape[0] else 0
    cold = hot.T.tocsr()
    return np.stack([
        (cold @ sp.csr_matrix((np.repeat(each, terms), hot.indices, hot.indptr), shape=hot.shape)
         ).toarray() for each in weight.T])
