"""What rows must not be parted by a split: members of a group, exact duplicates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from wholefit.data.dataset import Dataset

# With fewer different rows than this share, equal rows are coarse columns, not copies.
_COARSE = 0.1


@dataclass(frozen=True)
class Units:
    """Unit ids from 0 (n,), None where each row is its own; their count, name and sentence."""

    ids: np.ndarray | None
    count: int
    name: str
    said: str = ""


def find_units(dataset: Dataset) -> Units:
    """The units of a dataset without regard to time.

    Rows with equal features are copies of one thing and stay together, unless nine rows in ten
    have a twin: then the columns are too coarse to tell things apart, and keeping equal rows
    together would ask a model to answer for rows unlike any that it saw.
    """
    copies, different = _copies(dataset.row_keys())
    groups = dataset.groups()
    if groups is not None:
        return _of_groups(groups, copies)
    n = len(dataset)
    if copies is None:
        return Units(None, n, "row")
    if different < _COARSE * n:
        return Units(None, n, "row", (
            f"; only {different:,} different rows, too coarse to tell copies from equals"))
    return Units(copies, different, "duplicate group",
                 f", copies kept together ({n - different:,} rows repeat another)")


def _copies(keys: np.ndarray) -> tuple[np.ndarray | None, int]:
    """Ids of equal keys in order of first appearance, None where all differ; and their count."""
    different = pl.Series("key", keys).n_unique()
    if different == len(keys):
        return None, different
    _, first, back = np.unique(keys, return_index=True, return_inverse=True)
    place = np.empty(different, dtype=np.int64)
    place[np.argsort(first)] = np.arange(different)
    return place[back], different


def _of_groups(groups: np.ndarray, copies: np.ndarray | None) -> Units:
    """Groups; those that share an exact duplicate are one, unless that joins most of the data."""
    lone = groups < 0
    ids = groups.astype(np.int64)
    ids[lone] = ids.max() + 1 + np.arange(int(lone.sum()))
    ids = np.unique(ids, return_inverse=True)[1]
    count = int(ids.max()) + 1 if len(ids) else 0
    if copies is not None:
        joined = _join(ids, copies)
        least = int(joined.max()) + 1
        most = max(len(ids) // 5, int(np.bincount(ids).max()))
        if least < count and np.bincount(joined).max() <= most:
            return Units(joined, least, "group",
                         ", groups kept together (those that share copies of a row are one)")
    return Units(ids, count, "group", ", groups kept together")


def _join(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Ids of the connected parts when rows with equal `a` or equal `b` belong together."""
    label = a.astype(np.int64)
    while True:
        low = _lowest(_lowest(label, b), a)
        if (low == label).all():
            return np.unique(label, return_inverse=True)[1]
        label = low


def _lowest(label: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The lowest label among rows of the same id, for each row."""
    lowest = np.full(int(ids.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(lowest, ids, label)
    return lowest[ids]
