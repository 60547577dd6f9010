"""Choosing columns on all rows leaks the answer: pure noise then looks like a discovery.

A hundred rows of 1,000 random columns, and a coin toss as target. No model can do better than
half. Choose the twenty best columns first and cross-validate after, and it seems to.
"""

from __future__ import annotations

import numpy as np
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import wholefit as wf

EXPECTED = {
    "accuracy, columns chosen on all rows": (0.8, 0.97),
    "its low end": (0.7, 0.9),
    "accuracy, columns chosen inside the folds": (0.45, 0.66),
    "its high end": (0.55, 0.75),
}


def main() -> dict[str, float]:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 1000)), rng.integers(0, 2, 100)

    # Wrong: the choice has seen every row, also those that are to judge it.
    chosen = SelectKBest(k=20).fit_transform(X, y)
    leaky = wf.fit(_table(chosen, y), target="y", models=LogisticRegression(), metric="accuracy",
                   choose="best", jobs=1)

    # Right: the choice is a step of the model, so each fold makes it anew on its own training
    # rows. Any scikit-learn pipeline can be a model.
    pipeline = make_pipeline(SelectKBest(k=20), LogisticRegression())
    honest = wf.fit(_table(X, y), target="y", models=pipeline, metric="accuracy",
                    choose="best", jobs=1)
    entry = next(entry for entry in honest.leaderboard if entry.model == "Pipeline")
    inside = entry.scores["accuracy"]
    print(f"chosen on all rows: {leaky.score}; inside the folds: {inside}")
    print("said aloud:", *honest.warnings)
    return {
        "accuracy, columns chosen on all rows": leaky.score.value,
        "its low end": leaky.score.low,
        "accuracy, columns chosen inside the folds": inside.value,
        "its high end": inside.high,
    }


def _table(X: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    return {**{f"noise {at}": column for at, column in enumerate(X.T)},
            "y": np.where(y == 1, "heads", "tails")}


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
