"""The best k items of each user: exact, the seen left out, in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# Scores held at once: 64 MB of float64.
_BLOCK = 1 << 23
_GROUPS = 256


def top_k(scores: np.ndarray, k: int, rank: np.ndarray | None = None) -> np.ndarray:
    """Item codes (m, k) of the largest of `scores` (m, n), best first, -1 where there are fewer.

    Items of -inf or NaN are never given. Of equal scores the item of lowest `rank` (n,) comes
    first: the more popular one, say; its code where None.
    """
    size, items = scores.shape
    found = np.full((size, k), -1, dtype=np.int32)
    if not size or not items or not k:
        return found
    odd = np.isnan(scores)
    scores = np.where(odd, -np.inf, scores) if odd.any() else scores
    least = _floor(scores, k)
    row, item = np.divmod(np.flatnonzero(scores >= least[:, None]), items)
    if np.isneginf(least).any():
        open_ = scores[row, item] > -np.inf
        row, item = row[open_], item[open_]
    tied = item if rank is None else rank[item]
    order = np.lexsort((tied, -scores[row, item], row))
    row, item = row[order], item[order]
    starts = np.searchsorted(row, np.arange(size))
    place = np.arange(len(row)) - starts[row]
    kept = place < k
    found[row[kept], place[kept]] = item[kept]
    return found


def _floor(scores: np.ndarray, k: int) -> np.ndarray:
    """A number (m,) for each row that its k largest scores reach, and few others.

    Of many items, the k-th largest of the maxima of groups: k items at least reach it, and maxima
    are read far quicker than an order is made.
    """
    items = scores.shape[1]
    if k >= items:
        return np.full(len(scores), -np.inf)
    groups = max(_GROUPS, 4 * k)
    if items < 4 * groups:
        return np.asarray(np.partition(scores, items - k, axis=1)[:, items - k])
    whole = items // groups * groups
    tops = scores[:, :whole].reshape(len(scores), -1, groups).max(axis=1)
    rest = items - whole
    tops[:, :rest] = np.maximum(tops[:, :rest], scores[:, whole:])
    return np.asarray(np.partition(tops, groups - k, axis=1)[:, groups - k])


def masked(scores: np.ndarray, starts: np.ndarray, items: np.ndarray) -> np.ndarray:
    """The scores (m, n) with -inf at the items of each row: `items[starts[i]:starts[i + 1]]`."""
    made = np.array(scores, dtype=np.float64)
    owner = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    made[owner, items] = -np.inf
    return made


def blocks(size: int, items: int) -> Iterator[slice]:
    """Stretches of users whose scores of all items fit the memory set apart for them."""
    step = max(1, min(4096, _BLOCK // max(1, items)))
    for start in range(0, size, step):
        yield slice(start, min(start + step, size))


def rows_of(indptr: np.ndarray, indices: np.ndarray, rows: np.ndarray) -> tuple[
        np.ndarray, np.ndarray]:
    """The (starts, items) of some rows of a CSR, in their order."""
    lengths = np.diff(indptr)[rows]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    shift = indptr[rows] - starts[:-1]
    return starts, indices[np.arange(starts[-1]) + np.repeat(shift, lengths)]


def popular_first(having: np.ndarray) -> np.ndarray:
    """The rank (n,) of each item by how many have it, most first; of equals the first item."""
    rank = np.empty(len(having), dtype=np.int64)
    rank[np.argsort(-having, kind="stable")] = np.arange(len(having))
    return rank
