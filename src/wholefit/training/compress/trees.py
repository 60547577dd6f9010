"""Forests and boosted trees with fewer trees, shallower ones, or numbers of fewer bits."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._kernels.trees import Trees
from wholefit.models._trees import RawTree, trees_state

NATIVE = ("lightgbm", "xgboost", "catboost")
_SCORERS = {"lightgbm": "LightGBM", "xgboost": "XGBoost", "catboost": "CatBoost"}
_ROUNDS: dict[str, Any] = {
    "lightgbm": lambda model: model.current_iteration(),
    "xgboost": lambda model: model.num_boosted_rounds(),
    "catboost": lambda model: model.tree_count_,
}
_LEVELS = ("level_feature", "level_size", "level")


def fewer(state: State, share: float) -> State:
    """The first `share` of the trees, one round at least.

    Boosted trees come in the order of what they mend; of a forest any are as good as others.
    """
    if state.kind in NATIVE:
        return _fewer_native(state, share)
    turns = len(state.arrays["base"]) if state.config["turns"] else 1
    rounds = len(state.arrays["size"]) // turns
    return _first(state, turns * _kept(rounds, share))


def shallow(state: State, depth: int) -> State:
    """Every tree cut below `depth` splits; the new leaves say the mean of those that they were.

    Leaves weigh as many training rows as came to them: a forest's new leaf says what it would
    have said had the tree stopped there.
    """
    if "cover" not in state.arrays:
        raise StateError("it is not known how many rows came to each leaf of these trees, so none "
                         "can stand for several.")
    config, extra = state.config, {name: state.arrays[name] for name in (*_LEVELS, "weight")
                                   if name in state.arrays}
    return trees_state(
        [_cut(tree, depth) for tree in raw_trees(state)], features=config["features"],
        aggregate=config["aggregate"], link=config["link"], classes=config["classes"],
        n_classes=config["n_classes"], base=state.arrays["base"], turns=config["turns"],
        extra=extra)


def in_bits(state: State, dtype: Any) -> State:
    """Leaves in floats of fewer bits, and thresholds of 32.

    With thresholds of 32 bits, features are rounded so before they are compared: rows nearer to a
    threshold than that may fall on its other side.
    """
    arrays = dict(state.arrays)
    arrays["value"] = narrowed(arrays["value"], dtype)
    arrays["threshold"] = narrowed(arrays["threshold"], np.float32)
    if "cover" in arrays:
        arrays["cover"] = arrays["cover"].astype(np.float32)
    return State(state.kind, state.config, arrays, state.blobs, state.parts)


def narrowed(numbers: np.ndarray, dtype: Any) -> np.ndarray:
    """The numbers in floats of fewer bits; StateError where one is too large for them."""
    with np.errstate(over="ignore"):
        small = numbers.astype(dtype)
    if (np.isfinite(small) != np.isfinite(numbers)).any():
        raise StateError(f"numbers as large as {np.abs(numbers).max():.3g} do not fit in "
                         f"{np.dtype(dtype).itemsize * 8} bits.")
    return small


def raw_trees(state: State) -> Iterator[RawTree]:
    """Each tree of a State of kind "trees", apart from the others."""
    arrays, whole = state.arrays, Trees(state)
    feature, value = arrays["feature"], arrays["value"]
    split = feature >= 0
    ranks: np.ndarray = np.cumsum(split) - split
    for first, count in whole.spans():
        here = slice(first, first + count)
        mine = split[here]
        at: np.ndarray = ranks[here][mine]
        child = whole.nodes["child"][here].astype(np.intp) - first
        yield RawTree(
            feature=feature[here], left=np.where(mine, child, -1),
            right=np.where(mine, child + 1, -1),
            threshold=_spread(arrays["threshold"], at, mine),
            missing_left=_spread(arrays["missing_left"], at, mine),
            value=_leaf_values(value, whole.leaf[here], mine),
            cover=arrays["cover"][here] if "cover" in arrays else None,
            **_sets(arrays, at, mine))


def _fewer_native(state: State, share: float) -> State:
    if "model" not in state.blobs:
        raise StateError("the model has no trees: there was nothing to boost.")
    native = importlib.import_module("wholefit.models._kernels.native")
    trainer = importlib.import_module(f"wholefit.models.{state.kind}")
    model = getattr(native, _SCORERS[state.kind]).own(state.blobs["model"])
    rounds = _kept(int(_ROUNDS[state.kind](model)), share)
    blob = trainer.dump(trainer.shorten(model, rounds))
    return State(state.kind, state.config, state.arrays, {**state.blobs, "model": blob})


def _kept(rounds: int, share: float) -> int:
    if rounds < 2:
        raise StateError("there is one tree only.")
    return min(rounds - 1, max(1, round(rounds * share)))


def _first(state: State, trees: int) -> State:
    arrays = state.arrays
    nodes = int(arrays["size"][:trees].sum())
    splits = int((arrays["feature"][:nodes] >= 0).sum())
    ends = {"size": trees, "weight": trees, "feature": nodes, "cover": nodes,
            "threshold": splits, "missing_left": splits, "member": splits,
            "value": nodes - splits}
    kept = {name: array[:ends[name]] if name in ends else array for name, array in arrays.items()}
    if "member" in kept and len(kept["member"]):
        kept["sets"] = kept["sets"][:max(1, int(kept["member"].max()) + 1)]
    return State(state.kind, state.config, kept, state.blobs, state.parts)


def _spread(stored: np.ndarray, at: np.ndarray, split: np.ndarray) -> np.ndarray:
    """What is stored of splits, laid over all nodes."""
    whole = np.zeros(len(split), dtype=stored.dtype)
    whole[split] = stored[at]
    return whole


def _leaf_values(value: np.ndarray, leaf: np.ndarray, split: np.ndarray) -> np.ndarray:
    whole = np.zeros((len(split), value.shape[1]))
    whole[~split] = value[leaf[~split]]
    return whole


def _sets(
    arrays: dict[str, np.ndarray], at: np.ndarray, split: np.ndarray
) -> dict[str, np.ndarray]:
    """Category splits of one tree, and the sets that they name."""
    if "member" not in arrays:
        return {}
    named = arrays["member"][at]
    used, place = np.unique(named[named >= 0], return_inverse=True)
    member = np.full(len(split), -1, dtype=np.int32)
    mine = np.full(len(named), -1, dtype=np.int32)
    mine[named >= 0] = place
    member[split] = mine
    return {"member": member, "sets": arrays["sets"][used]}


def _cut(tree: RawTree, depth: int) -> RawTree:
    """The tree without what lies below `depth` splits."""
    assert tree.cover is not None
    level, value = np.zeros(len(tree.left), dtype=np.intp), tree.value.copy()
    inner = np.flatnonzero(tree.left >= 0)
    for node in inner:  # parents stand before their children
        level[tree.left[node]] = level[tree.right[node]] = level[node] + 1
    cover = tree.cover.astype(np.float64)
    for node in inner[::-1]:
        both = np.array([tree.left[node], tree.right[node]])
        shares = cover[both] if cover[both].sum() > 0 else np.ones(2)
        value[node] = shares @ value[both] / shares.sum()
    stays = np.flatnonzero(level <= depth)
    place = np.full(len(level), -1, dtype=np.intp)
    place[stays] = np.arange(len(stays))
    ends = (level[stays] == depth) | (tree.left[stays] < 0)
    left, right = (np.where(ends, -1, place[side[stays]]) for side in (tree.left, tree.right))
    member = None if tree.member is None else np.where(ends, -1, tree.member[stays])
    return RawTree(
        feature=tree.feature[stays], threshold=tree.threshold[stays], left=left, right=right,
        missing_left=tree.missing_left[stays], value=value[stays], member=member, sets=tree.sets,
        cover=tree.cover[stays])
