"""Accumulated local effects of one column and of two (Apley and Zhu 2020)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wholefit.explain._axis import Axis, upper
from wholefit.explain._together import numeric
from wholefit.explain.pool import Pool

Array = np.ndarray
Told = Callable[[Array], Array]


def differences(
    pool: Pool, along: Axis, rows: Array, told: Told
) -> tuple[Array, Array, Array]:
    """Which of `rows` are asked, the step (1, 2, ...) each is asked about, and what it changes.

    A number is asked at both ends of its interval; a level is asked about the step to its
    neighbour on either side, so that rows of both levels speak about a step.
    """
    row, step = _asked(pool, along, rows)
    place = pool.at(along.column)
    answers = lent(pool, place, rows[row], np.stack([along.lenders[step - 1],
                                                     along.lenders[step]]))
    both = told(answers)
    return row, step, np.asarray(both[1] - both[0])


def _asked(pool: Pool, along: Axis, rows: Array) -> tuple[Array, Array]:
    if along.kind != "category":
        values = numeric(pool.dataset, along.column)
        assert values is not None
        ends = values[along.lenders]
        return np.arange(len(rows)), upper(values[rows], ends)
    level, last = along.nearest[rows], len(along.lenders) - 1
    up, down = np.flatnonzero(level < last), np.flatnonzero(level > 0)
    return np.concatenate([up, down]), np.concatenate([level[up] + 1, level[down]])


def lent(pool: Pool, place: int, rows: Array, lenders: Array) -> Array:
    """Answers (m, rows, ...): in round k, rows[i] has what row lenders[k, i] has in one column."""
    parts = []
    for lender in lenders:
        take = pool.own(rows)
        take[:, place] = lender
        parts.append(pool.answer(take))
    return np.stack(parts)


def curve(row: Array, step: Array, change: Array, along: Axis, rows: Array,
          weights: Array) -> Array:
    """Centred curves (m, q), one for each set of row weights (m, rows)."""
    from scipy.sparse import csr_matrix

    points = len(along.lenders)
    shape = (len(rows), points)
    sums = weights @ csr_matrix((change, (row, step)), shape=shape)
    sizes = weights @ csr_matrix((np.ones(len(row)), (row, step)), shape=shape)
    whole = np.bincount(step, change, points) / np.maximum(np.bincount(step, minlength=points), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(sizes > 0, sums / sizes, whole)
    means[:, 0] = 0.0
    made = np.cumsum(means, axis=1)
    if along.kind == "category":
        level = csr_matrix((np.ones(len(rows)), (np.arange(len(rows)), along.nearest[rows])),
                           shape=shape)
        share = weights @ level
        return np.asarray(made - (made * share).sum(1, keepdims=True) / share.sum(1, keepdims=True))
    middle = np.zeros_like(made)
    middle[:, 1:] = (made[:, 1:] + made[:, :-1]) / 2
    return np.asarray(made - (middle * sizes).sum(1, keepdims=True) / sizes.sum(1, keepdims=True))


def cells(first: Axis, second: Axis, rows: Array) -> Array:
    """How many rows lie at each corner of the grid, the nearest one."""
    found = np.zeros((len(first.lenders), len(second.lenders)), dtype=int)
    np.add.at(found, (first.nearest[rows], second.nearest[rows]), 1)
    return found


def second(
    pool: Pool, columns: Sequence[str], first: Axis, other: Axis, rows: Array, weights: Array,
    told: Told,
) -> Array:
    """What two columns do together beyond what each does alone, at the corners of a grid.

    Mean second differences within cells are added up, their running means along both columns
    taken off, and the whole centred. A cell without rows has those of the nearest that has.
    """
    step = [_steps(pool, each, rows) for each in (first, other)]
    shape = (len(first.lenders), len(other.lenders))
    places = [pool.at(name) for name in columns]
    corners = []
    for a, b in ((1, 1), (0, 1), (1, 0), (0, 0)):
        take = pool.own(rows)
        take[:, places[0]] = first.lenders[step[0] - 1 + a]
        take[:, places[1]] = other.lenders[step[1] - 1 + b]
        corners.append(pool.answer(take))
    high, left, right, low = told(np.stack(corners))
    change = high - left - right + low
    at = np.ravel_multi_index((step[0], step[1]), shape)
    size = np.bincount(at, weights, shape[0] * shape[1]).reshape(shape)
    sums = np.bincount(at, weights * change, shape[0] * shape[1]).reshape(shape)
    means = _filled(sums, size)
    made = np.cumsum(np.cumsum(means, axis=0), axis=1)
    for axis_ in (0, 1):
        made = made - _main(made, size, axis_)
    return _centred(made, size)


def _steps(pool: Pool, along: Axis, rows: Array) -> Array:
    if along.kind == "category":
        return np.asarray(np.clip(along.nearest[rows], 1, len(along.lenders) - 1))
    values: Any = numeric(pool.dataset, along.column)
    return upper(values[rows], values[along.lenders])


def _filled(sums: Array, size: Array) -> Array:
    """Means of cells; an empty one has that of the nearest that is not, by steps of the grid."""
    means = np.zeros_like(sums)
    known = np.argwhere(size > 0)
    means[size > 0] = sums[size > 0] / size[size > 0]
    for i, j in np.argwhere(size[1:, 1:] == 0) + 1:
        nearest = known[((known - (i, j)) ** 2).sum(axis=1).argmin()]
        means[i, j] = means[tuple(nearest)]
    return means


def _main(made: Array, size: Array, along: int) -> Array:
    """The effect of one of the two columns that is left in a surface, added up from the corner."""
    turned, weight = (made, size) if along == 0 else (made.T, size.T)
    steps = np.diff(turned, axis=0)
    middle = (steps[:, 1:] + steps[:, :-1]) / 2
    count = weight[1:, 1:]
    total = count.sum(axis=1)
    mean = np.where(total > 0, (middle * count).sum(axis=1) / np.maximum(total, 1e-300),
                    middle.mean(axis=1))
    found = np.concatenate([[0.0], np.cumsum(mean)])
    return found[:, None] if along == 0 else found[None, :]


def _centred(made: Array, size: Array) -> Array:
    corners = (made[1:, 1:] + made[1:, :-1] + made[:-1, 1:] + made[:-1, :-1]) / 4
    return np.asarray(made - (corners * size[1:, 1:]).sum() / size[1:, 1:].sum())
