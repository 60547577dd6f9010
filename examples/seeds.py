"""One hold-out score is one draw: how far a hundred of them spread, and what an interval is for.

The rows, the model and its settings stay the same; only the seed of the split changes. Anyone who
may choose the seed may choose the score. The interval beside each score says how far to trust it.
"""

from __future__ import annotations

import numpy as np

import wholefit as wf
from wholefit import data, evaluation, models
from wholefit.base import tasks
from wholefit.data import bundled, splits
from wholefit.training import fit_plain

EXPECTED = {
    "lowest of 100 seeds": (0.70, 0.77),
    "highest of 100 seeds": (0.81, 0.87),
    "mean of 100 seeds": (0.77, 0.82),
    "intervals that hold the mean, in 100": (95, 100),
    "cross-validated": (0.77, 0.82),
}


def main() -> dict[str, float]:
    # A thousand loans, as in many a study.
    loans = wf.read(bundled.path("credit_data")).frame.sample(1000, seed=1)
    dataset = data.load(loans, target="Status")
    task = tasks.get("classification")
    codes = dataset.target(task.codec("Status", dataset.target_values()))
    model = models.make("logistic")

    found = []
    for seed in range(100):
        (train, test), = splits.holdout(dataset, codes, test=0.2, seed=seed, stratify=True).folds
        answer = fit_plain(dataset, task, model, rows=train).answer(dataset.take(test))
        scores = evaluation.score(task.name, codes[test], answer, metrics=["accuracy"])
        found.append(scores["accuracy"])
    values = np.array([score.value for score in found])
    print(f"the first seed says {found[0]}")

    # Cross-validation asks every row once, so its interval is narrower.
    result = wf.fit(loans, target="Status", models=model, metric="accuracy", choose="best", jobs=1)
    print(f"cross-validation says {result.score}")
    mean = values.mean()
    return {
        "lowest of 100 seeds": float(values.min()),
        "highest of 100 seeds": float(values.max()),
        "mean of 100 seeds": float(mean),
        "intervals that hold the mean, in 100": float(
            np.mean([100 * (score.low <= mean <= score.high) for score in found])),
        "cross-validated": result.score.value,
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
