"""Learning an isolation forest with scikit-learn, and reading any that it fitted."""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.seeds import derive
from wholefit.base.state import State
from wholefit.models._detectors import Estimator
from wholefit.models._tree_states import _raw
from wholefit.models._trees import trees_state

_EULER = 0.5772156649015329


class IsolationEstimator(Estimator):
    """scikit-learn's IsolationForest on prepared columns."""

    kind = "detector.isolation"

    def learn(
        self, Z: np.ndarray
    ) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, State]]:
        """Trees, whose leaves hold the depth that their rows are taken to have."""
        from sklearn.ensemble import IsolationForest

        self.learner_ = IsolationForest(
            n_estimators=self.words["trees"], max_samples=min(self.words["sample"], len(Z)),
            max_features=self.words["features"], random_state=derive(self.seed, "isolation"))
        self.learner_.fit(Z)
        return read(self.learner_)


def read(forest: Any) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, State]]:
    """Config, arrays and parts of a fitted IsolationForest of scikit-learn."""
    if not hasattr(forest, "estimators_features_"):
        raise StateError("the isolation forest is not fitted; call fit first.")
    raw = []
    for tree, columns in zip(forest.estimators_, forest.estimators_features_, strict=True):
        fitted = tree.tree_
        depth = depths(fitted.children_left, fitted.children_right)
        value = depth + expected_depth(fitted.n_node_samples)
        both = np.stack([value, fitted.n_node_samples.astype(np.float64)], axis=1)
        raw.append(_raw(fitted, both, columns))
    state = trees_state(raw, features=forest.n_features_in_, aggregate="mean", link="identity",
                        classes=None, n_classes=0)
    rows = state.arrays["value"][:, 1].copy()
    arrays = {**state.arrays, "value": np.ascontiguousarray(state.arrays["value"][:, :1]),
              "base": np.zeros(1)}
    usual = float(expected_depth(np.array([forest._max_samples]))[0])
    return {"usual": usual}, {"rows": rows}, {"trees": State("trees", state.config, arrays)}


def depths(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Depth of each node of a tree, the root first, its own 0."""
    found = np.zeros(len(left))
    level = np.zeros(1, dtype=np.intp)
    depth = 0
    while len(level):
        found[level] = depth
        inner = level[left[level] >= 0]
        level = np.concatenate([left[inner], right[inner]]).astype(np.intp)
        depth += 1
    return found


def expected_depth(rows: np.ndarray) -> np.ndarray:
    """Average depth at which a search in a binary tree of so many rows ends unsuccessfully."""
    rows = np.asarray(rows, dtype=np.float64)
    many = 2 * (np.log(np.maximum(rows - 1, 1)) + _EULER) - 2 * (rows - 1) / np.maximum(rows, 1)
    return np.where(rows > 2, many, np.where(rows == 2, 1.0, 0.0))
