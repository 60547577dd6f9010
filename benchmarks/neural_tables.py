"""Networks beside boosted trees and scikit-learn's own perceptron, on real tables.

    python -m benchmarks.neural_tables                       # eight tables, 2,000 rows of each
    python -m benchmarks.neural_tables --rows 10000 credit_data spambase

Every model answers the same three folds, by its defaults and without a clock. The error is log loss
for classes and RMSE for numbers, with its 95 % interval; the seconds are of one fold's fit on two
threads. Tables that were measured for as many rows are kept (`results/neural_tables.jsonl`) and not
measured again without `--again`.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _tools

TABLES = {
    "credit_data": "Status", "spambase": "type", "telco_churn": "churn", "attrition": "Attrition",
    "letter_recognition": "lettr", "ames_housing": "Sale_Price",
    "california_housing": "MedHouseVal", "diamonds": "price",
}
MODELS = ("lightgbm", "mlp", "real_mlp", "tabm")
# What each is called on the page, by the model's name on a leaderboard.
NAMES = {"logistic": "linear", "ridge": "linear", "random_forest": "forest",
         "extra_trees": "forest", "lightgbm": "lightgbm", "mlp": "mlp", "real_mlp": "real_mlp",
         "tabm": "tabm",
         "MLPClassifier": "scikit-learn's MLP", "MLPRegressor": "scikit-learn's MLP"}
FOLDS = 3
KEPT = _tools.RESULTS / "neural_tables.jsonl"


def table(name: str, rows: int) -> Any:
    """At most `rows` rows of a real table, drawn by a fixed seed."""
    from wholefit import data

    folder = Path(os.environ["WHOLEFIT_DATA"]) / name
    frame = data.read(next(folder.glob("data.*"))).frame
    if len(frame) > rows:
        frame = frame[np.sort(np.random.default_rng(0).permutation(len(frame))[:rows])]
    return frame


def rivals(frame: Any, target: str) -> dict[str, Any]:
    """The metric, and of each model its error, its interval and the seconds of one fit."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    import wholefit as wf

    numbers = frame[target].dtype.is_numeric() and frame[target].n_unique() > 20
    theirs = (MLPRegressor if numbers else MLPClassifier)(
        early_stopping=True, max_iter=200, random_state=0)
    usual = ["ridge" if numbers else "logistic",
             "extra_trees(max_features=0.5, min_samples_leaf=2)" if numbers else "random_forest"]
    metric = "rmse" if numbers else "log_loss"
    result = wf.fit(frame, target=target, models=[*usual, *MODELS, theirs], folds=FOLDS,
                    metric=metric, seed=0, jobs=2)
    found = {}
    for entry in result.leaderboard:
        if entry.model in NAMES and metric in entry.scores:
            score = entry.scores[metric]
            found[NAMES[entry.model]] = {
                "score": score.value, "low": score.low, "high": score.high,
                "seconds": entry.fit_seconds, "tied": entry.tied or entry.best}
    return {"metric": metric, "rows": len(frame), "models": found,
            "failed": {entry.model: entry.reason for entry in result.leaderboard
                       if entry.model in NAMES and metric not in entry.scores}}


def page(kept: list[dict[str, Any]]) -> str:
    """The study as Markdown: a table for each number of rows asked for."""
    header = list(dict.fromkeys(NAMES.values()))
    parts = ["# Networks beside boosted trees, on real tables", "",
             __doc__.split("\n\n")[2].strip(), ""]
    for asked in sorted({each["asked"] for each in kept}):
        those = [each for each in kept if each["asked"] == asked]
        rows = [[each["table"], f"{each['rows']:,}", each["metric"].replace("_", " "),
                 *(_cell(each["models"], name) for name in header)] for each in those]
        parts += [f"## At most {asked:,} rows of each", "",
                  _tools.markdown(["table", "rows", "error", *header], rows), "",
                  "Bold: the least error, and what is tied with it (row by row, 95 %).", "",
                  _tools.markdown(["over LightGBM's, geometric mean", *header], _ratios(
                      those, header)), ""]
        parts += [f"Failed: {each['table']}, {each['failed']}" for each in those if each["failed"]]
    return "\n".join([*parts, _tools.machine("wholefit", "torch", "lightgbm", "scikit-learn")])


def _cell(models: dict[str, dict[str, Any]], name: str) -> str:
    if name not in models:
        return "-"
    each = models[name]
    half = (each["high"] - each["low"]) / 2
    text = f"{each['score']:.4g} ± {half:.2g}"
    return f"**{text}**" if each["tied"] else text


def _ratios(those: list[dict[str, Any]], header: list[str]) -> list[list[str]]:
    """Each model's error and seconds as a multiple of LightGBM's, and how often it is best."""
    def over(name: str, what: str) -> str:
        both = [each["models"][name][what] / each["models"]["lightgbm"][what] for each in those
                if name in each["models"] and "lightgbm" in each["models"]]
        return f"{_tools.geometric_mean(both):.3g}" if both else "-"

    best = [str(sum(each["models"].get(name, {}).get("tied", False) for each in those))
            for name in header]
    return [["error", *(over(name, "score") for name in header)],
            ["seconds of a fit", *(over(name, "seconds") for name in header)],
            [f"best, or tied with it, of {len(those)} tables", *best]]


def main() -> None:
    """Measure the tables named, or all, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", default=list(TABLES))
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--again", action="store_true", help="measure what is kept, too")
    given = parser.parse_args()
    kept = [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []
    for name in given.tables:
        known = [each for each in kept if (each["table"], each["asked"]) == (name, given.rows)]
        if known and not given.again:
            continue
        found = {"table": name, "asked": given.rows,
                 **rivals(table(name, given.rows), TABLES[name])}
        print(json.dumps(found), flush=True)
        kept = [each for each in kept if each not in known] + [found]
        KEPT.write_text("".join(json.dumps(each) + "\n" for each in kept))
    _tools.save("neural_tables", page(kept))


if __name__ == "__main__":
    main()
