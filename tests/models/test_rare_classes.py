"""Boosting as it comes, where one class of several has a handful of rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss

from wholefit import models
from wholefit.base import tasks
from wholefit.models import Context


def drawn(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Four classes that a column tells, and four rows of a fifth that nothing tells."""
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(rows, 6))
    y = np.digitize(6 * X[:, 0] + draw.normal(size=rows), [-4, 0, 4])
    y[draw.choice(rows, 4, replace=False)] = 4
    return X, y.astype(np.int32)


def loss(word: str, rows: int = 1_500) -> float:
    (X, y), (new, truth) = drawn(rows, 0), drawn(rows, 9)
    made = models.make(word).build(tasks.get("classification"), Context(rows, 6, n_classes=5))
    return float(log_loss(truth, made.fit(X, y).predict_proba(new), labels=range(5)))


@pytest.mark.parametrize("name, bare", [
    ("hist_gradient_boosting", "l2=0"), ("lightgbm", "l2=0,min_child_weight=0.001")])
def test_a_rare_class_does_not_spoil_the_others(name: str, bare: str) -> None:
    """The libraries' own defaults let its leaves grow, and rows of others fall into them."""
    pytest.importorskip("lightgbm" if name == "lightgbm" else "sklearn")
    found, theirs = loss(name), loss(f"{name}({bare})")
    assert found < 0.9 * theirs
    assert found < 0.55
