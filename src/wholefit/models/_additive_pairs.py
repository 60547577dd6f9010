"""Pairs of features: which to try, their tables, and what of them belongs to single curves."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from wholefit.models._additive_bins import coarse
from wholefit.models._additive_boost import meetings
from wholefit.models._additive_cuts import gains
from wholefit.models._kernels.additive import starts

# Coarser bins a feature, rows and features looked at when pairs are sought.
_BINS, _ROWS, _FEATURES = 12, 20_000, 64
_TURNS = 200


@dataclass(frozen=True)
class Pairs:
    """Pairs (q, 2) of features; `codes` their cell in each row; `maps` bins to coarser bins."""

    pair: np.ndarray
    size: np.ndarray
    codes: Sequence[np.ndarray]
    maps: Sequence[tuple[np.ndarray, np.ndarray]]

    @classmethod
    def none(cls, rows: int) -> Pairs:
        """No pair at all."""
        return cls(np.zeros((0, 2), np.int32), np.zeros((0, 2), np.int32), (), ())

    def take(self, which: np.ndarray) -> Pairs:
        """Some of them."""
        return dataclasses.replace(
            self, pair=self.pair[which], size=self.size[which],
            codes=[self.codes[at] for at in which], maps=[self.maps[at] for at in which])

    def cells(self) -> list[int]:
        """Cells of each table."""
        return [int(cells) for cells in self.size.prod(axis=1)]

    def arrays(self) -> dict[str, np.ndarray]:
        """What the state keeps of them, beside the tables."""
        bins = [each for both in self.maps for each in both]
        return {"pair": self.pair.astype(np.int32), "pair_size": self.size.astype(np.int32),
                "pair_bin": (np.concatenate(bins) if bins else np.zeros(0)).astype(np.int16)}

    def purify(
        self, main: np.ndarray, table: np.ndarray, weight: np.ndarray, place: np.ndarray,
        sizes: Sequence[int],
    ) -> None:
        """Move what a table says of one feature alone into that feature's curve, in place.

        Then every row and column of a table has mean 0 over the training rows: it holds what the
        two do together and nothing else (Lengerich et al. 2020). Answers stay as they are.
        """
        for at, start in enumerate(starts(np.array(self.cells()))):
            a, b = (int(each) for each in self.size[at])
            here = slice(start, start + a * b)
            cell = table[:, :, here].reshape(*table.shape[:2], a, b)
            rows, columns = _margins(cell, weight[here].reshape(a, b))
            table[:, :, here] = (cell - rows[:, :, :, None] - columns[:, :, None, :]).reshape(
                *table.shape[:2], a * b)
            for feature, margin, bins in zip(
                    self.pair[at], (rows, columns), self.maps[at], strict=True):
                main[:, :, place[feature]:place[feature] + sizes[feature]] += margin[:, :, bins]


def _margins(cell: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The additive part of tables (..., a, b): weighted least squares, by turns."""
    rows, columns = np.zeros(cell.shape[:-1]), np.zeros((*cell.shape[:-2], cell.shape[-1]))
    down, right = np.maximum(weight.sum(axis=1), 1e-300), np.maximum(weight.sum(axis=0), 1e-300)
    for _ in range(_TURNS):
        left = cell - columns[..., None, :]
        rows = (left * weight).sum(axis=-1) / down
        before = columns
        columns = ((cell - rows[..., :, None]) * weight).sum(axis=-2) / right
        if np.abs(columns - before).max(initial=0.0) < 1e-12:
            break
    return rows, columns


def candidates(
    codes: Sequence[np.ndarray], arrays: dict[str, np.ndarray], main: np.ndarray,
    gradient: np.ndarray, curve: np.ndarray, most: int, l2: float, seed: int,
) -> Pairs:
    """The `most` pairs that promise most, by what four quadrants explain of what is left.

    `main` (outputs, bins) are the curves so far; `gradient` and `curve` (n, outputs). Of more than
    64 features the 64 whose curves vary most are looked at, on 20,000 rows at most.
    """
    rows = _some(len(codes[0]), seed)
    place = starts(arrays["size"])
    weights = [np.bincount(code, minlength=int(size)).astype(float)
               for code, size in zip(codes, arrays["size"], strict=True)]
    spread = [_spread(main[:, at:at + len(weight)], weight)
              for at, weight in zip(place, weights, strict=True)]
    chosen = np.sort(np.argsort(-np.array(spread), kind="stable")[:_FEATURES])
    grouped = {int(f): coarse(_order(f, arrays, main[:, place[f]:place[f] + len(weights[f])]),
                              weights[f], _BINS) for f in chosen}
    small = {f: grouped[f][0][codes[f]] for f in grouped}
    first, second, gain = _gains(small, gradient[rows], curve[rows], rows, l2)
    best = np.argsort(-gain, kind="stable")[:most]
    best = best[gain[best] > 0]
    pair = np.stack([first[best], second[best]], axis=1).astype(np.int32).reshape(-1, 2)
    size = np.array([[grouped[int(f)][1] for f in both] for both in pair], dtype=np.int32)
    return Pairs(pair, size.reshape(-1, 2),
                 [small[int(a)] * grouped[int(b)][1] + small[int(b)] for a, b in pair],
                 [(grouped[int(a)][0], grouped[int(b)][0]) for a, b in pair])


def _gains(
    small: dict[int, np.ndarray], gradient: np.ndarray, curve: np.ndarray, rows: np.ndarray,
    l2: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every pair's first and second feature, and its gain over all outputs."""
    features, wide = np.array(sorted(small)), _BINS + 1
    places = np.stack([at * wide + small[int(f)][rows] for at, f in enumerate(features)], axis=1)
    hot = sp.csr_matrix((np.ones(places.size), places.astype(np.int32).ravel(),
                         np.arange(len(rows) + 1) * len(features)),
                        shape=(len(rows), wide * len(features)))
    at, to = np.triu_indices(len(features), 1)
    total = np.zeros(len(at))
    for output in range(gradient.shape[1]):
        one = slice(output, output + 1)
        G, H = (meetings(hot, each[:, one])[0].reshape(len(features), wide, len(features), wide)
                .transpose(0, 2, 1, 3)[at, to] for each in (gradient, curve))
        total += gains(G, H, l2)
    return features[at], features[to], total


def _order(feature: int, arrays: dict[str, np.ndarray], curve: np.ndarray) -> np.ndarray:
    """The bins of a feature but the first, in order: categories by what they add so far."""
    if not arrays["kind"][feature]:
        return np.arange(1, curve.shape[1])
    loudest = curve[int(curve.var(axis=1).argmax())]
    return 1 + np.argsort(loudest[1:], kind="stable")


def _spread(curve: np.ndarray, weight: np.ndarray) -> float:
    mean = curve @ weight / weight.sum()
    return float(((curve - mean[:, None]) ** 2 @ weight).sum())


def _some(rows: int, seed: int) -> np.ndarray:
    if rows <= _ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed + 1).choice(rows, _ROWS, replace=False))
