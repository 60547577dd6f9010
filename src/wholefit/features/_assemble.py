"""Blocks side by side in one matrix, written stretch by stretch into one allocation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.base.spool import Filed
from wholefit.features._categories import OneHot
from wholefit.features._picked import Picked
from wholefit.features._text import Text
from wholefit.features.sheet import Sheet

_DENSITY = 0.5
_FEATURES = 20
"""Below these a dense matrix is chosen. Logistic regression on census data ran 2 to 4 times as
fast on CSR at every density tried (0.13 to 0.48); CSR takes less memory below about 0.6."""


def pays(blocks: Sequence[Any]) -> bool:
    """Whether CSR is worth it: enough mostly-zero features, and few entries that are not zero."""
    wide = sum(len(block.names) for block in blocks)
    thin = sum(len(block.names) for block in blocks if _is_thin(block))
    return thin >= _FEATURES and sum(b.filled() for b in blocks) < _DENSITY * wide


def worth_csr(X: Any) -> bool:
    """The same of a matrix that is CSR already."""
    return X.shape[1] >= _FEATURES and X.nnz < _DENSITY * X.shape[0] * X.shape[1]


def dense(
    blocks: Sequence[Any], picked: Picked, dtype: type, reduction: Any = None
) -> np.ndarray:
    """C-contiguous (rows, features), each stretch of rows reduced as soon as it is written."""
    widths = [len(block.names) for block in blocks]
    ends = np.cumsum([0, *widths])
    if reduction is not None:
        return _reduced(blocks, picked, dtype, reduction, ends)
    out = np.empty((picked.size, ends[-1]), dtype=dtype)
    for span in picked.stretches(int(ends[-1])):
        for block, start, end in zip(blocks, ends[:-1], ends[1:], strict=True):
            block.write(picked, span, out[span, start:end])
    return out


def sheet(blocks: Sequence[Any], picked: Picked, dtype: type) -> Sheet | None:
    """The blocks side by side with their pictures left in files; None where none are there."""
    filed = [block.filed(picked) if hasattr(block, "filed") else None for block in blocks]
    if all(pictures is None for pictures in filed):
        return None
    parts: list[np.ndarray | Filed] = []
    plain: list[Any] = []
    for block, pictures in zip((*blocks, None), (*filed, None), strict=True):
        if block is not None and pictures is None:
            plain.append(block)
            continue
        if plain:
            parts.append(dense(plain, picked, dtype))
            plain = []
        if pictures is not None:
            parts.append(pictures)
    return Sheet(parts, dtype)


def _reduced(
    blocks: Sequence[Any], picked: Picked, dtype: type, reduction: Any, ends: np.ndarray
) -> np.ndarray:
    out = np.empty((picked.size, reduction.width), dtype=dtype)
    for span in picked.stretches(int(ends[-1])):
        tile = np.empty((span.stop - span.start, ends[-1]), dtype=dtype)
        for block, start, end in zip(blocks, ends[:-1], ends[1:], strict=True):
            block.write(picked, span, tile[:, start:end])
        out[span] = reduction.apply(tile)
    return out


def csr(blocks: Sequence[Any], picked: Picked, dtype: type) -> Any:
    """scipy CSR (rows, features), indices ascending, no stored zeros."""
    from scipy.sparse import csr_matrix, hstack

    texts = [block for block in blocks if _is_thin(block) and isinstance(block, Text)]
    others = [block for block in blocks if block not in texts]
    parts = [_fixed(others, picked, dtype)] if others else []
    for block in texts:
        owner, word, weight = block.entries(picked, slice(0, picked.size))
        starts = np.searchsorted(owner, np.arange(picked.size + 1)).astype(np.int32)
        parts.append(csr_matrix((weight.astype(dtype), word.astype(np.int32), starts),
                                shape=(picked.size, len(block.names))))
    return parts[0] if len(parts) == 1 else hstack(parts, format="csr")


def _is_thin(block: Any) -> bool:
    return isinstance(block, OneHot) or (isinstance(block, Text) and block.directions is None)


def _fixed(blocks: Sequence[Any], picked: Picked, dtype: type) -> Any:
    """Blocks with the same number of entries in each row, so that rows can be laid out first."""
    from scipy.sparse import csr_matrix

    wide = sum(len(block.names) for block in blocks)
    slots = sum(len(b.columns) if isinstance(b, OneHot) else len(b.names) for b in blocks)
    places = np.empty((picked.size, slots), dtype=np.int32)
    values: np.ndarray = np.empty((picked.size, slots), dtype=dtype)
    for span in picked.stretches(slots):
        _lay(blocks, picked, span, places[span], values[span])
    full = values != 0
    starts = np.concatenate([[0], np.cumsum(full.sum(axis=1))]).astype(np.int32)
    if full.all():
        return csr_matrix((values.ravel(), places.ravel(), starts), shape=(picked.size, wide))
    return csr_matrix((values[full], places[full], starts), shape=(picked.size, wide))


def _lay(
    blocks: Sequence[Any], picked: Picked, span: slice, places: np.ndarray, values: np.ndarray
) -> None:
    slot = feature = 0
    for block in blocks:
        if isinstance(block, OneHot):
            for column in range(len(block.columns)):
                found = block.places(picked, span, column)
                places[:, slot] = found + feature
                values[:, slot] = found >= 0
                slot += 1
        else:
            count = len(block.names)
            block.write(picked, span, values[:, slot:slot + count])
            places[:, slot:slot + count] = np.arange(feature, feature + count)
            slot += count
        feature += len(block.names)
