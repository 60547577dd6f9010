"""One case beside shap, in the peer's own environment: `python _shap_beside.py CASE`, as JSON.

Both sides explain the same fitted model, in turns, in one process.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np


def main(case: dict[str, Any]) -> None:
    warnings.simplefilter("ignore")
    import shap

    from wholefit import models
    from wholefit.base import tasks
    from wholefit.explain._exact import explainer
    from wholefit.models import Context

    X, y = rows(case["rows"], case["columns"], case["classes"])
    task = tasks.get("classification" if case["classes"] else "regression")
    context = Context(*X.shape, n_classes=case["classes"], seed=0)
    model = models.make(case["model"])
    estimator = model.build(task, context).fit(X, y)
    state = model.state(estimator, task, context)
    behind = X[:100]

    def peer() -> Callable[[np.ndarray], Any]:
        if state.kind == "linear":
            inner = shap.LinearExplainer((state.arrays["coef"][0], state.arrays["intercept"][0]),
                                         shap.maskers.Independent(behind, max_samples=100))
            return inner.shap_values  # type: ignore[no-any-return]
        inner = shap.TreeExplainer(getattr(estimator, "booster_", estimator))
        return lambda asked: inner.shap_values(asked, check_additivity=False)

    def ours() -> Callable[[np.ndarray], np.ndarray]:
        return explainer(state, lambda: behind).values

    theirs, mine = peer(), ours()
    print(json.dumps({
        "agreement": agreement(mine(X[:500]), theirs(X[:500])),
        "additivity": additivity(explainer(state, lambda: behind), models, state, X[:500]),
        "many": turns({"ours": lambda: mine(X), "shap": lambda: theirs(X)}, case["repeats"]),
        "one": turns({"ours": lambda: mine(X[:1]), "shap": lambda: theirs(X[:1])},
                     20 * case["repeats"]),
        "first": turns({"ours": lambda: ours()(X[:1]), "shap": lambda: peer()(X[:1])},
                       case["repeats"]),
        "versions": {"shap": shap.__version__},
    }))


def rows(count: int, columns: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers whose target hangs on some columns alone, together, and not straight."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(count, columns)).astype(np.float32).astype(np.float64)
    y = 2 * X[:, 0] + X[:, 1] * X[:, 2] + np.sin(2 * X[:, 3]) + np.abs(X[:, 4])
    y = y + 0.5 * rng.normal(size=count)
    if classes:
        return X, np.digitize(y, np.quantile(y, np.arange(1, classes) / classes))
    return X, y


def agreement(ours: np.ndarray, shap: Any) -> float:
    """The largest difference, as a share of the largest value."""
    theirs = np.stack(shap, axis=2) if isinstance(shap, list) else np.asarray(shap)
    if theirs.ndim == 2:
        theirs = theirs[:, :, None]
    if theirs.shape[2] == 2 and ours.shape[2] == 1:
        theirs = theirs[:, :, 1:]
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def additivity(made: Any, models: Any, state: Any, X: np.ndarray) -> float:
    """How far start plus contributions is from the answer, on the answer's own scale."""
    from wholefit.explain._additive import answered

    answer = models.scorer(state).answer(X)
    answer = answer[:, None] if answer.ndim == 1 else answer
    meant = answered(made.scale, made.base + made.values(X).sum(axis=1))
    return float(np.abs(meant - answer[:, -meant.shape[1]:]).max())


def turns(ways: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each way, taking turns, after one that warms all up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    ratio = [b / a for a, b in zip(*seconds.values(), strict=True)]
    return {**{name: [statistics.median(times)] for name, times in seconds.items()},
            "ratio": [statistics.median(ratio), min(ratio), max(ratio)]}


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
