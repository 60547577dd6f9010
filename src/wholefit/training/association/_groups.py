"""Baskets of one customer are alike: what that takes from the evidence for a rule.

The count of baskets with both sides is a sum over baskets of (x - mean x) (y - mean y), the means
those of baskets of like size. If baskets of a group (a customer) were independent, its variance
would be the sum of squares; it is the sum over groups of the squared sum. The ratio, where it is
above 1, is by how much fewer baskets the same evidence would rest on (a design effect, Kish 1965).
"""

from __future__ import annotations

import numpy as np

from wholefit.evaluation import association as measured
from wholefit.training.association._rules import Rules, Searched
from wholefit.training.association._strata import Shelf

_CELLS = 1 << 22


def repeated(rules: Rules, searched: Searched, shelf: Shelf, group: np.ndarray) -> np.ndarray:
    """Corrected p-values (rules,) that allow for baskets of a group being alike.

    `group` (baskets,) codes. Never smaller than the rules' own; the test against no tie at all is
    the one that is made anew.
    """
    place = np.flatnonzero(shelf.place >= 0)
    place = place[np.lexsort((place, group[place]))]
    starts = np.flatnonzero(np.diff(group[place], prepend=-1))
    bit = shelf.place[place]
    stratum = np.searchsorted(shelf.starts * 64, bit, side="right") - 1
    out = rules.adjusted.copy()
    step = max(1, _CELLS // max(len(bit), 1))
    for at in range(0, len(rules), step):
        run = rules.take(np.arange(at, min(at + step, len(rules))))
        p = _weaker(run, shelf, bit, stratum, starts)
        tests = np.array([searched.tests.get(int(size), 1) for size in run.length])
        more = np.minimum(1.0, p * tests * max(len(searched.tests), 1))
        out[at:at + step] = np.maximum(run.adjusted, more)
    return out


def _weaker(rules: Rules, shelf: Shelf, bit: np.ndarray, stratum: np.ndarray,
            starts: np.ndarray) -> np.ndarray:
    """p-values with all counts divided by the design effect."""
    sides = [shelf.holders(side) for side in (rules.antecedent, rules.consequent)]
    nx, ny = (np.add.reduceat(np.bitwise_count(side), shelf.starts, axis=1, dtype=np.int64)
              for side in sides)
    nothing = np.broadcast_to(shelf.strata.baskets, nx.shape)
    expected, variance, _ = measured.stratified(shelf.strata, nothing, nx, ny, rules.both)
    parts = [_ones(side)[:, bit] - (count / shelf.strata.baskets)[:, stratum]
             for side, count in zip(sides, (nx, ny), strict=True)]
    product = parts[0] * parts[1]
    alone = (product**2).sum(axis=1)
    together = (np.add.reduceat(product, starts, axis=1) ** 2).sum(axis=1)
    fewer = np.maximum(together / np.maximum(alone, 1e-12), 1.0)
    most = np.minimum(nx, ny).sum(axis=1)
    return measured.tail(rules.both / fewer, expected / fewer, variance / fewer, most / fewer)


def _ones(bits: np.ndarray) -> np.ndarray:
    return np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little").astype(np.float32)
