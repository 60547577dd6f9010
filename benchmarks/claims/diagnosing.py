"""Claims about underfitting, and about what learning curves and gaps can show."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.claims._claim import FALSE, PARTLY, TRUE, Finding, claim, table

# (data, model that is far too simple): all of them underfit by any measure.
_SIMPLE = {"telco churn": ("telco_churn", "churn", "decision_tree(max_depth=1)"),
           "telco churn, logistic": ("telco_churn", "churn", "logistic(C=0.0001)"),
           "credit data": ("credit_data", "Status", "decision_tree(max_depth=1)")}


def _verdict(source: Any, target: str, model: str, metric: str) -> Any:
    from wholefit import data
    from wholefit.api.fitting import choose_task
    from wholefit.base.budget import Budget, Clock
    from wholefit.training import curves

    dataset = data.load(source, target=target)
    task, _ = choose_task(dataset, target, None)
    bench = curves.Bench.of(dataset, task, curves.Options(metric=metric))
    made = bench.model(model)
    return curves.verdict(bench, made, curves.attempt(bench, made, "base"), Clock(Budget()))


@claim("B24", "An underfit model performs worse than random guessing",
       "models far too simple on two tables and on made-up rows of curves and parity; ROC AUC on "
       "rows not learnt from, guessing has 0.5")
def worse_than_guessing() -> Finding:
    from wholefit.data import bundled

    found = {name: _verdict(bundled.path(file), target, model, "roc_auc")
             for name, (file, target, model) in _SIMPLE.items()}
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (2000, 2))
    found["ring, logistic"] = _verdict(
        table(X, ((X**2).sum(axis=1) > 2).astype(int)), "y", "logistic", "roc_auc")
    found["parity, logistic"] = _verdict(
        table(X, (X[:, 0] * X[:, 1] > 0).astype(int)), "y", "logistic", "roc_auc")
    said = "; ".join(f"{name}: {each.valid} ({each.kind})" for name, each in found.items())
    worse = [name for name, each in found.items() if each.valid.high < 0.5]
    under = sum(each.kind == "underfitting" for each in found.values())
    if len(worse) == len(found):
        return said, TRUE
    return said, (f"{FALSE}: {under} of {len(found)} underfit, {len(worse)} are worse than "
                  "guessing; at worst they are as good as guessing")


@claim("EV8", "A gap between training and validation score means overfitting, to be cured",
       "deep tree, forest and boosting on telco churn: the gap in ROC AUC, and whether a simpler "
       "form of the same model is better on rows not learnt from")
def gap_is_no_fault() -> Finding:
    from wholefit.data import bundled

    models = ("decision_tree", "random_forest(n_estimators=100, min_samples_leaf=1)",
              "extra_trees(n_estimators=100, min_samples_leaf=3)",
              "hist_gradient_boosting(n_estimators=100)")
    found = {model: _verdict(bundled.path("telco_churn"), "churn", model, "roc_auc")
             for model in models}
    said = "; ".join(f"{model}: gap {each.gap:.2f}, {each.kind}" for model, each in found.items())
    gaps = {model: each for model, each in found.items() if each.gap_low > 0.03}
    faults = [model for model, each in gaps.items() if each.kind == "overfitting"]
    if len(faults) == len(gaps):
        return said, TRUE
    return said, (f"{PARTLY}: of {len(gaps)} with a clear gap, {len(faults)} are better when they "
                  "are simpler")
