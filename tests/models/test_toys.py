"""Small worked examples whose answers were checked by hand and by other software."""

from __future__ import annotations

import numpy as np
import pytest

from wholefit.base import tasks
from wholefit.models import Context, make, scorer


def taught(text: str, X: list, y: list, classes: int = 0):
    """The scorer of the model taught on the raw arrays."""
    task = tasks.get("classification" if classes else "regression")
    rows = np.array(X, dtype=float).reshape(len(y), -1)
    context = Context(len(y), rows.shape[1], n_classes=classes)
    model = make(text)
    return scorer(model.state(model.build(task, context).fit(rows, np.array(y)), task, context))


def test_linear_marks_after_hours_of_study() -> None:
    """Inventory L1: slope 0.96, intercept 75.01, so 12 hours give 86.53."""
    model = taught("linear", [10, 8, 13, 9, 11], [95, 70, 78, 88, 93])
    assert model.answer(np.array([[12.0]]))[0] == pytest.approx(86.53, abs=0.005)
    slope = np.diff(model.answer(np.array([[0.0], [1.0]])))[0]
    assert slope == pytest.approx(0.96, abs=0.005)


def test_ridge_pulls_the_line_down() -> None:
    """Inventory L2: alpha 1 gives 4.10 at 5, least squares 4.30."""
    X, y, at = [0, 2, 3, 4], [1, 2, 2.5, 4], np.array([[5.0]])
    assert taught("ridge(alpha=1)", X, y).answer(at)[0] == pytest.approx(4.10, abs=0.005)
    assert taught("ridge(alpha=0)", X, y).answer(at)[0] == pytest.approx(4.30, abs=0.005)
    assert taught("linear", X, y).answer(at)[0] == pytest.approx(4.30, abs=0.005)


def test_polynomial_of_degree_two() -> None:
    """Inventory L6: years and their squares give 44.34 at 4."""
    years = np.array([6.0, 5, 3, 8, 7])
    model = taught("polynomial(degree=2, alpha=0)", np.stack([years, years**2], axis=1).tolist(),
                   [79, 51, 30, 88, 77])
    assert model.answer(np.array([[4.0, 16.0]]))[0] == pytest.approx(44.34, abs=0.005)


def test_logistic_dosage() -> None:
    """Inventory L7: the chance of a cure at a dosage of 1.5 is 0.402."""
    model = taught("logistic", [0, 1, 2], [0, 0, 1], classes=2)
    assert model.answer(np.array([[1.5]]))[0, 1] == pytest.approx(0.402, abs=0.0005)


def test_three_neighbours() -> None:
    """Inventory N2: of the three nearest to 7 (6, 9, then 3 and not 12) two are of class 0."""
    found = taught("knn(k=3)", [3, 6, 9, 12], [0, 0, 1, 1], classes=2).answer(np.array([[7.0]]))
    assert found[0] == pytest.approx([2 / 3, 1 / 3])


def test_a_straight_margin() -> None:
    """Inventory SV2: [0, 2] lies on the side of class 0."""
    model = taught("linear_svm", [[1, 1], [2, 2], [1, -1], [2, -2]], [0, 0, 1, 1], classes=2)
    found = model.answer(np.array([[0.0, 2.0]]))
    assert found[0].argmax() == 0
    assert found[0, 0] > 0.7
