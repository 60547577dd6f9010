"""Values that the weights of a tensor share: k-means on a line (Han, Mao and Dally 2016)."""

from __future__ import annotations

import numpy as np

_ROUNDS = 100
_SAMPLE = 200_000


def shared(
    tensor: np.ndarray, levels: int, seed: int = 0, mask: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """At most `levels` values (k,) and each weight's number among them, in the tensor's shape.

    Values begin evenly spread from the smallest weight to the largest, which keeps large weights
    (the paper's section 3.2), or spread by rank, which keeps the many; they move to the means of
    the weights nearest to them until they stay, and the nearer of the two is kept. Where `mask`
    says which weights are kept, the others have no say.
    """
    flat = np.asarray(tensor, dtype=np.float64).reshape(-1)
    kept = flat if mask is None else flat[np.asarray(mask, dtype=bool).reshape(-1)]
    if not len(kept):
        kept = np.zeros(1)
    if len(kept) > _SAMPLE:
        kept = np.random.default_rng(seed).choice(kept, _SAMPLE, replace=False)
    book = centres(np.sort(kept), levels).astype(np.float32)
    middle = (book[1:].astype(np.float64) + book[:-1]) / 2
    return book, np.searchsorted(middle, flat).reshape(tensor.shape)


def centres(ordered: np.ndarray, levels: int) -> np.ndarray:
    """At most `levels` means of runs of `ordered` (n,), in order (Lloyd 1982)."""
    values = np.unique(ordered)
    if len(values) <= levels:
        return values
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    starts = (np.linspace(ordered[0], ordered[-1], levels),
              np.quantile(ordered, (np.arange(levels) + 0.5) / levels))
    return min((_settled(ordered, sums, start) for start in starts),
               key=lambda book: _lost(ordered, book))


def _settled(ordered: np.ndarray, sums: np.ndarray, book: np.ndarray) -> np.ndarray:
    for _ in range(_ROUNDS):
        ends = np.searchsorted(ordered, (book[1:] + book[:-1]) / 2)
        edges = np.concatenate([[0], ends, [len(ordered)]])
        count = np.diff(edges)
        moved = book.copy()
        there = count > 0
        moved[there] = np.diff(sums[edges])[there] / count[there]
        if np.array_equal(moved, book):
            break
        book = np.sort(moved)
    return book


def _lost(ordered: np.ndarray, book: np.ndarray) -> float:
    """Squared error of the weights told by the values nearest to them."""
    near = book[np.searchsorted((book[1:] + book[:-1]) / 2, ordered)]
    return float(((ordered - near) ** 2).sum())
