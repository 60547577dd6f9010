"""Additive models of binned features: a curve a feature, a table a pair, added up.

Arrays of a State of kind "additive", for p features, K outputs and q pairs:

    kind        (p,)      0: an ordered feature, cut at edges; 1: category codes
    edge_size   (p,)      how many entries of `edge` belong to each feature
    edge        (...)     cuts in rising order (a value at a cut lies left of it), or the codes
    edge_bin    (...)     of a category: the bin of each code; of an ordered feature unused
    size        (p,)      bins of each feature; bin 0 is for missing values and unknown codes
    value       (sum of size, K)    what each bin adds; `error` its standard error
    weight      (sum of size,)      weight of the training rows in each bin
    intercept   (K,)
    pair        (q, 2)    features of each pair; `pair_size` (q, 2) its coarser bins
    pair_bin    (...)     for each pair, the coarser bin of every bin of its two features
    pair_value  (sum of cells, K)   what each cell adds, rows of the table first; `pair_error`,
                                    `pair_weight` as above
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._kernels._links import dense, link, spread


class Binned:
    """Turns features into bins, as the arrays of the state say."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.kind = arrays["kind"]
        ends = np.cumsum(arrays["edge_size"].astype(np.int64))[:-1]
        self.edges = np.split(np.asarray(arrays["edge"], dtype=np.float64), ends)
        self.bins = np.split(arrays["edge_bin"].astype(np.intp), ends)

    def of(self, X: np.ndarray, feature: int) -> np.ndarray:
        """The bin (n,) of each row of X (n, p) on a feature."""
        values = np.asarray(X[:, feature], dtype=np.float64)
        edges = self.edges[feature]
        if not self.kind[feature]:
            found = np.searchsorted(edges, values, side="left") + 1
            return np.where(np.isnan(values), 0, found)
        if not len(edges):
            return np.zeros(len(values), dtype=np.intp)
        at = np.minimum(np.searchsorted(edges, values), len(edges) - 1)
        return np.where(edges[at] == values, self.bins[feature][at], 0)


class Additive:
    """Answers with a State of kind "additive"."""

    def __init__(self, state: State) -> None:
        config, arrays = state.config, state.arrays
        _check(arrays)
        self._link, self._classes = config["link"], config.get("classes")
        self._n_classes = int(config["n_classes"])
        self._features = len(arrays["kind"])
        self.binned = Binned(arrays)
        self._value, self._intercept = arrays["value"], arrays["intercept"]
        self._start = starts(arrays["size"])
        self._pair, self._pair_value = arrays["pair"], arrays["pair_value"]
        self._maps = maps(arrays)
        self._pair_start = starts(arrays["pair_size"].prod(axis=1))
        self._wide = arrays["pair_size"][:, 1] if len(self._pair) else np.zeros(0, np.intp)

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p), NaN for missing, to probabilities (n, classes) or numbers (n,)."""
        found = link(self._link, self.raw(X))
        if not self._n_classes:
            return found[:, 0]
        return spread(found, self._classes, self._n_classes)

    def raw(self, X: Any) -> np.ndarray:
        """The sum before its link: (n, outputs)."""
        total = np.repeat(self._intercept[None], len(X) if not hasattr(X, "tocsr")
                          else X.shape[0], axis=0)
        for part in self.terms(X):
            total += part
        return total

    def terms(self, X: Any) -> Any:
        """What each feature adds, (n, outputs), one after another, and then each pair."""
        whole = dense(X, self._features)
        codes = [self.binned.of(whole, feature) for feature in range(self._features)]
        for feature, code in enumerate(codes):
            yield self._value.take(self._start[feature] + code, axis=0)
        for at, (first, second) in enumerate(self._pair):
            left, right = self._maps[at]
            cell = left[codes[first]] * int(self._wide[at]) + right[codes[second]]
            yield self._pair_value.take(self._pair_start[at] + cell, axis=0)


def starts(sizes: np.ndarray) -> np.ndarray:
    """Where each run begins, of runs of these lengths laid end to end."""
    return np.asarray(np.cumsum(sizes) - sizes, dtype=np.intp)


def maps(arrays: dict[str, np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each pair, the coarser bin of every bin of its first and its second feature."""
    found, at = [], 0
    sizes, stored = arrays["size"], arrays["pair_bin"].astype(np.intp)
    for first, second in arrays["pair"]:
        middle, end = at + int(sizes[first]), at + int(sizes[first]) + int(sizes[second])
        found.append((stored[at:middle], stored[middle:end]))
        at = end
    return found


def _check(arrays: dict[str, np.ndarray]) -> None:
    """Refuse arrays that do not belong together: StateError."""
    p, cells = len(arrays["kind"]), int(arrays["pair_size"].prod(axis=1).sum())
    pair, size = arrays["pair"], arrays["size"]
    fits = (
        arrays["value"].ndim == 2 and arrays["pair_value"].ndim == 2
        and len(size) == len(arrays["edge_size"]) == p
        and len(arrays["edge"]) == len(arrays["edge_bin"]) == int(arrays["edge_size"].sum())
        and len(arrays["value"]) == int(size.sum()) and (size > 0).all()
        and arrays["value"].shape[1] == arrays["pair_value"].shape[1] == len(arrays["intercept"])
        and pair.shape == arrays["pair_size"].shape and pair.ndim == 2 and pair.shape[1] == 2
        and len(arrays["pair_value"]) == cells
        and (not len(pair) or 0 <= pair.min() <= pair.max() < p)
        and len(arrays["pair_bin"]) == int(size[pair].sum()) and _bins_fit(arrays))
    if not fits:
        raise StateError("the arrays of an additive model do not belong together.")


def _bins_fit(arrays: dict[str, np.ndarray]) -> bool:
    """Whether every bin that a map names is there."""
    owner = np.repeat(np.arange(len(arrays["kind"])), arrays["edge_size"])
    listed = arrays["kind"][owner] == 1
    bins = arrays["edge_bin"]
    ordered = arrays["kind"] == 0
    return bool(
        (arrays["edge_size"][ordered] + 2 <= arrays["size"][ordered]).all()
        and (bins >= 0).all() and (bins[listed] < arrays["size"][owner[listed]]).all()
        and all(0 <= left.min() <= left.max() < a and 0 <= right.min() <= right.max() < b
                for (left, right), (a, b) in zip(maps(arrays), arrays["pair_size"], strict=True)))
