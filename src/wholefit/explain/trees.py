"""SHAP values of trees, forests and boosted trees, exact and with numpy alone.

What a leaf adds to a row's answer is shared out among the features on the path to it. With z the
share of training rows that the conditions on feature j let pass, and o = 1 where the row itself
passes them, else 0, the Shapley value of feature i for a leaf of value v is

    v (o_i - z_i)  integral over t in [0, 1] of  prod over j != i of (z_j (1 - t) + o_j t)

which is the path-dependent TreeSHAP of Lundberg et al. (2020, "From local explanations to global
understanding with explainable AI for trees"), its weights of subsets written as an integral; the
integrand is a polynomial, so Gauss-Legendre quadrature with half as many points as features is
exact. Which conditions a row passes is a number of k bits: there are far fewer such numbers than
rows, so each leaf's shares are tabled once and looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._kernels.trees import Trees

_ROWS = 8192  # rows at once: a leaf's working arrays stay in cache
_TABLED = 11  # features on a path up to which all 2^k cases are tabled


@dataclass(frozen=True, eq=False)
class Shap:
    """Values (n, p, outputs) and what they start from, `base` (outputs,).

    For each row and output, base plus the sum over features is the model's own sum before its
    link: the log-odds of boosted classes, the probability of a forest, a number as it is.
    """

    values: np.ndarray
    base: np.ndarray


def tree_shap(state: State, X: np.ndarray) -> Shap:
    """SHAP values of the rows X (n, p), encoded as the model takes them.

    StateError where the state has no numbers of training rows at its nodes (a file written before
    they were kept), or answers with the median of its trees, which is no sum.
    """
    if "cover" not in state.arrays:
        raise StateError("its trees do not say how many rows came to each node: fit the model "
                         "anew to have exact SHAP values.")
    if state.config["aggregate"] == "median":
        raise StateError("the median of trees is no sum, and has no exact SHAP values: use the "
                         "sampling ones.")
    trees = Trees(state)
    whole = trees.prepared(X)
    outputs = len(state.arrays["base"])
    values = np.zeros((outputs, whole.shape[1], len(whole)))
    base = np.array(state.arrays["base"], dtype=np.float64)
    columns = np.ascontiguousarray(whole.T)
    for number, tree in enumerate(_trees(trees, state.arrays["cover"])):
        turn = number % outputs if state.config["turns"] else None
        base += _spread(tree.expected, turn, outputs)
        for at in range(0, len(whole), _ROWS):
            _add_tree(trees, tree, columns[:, at:at + _ROWS], turn,
                      values[:, :, at:at + _ROWS])
    if state.config["aggregate"] == "mean":
        count = len(state.arrays["size"])
        values /= count
        base = state.arrays["base"] + (base - state.arrays["base"]) / count
    return Shap(values.transpose(2, 1, 0), base)


@dataclass(frozen=True, eq=False)
class _Leaf:
    """A leaf: the features on its path, their conditions and shares, and what it adds.

    `edges` lists for each feature the (split, side) that a row must take; `share` (k,) of rows.
    """

    features: tuple[int, ...]
    edges: tuple[tuple[tuple[int, bool], ...], ...]
    share: np.ndarray
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class _Tree:
    splits: np.ndarray
    leaves: list[_Leaf]
    expected: np.ndarray


def _trees(trees: Trees, cover: np.ndarray) -> Iterator[_Tree]:
    """Each tree as its leaves, with the paths that lead to them."""
    for first, size in trees.spans():
        yield _tree(trees, first, size, cover)


def _tree(trees: Trees, first: int, size: int, cover: np.ndarray) -> _Tree:
    leaves: list[_Leaf] = []
    splits = [node for node in range(first, first + size) if trees.leaf[node] < 0]
    rank = {node: at for at, node in enumerate(splits)}
    stack: list[tuple[int, dict[int, tuple[float, tuple[tuple[int, bool], ...]]]]] = [(first, {})]
    while stack:
        node, path = stack.pop()
        if trees.leaf[node] >= 0:
            leaves.append(_leaf(path, trees.value[trees.leaf[node]]))
            continue
        feature, child = int(trees.nodes["feature"][node]), int(trees.nodes["child"][node])
        before, edges = path.get(feature, (1.0, ()))
        for side in (False, True):
            share = before * float(cover[child + side]) / float(cover[node])
            stack.append((child + side, {
                **path, feature: (share, (*edges, (rank[node], side)))}))
    expected = np.sum([leaf.value * leaf.share.prod() for leaf in leaves], axis=0)
    return _Tree(np.array(splits, dtype=np.intp), leaves, expected)


def _leaf(
    path: dict[int, tuple[float, tuple[tuple[int, bool], ...]]], value: np.ndarray
) -> _Leaf:
    return _Leaf(tuple(path), tuple(edges for _, edges in path.values()),
                 np.array([share for share, _ in path.values()]), value)


def _add_tree(
    trees: Trees, tree: _Tree, columns: np.ndarray, turn: int | None, out: np.ndarray
) -> None:
    """Add the tree's values for the rows of `columns` (p, rows) to `out` (outputs, p, rows)."""
    if not len(tree.splits):
        return
    right = trees.sides(columns, tree.splits)
    passed = (~right, right)
    for leaf in tree.leaves:
        table, case = _cases_met([_met(passed, edges) for edges in leaf.edges], leaf.share)
        for at, feature in enumerate(leaf.features):
            _add(out, feature, table[at].take(case), leaf.value, turn)


def _cases_met(met: list[np.ndarray], share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A table of what each feature is given, (k, cases), and the case of each row (rows,)."""
    if len(met) > _TABLED:
        patterns, case = np.unique(np.stack(met, axis=1), axis=0, return_inverse=True)
        return _shares(share, patterns.T), case.ravel()
    case = met[0].astype(np.uint16)
    for at in range(1, len(met)):
        case += met[at].astype(np.uint16) << at
    return _table(share), case


def _add(
    out: np.ndarray, feature: int, share: np.ndarray, value: np.ndarray, turn: int | None
) -> None:
    if turn is not None:
        out[turn, feature] += share * value[0]
        return
    for output, each in enumerate(value):
        out[output, feature] += share * each


def _met(
    passed: tuple[np.ndarray, np.ndarray], edges: tuple[tuple[int, bool], ...]
) -> np.ndarray:
    """Which rows take all of these sides, (rows,)."""
    split, side = edges[0]
    met = passed[side][split]
    for split, side in edges[1:]:
        met = met & passed[side][split]
    return met


def _table(share: np.ndarray) -> np.ndarray:
    """What each feature is given, (k, 2^k): of every way in which conditions may be met."""
    return _shares(share, _cases(len(share)))


def _shares(share: np.ndarray, met: np.ndarray) -> np.ndarray:
    """What each feature is given, (k, cases), for a leaf of value 1; `met` (k, cases) bool."""
    points, weights = _quadrature(len(share))
    factor = share[:, None, None] * (1 - points)[:, None] + points[:, None] * met[:, None, :]
    whole = factor.prod(axis=0)
    found = np.einsum("g,gc,kgc->kc", weights, whole, 1 / factor, optimize=False)
    return np.asarray(found * (met - share[:, None]))


@cache
def _cases(k: int) -> np.ndarray:
    """All 2^k ways to meet k conditions, (k, 2^k): case c meets condition j if its bit j is set."""
    return ((np.arange(1 << k)[None, :] >> np.arange(k)[:, None]) & 1).astype(bool)


@cache
def _quadrature(k: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights on [0, 1], exact for polynomials of degree k - 1."""
    points, weights = np.polynomial.legendre.leggauss((k + 1) // 2)
    return (points + 1) / 2, weights / 2


def _spread(value: np.ndarray, turn: int | None, outputs: int) -> np.ndarray:
    if turn is None:
        return value
    found = np.zeros(outputs)
    found[turn] = value[0]
    return found
