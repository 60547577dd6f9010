"""How many edits lie between words, for many pairs at once.

The distance is that of optimal string alignment: insertions, deletions, substitutions and swaps
of neighbours count one each (Damerau 1964; no part is edited twice). All pairs go through one
table together, column by column, within a band as wide as the bound.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_CELLS = 20_000_000


def coded(words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Words as code points uint32 (n, longest), 0 after the end, and their lengths (n,)."""
    lengths = np.fromiter(map(len, words), dtype=np.int64, count=len(words))
    width = int(lengths.max(initial=1))
    flat = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    table = np.zeros((len(words), max(width, 1)), dtype=np.uint32)
    table[np.arange(table.shape[1]) < lengths[:, None]] = flat
    return table, lengths


def distances(
    codes: np.ndarray, lengths: np.ndarray, left: np.ndarray, right: np.ndarray, most: np.ndarray,
) -> np.ndarray:
    """Edits between words `left` and `right` (m,), places in `codes`; above `most` (m,), more.

    Exact where it is at most `most`; else any number above it.
    """
    found = np.zeros(len(left), dtype=np.int64)
    size = max(1, _CELLS // max(8 * codes.shape[1], 1))
    for at in range(0, len(left), size):
        part = slice(at, at + size)
        found[part] = _banded(codes, lengths, left[part], right[part], most[part])
    return found


def _banded(
    codes: np.ndarray, lengths: np.ndarray, left: np.ndarray, right: np.ndarray, most: np.ndarray,
) -> np.ndarray:
    a, b = codes[left].T, codes[right].T
    longs, shorts = lengths[left], lengths[right]
    band = int(most.max(initial=0))
    rows, columns = int(longs.max(initial=0)), int(shorts.max(initial=0))
    far = band + 1
    # Rows of the table as (columns + 1, pairs); cells outside the band hold `far`.
    lines = [np.full((columns + 1, len(left)), far, dtype=np.int16) for _ in range(3)]
    older, old, new = lines
    old[:band + 1] = np.arange(min(band, columns) + 1, dtype=np.int16)[:, None]
    answer = np.where(longs == 0, np.minimum(shorts, far), far).astype(np.int64)
    everyone = np.arange(len(left))
    for i in range(1, rows + 1):
        new[:] = far
        if i <= band:
            new[0] = i
        for j in range(max(1, i - band), min(columns, i + band) + 1):
            same = a[i - 1] == b[j - 1]
            best = np.minimum(old[j], new[j - 1]) + np.int16(1)
            np.minimum(best, old[j - 1] + ~same, out=best)
            if i > 1 and j > 1:
                swapped = (a[i - 1] == b[j - 2]) & (a[i - 2] == b[j - 1])
                np.minimum(best, np.where(swapped, older[j - 2] + np.int16(1), far), out=best)
            new[j] = best
        ends = longs == i
        if ends.any():
            answer[ends] = new[shorts[ends], everyone[ends]]
        older, old, new = old, new, older
    return np.minimum(answer, far)
