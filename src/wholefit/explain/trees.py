"""SHAP values of trees, forests and boosted trees, exact and with numpy alone.

What a leaf adds to a row's answer is shared out among the features on the path to it. With z the
share of training rows that the conditions on feature j let pass, and o = 1 where the row itself
passes them, else 0, the Shapley value of feature i for a leaf of value v is

    v (o_i - z_i)  integral over t in [0, 1] of  prod over j != i of (z_j (1 - t) + o_j t)

which is the path-dependent TreeSHAP of Lundberg et al. (2020, "From local explanations to global
understanding with explainable AI for trees"), its weights of subsets written as an integral; the
integrand is a polynomial, so Gauss-Legendre quadrature with half as many points as features is
exact. Which conditions a row passes is a number of k bits: there are far fewer such numbers than
rows, so each leaf's shares are tabled once and looked up; a few rows are worked out as they are,
for all leaves at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.explain._paths import Group, Paths, paths
from wholefit.models._kernels.trees import Trees

_ROWS = 4096  # rows at once: a leaf's working arrays stay in cache
_FEW = 128  # rows up to which every leaf is worked out for the rows themselves
_SPLITS, _MANY_SPLITS = 256, 40_000  # of trees taken together, for many rows and for few
_KEPT = 2_000_000  # nodes up to which paths are kept from one question to the next
_CELLS = 2_000_000  # numbers of a working array
_TABLED = 11  # features on a path up to which all 2^k cases are tabled
_LEAST = 1e-30  # a share that no training row has: never divided by as zero


@dataclass(frozen=True, eq=False)
class Shap:
    """Values (n, p, outputs) and what they start from, `base` (outputs,).

    For each row and output, base plus the sum over features is the model's own sum before its
    link: the log-odds of boosted classes, the probability of a forest, a number as it is.
    """

    values: np.ndarray
    base: np.ndarray


def tree_shap(state: State, X: Any) -> Shap:
    """SHAP values of the rows X (n, p), encoded as the model takes them.

    What is known of the state's paths is kept as long as the state is, so that asking again is
    quick. StateError where the state has no numbers of training rows at its nodes (a file written
    before they were kept), or answers with the median of its trees, which is no sum.
    """
    if state not in _KNOWN:
        _KNOWN[state] = TreeShap(state)
    known = _KNOWN[state]
    return Shap(known.values(X), known.base)


class TreeShap:
    """The SHAP values of one state; `base` (outputs,) is what they start from."""

    def __init__(self, state: State) -> None:
        if "cover" not in state.arrays:
            raise StateError("its trees do not say how many rows came to each node: fit the model "
                             "anew to have exact SHAP values.")
        if state.config["aggregate"] == "median":
            raise StateError("the median of trees is no sum, and has no exact SHAP values: use "
                             "the sampling ones.")
        self._trees = Trees(state)
        self._cover = np.asarray(state.arrays["cover"], dtype=np.float64)
        self._outputs = len(state.arrays["base"])
        self._turns = bool(state.config["turns"])
        self._share = 1 / len(state.arrays["size"]) if state.config["aggregate"] == "mean" else 1.0
        # The two shares of a leaf add up to one: what one class is given, the other loses.
        self._mirrored = (self._outputs == 2 and not self._turns and
                          np.allclose(self._trees.value.sum(axis=1), 1, rtol=0, atol=1e-12))
        self._known: dict[int, list[Paths]] = {}
        self.base = self._start(np.asarray(state.arrays["base"], dtype=np.float64))

    def values(self, X: Any) -> np.ndarray:
        """Values (n, p, outputs) of rows (n, p)."""
        whole = self._trees.prepared(X)
        found = np.zeros((self._outputs, whole.shape[1], len(whole)))
        few = len(whole) <= _FEW
        step = _FEW if few else _ROWS
        for at in range(0, len(whole), step):
            columns = np.ascontiguousarray(whole[at:at + step].T)
            out = np.zeros((self._outputs, *columns.shape))
            for part in self._paths(_MANY_SPLITS if few else _SPLITS):
                self._add(part, columns, out, few)
            found[:, :, at:at + step] = out
        if self._mirrored:
            found[0] = -found[1]
        if self._share != 1:
            found *= self._share
        return found.transpose(2, 1, 0)

    def _paths(self, splits: int) -> Iterator[Paths]:
        if splits in self._known:
            return iter(self._known[splits])
        made = paths(self._trees, self._cover, splits, self._outputs if self._turns else 0)
        if len(self._cover) > _KEPT:
            return made
        self._known[splits] = list(made)
        return iter(self._known[splits])

    def _start(self, base: np.ndarray) -> np.ndarray:
        total = np.zeros(len(base))
        for part in self._paths(_MANY_SPLITS):
            for group in part.groups:
                reached = group.share.prod(axis=1)
                if group.turn is None:
                    total += reached @ group.value
                else:
                    total += np.bincount(group.turn, reached * group.value[:, 0], len(base))
        return np.asarray(base + total * self._share)

    def _add(self, part: Paths, columns: np.ndarray, out: np.ndarray, few: bool) -> None:
        """Add the values of rows `columns` (p, rows) to `out` (outputs, p, rows)."""
        if not len(part.splits):
            return
        right = self._trees.sides(columns, part.splits)
        passed = np.concatenate([~right, right])
        for group in part.groups:
            if group.features.shape[1]:
                (self._add_few if few else self._add_many)(group, passed, out)

    def _add_few(self, group: Group, passed: np.ndarray, out: np.ndarray) -> None:
        rows, wide = passed.shape[1], group.features.shape[1]
        step = max(1, _CELLS // (wide * rows))
        for at in range(0, len(group.features), step):
            leaves = slice(at, at + step)
            given = shared(group.share[leaves], group.met(passed, leaves))
            for output in self._each():
                value = group.valued(output, leaves)
                if value is not None:
                    _scatter(out[output], group.features[leaves], given * value[:, None, None])

    def _add_many(self, group: Group, passed: np.ndarray, out: np.ndarray) -> None:
        met, wide = group.met(passed, slice(None)), group.features.shape[1]
        if wide > _TABLED:
            self._add_patterns(group, met, out)
            return
        case = met[:, 0].astype(np.uint16)
        for at in range(1, wide):
            case += met[:, at].astype(np.uint16) << at
        tables = shared(group.share, _cases(wide)[None])
        for output in self._each():
            value = group.valued(output, slice(None))
            if value is None:
                continue
            for leaf in np.flatnonzero(value):
                table, chosen = tables[leaf] * value[leaf], case[leaf]
                for at, feature in enumerate(group.features[leaf].tolist()):
                    out[output, feature] += table[at].take(chosen)

    def _add_patterns(self, group: Group, met: np.ndarray, out: np.ndarray) -> None:
        """Long paths: only the cases that occur among the rows."""
        for leaf in range(len(met)):
            patterns, case = _different(met[leaf])
            given = shared(group.share[leaf][None], patterns[None])[0]
            for output in self._each():
                value = group.valued(output, slice(leaf, leaf + 1))
                if value is not None and value[0]:
                    for at, feature in enumerate(group.features[leaf].tolist()):
                        out[output, feature] += (given[at] * value[0]).take(case)

    def _each(self) -> range:
        """The outputs that are worked out."""
        return range(1, 2) if self._mirrored else range(self._outputs)


_KNOWN: WeakKeyDictionary[State, TreeShap] = WeakKeyDictionary()


def shared(share: np.ndarray, met: np.ndarray) -> np.ndarray:
    """What each feature is given (leaves, k, cases), for leaves of value 1.

    `share` (leaves, k) of training rows pass each feature's conditions; `met` (leaves or 1, k,
    cases) says which conditions hold.
    """
    points, weights = _quadrature(share.shape[1])
    least = np.maximum(share, _LEAST)[:, :, None]
    found = np.zeros(np.broadcast_shapes(least.shape, met.shape))
    for point, weight in zip(points.tolist(), weights.tolist(), strict=True):
        factor = np.where(met, least * (1 - point) + point, least * (1 - point))
        found += (weight * factor.prod(axis=1))[:, None] / factor
    found *= met - share[:, :, None]
    return found


def _scatter(out: np.ndarray, features: np.ndarray, given: np.ndarray) -> None:
    """Add `given` (leaves, k, rows) to the features' lines of `out` (p, rows)."""
    flat, at = given.reshape(-1, given.shape[2]), features.ravel()
    for row in range(flat.shape[1]):
        out[:, row] += np.bincount(at, flat[:, row], len(out))


def _different(met: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Different columns of `met` (k, rows), and which of them each row is."""
    if len(met) > 62:
        patterns, case = np.unique(met, axis=1, return_inverse=True)
        return patterns, case.ravel()
    code = np.left_shift(1, np.arange(len(met), dtype=np.int64)) @ met
    _, first, case = np.unique(code, return_index=True, return_inverse=True)
    return met[:, first], case


@cache
def _cases(k: int) -> np.ndarray:
    """All 2^k ways to meet k conditions, (k, 2^k): case c meets condition j if its bit j is set."""
    return ((np.arange(1 << k)[None, :] >> np.arange(k)[:, None]) & 1).astype(bool)


@cache
def _quadrature(k: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights on [0, 1], exact for polynomials of degree k - 1."""
    points, weights = np.polynomial.legendre.leggauss((k + 1) // 2)
    return (points + 1) / 2, weights / 2
