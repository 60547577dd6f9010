"""A matrix (rows, features) whose pictures stay in a file, for what learns batch by batch.

    sheet = encoder.transform(dataset, train)   # where the pixels are too many for memory
    sheet[:256]                                 # an array, as the whole matrix would be there
    sheet.pictures(span)                        # the pixels of a span, still in their file
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wholefit.base.spool import AT_ONCE, Filed, check_held
from wholefit.features.spans import Span

# Rows answered at a time are a multiple of what networks take at once, so that each meets the
# same batches as if the matrix were whole.
_STEP = 4096


class Sheet:
    """Parts side by side: arrays in memory (n, k), and pictures in files.

    What asks for all features of all rows is refused above the limit of memory (DataError).
    """

    ndim = 2

    def __init__(self, parts: Sequence[np.ndarray | Filed], dtype: Any) -> None:
        self.parts, self.dtype = tuple(parts), np.dtype(dtype)
        self._ends = np.cumsum([math.prod(part.shape[1:]) for part in parts])

    def __len__(self) -> int:
        return len(self.parts[0])

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, features)."""
        return len(self), int(self._ends[-1])

    @property
    def nbytes(self) -> int:
        """Bytes that the whole matrix would take."""
        return math.prod(self.shape) * self.dtype.itemsize

    def take(self, rows: np.ndarray) -> Sheet:
        """These rows; their pictures stay where they are."""
        return Sheet([part.take(rows) if isinstance(part, Filed) else part[rows]
                      for part in self.parts], self.dtype)

    def pictures(self, span: Span) -> Filed | None:
        """The pictures (n, channels, height, width) of a span; None where they lie in no file."""
        for part, end in zip(self.parts, self._ends, strict=True):
            if end == span.stop and isinstance(part, Filed) and part.each == tuple(span.shape):
                return part
        return None

    def __getitem__(self, key: Any) -> np.ndarray:
        """Rows, or rows and columns, as an array in memory."""
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        if isinstance(rows, (int, np.integer)):
            return np.asarray(self[slice(rows, rows + 1 or None), columns][0])
        wanted = np.arange(self.shape[1])[columns]
        if not wanted.ndim:
            return np.asarray(self[rows, [int(wanted)]][:, 0])
        count = len(range(*rows.indices(len(self)))) if isinstance(rows, slice) else (
            int(np.sum(rows)) if np.asarray(rows).dtype == bool else len(rows))
        check_held(count * len(wanted) * self.dtype.itemsize)
        out = np.empty((count, len(wanted)), self.dtype)
        start = 0
        for part, end in zip(self.parts, self._ends, strict=True):
            mine = np.flatnonzero((wanted >= start) & (wanted < end))
            if len(mine):
                out[:, mine] = part[rows].reshape(count, -1)[:, wanted[mine] - start]
            start = int(end)
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)


def by_blocks(X: Any, answer: Callable[[Any], np.ndarray]) -> np.ndarray:
    """`answer(X)`, of a Sheet some rows at a time: rows are answered each for itself."""
    if not isinstance(X, Sheet):
        return answer(X)
    each = max(1, X.nbytes // max(1, len(X)))
    step = max(256, min(_STEP, AT_ONCE // each // 256 * 256))
    return np.concatenate([answer(X[at:at + step]) for at in range(0, max(1, len(X)), step)])
