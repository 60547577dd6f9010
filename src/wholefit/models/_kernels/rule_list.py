"""Rule lists: the first rule whose conditions a row meets gives its answer.

Arrays of a State of kind "rule_list", for r rules of c conditions in all and K outputs:

    rule        (c,)      the rule that a condition belongs to, 0..r-1
    feature     (c,)      the feature that it looks at
    test        (c,)      0: at most `bound`; 1: above it; 2: equal to it; 3: missing
    bound       (c,)      a cut, or a category's code
    value       (r+1, K)  the answer of each rule; the last row is that of all other rows
    low, high   (r+1, K)  95% interval of the value, from rows that did not choose the rule
    rows        (r+1,)    weight of those rows, which the interval rests on

A missing value meets no condition but "missing".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit.base.errors import StateError
from wholefit.base.state import State
from wholefit.models._kernels._links import dense, spread

AT_MOST, ABOVE, EQUAL, MISSING = range(4)


class RuleList:
    """Answers with a State of kind "rule_list"."""

    def __init__(self, state: State) -> None:
        config, arrays = state.config, state.arrays
        self._features = int(config["features"])
        self._classes, self._n_classes = config.get("classes"), int(config["n_classes"])
        self.rule, self.feature = arrays["rule"], arrays["feature"]
        self.test, self.bound = arrays["test"], arrays["bound"]
        self.value = np.asarray(arrays["value"], dtype=np.float64)
        self._check(arrays)

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p), NaN for missing, to probabilities (n, classes) or numbers (n,)."""
        found = self.value.take(self.first(X), axis=0)
        if not self._n_classes:
            return found[:, 0]
        return spread(found, self._classes, self._n_classes)

    def first(self, X: Any) -> np.ndarray:
        """The first rule that each row meets, (n,); as many as there are rules where none is."""
        whole = dense(X, self._features)
        count = len(self.value) - 1
        found = np.full(len(whole), count, dtype=np.intp)
        for rule in reversed(range(count)):
            mine = np.flatnonzero(self.rule == rule)
            met = np.ones(len(whole), dtype=bool)
            for at in mine:
                met &= meets(whole[:, self.feature[at]], int(self.test[at]), self.bound[at])
            found[met] = rule
        return found

    def _check(self, arrays: dict[str, np.ndarray]) -> None:
        rules = len(self.value) - 1
        sizes = {len(arrays[name]) for name in ("rule", "feature", "test", "bound")}
        shapes = {arrays[name].shape for name in ("value", "low", "high")}
        inside = not len(self.rule) or bool(
            0 <= self.rule.min() <= self.rule.max() < rules
            and 0 <= self.feature.min() <= self.feature.max() < self._features
            and 0 <= self.test.min() <= self.test.max() <= MISSING)
        if (len(sizes) != 1 or len(shapes) != 1 or self.value.ndim != 2 or rules < 0 or not inside
                or len(arrays["rows"]) != rules + 1):
            raise StateError("the arrays of a rule list do not belong together.")


def meets(values: np.ndarray, test: int, bound: float) -> np.ndarray:
    """Which values (n,) meet one condition."""
    if test == MISSING:
        return np.isnan(values)
    with np.errstate(invalid="ignore"):
        found = values <= bound if test == AT_MOST else (
            values > bound if test == ABOVE else values == bound)
    return np.asarray(found)
