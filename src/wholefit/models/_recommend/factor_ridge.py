"""Many small ridge regressions at once: the step that alternating least squares repeats.

Row r of a sparse matrix has targets t and weights w on the columns c that it holds. Given
vectors V (columns, f), its own vector x minimises

    sum_c w_c (t_c - x.V_c)^2 + x' base x + sum_j ridge_rj x_j^2 - 2 x.pull_r

Short vectors: Gram matrices of all rows by one sparse product. Long ones: one product of
dense matrices a row; rows with far fewer entries than f are solved in their dual form, whose
system is as large as the row is long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

# Up to this length the pairs of a vector's entries are multiplied out for a sparse product.
_SHORT = 22
# Cells of Gram matrices, or of gathered vectors, held at once by one thread.
_CELLS = 1 << 22


@dataclass(frozen=True, eq=False)
class Rows:
    """Sparse rows: `ends` (rows + 1,) pointers, `at` columns, `weights` (nnz,) or None for 1."""

    ends: np.ndarray
    at: np.ndarray
    weights: np.ndarray | None
    columns: int

    def __len__(self) -> int:
        return len(self.ends) - 1

    @property
    def counts(self) -> np.ndarray:
        """Entries of each row."""
        return np.diff(self.ends)

    def sparse(self, values: np.ndarray | None, block: slice = slice(None)) -> Any:
        """CSR of the rows in `block` with `values` (nnz,) in place of the weights."""
        from scipy.sparse import csr_matrix

        start, stop, _ = block.indices(len(self))
        ends = self.ends[start:stop + 1]
        part = slice(int(ends[0]), int(ends[-1]))
        data = np.ones(part.stop - part.start) if values is None else values[part]
        return csr_matrix((data, self.at[part], ends - ends[0]),
                          shape=(stop - start, self.columns))


@contextmanager
def calm() -> Iterator[None]:
    """One thread of BLAS: matrices as small as these lose more to more threads than they gain,
    and `jobs` of our own share out the rows.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


def rows_of(matrix: Any, weights: np.ndarray | None = None) -> Rows:
    """Rows with the pattern of a CSR matrix."""
    return Rows(matrix.indptr.astype(np.int64), matrix.indices, weights, matrix.shape[1])


def solve(rows: Rows, V: np.ndarray, right: np.ndarray, ridge: np.ndarray,
          base: np.ndarray | None = None, jobs: int = 1) -> np.ndarray:
    """The vectors x (rows, f) of all rows, in the type of `V`.

    `right` (rows, f) is sum_c w_c t_c V_c + pull_r; `ridge` (rows,), (f,) or (rows, f).
    """
    f = V.shape[1]
    if ridge.ndim == 1 and len(ridge) == len(rows) != f:
        ridge = ridge[:, None]
    ridge = np.broadcast_to(ridge, (len(rows), f))
    found = np.empty((len(rows), f), dtype=V.dtype)
    lots = _short(rows, V, right, ridge, base) if f <= _SHORT else _long(
        rows, V, right, ridge, base)

    def do(task: tuple[Any, Callable[[], np.ndarray]]) -> None:
        found[task[0]] = task[1]()

    if jobs > 1 and len(lots) > 1:
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(do, lots))
    else:
        for lot in lots:
            do(lot)
    return found


_Lots = list[tuple[Any, Callable[[], np.ndarray]]]


def _short(rows: Rows, V: np.ndarray, right: np.ndarray, ridge: np.ndarray,
           base: np.ndarray | None) -> _Lots:
    f = V.shape[1]
    upper = np.triu_indices(f)
    pairs = V[:, upper[0]] * V[:, upper[1]]
    step = max(1, _CELLS // (f * f))

    def do(block: slice) -> np.ndarray:
        flat = rows.sparse(rows.weights, block).astype(V.dtype) @ pairs
        gram = np.empty((len(flat), f, f), dtype=V.dtype)
        gram[:, upper[0], upper[1]] = flat
        gram[:, upper[1], upper[0]] = flat
        return _solved(gram, right[block], ridge[block], base)

    return [(block, partial(do, block)) for block in _slices(len(rows), step)]


def _long(rows: Rows, V: np.ndarray, right: np.ndarray, ridge: np.ndarray,
          base: np.ndarray | None) -> _Lots:
    f = V.shape[1]
    counts = rows.counts
    dual = _Dual(V, base)
    lots: _Lots = []
    few = counts <= f // 2
    order = np.argsort(counts, kind="stable")
    for count in np.unique(counts[few]):
        same = order[np.searchsorted(counts[order], count):
                     np.searchsorted(counts[order], count, side="right")]
        step = max(1, _CELLS // (f * max(1, int(count))))
        for block in _slices(len(same), step):
            chosen = same[block]
            lots.append((chosen, partial(dual.solve, rows, chosen, int(count), right[chosen],
                                         ridge[chosen])))
    many = np.flatnonzero(~few)
    for block in _slices(len(many), max(1, _CELLS // (f * f))):
        chosen = many[block]
        lots.append((chosen, partial(_of_grams, rows, V, chosen, right[chosen], ridge[chosen],
                                     base)))
    return lots


def _of_grams(rows: Rows, V: np.ndarray, chosen: np.ndarray, right: np.ndarray,
              ridge: np.ndarray, base: np.ndarray | None) -> np.ndarray:
    return _solved(_grams(rows, V, chosen), right, ridge, base)


def _grams(rows: Rows, V: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Weighted Gram matrices (chosen, f, f), one product of dense matrices each."""
    found = np.empty((len(chosen), V.shape[1], V.shape[1]), dtype=V.dtype)
    roots = None if rows.weights is None else np.sqrt(rows.weights).astype(V.dtype)
    for place, row in enumerate(chosen):
        part = slice(rows.ends[row], rows.ends[row + 1])
        own = V[rows.at[part]]
        if roots is not None:
            own *= roots[part, None]
        np.dot(own.T, own, out=found[place])
    return found


def _solved(gram: np.ndarray, right: np.ndarray, ridge: np.ndarray,
            base: np.ndarray | None) -> np.ndarray:
    if base is not None:
        gram += base
    diagonal = np.arange(gram.shape[1])
    gram[:, diagonal, diagonal] += ridge
    found = np.linalg.solve(gram, right[:, :, None].astype(gram.dtype))
    return found[:, :, 0]


class _Dual:
    """Rows with few entries: in the axes of `base` the ridge is diagonal, and its inverse cheap.

    With D = base + ridge and A the row's vectors times the root of its weights,
    (D + A'A)^-1 b = D^-1 b - D^-1 A' (1 + A D^-1 A')^-1 A D^-1 b (Woodbury).
    Where a row's ridge is not the same in all directions its axes cannot be turned: there must
    be no base then.
    """

    def __init__(self, V: np.ndarray, base: np.ndarray | None) -> None:
        self._turn: np.ndarray | None = None
        self._spread = np.zeros(V.shape[1], dtype=V.dtype)
        self._V = V
        if base is not None:
            values, axes = np.linalg.eigh(base.astype(np.float64))
            self._turn = axes.astype(V.dtype)
            self._spread = np.maximum(values, 0).astype(V.dtype)
            self._V = V @ self._turn

    def solve(self, rows: Rows, chosen: np.ndarray, count: int, right: np.ndarray,
              ridge: np.ndarray) -> np.ndarray:
        """Vectors (chosen, f) of rows that all hold `count` entries."""
        kind = self._V.dtype
        right = right.astype(kind) if self._turn is None else right.astype(kind) @ self._turn
        inverse = 1.0 / (self._spread + ridge.astype(kind))
        found = inverse * right
        if count:
            part = rows.ends[chosen][:, None] + np.arange(count)
            A = self._V[rows.at[part]]
            if rows.weights is not None:
                A *= np.sqrt(rows.weights[part]).astype(kind)[:, :, None]
            scaled = A * inverse[:, None, :]
            inner = scaled @ A.transpose(0, 2, 1)
            inner[:, np.arange(count), np.arange(count)] += 1.0
            lift = np.linalg.solve(inner, (scaled @ right[:, :, None]))
            found -= (scaled.transpose(0, 2, 1) @ lift)[:, :, 0]
        return found if self._turn is None else found @ self._turn.T


def _slices(n: int, step: int) -> list[slice]:
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


def start(matrix: Any, f: int, rng: np.random.Generator) -> np.ndarray:
    """(columns, f) leading right singular vectors of a CSR, scaled by the roots of its values.

    A randomised range finder (Halko, Martinsson and Tropp 2011) with two power steps; where the
    matrix has fewer directions than f, the rest is noise, small and of the generator's choosing.
    """
    width = min(f + 8, *matrix.shape)
    guess = rng.standard_normal((matrix.shape[1], width)).astype(matrix.dtype)
    noise = rng.standard_normal((matrix.shape[1], f)).astype(matrix.dtype)
    for _ in range(2):
        guess = np.linalg.qr(matrix.T @ (matrix @ guess))[0]
    _, values, right = np.linalg.svd(matrix @ guess, full_matrices=False)
    found = noise * (np.sqrt(max(float(values[0]), 1e-6)) * 1e-2 / np.sqrt(matrix.shape[1]))
    size = min(f, width)
    found[:, :size] += (guess @ right.T)[:, :size] * np.sqrt(values[:size])
    return found
