"""The making of rows between others, for dense and for sparse matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.training.balance import _space
from wholefit.training.balance._base import Drawn
from wholefit.training.balance._layout import Layout

_STRETCH = 50_000


def make(
    X: Any, layout: Layout, space: Any, rows: np.ndarray, starts: np.ndarray, k: int, code: int,
    random: np.random.Generator,
) -> Drawn:
    """New rows of class `code`, one for each of `starts`, towards neighbours among `rows`.

    A class of one row has no neighbours: the row is repeated.
    """
    distinct, at = np.unique(starts, return_inverse=True)
    if len(rows) < 2:
        near = distinct[:, None]
    else:
        _, found = _space.neighbours(
            space[rows], np.searchsorted(rows, distinct), k, random, own=True)
        near = rows[found]
    towards = near[at, random.integers(near.shape[1], size=len(starts))]
    share = random.random(len(starts))
    labels = np.full(len(starts), code, dtype=np.int32)
    made = _made(X, layout, distinct, near, at, towards, share)
    return Drawn(np.empty(0, dtype=np.intp), made, labels, np.stack([starts, towards], axis=1))


def joined(rows: np.ndarray, made: Sequence[Drawn]) -> Drawn:
    """The rows kept, and all that was made."""
    if not made:
        return Drawn(rows)
    return Drawn(rows, stack([part.made for part in made]),
                 np.concatenate([part.labels for part in made]),
                 np.concatenate([part.parents for part in made]))


def stack(parts: Sequence[Any]) -> Any:
    """Matrices one above the other, dense or CSR as they are."""
    if len(parts) == 1:
        return parts[0]
    if hasattr(parts[0], "tocsr"):
        from scipy.sparse import vstack

        return vstack(parts, format="csr")
    return np.concatenate(parts)


def _made(
    X: Any, layout: Layout, distinct: np.ndarray, near: np.ndarray, at: np.ndarray,
    towards: np.ndarray, share: np.ndarray,
) -> Any:
    if hasattr(X, "tocsr"):
        return _sparse(X.tocsr(), layout, distinct, near, at, towards, share)
    voted = _voted_columns(X, layout)
    votes = _votes(X, voted, distinct, near)
    runs = [_run_votes(np.asarray(X[:, start:end]), distinct, near) for start, end in layout.runs]
    out = np.empty((len(at), X.shape[1]), dtype=X.dtype)
    for begin in range(0, len(at), _STRETCH):
        span = slice(begin, begin + _STRETCH)
        out[span] = _line(X[distinct[at[span]]], X[towards[span]], share[span, None])
        out[span, voted] = votes[at[span]]
        for (start, end), run in zip(layout.runs, runs, strict=True):
            out[span, start:end] = run[at[span]]
    return out


def _line(base: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Between two rows; where either is missing or infinite, the nearer one as it is."""
    with np.errstate(invalid="ignore", over="ignore"):
        found = base + share.astype(base.dtype) * (other - base)
    odd = ~np.isfinite(found)
    if odd.any():
        found[odd] = np.where(share < 0.5, base, other)[odd]
    return found


def _voted_columns(X: np.ndarray, layout: Layout) -> np.ndarray:
    """Columns that take no value between: codes, and numbers that are one of two."""
    two = []
    for at in layout.numbers(X.shape[1]):
        column = X[:, at]
        known = column[~np.isnan(column)]
        if known.size and bool(np.all((known == known.min()) | (known == known.max()))):
            two.append(at)
    return np.sort(np.array([*layout.codes, *two], dtype=np.intp))


def _votes(X: np.ndarray, columns: np.ndarray, rows: np.ndarray, near: np.ndarray) -> np.ndarray:
    """The most frequent value of each column among each row's neighbours, (rows, columns)."""
    found = np.empty((len(rows), len(columns)), dtype=X.dtype)
    for place, column in enumerate(columns):
        values = X[:, column]
        cells = np.concatenate([values[near], values[rows][:, None]], axis=1)
        found[:, place] = _mode(cells)
    return found


def _mode(cells: np.ndarray) -> np.ndarray:
    """Most frequent of all but the last cell of each row; of equals the last cell's, if it is one.

    Missing cells are a value as others are.
    """
    same = cells[:, :, None] == cells[:, None, :]
    same |= np.isnan(cells)[:, :, None] & np.isnan(cells)[:, None, :]
    score = same[:, :, :-1].sum(axis=2) + 0.5 * same[:, :, -1]
    return cells[np.arange(len(cells)), score[:, ::-1].argmax(axis=1) * -1 - 1]


def _run_votes(run: np.ndarray, rows: np.ndarray, near: np.ndarray) -> np.ndarray:
    """The most frequent level of a column's 0/1 features among each row's neighbours."""
    level = np.where(run.any(axis=1), run.argmax(axis=1), -1).astype(np.float64)
    chosen = _mode(np.concatenate([level[near], level[rows][:, None]], axis=1)).astype(np.intp)
    out = np.zeros((len(rows), run.shape[1]), dtype=run.dtype)
    known = chosen >= 0
    out[np.flatnonzero(known), chosen[known]] = 1
    return out


def _sparse(
    X: Any, layout: Layout, distinct: np.ndarray, near: np.ndarray, at: np.ndarray,
    towards: np.ndarray, share: np.ndarray,
) -> Any:
    """The same for CSR: lines between rows, then each column of categories voted anew."""
    from scipy.sparse import csr_matrix, diags_array, hstack

    base, other = X[distinct[at]], X[towards]
    whole = (base + diags_array(share) @ (other - base)).tocsc()
    parts, end = [], 0
    for start, stop in layout.runs:
        parts.append(whole[:, end:start])
        run = _run_votes(X[:, start:stop].toarray(), distinct, near)
        parts.append(csr_matrix(run)[at])
        end = stop
    parts.append(whole[:, end:])
    made = hstack(parts, format="csr").astype(X.dtype)
    made.eliminate_zeros()
    return made
