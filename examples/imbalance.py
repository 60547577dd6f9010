"""One row in twenty: why accuracy misleads, what weights, SMOTE and NearMiss buy, what costs do.

First a made-up table of 1,000 rows, where each way raises recall and lowers precision; then
9,857 loans, in the folder that WHOLEFIT_DATA names, where a moved threshold does as much.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

import wholefit as wf

DATA = "lending_club/data.csv.gz"

EXPECTED = {
    "recall of plain": (0.35, 0.5), "precision of plain": (0.45, 0.65),
    "recall of smote": (0.65, 0.9), "precision of smote": (0.12, 0.4),
    "recall of near_miss": (0.5, 0.85), "precision of near_miss": (0.12, 0.4),
    "recall of weights": (0.65, 0.85), "precision of weights": (0.2, 0.4),
    "recall of svc, 1:50": (0.7, 1.0), "precision of svc, 1:50": (0.08, 0.25),
    "accuracy of the baseline": (0.94, 0.955), "accuracy of logistic": (0.94, 0.955),
    "average precision of the baseline": (0.045, 0.06),
    "average precision of logistic": (0.11, 0.15),
    "recall of logistic": (0.0, 0.03),
    "recall of logistic, weights": (0.55, 0.68), "precision of logistic, weights": (0.08, 0.12),
    "recall of logistic, at a threshold": (0.55, 0.72),
    "precision of logistic, at a threshold": (0.08, 0.12),
    "cost a loan, most probable class": (0.85, 1.1), "cost a loan, costs stated": (0.55, 0.72),
    "treatments that rank better": (0, 0), "treatments that rank worse": (1, 3),
}


def made_up() -> dict[str, float]:
    """1,000 rows, 53 of them rare: precision and recall on 300 rows kept back."""
    X, y = make_classification(n_samples=1000, n_features=20, weights=[0.95], random_state=10)
    table = pl.DataFrame({f"x{at}": column for at, column in enumerate(X.T)}).with_columns(
        y=pl.Series(np.where(y == 1, "rare", "common")))
    learn, held = train_test_split(np.arange(1000), test_size=0.3, stratify=y, random_state=10)
    found = {}
    for name, words in {
        "plain": {}, "smote": {"balance": "smote"}, "near_miss": {"balance": "near_miss"},
        "weights": {"balance": "weights"},
        "svc, 1:50": {"models": "svc", "balance": "costs", "costs": {"rare": {"common": 50}}},
    }.items():
        options = {"models": "logistic", **words}
        result = wf.fit(table[learn], target="y", positive="rare", metric="average_precision",
                        choose="best", jobs=1, **options)
        scores = result.evaluate(table[held])
        found[f"recall of {name}"] = scores["recall"].value
        found[f"precision of {name}"] = scores["precision"].value
    return found


def loans() -> dict[str, float]:
    """Bad loans: one in twenty. Scores are of rows that no model had seen."""
    table = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / DATA).frame
    asked = {"target": "Class", "positive": "bad", "jobs": 1}
    plain = wf.fit(table, models="logistic", metric="average_precision", **asked)
    rows = {entry.model: entry.scores for entry in plain.leaderboard}
    # Probabilities stay what they are; the class is said from a lower one on.
    found = plain.with_threshold("recall>=0.6")
    weighted = wf.fit(table, models="logistic", balance="weights", **asked)
    # A bad loan that is granted costs twenty times what a good one that is refused does.
    costs = {"bad": {"good": 20}, "good": {"bad": 1}}
    cheap = plain.with_threshold(costs=costs)
    dear = plain.with_threshold(0.5, costs=costs)
    print(found)
    # Which treatments order the loans better than doing nothing, beyond chance?
    compared = wf.treatments(table, models="logistic", treatments="weights, smote, near_miss",
                             folds=3, **asked)
    print(compared)
    treated = compared.rows[1:]
    return {
        "accuracy of the baseline": rows["dummy"]["accuracy"].value,
        "accuracy of logistic": rows["logistic"]["accuracy"].value,
        "average precision of the baseline": rows["dummy"]["average_precision"].value,
        "average precision of logistic": rows["logistic"]["average_precision"].value,
        "recall of logistic": rows["logistic"]["recall"].value,
        "recall of logistic, weights": weighted.scores["recall"].value,
        "precision of logistic, weights": weighted.scores["precision"].value,
        "recall of logistic, at a threshold": found.scores["recall"].value,
        "precision of logistic, at a threshold": found.scores["precision"].value,
        "cost a loan, most probable class": dear.scores["expected_cost"].value,
        "cost a loan, costs stated": cheap.scores["expected_cost"].value,
        "treatments that rank better": sum("average_precision" in row.better for row in treated),
        "treatments that rank worse": sum("average_precision" in row.worse for row in treated),
    }


def main() -> dict[str, float]:
    return {**made_up(), **loans()}


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
