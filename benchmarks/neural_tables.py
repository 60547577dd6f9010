"""Networks beside boosted trees and scikit-learn's own perceptron, on real tables.

    python -m benchmarks.neural_tables                       # eight tables, 2,000 rows of each
    python -m benchmarks.neural_tables --rows 10000 --budget 30min credit_data spambase

Every model answers the same folds; the figure is log loss for classes and RMSE for numbers, with
the seconds of one fit. The last lines say how often each is best, and what adding it to the
default set changes in the recommended choice.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

TABLES = {
    "credit_data": "Status", "spambase": "type", "telco_churn": "churn", "attrition": "Attrition",
    "letter_recognition": "lettr", "ames_housing": "Sale_Price",
    "california_housing": "MedHouseVal", "diamonds": "price",
}
MODELS = ("lightgbm", "mlp", "real_mlp", "tabm")


def table(name: str, rows: int) -> Any:
    """At most `rows` rows of a real table, drawn by a fixed seed."""
    from wholefit import data

    folder = Path(os.environ["WHOLEFIT_DATA"]) / name
    frame = data.read(next(folder.glob("data.*"))).frame
    if len(frame) > rows:
        frame = frame[np.sort(np.random.default_rng(0).permutation(len(frame))[:rows])]
    return frame


def rivals(frame: Any, target: str, budget: str, folds: int) -> dict[str, dict[str, float]]:
    """Metric and seconds of one fit for each model."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    import wholefit as wf

    numbers = frame[target].dtype.is_numeric() and frame[target].n_unique() > 20
    theirs = (MLPRegressor if numbers else MLPClassifier)(
        early_stopping=True, max_iter=200, random_state=0)
    default = ["ridge" if numbers else "logistic",
               "extra_trees(max_features=0.5, min_samples_leaf=2)" if numbers else "random_forest"]
    metric = "rmse" if numbers else "log_loss"
    result = wf.fit(frame, target=target, models=[*default, *MODELS, theirs], budget=budget,
                    folds=folds, metric=metric, seed=0)
    found = {}
    for entry in result._run.leaderboard:
        score = entry.scores.get(metric)
        found[entry.model] = {"reason": entry.reason} if score is None else {
            "score": score.value, "low": score.low, "high": score.high,
            "seconds": entry.fit_seconds, "recommended": entry.recommended}
    return found


def main() -> None:
    """Run the tables named, or all, and write one JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", default=list(TABLES))
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--budget", default="10min")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    found: dict[str, Any] = {}
    for name in given.tables:
        frame = table(name, given.rows)
        found[name] = rivals(frame, TABLES[name], given.budget, given.folds)
        print(name, len(frame), json.dumps(found[name]), flush=True)
        if given.out:
            given.out.write_text(json.dumps({"rows": given.rows, "tables": found}, indent=1))
    for line in summary(found):
        print(line)


def summary(found: dict[str, Any]) -> list[str]:
    """Geometric mean of each model's figure over LightGBM's, and of its seconds."""
    lines = []
    names = {model for scores in found.values() for model in scores}
    for model in sorted(names):
        both = [(scores[model], scores["lightgbm"]) for scores in found.values()
                if "score" in scores.get(model, {}) and "score" in scores["lightgbm"]]
        if both:
            ratio = np.exp(np.mean([np.log(a["score"] / b["score"]) for a, b in both]))
            time = np.exp(np.mean([np.log(a["seconds"] / b["seconds"]) for a, b in both]))
            lines.append(f"{model:22} {ratio:6.3f} of lightgbm's error, {time:6.1f} of its "
                         f"seconds, {len(both)} tables")
    return lines


if __name__ == "__main__":
    main()
