"""Conjunctions with the largest loss, among all pairs of conditions and the best triples.

Sums over all pairs of conditions at once are one product of matrices: with a 0/1 matrix M of
rows and conditions and the losses l, M' M counts the rows of each pair, and M' (l M) sums their
losses. Triples extend the best pairs (a beam). What is found here is only a candidate: other
rows decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wholefit.evaluation.worst._conditions import Conditions

# Conditions that go into pairs, the worst by themselves; pairs that are extended to triples.
_MOST_PAIRED, _BEAM = 300, 60
_BATCH = 20_000
# A further condition must earn at least so much, in standard errors.
_PRICE = 0.5
# Candidates looked at until enough different ones are found.
_LOOKED_AT = 400
# A part that shares more than this with one already taken is the same; any other must do worse
# by so many standard errors in the rows that are new in it.
_ALIKE, _STILL_WORSE = 0.5, 2.0


@dataclass(frozen=True)
class Candidate:
    """Places of its conditions, and by how many standard errors its rows do worse."""

    parts: tuple[int, ...]
    z: float
    rows: int


def search(
    known: Conditions, rows: np.ndarray, loss: np.ndarray, *, least: int, depth: int, most: int
) -> tuple[list[Candidate], int]:
    """The worst conjunctions on these `rows`, at most `most`, and how many were looked at.

    `loss` (rows,) belongs to `rows`, places in the columns. Those of fewer than `least` rows are
    not looked at.
    """
    if not len(known.all) or len(rows) < 2 * least:
        return [], 0
    masks, loss = known.masks[:, rows], loss - loss.mean()  # small numbers lose no digits
    judge = _Judge(loss, least)
    sums, counts = _single(masks, loss)
    alone = judge.z(sums, counts)
    found = [Candidate((int(at),), float(alone[at]), int(counts[at]))
             for at in np.flatnonzero(alone > 0)]
    looked = len(alone)
    if depth >= 2:
        kept = np.sort(np.argsort(-alone, kind="stable")[:_MOST_PAIRED])
        small = _Small(masks[kept], known.column[kept], kept)
        pairs, count = _pairs(small, loss, judge)
        found, looked = [*found, *pairs], looked + count
        if depth >= 3:
            triples, count = _triples(small, loss, judge, pairs)
            found, looked = [*found, *triples], looked + count
    return _different(found, masks, loss, least, most), looked


class _Judge:
    """Standard errors by which a part does worse than the other rows, under no difference."""

    def __init__(self, loss: np.ndarray, least: int) -> None:
        self.n, self.total, self.least = len(loss), float(loss.sum()), least
        self.spread = float(loss.std()) or 1.0

    def z(self, sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Of parts with these sums of loss and rows; -inf where too few are in or out."""
        rest = self.n - counts
        fine = (counts >= self.least) & (rest >= self.least)
        inside, outside = np.where(fine, counts, 1), np.where(fine, rest, 1)
        gap = sums / inside - (self.total - sums) / outside
        return np.where(fine, gap / (self.spread * np.sqrt(1 / inside + 1 / outside)), -np.inf)


@dataclass(frozen=True)
class _Small:
    """The conditions that are joined: masks, their columns, and their places among all."""

    masks: np.ndarray
    column: np.ndarray
    places: np.ndarray


def _single(masks: np.ndarray, loss: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    counts = masks.sum(axis=1).astype(np.float64)
    sums = np.array([loss[mask].sum() for mask in masks])
    return sums, counts


def _products(
    left: np.ndarray, right: np.ndarray, loss: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sums of loss and counts of rows where both hold, (left, right), rows in batches."""
    sums = np.zeros((len(left), len(right)))
    counts = np.zeros((len(left), len(right)))
    for start in range(0, len(loss), _BATCH):
        part = slice(start, start + _BATCH)
        a, b = left[:, part].astype(np.float32), right[:, part].astype(np.float32)
        counts += a @ b.T
        sums += (a * loss[part].astype(np.float32)) @ b.T
    return sums, counts


def _pairs(small: _Small, loss: np.ndarray, judge: _Judge) -> tuple[list[Candidate], int]:
    sums, counts = _products(small.masks, small.masks, loss)
    z = judge.z(sums, counts)
    allowed = np.triu(small.column[:, None] != small.column[None, :], 1)
    z = np.where(allowed, z, -np.inf)
    best = np.argsort(-z, axis=None, kind="stable")[:_LOOKED_AT]
    rows, columns = np.unravel_index(best, z.shape)
    found = [Candidate((int(small.places[i]), int(small.places[j])), float(z[i, j]),
                       int(counts[i, j]))
             for i, j in zip(rows, columns, strict=True) if z[i, j] > 0]
    return found, int(np.isfinite(z).sum())


def _triples(
    small: _Small, loss: np.ndarray, judge: _Judge, pairs: list[Candidate]
) -> tuple[list[Candidate], int]:
    beam = sorted(pairs, key=lambda each: -each.z)[:_BEAM]
    if not beam:
        return [], 0
    at = {int(place): here for here, place in enumerate(small.places)}
    inner = np.array([[at[place] for place in each.parts] for each in beam])
    both = small.masks[inner[:, 0]] & small.masks[inner[:, 1]]
    sums, counts = _products(both, small.masks, loss)
    z = judge.z(sums, counts)
    for side in (0, 1):
        z[small.column[inner[:, side]][:, None] == small.column[None, :]] = -np.inf
    best = np.argsort(-z, axis=None, kind="stable")[:_LOOKED_AT]
    found: dict[tuple[int, ...], Candidate] = {}
    for i, j in zip(*np.unravel_index(best, z.shape), strict=True):
        if z[i, j] > 0:
            parts = tuple(sorted((*beam[i].parts, int(small.places[j]))))
            found.setdefault(parts, Candidate(parts, float(z[i, j]), int(counts[i, j])))
    return list(found.values()), int(np.isfinite(z).sum())


def _different(
    found: list[Candidate], masks: np.ndarray, loss: np.ndarray, least: int, most: int
) -> list[Candidate]:
    """The worst first; one that is mostly another's rows, or not worse without them, is left."""
    ranked = sorted(found, key=lambda each: (_PRICE * len(each.parts) - each.z, each.parts))
    taken: list[Candidate] = []
    sides: list[np.ndarray] = []
    union = np.zeros(len(loss), dtype=bool)
    for each in ranked[:_LOOKED_AT]:
        if len(taken) == most:
            break
        mask = np.asarray(masks[list(each.parts)].all(axis=0))
        if _is_new(mask, sides, union, loss, least):
            taken.append(each)
            sides.append(mask)
            union |= mask
    return taken


def _is_new(
    mask: np.ndarray, sides: list[np.ndarray], union: np.ndarray, loss: np.ndarray, least: int
) -> bool:
    if not union.any():
        return True
    if any(alike(mask, side) > _ALIKE for side in sides):
        return False
    own, rest = mask & ~union, ~mask & ~union
    if own.sum() < least or rest.sum() < least:
        return False
    gap = loss[own].mean() - loss[rest].mean()
    error = float(loss.std()) * (1 / own.sum() + 1 / rest.sum()) ** 0.5
    return bool(gap > _STILL_WORSE * error)


def alike(a: np.ndarray, b: np.ndarray) -> float:
    """Rows in both over rows in either (Jaccard)."""
    either = int((a | b).sum())
    return int((a & b).sum()) / either if either else 1.0
