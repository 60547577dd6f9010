"""Sparse rows in a State: how they are kept, and how they are read back without trust."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from wholefit.base.errors import ArtifactError
from wholefit.base.state import State

# Cells of dense answers held at once: 32 MB of float64.
CELLS = 1 << 22
_LARGEST = 1e100


def kept(name: str, matrix: Any, dtype: Any = None) -> dict[str, np.ndarray]:
    """Arrays of a CSR matrix for a State; values that are all 1 are left out."""
    found = {f"{name}_ends": matrix.indptr[1:].astype(np.int64),
             f"{name}_at": matrix.indices.astype(np.int32)}
    if len(matrix.data) and not (matrix.data == 1).all():
        found[f"{name}_values"] = matrix.data.astype(dtype or matrix.data.dtype)
    return found


def read_rows(state: State, name: str, columns: int, rows: int | None = None) -> Any:
    """CSR (rows, columns) that `kept` wrote; ArtifactError if it does not hang together."""
    from scipy.sparse import csr_matrix

    ends, at = state.arrays[f"{name}_ends"], state.arrays[f"{name}_at"]
    values = state.arrays.get(f"{name}_values")
    if values is None:
        values = np.ones(at.shape)
    pointers = np.concatenate([np.zeros(1, dtype=np.int64), ends.astype(np.int64)])
    need(ends.ndim == at.ndim == values.ndim == 1 and ends.dtype.kind == at.dtype.kind == "i",
         f"{name}: not rows of whole numbers")
    need(rows is None or len(ends) == rows, f"{name}: {len(ends)} rows")
    need(bool((np.diff(pointers) >= 0).all()) and pointers[-1] == len(at) == len(values),
         f"{name}: rows do not follow each other")
    need(not len(at) or (at.min() >= 0 and at.max() < columns), f"{name}: a column out of range")
    need(bool(np.isfinite(values).all()), f"{name}: a value that is not finite")
    found = csr_matrix((values.astype(np.float64), at, pointers), shape=(len(ends), columns))
    need(_ascending(found), f"{name}: columns not in order")
    return found


def _ascending(matrix: Any) -> bool:
    """True if each row's columns rise."""
    rise = np.diff(matrix.indices) > 0
    new_row = np.zeros(len(matrix.indices) + 1, dtype=bool)
    new_row[matrix.indptr] = True
    return bool((rise | new_row[1:-1]).all()) if len(matrix.indices) > 1 else True


def read_array(state: State, name: str, *shape: int | None) -> np.ndarray:
    """A finite float array of that shape (None: any length); ArtifactError if it is another."""
    found = state.arrays[name]
    fits = found.ndim == len(shape) and all(
        want in (None, got) for want, got in zip(shape, found.shape, strict=True))
    need(fits and found.dtype.kind == "f", f"{name}: shape {found.shape}, type {found.dtype}")
    need(bool(np.isfinite(found).all()), f"{name}: a value that is not finite")
    return found


def read_number(state: State, name: str, low: float = -_LARGEST) -> float:
    """A number of the config, at least `low`, and of a size that a product of two can have."""
    found = float(state.config[name])
    need(low <= found <= _LARGEST, f"{name}: {found}")
    return found


def need(holds: bool, what: str) -> None:
    """ArtifactError naming `what` unless it holds."""
    if not holds:
        raise ArtifactError(f"the recommender cannot be read ({what}): it was altered, or not "
                            "written by wholefit; save the model anew.")


def blocks(n: int, width: int, cells: int = CELLS) -> Iterator[slice]:
    """Slices of 0..n, each of rows whose `width` cells together stay within `cells`."""
    step = max(1, cells // max(1, width))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))
