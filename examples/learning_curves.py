"""Learning curves that mean something: a tree overfitted, a line underfitted, would more help?

The lesson this is drawn from scored the class labels of a decision tree by their mean squared
error, which is no score of classes, and drew a band of one standard deviation over five folds that
share most of their rows. Here the tree is judged by its own task's metrics, the band is an
interval, and what it shows is tested: whether a simpler tree, or a more flexible model, is better.
"""

from __future__ import annotations

import numpy as np

import wholefit as wf
from wholefit.data import bundled

EXPECTED = {
    "the tree on its own rows": (0.99, 1.0), "the tree on others": (0.62, 0.69),
    "what a simpler tree gains": (0.12, 0.22), "best depth": (3, 6),
    "the line on its own rows": (1.2, 1.7), "the line on others": (1.2, 1.7),
    "what a more flexible model gains": (0.5, 1.2),
    "what twice the rows would buy the line, at most": (-0.05, 0.05),
}


def tree() -> dict[str, float]:
    """A tree grown until it knows every row: 1.0 on its own rows, and not on others."""
    rows = wf.read(bundled.path("telco_churn")).frame.sample(3000, seed=0)
    curve = wf.learning_curve(rows, target="churn", model="decision_tree", metric="roc_auc",
                              sizes=[0.1, 0.3, 1.0], draws=2, jobs=1)
    print(curve)
    depths = wf.validation_curve(rows, target="churn", model="decision_tree", metric="roc_auc",
                                 param="max_depth", values=[2, 3, 4, 5, 6, 8, None], jobs=1)
    print(depths)
    verdict = curve.verdict
    assert verdict is not None and verdict.kind == "overfitting"
    return {"the tree on its own rows": verdict.train.value,
            "the tree on others": verdict.valid.value,
            "what a simpler tree gains": max(probe.gain for probe in verdict.probes
                                             if probe.kind == "simpler"),
            "best depth": float(depths.best.value)}


def line() -> dict[str, float]:
    """A line laid through a curve: both errors stay high, whatever the number of rows."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, 1200)
    rows = {"x": x, "y": x**2 + 0.3 * rng.normal(size=1200)}
    curve = wf.learning_curve(rows, target="y", model="ridge", metric="rmse", jobs=1)
    print(curve)
    verdict, forecast = curve.verdict, curve.forecast
    assert verdict is not None and verdict.kind == "underfitting" and forecast is not None
    return {"the line on its own rows": verdict.train.value,
            "the line on others": verdict.valid.value,
            "what a more flexible model gains": max(probe.gain for probe in verdict.probes),
            "what twice the rows would buy the line, at most": forecast.gain_low}


def main() -> dict[str, float]:
    return {**tree(), **line()}


if __name__ == "__main__":
    for name, value in main().items():
        print(f"{name}: {value:.3f}")
