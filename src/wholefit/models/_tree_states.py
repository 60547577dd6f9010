"""Fitted trees, forests and boosted trees of scikit-learn read into State of kind "trees".

What a reader needs it takes from the fitted estimator, so one fitted elsewhere is read as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._model import Context
from wholefit.models._trees import RawTree, trees_state


def mean(
    trees: Sequence[Any],
    owner: Any,
    context: Context,
    columns: Sequence[np.ndarray] | None = None,
) -> State:
    """The mean of fitted trees: one tree, a forest, bagged trees.

    Where a tree has fewer classes than `owner`, its classes are codes into the owner's;
    `columns` are the features that each tree was shown.
    """
    classes = owner.classes_ if context.n_classes else None
    raw = []
    for index, tree in enumerate(trees):
        fitted = _single(tree).tree_
        value = fitted.value[:, 0, :]
        if classes is not None:
            value = _shares(fitted, len(classes), np.asarray(tree.classes_))
        raw.append(_raw(fitted, value, None if columns is None else columns[index]))
    return trees_state(
        raw, features=owner.n_features_in_, aggregate="mean", link="identity",
        classes=classes, n_classes=context.n_classes)


def ada_boost(estimator: Any, context: Context) -> State:
    """Votes at the leaves for classes; numbers and tree weights for the median."""
    trees = [_single(tree) for tree in estimator.estimators_]
    weight = np.asarray(estimator.estimator_weights_[:len(trees)], dtype=np.float64)
    if not context.n_classes:
        raw = [_raw(tree.tree_, tree.tree_.value[:, 0, :]) for tree in trees]
        return trees_state(
            raw, features=estimator.n_features_in_, aggregate="median", link="identity",
            classes=None, n_classes=0, extra={"weight": weight})
    votes = [_votes(tree, estimator.classes_, share)
             for tree, share in zip(trees, weight / weight.sum(), strict=True)]
    return trees_state(
        votes, features=estimator.n_features_in_, aggregate="sum", link="softmax",
        classes=estimator.classes_, n_classes=context.n_classes)


def gradient_boosting(estimator: Any, context: Context) -> State:
    """All trees, leaves scaled by the learning rate, and what the sum starts from."""
    if estimator.loss == "exponential":
        raise StateError("GradientBoostingClassifier(loss='exponential') has no state; "
                         "fit it with loss='log_loss'.")
    trees = [_raw(tree.tree_, tree.tree_.value[:, 0, :] * estimator.learning_rate)
             for tree in estimator.estimators_.ravel()]
    base = _start(estimator, bool(context.n_classes))
    return _boosted(trees, estimator, context, base, {})


def hist_gradient_boosting(estimator: Any, context: Context) -> State:
    """All trees, sets of categories included."""
    base = np.asarray(estimator._baseline_prediction, dtype=np.float64).ravel()
    return _boosted(_hist_trees(estimator), estimator, context, base, _levels(estimator))


def _boosted(
    trees: Any, estimator: Any, context: Context, base: np.ndarray, extra: dict[str, np.ndarray]
) -> State:
    many = len(base) > 1
    link = "exp" if estimator.loss in ("poisson", "gamma") else "identity"
    if context.n_classes:
        link = "softmax" if many else "sigmoid"
    return trees_state(
        trees, features=estimator.n_features_in_, aggregate="sum", link=link, turns=many,
        base=base, extra=extra, classes=estimator.classes_ if context.n_classes else None,
        n_classes=context.n_classes)


def _single(tree: Any) -> Any:
    """The tree itself, if it is one and has one output."""
    if getattr(getattr(tree, "tree_", None), "n_outputs", 0) != 1:
        raise StateError(f"{type(tree).__name__} inside an ensemble has no state: only decision "
                         "trees with one output have.")
    return tree


def _raw(tree: Any, value: np.ndarray, columns: np.ndarray | None = None) -> RawTree:
    """A fitted `tree_` of scikit-learn; `value` (nodes, outputs); `columns` rename features.

    scikit-learn compares float32 values with float64 thresholds. The largest float32 at or
    below the threshold sends every float32 value the same way in half the space.
    """
    split = tree.children_left >= 0
    feature = np.where(split, tree.feature, 0)
    return RawTree(
        feature=feature if columns is None else np.asarray(columns)[feature],
        threshold=_round_down(np.where(split, tree.threshold, 0.0)),
        left=tree.children_left, right=tree.children_right,
        missing_left=tree.missing_go_to_left.astype(bool), value=value,
        cover=np.asarray(tree.weighted_n_node_samples, dtype=np.float64))


def _round_down(threshold: np.ndarray) -> np.ndarray:
    near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)


def _shares(tree: Any, outputs: int, at: np.ndarray) -> np.ndarray:
    """Class shares of each node, (nodes, outputs); the tree's own classes belong `at` these."""
    found = tree.value[:, 0, :]
    if found.shape[1] == outputs:
        return np.asarray(found)
    whole = np.zeros((len(found), outputs))
    whole[:, at.astype(np.intp)] = found
    return whole


def _votes(tree: Any, classes: np.ndarray, weight: float) -> RawTree:
    """A tree whose leaves vote: for the class they predict, against all others."""
    others = max(1, len(classes) - 1)
    shares = _shares(tree.tree_, len(classes), np.searchsorted(classes, tree.classes_))
    chosen = shares.argmax(axis=1)[:, None] == np.arange(len(classes))
    return _raw(tree.tree_, np.where(chosen, weight, -weight / others) / others)


def _start(estimator: Any, classes: bool) -> np.ndarray:
    """The sum's first term: the loss's best constant, as scikit-learn starts from."""
    prior = getattr(estimator.init_, "class_prior_" if classes else "constant_", None)
    if prior is None:
        raise StateError("gradient boosting that starts from another model (init=) has no "
                         "state; fit it with init=None.")
    if not classes:
        return np.asarray(prior, dtype=np.float64).ravel()
    tiny = np.finfo(np.float64).eps
    shares = np.clip(prior, tiny, 1 - tiny)
    if len(shares) == 2:
        return np.asarray(np.log(shares[1:] / (1 - shares[1:])))
    return np.asarray(np.log(shares) - np.log(shares).mean())


def _hist_trees(estimator: Any) -> Iterator[RawTree]:
    """Trees of a histogram gradient boosting, features numbered as they came in."""
    chosen = _categories(estimator)
    # scikit-learn moves features that hold categories to the front.
    order = np.concatenate([np.flatnonzero(chosen), np.flatnonzero(~chosen)])
    for predictor in (tree for turn in estimator._predictors for tree in turn):
        nodes = predictor.nodes
        split = nodes["is_leaf"] == 0
        by_set = np.where(nodes["is_categorical"] == 1, nodes["bitset_idx"].astype(np.intp), -1)
        bits = np.asarray(predictor.raw_left_cat_bitsets, dtype="<u4").reshape(-1, 8)
        yield RawTree(
            feature=order[np.where(split, nodes["feature_idx"], 0)],
            threshold=np.asarray(nodes["num_threshold"], dtype=np.float64),
            left=np.where(split, nodes["left"].astype(np.intp), -1),
            right=np.where(split, nodes["right"].astype(np.intp), -1),
            missing_left=nodes["missing_go_to_left"] == 1,
            value=nodes["value"][:, None], cover=nodes["count"].astype(np.float64),
            member=by_set if chosen.any() else None,
            sets=bits.view(np.uint8) if chosen.any() else None)


def _categories(estimator: Any) -> np.ndarray:
    """Which features hold categories, (p,)."""
    if estimator.is_categorical_ is None:
        return np.zeros(estimator.n_features_in_, dtype=bool)
    return np.asarray(estimator.is_categorical_)


def _levels(estimator: Any) -> dict[str, np.ndarray]:
    """The category codes known, as scikit-learn's encoder numbers them."""
    features = np.flatnonzero(_categories(estimator))
    if not len(features):
        return {}
    found = estimator._preprocessor.named_transformers_["encoder"].categories_
    if any(known.dtype.kind not in "fiub" for known in found):
        raise StateError("histogram gradient boosting on text categories has no state; "
                         "code the categories as numbers first.")
    levels = [np.asarray(known, dtype=np.float64) for known in found]
    levels = [known[~np.isnan(known)] for known in levels]
    return {"level_feature": features.astype(np.int32), "level": np.concatenate(levels),
            "level_size": np.array([len(known) for known in levels], dtype=np.int32)}
