"""Dealing rows into parts: whole units, each class in proportion, sizes as asked.

Units of several rows are placed first, the largest first, each where the classes it brings are
furthest below their share. Single rows then fill every class up to its share, which puts right
what the units left uneven. With single rows only, each part holds each class within one row of
its exact share, and part sizes are exact. All of it is counted, not looped over rows.
"""

from __future__ import annotations

import numpy as np

# With more kinds of unit than this, units count as if all their rows were of one class.
_MOST_KINDS = 5000
_MOST_CELLS = 20_000_000


def deal(
    strata: np.ndarray, units: np.ndarray | None, shares: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The part (n,) of each row.

    `strata` (n,) are class codes >= 0 whose proportions every part keeps; `units` (n,) ids from
    0 of rows that stay together, or None; `shares` (parts,) sum to 1.
    """
    table = _Table(strata, shares, rng)
    part = np.full(len(strata), -1, dtype=np.int32)
    if units is not None:
        sizes = np.bincount(units)
        together = np.flatnonzero(sizes[units] > 1)
        if len(together):
            dense = (np.cumsum(sizes > 1) - 1)[units[together]]
            part[together] = table.place_units(strata[together], dense)[dense]
    single = np.flatnonzero(part < 0)
    part[single] = table.place_singles(strata[single])
    return _none_empty(part, units, len(shares))


def sizes_of(n: int, shares: np.ndarray) -> np.ndarray:
    """Whole sizes that sum to `n`, each within one of n * share: the largest remainders go up."""
    exact = n * shares
    whole = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(-np.round(exact - whole, 9), kind="stable")
    whole[order[: n - whole.sum()]] += 1
    return whole


class _Table:
    """How many rows of each class (classes, parts) each part holds so far, and should hold."""

    def __init__(self, strata: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> None:
        self.counts = np.bincount(strata, minlength=1)
        self.shares = shares
        self.rng = rng
        self.held = np.zeros((len(self.counts), len(shares)))
        self.wanted = self.counts[:, None] * shares
        self.sizes = sizes_of(len(strata), shares)

    def place_units(self, strata: np.ndarray, units: np.ndarray) -> np.ndarray:
        """The part of each unit of several rows."""
        kind, makeup = _kinds(strata, units, len(self.counts))
        totals = makeup.sum(axis=1)
        order = self.rng.permutation(len(kind))
        order = order[np.argsort(_small(kind[order]), kind="stable")]
        members = np.split(order, np.cumsum(np.bincount(kind, minlength=len(makeup)))[:-1])
        part = np.empty(len(kind), dtype=np.int32)
        for which in np.argsort(-totals, kind="stable"):
            part[members[which]] = self._place_kind(makeup[which], len(members[which]))
        return part

    def place_singles(self, strata: np.ndarray) -> np.ndarray:
        """The part of each single row."""
        free = np.bincount(strata, minlength=len(self.counts))
        quota = np.zeros(self.held.shape, dtype=np.int64)
        for stratum in np.flatnonzero(free)[np.argsort(-free[free > 0], kind="stable")]:
            quota[stratum] = self._quota(stratum, int(free[stratum]), quota.sum(axis=0))
        self._even_sizes(quota)
        order = self.rng.permutation(len(strata))
        order = order[np.argsort(_small(strata[order]), kind="stable")]
        part = np.empty(len(strata), dtype=np.int32)
        parts = np.tile(np.arange(len(self.shares), dtype=np.int32), len(quota))
        part[order] = np.repeat(parts, quota.ravel())
        return part

    def _place_kind(self, makeup: np.ndarray, count: int) -> np.ndarray:
        """Parts for `count` units of the same makeup: shares of the bulk, the rest by need."""
        bulk = np.floor(count * self.shares + 1e-9).astype(np.int64)
        self.held += makeup[:, None] * bulk
        chosen = np.repeat(np.arange(len(self.shares)), bulk).tolist()
        for _ in range(count - int(bulk.sum())):
            best = self._neediest(makeup)
            self.held[:, best] += makeup
            chosen.append(best)
        return np.array(chosen, dtype=np.int32)

    def _neediest(self, makeup: np.ndarray) -> int:
        """The part whose squared excess over its shares grows least by one unit more."""
        some = np.flatnonzero(makeup)
        adds = makeup[some, None]
        cost = (adds * (2 * self.held[some] + adds) / self.counts[some, None]).sum(axis=0)
        size = adds.sum()
        cost = cost + 0.1 * size * (2 * self.held.sum(axis=0) + size) / self.counts.sum()
        ties = self.rng.permutation(len(self.shares))
        return int(ties[np.argmin((cost / self.shares)[ties])])

    def _quota(self, stratum: int, count: int, given: np.ndarray) -> np.ndarray:
        """Whole numbers of single rows of a class for each part."""
        exact = _fill(self.held[stratum], self.shares, count)
        whole = np.floor(exact + 1e-9).astype(np.int64)
        spare = self.sizes - self.held.sum(axis=0) - given - whole
        noise = self.rng.random(len(whole))
        order = np.lexsort((noise, -spare, -np.round(exact - whole, 6)))
        whole[order[: count - whole.sum()]] += 1
        return whole

    def _even_sizes(self, quota: np.ndarray) -> None:
        """Move single rows between parts until sizes are right, within one row a class."""
        for _ in range(quota.size):
            excess = (self.held + quota).sum(axis=0) - self.sizes
            source, sink = int(np.argmax(excess)), int(np.argmin(excess))
            if excess[source] < 1 or excess[sink] > -1:
                return
            over = self.held + quota - self.wanted
            gain = np.where((quota[:, source] > 0) & (over[:, source] >= -1e-9)
                            & (over[:, sink] <= 1e-9), over[:, source] - over[:, sink], -np.inf)
            best = int(np.argmax(gain))
            if not np.isfinite(gain[best]):
                return
            quota[best, source] -= 1
            quota[best, sink] += 1


def _kinds(strata: np.ndarray, units: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """The kind of each unit, and the makeup (kinds, classes) of each kind."""
    count = int(units.max()) + 1
    if count * classes <= _MOST_CELLS:
        makeup = np.bincount(units * np.int64(classes) + strata, minlength=count * classes)
        makeup = makeup.reshape(count, classes)
        weights = np.random.default_rng(0).integers(1, 2**63, classes, dtype=np.uint64)
        marks = makeup.astype(np.uint64) @ weights
        _, first, kind = np.unique(marks, return_index=True, return_inverse=True)
        if len(first) <= _MOST_KINDS:
            return kind, makeup[first]
    return _plain_kinds(strata, units, classes)


def _plain_kinds(
    strata: np.ndarray, units: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """As `_kinds`, taking each unit to be of its first row's class."""
    first = np.unique(units, return_index=True)[1]
    sizes = np.bincount(units)
    marks = sizes * np.int64(classes) + strata[first]
    found, kind = np.unique(marks, return_inverse=True)
    makeup = np.zeros((len(found), classes), dtype=np.int64)
    makeup[np.arange(len(found)), found % classes] = found // classes
    return kind, makeup


def _fill(held: np.ndarray, shares: np.ndarray, count: int) -> np.ndarray:
    """Spread `count` over parts so that held + added is in proportion where that can be."""
    active = np.ones(len(shares), dtype=bool)
    while True:
        level = (count + held[active].sum()) / shares[active].sum()
        added = np.where(active, level * shares - held, 0.0)
        if (added >= -1e-9).all():
            return np.maximum(added, 0.0)
        active &= added >= 0


def _small(codes: np.ndarray) -> np.ndarray:
    """Codes in 16 bits where they fit: those sort in linear time."""
    return codes.astype(np.uint16) if len(codes) and codes.max() < 2**16 else codes


def _none_empty(part: np.ndarray, units: np.ndarray | None, parts: int) -> np.ndarray:
    """Give a part that got nothing the smallest unit of the part that has most units."""
    ids = np.arange(len(part)) if units is None else units
    for empty in np.flatnonzero(np.bincount(part, minlength=parts) == 0):
        where = np.zeros(int(ids.max()) + 1, dtype=np.int64)
        where[ids] = part
        present = np.unique(ids)
        richest = np.argmax(np.bincount(where[present], minlength=parts))
        candidates = present[where[present] == richest]
        size = np.bincount(ids)[candidates]
        part[ids == candidates[np.argmin(size)]] = empty
    return part
