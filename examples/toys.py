"""Textbook toys of three to five rows: exam marks, flat prices, dosages, vehicles, homes.

Cross-validation makes no sense here, so models are fitted plainly and asked one question. Such
tables show what a model computes; they say nothing on how well it predicts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wholefit import models
from wholefit.base import tasks
from wholefit.models import Context

EXPECTED = {
    "marks after 12 hours (linear)": (86.52, 86.54),
    "price at 5 (ridge)": (4.095, 4.105),
    "price at 5 (linear)": (4.295, 4.305),
    "salary after 4 years (polynomial)": (44.33, 44.35),
    "chance of a cure at 1.5 (logistic)": (0.4015, 0.4025),
    "vehicle of 7 years is luxury (knn)": (0, 0),
    "side of [0, 2] (linear_svm)": (0, 0),
    "five rooms are a house (decision_tree)": (0, 0),
    "one defect is good (random_forest)": (1, 1),
    "class of [1.5, 1.5] (gradient_boosting)": (1, 1),
    "sine at 1.5 (stacking)": (0.9, 1.1),
    "class of [1, 1] (stacking)": (1, 1),
}


def ask(model: str, rows: Any, target: Any, question: Any) -> np.ndarray:
    """Fit a catalog model on raw arrays: probabilities of two classes, or a number."""
    X = np.asarray(rows, dtype=float).reshape(len(target), -1)
    classes = 0 if model.startswith(NUMBERS) else 2
    task = tasks.get("classification" if classes else "regression")
    context = Context(*X.shape, n_classes=classes, seed=42)
    made = models.make(model)
    fitted = made.build(task, context).fit(X, np.asarray(target))
    state = made.state(fitted, task, context)  # numbers alone: what a saved model answers from
    return models.scorer(state).answer(np.asarray(question, dtype=float).reshape(1, -1))[0]


NUMBERS = ("linear(", "ridge", "polynomial", "stacking(members=['svr'")
SQUARE = [[0, 0], [1, 1], [2, 2], [3, 3]]


def main() -> dict[str, float]:
    hours, marks = [10, 8, 13, 9, 11], [95, 70, 78, 88, 93]
    feet, prices = [0, 2, 3, 4], [1, 2, 2.5, 4]
    years, salaries = np.array([6, 5, 3, 8, 7]), [79, 51, 30, 88, 77]
    corners = [[1, 1], [2, 2], [1, -1], [2, -2]]
    x = np.linspace(0, 6, 200)
    return {
        "marks after 12 hours (linear)": float(ask("linear()", hours, marks, 12)),
        "price at 5 (ridge)": float(ask("ridge(alpha=1)", feet, prices, 5)),
        "price at 5 (linear)": float(ask("linear()", feet, prices, 5)),
        # In wf.fit, "polynomial" makes the powers itself; here the columns are given ready.
        "salary after 4 years (polynomial)": float(
            ask("polynomial(degree=2, alpha=0)", np.stack([years, years**2], axis=1), salaries,
                [4, 16])),
        "chance of a cure at 1.5 (logistic)": float(ask("logistic", [0, 1, 2], [0, 0, 1], 1.5)[1]),
        "vehicle of 7 years is luxury (knn)": ask("knn(k=3)", [3, 6, 9, 12], [0, 0, 1, 1], 7
                                                  ).argmax(),
        "side of [0, 2] (linear_svm)": ask("linear_svm", corners, [0, 0, 1, 1], [0, 2]).argmax(),
        # The split lies at exactly 5, and "at most 5" goes left.
        "five rooms are a house (decision_tree)": ask("decision_tree", [2, 4, 6, 8], [0, 0, 1, 1],
                                                      5).argmax(),
        "one defect is good (random_forest)": ask("random_forest(n_estimators=10)", [1, 1, 2, 2],
                                                  [1, 1, 0, 0], 1).argmax(),
        "class of [1.5, 1.5] (gradient_boosting)": ask("gradient_boosting", SQUARE, [0, 1, 1, 0],
                                                       [1.5, 1.5]).argmax(),
        # A stack learns from held-out answers of its members: four rows would teach it nothing.
        "sine at 1.5 (stacking)": float(
            ask("stacking(members=['svr', 'decision_tree'], final='linear')", x, np.sin(x), 1.5)),
        "class of [1, 1] (stacking)": ask(
            "stacking(members=['decision_tree', 'svc'], final='logistic')", SQUARE * 6,
            [0, 1, 1, 0] * 6, [1, 1]).argmax(),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.4g}")
