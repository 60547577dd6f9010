"""Where rows lie to one another: scaled numbers, categories that differ or not, bounded cost.

Numbers are divided by their standard deviation, so that no column rules because of its unit; a
missing one stands at the column's median. Two rows whose categories differ lie apart by the
median standard deviation of the numbers of the smallest class, for each such column, as in
SMOTE-NC (Chawla et al. 2002, section 6.1). Where there are no numbers, by 1.

The cost is bounded: a search looks at no more than about two thousand million pairs of rows.
Beyond that it seeks neighbours among a random draw of the rows, which keeps the shares of the
classes around a row, and makes the neighbours somewhat farther than the nearest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.training.balance._layout import Layout

# Multiplications that one search may cost; and the fewest rows that neighbours are sought among.
_WORK = 6e10
_FEWEST = 1000
# Category features are laid out densely up to so many in all; beyond, rows are sparse.
_DENSE = 300
_TREE_FEATURES = 8
_HUGE = 1e100  # whose square is a number still
_ROOM = 40_000_000


def space(X: Any, layout: Layout, smallest: np.ndarray) -> Any:
    """Rows (n, p) laid out so that Euclidean distance is the distance meant, dense or CSR.

    `smallest` (n,) marks the rows of the smallest class.
    """
    if hasattr(X, "tocsr"):
        return _sparse_space(X, layout, smallest)
    numbers = layout.numbers(X.shape[1])
    plain = _scaled(np.asarray(X[:, numbers], dtype=np.float64))
    gap = _gap(plain, smallest)
    parts: list[Any] = [plain]
    parts += [np.asarray(X[:, start:end], dtype=np.float64) * gap for start, end in layout.runs]
    return _with_codes(parts, X, layout, gap)


def pool(queries: int, rows: int, features: int) -> int:
    """How many of `rows` neighbours may be sought among, for so many queries."""
    affordable = int(_WORK / (max(queries, 1) * (features + 20)))
    return min(rows, max(_FEWEST, affordable))


def neighbours(
    among: Any, asked: Any, k: int, random: np.random.Generator, *, own: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Distances and indices (queries, k) of the nearest rows of `among`, nearest first.

    With `own`, `asked` are rows of `among` (their indices) and none is its own neighbour; else
    they are rows to ask for. `k` is lowered where there are fewer rows.
    """
    rows = asked if not own else among[asked]
    picked = _drawn(rows.shape[0], among, random)
    sought = among if picked is None else among[picked]
    count = min(k + own, sought.shape[0])
    found = _index(sought, count).kneighbors(rows)
    places = found[1] if picked is None else picked[found[1]]
    if not own:
        return found[0], places
    return _without(np.asarray(asked), found[0], places, min(k, among.shape[0] - 1))


def _drawn(queries: int, among: Any, random: np.random.Generator) -> np.ndarray | None:
    """A sorted draw of rows where all of them would cost too much; None where they do not."""
    rows, features = among.shape
    most = pool(queries, rows, features)
    return None if most >= rows else np.sort(random.choice(rows, most, replace=False))


def _index(rows: Any, count: int) -> Any:
    from sklearn.neighbors import NearestNeighbors

    dense = not hasattr(rows, "tocsr")
    tree = dense and rows.shape[1] <= _TREE_FEATURES and rows.shape[0] > 2000
    return NearestNeighbors(n_neighbors=count, algorithm="kd_tree" if tree else "brute").fit(rows)


def _without(
    asked: np.ndarray, distance: np.ndarray, places: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The neighbours of each row less the row itself: among twins it may not come first."""
    itself = places == asked[:, None]
    itself[~itself.any(axis=1), -1] = True  # not found among its twins: the last one goes
    keep = ~itself
    shape = (len(asked), places.shape[1] - 1)
    return distance[keep].reshape(shape)[:, :k], places[keep].reshape(shape)[:, :k]


def _scaled(numbers: np.ndarray) -> np.ndarray:
    """Columns over their standard deviation, holes and infinities at the median."""
    if not numbers.size:
        return numbers
    gone = ~np.isfinite(numbers)
    for at in np.flatnonzero(gone.any(axis=0)):
        known = numbers[~gone[:, at], at]
        numbers[gone[:, at], at] = np.median(known) if len(known) else 0.0
    numbers = np.clip(numbers, -_HUGE, _HUGE)
    spread = numbers.std(axis=0)
    spread[spread == 0] = 1.0
    return numbers / spread


def _gap(scaled: np.ndarray, smallest: np.ndarray) -> float:
    """What a 0/1 feature of a category is worth: two rows that differ, differ in two of them."""
    if not scaled.shape[1] or not smallest.any():
        return float(1 / np.sqrt(2))
    apart = float(np.median(scaled[smallest].std(axis=0)))
    return (apart or 1.0) / float(np.sqrt(2))


def _with_codes(parts: list[Any], X: Any, layout: Layout, gap: float) -> Any:
    """The parts side by side, and each column of codes as 0/1 features."""
    if not layout.codes:
        return np.hstack(parts)
    from scipy.sparse import csr_matrix, hstack

    places, wide = _code_places(X, layout)
    rows = np.repeat(np.arange(len(X)), places.shape[1])
    marks = csr_matrix((np.full(places.size, gap), (rows, places.ravel())), shape=(len(X), wide))
    if wide <= _DENSE:
        return np.hstack([*parts, marks.toarray()])
    return hstack([csr_matrix(part) for part in parts] + [marks], format="csr")


def _code_places(X: Any, layout: Layout) -> tuple[np.ndarray, int]:
    """Each code's feature among the 0/1 features of all columns of codes, a hole being a level."""
    at, found = 0, []
    for column in layout.codes:
        codes = np.nan_to_num(np.asarray(X[:, column], dtype=np.float64), nan=-1.0)
        _, levels = np.unique(codes, return_inverse=True)
        found.append(levels + at)
        at += int(levels.max(initial=0)) + 1
    return np.stack(found, axis=1), at


def _sparse_space(X: Any, layout: Layout, smallest: np.ndarray) -> Any:
    """CSR rows: columns of numbers over their standard deviation, categories by the gap."""
    from scipy.sparse import diags_array

    X = X.tocsr().astype(np.float64)
    factor = np.ones(X.shape[1])
    numbers = layout.numbers(X.shape[1])
    spread = _sparse_spread(X)
    factor[numbers] = 1 / spread[numbers]
    apart = _sparse_spread(X[np.flatnonzero(smallest)])[numbers] * factor[numbers]
    gap = (float(np.median(apart)) if len(apart) else 1.0) / float(np.sqrt(2))
    for start, end in layout.runs:
        factor[start:end] = gap
    found = (X @ diags_array(factor)).tocsr()
    # Searches are several times as fast on dense rows, where there is room for them.
    return found.toarray() if found.shape[0] * found.shape[1] <= _ROOM else found


def _sparse_spread(X: Any) -> np.ndarray:
    """Standard deviation of each column; 1 where there is none."""
    mean = np.asarray(X.mean(axis=0)).ravel()
    square = np.asarray(X.multiply(X).mean(axis=0)).ravel()
    spread = np.sqrt(np.maximum(square - mean**2, 0.0))
    spread[~((spread > 1e-12) & np.isfinite(spread))] = 1.0
    return spread
