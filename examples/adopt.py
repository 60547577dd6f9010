"""A model fitted elsewhere is brought in as it is, and compared by a paired test.

Two intervals that overlap do not say that two models are tied: both are judged on the same rows,
and what is easy for one is easy for the other. The test looks at the difference row by row.
"""

from __future__ import annotations

from sklearn.ensemble import RandomForestClassifier

import wholefit as wf
from wholefit.data import bundled

EXPECTED = {
    "log loss of the forest from elsewhere": (0.42, 0.47),
    "log loss of the logistic regression": (0.39, 0.43),
    "difference": (0.02, 0.05),
    "its low end": (0.005, 0.04),
    "intervals of the two overlap": (1, 1),
    "the fitted one is better": (1, 1),
}


def main() -> dict[str, float]:
    customers = wf.read(bundled.path("telco_churn")).frame.sample(
        fraction=1.0, shuffle=True, seed=0)
    train, held = customers[:5000], customers[5000:]

    # Fitted by someone else, on the columns that happened to be numbers.
    numbers = [name for name, kind in train.schema.items() if kind.is_numeric()]
    forest = RandomForestClassifier(200, min_samples_leaf=5, random_state=0, n_jobs=1)
    forest.fit(train.select(numbers), train["churn"].to_numpy())

    # Adopting asks for rows that the estimator has not seen; nothing is refitted.
    theirs = wf.adopt(forest, held.select(*numbers, "churn"), "churn")
    ours = wf.fit(train, target="churn", models="logistic", jobs=1)
    mine = ours.evaluate(held)["log_loss"]
    print(f"from elsewhere {theirs.score}, fitted here {mine}")

    difference = wf.compare(theirs, ours, held)
    print(f"difference {difference.value:.3f} [{difference.low:.3f}, {difference.high:.3f}]: "
          f"{difference.how}")
    return {
        "log loss of the forest from elsewhere": theirs.score.value,
        "log loss of the logistic regression": mine.value,
        "difference": difference.value,
        "its low end": difference.low,
        "intervals of the two overlap": float(theirs.score.low < mine.high),
        "the fitted one is better": float(difference.better == "b"),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
