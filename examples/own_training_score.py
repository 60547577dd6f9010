"""A model that marks its own homework: 0.962 on the rows it learnt from, 0.892 on others.

The lesson is the gap. `wf.fit` has no way to show the first number: every score it gives comes
from rows that the model had not seen.
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import make_classification

import wholefit as wf
from wholefit import data, models
from wholefit.base import tasks
from wholefit.training import fit_plain

EXPECTED = {
    "on its own training rows": (0.961, 0.963),
    "cross-validated": (0.87, 0.91),
    "low": (0.85, 0.89),
    "high": (0.89, 0.93),
}


def main() -> dict[str, float]:
    X, y = make_classification(n_samples=1000, n_features=20, n_informative=2, n_redundant=10,
                               random_state=42)
    table = np.column_stack([X, y])  # numpy columns are called x0, x1, ...; the last is the target
    model = models.make("gradient_boosting(n_estimators=100, learning_rate=1.0, max_depth=1)")

    dataset = data.load(table, target="x20")
    fitted = fit_plain(dataset, tasks.get("classification"), model)
    flattered = float((fitted.answer(dataset).argmax(axis=1) == y).mean())

    result = wf.fit(table, target="x20", models=model, metric="accuracy", jobs=1)
    print(result.leaderboard)
    return {
        "on its own training rows": flattered,
        "cross-validated": result.score.value,
        "low": result.score.low,
        "high": result.score.high,
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
