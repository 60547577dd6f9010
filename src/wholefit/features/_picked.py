"""Some rows of a dataset, read in stretches, so that an encoding never copies a whole column."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.spool import Filed

_STRETCH = 1 << 16
"""Cells per stretch: a stretch of every block fits a core's cache, so writes stay local."""

_derived: dict[int, tuple[weakref.ref[Any], dict[Any, Any]]] = {}


class Picked:
    """The rows `rows` (all when None) of a dataset; `made` holds columns that were computed.

    `read` keeps what was read of the dataset: several encoders of one dataset can share it.
    """

    def __init__(
        self, dataset: Any, rows: np.ndarray | None = None,
        read: dict[tuple[Any, ...], Any] | None = None,
    ) -> None:
        self.dataset = dataset
        self.rows = None if rows is None else _checked(rows, len(dataset))
        self.size = len(dataset) if self.rows is None else len(self.rows)
        self.made: dict[str, np.ndarray] = {}
        self._whole: dict[tuple[Any, ...], Any] = {} if read is None else read

    def stretches(self, width: int) -> Iterator[slice]:
        """Consecutive slices that cover the picked rows, short when there are many columns."""
        step = int(np.clip(_STRETCH // max(width, 1), 128, _STRETCH))
        for start in range(0, self.size, step):
            yield slice(start, min(start + step, self.size))

    def numbers(self, name: str, span: slice, out: np.ndarray) -> None:
        """Write a numeric column's values (NaN missing) into `out` (stop - start,)."""
        if name in self.made:
            out[:] = self.made[name][span]
        else:
            self._gather(self._fetch("numeric", name), span, out)

    def column(self, name: str) -> np.ndarray:
        """All picked values of a numeric column, a fresh float64 array."""
        out = np.empty(self.size)
        self.numbers(name, slice(0, self.size), out)
        return out

    def codes(self, name: str, span: slice) -> np.ndarray:
        """Category codes of the whole dataset's levels, -1 missing."""
        return self._take(self._fetch("codes", name)[0], span)

    def levels(self, name: str) -> list[str]:
        """The whole dataset's levels, in the order of their codes."""
        return self._fetch("codes", name)[1]

    def times(self, name: str, span: slice) -> np.ndarray:
        """Times as datetime64[us], NaT missing."""
        return self._take(self._fetch("times", name), span)

    def pictures(self, name: str, shape: tuple[int, int, int], fit: str) -> np.ndarray | Filed:
        """All of the dataset's pictures at one size uint8 (n, channels, height, width)."""
        found: np.ndarray | Filed = self._ask(("images", name, *shape, fit),
                                              lambda: self.dataset.images(name, shape, fit))
        return found

    def picture_sizes(self, name: str) -> np.ndarray:
        """(channels, height, width) of each of the dataset's pictures, 0 where missing."""
        found: np.ndarray = self._ask(("image sizes", name),
                                      lambda: self.dataset.image_sizes(name))
        return found

    def where(self, span: slice) -> np.ndarray:
        """Row numbers in the dataset of a stretch of picked rows."""
        if self.rows is None:
            return np.arange(span.start, span.stop)
        return self.rows[span]

    def mark(self) -> str:
        """A fingerprint of which rows are picked."""
        return "all" if self.rows is None else hashlib.sha256(self.rows.tobytes()).hexdigest()

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """`make()`, remembered for as long as the dataset lives."""
        found = _memory(self.dataset)
        if key not in found:
            found[key] = make()
        return found[key]

    def _fetch(self, kind: str, name: str) -> Any:
        """Ask the dataset once: one taken from another picks its rows anew at every question."""
        key = (kind, name)
        if key not in self._whole:
            self._whole[key] = getattr(self.dataset, kind)(name)
        return self._whole[key]

    def _ask(self, key: tuple[Any, ...], question: Callable[[], Any]) -> Any:
        if key not in self._whole:
            self._whole[key] = question()
        return self._whole[key]

    def _take(self, values: np.ndarray, span: slice) -> np.ndarray:
        if self.rows is None:
            return values[span]
        return values.take(self.rows[span])

    def _gather(self, values: np.ndarray, span: slice, out: np.ndarray) -> None:
        if self.rows is None:
            out[:] = values[span]
        else:  # rows were checked once; "clip" spares numpy a buffered copy
            np.take(values, self.rows[span], out=out, mode="clip")


def _checked(rows: np.ndarray, size: int) -> np.ndarray:
    rows = np.asarray(rows)
    if rows.dtype == bool:
        if len(rows) != size:
            raise DataError(f"rows as a mask must have {size} entries; got {len(rows)}.")
        return np.flatnonzero(rows)
    rows = rows.astype(np.intp, copy=False)
    if len(rows) and (rows.min() < 0 or rows.max() >= size):
        bad = rows[(rows < 0) | (rows >= size)][0]
        raise DataError(f"rows must lie in 0..{size - 1}; got {bad}.")
    return rows


def _memory(dataset: Any) -> dict[Any, Any]:
    """A dict that dies with the dataset (found by identity: datasets need not be hashable)."""
    key = id(dataset)
    if key not in _derived:
        _derived[key] = (weakref.ref(dataset, lambda _: _derived.pop(key, None)), {})
    return _derived[key][1]
