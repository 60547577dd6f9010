"""Reweighing: rows counted so that group and outcome look independent (Kamiran, Calders 2012)."""

from __future__ import annotations

import numpy as np


def reweighing(
    group: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Weights (n,): share of the group times share of the class, over their share together.

    `group` and `y` (n,) are codes from 0. Under the weights every class is as frequent in each
    group as in all rows, and groups and classes weigh what they did.
    """
    heavy = np.ones(len(y)) if weights is None else weights
    groups, classes = int(group.max()) + 1, int(y.max()) + 1
    cells = np.bincount(group * classes + y, heavy, groups * classes).reshape(groups, classes)
    total = cells.sum()
    expected = cells.sum(axis=1, keepdims=True) * cells.sum(axis=0, keepdims=True) / total
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(cells > 0, expected / cells, 0.0)
    return np.asarray(heavy * factor[group, y])
