"""SHAP values beside shap's: do they add up, do they agree, and how long do they take.

Without `--peer-python` (an environment with shap and what wholefit needs) only additivity over
the catalog is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _tools

ROOT = Path(__file__).parents[2]
# The model as the catalog writes it, and its classes.
CASES = (
    ("ridge", 0),
    ("gradient_boosting(n_estimators={trees})", 2),
    ("hist_gradient_boosting(n_estimators={trees})", 0),
    ("lightgbm(n_estimators={trees})", 2),
    ("xgboost(n_estimators={trees})", 0),
    ("catboost(n_estimators={trees})", 0),
    ("random_forest(n_estimators={trees}, max_depth=8)", 0),
    ("extra_trees(n_estimators={trees}, max_depth=8)", 3),
)


def table(peer: str | None, short: bool) -> list[str]:
    """The lines of this part."""
    lines = catalog(short)
    if peer is None:
        return [*lines, "", "No environment of shap was given (--peer-python)."]
    rows, trees, repeats = (1000, 50, 2) if short else (10_000, 500, 3)
    found = {model.format(trees=trees): beside(peer, model.format(trees=trees), classes, rows,
                                               repeats) for model, classes in CASES}
    version = next(iter(found.values()))["versions"]["shap"]
    return [
        f"Beside shap {version}: the same fitted models, {rows:,} rows of 20 columns, both sides "
        f"in turns in one process, one thread; medians of {repeats} turns, ratios with their "
        "range. Trees: path-dependent values of both; the boosting libraries' models answer "
        "through their own library on both sides; ridge: shap's LinearExplainer with the same 100 "
        "background rows. Agreement: the largest difference as a share of the largest value.", "",
        _tools.markdown(
            ["model", "additivity", "agreement", "wholefit, s", "shap, s",
             "times as fast as shap"],
            [[name, f"{each['additivity']:.0e}", f"{each['agreement']:.0e}",
              *pair(each["many"], 1, "{:.3g}")] for name, each in found.items()]), "",
        "One row alone, the explainer kept from row to row, and made anew for the row.", "",
        _tools.markdown(
            ["model", "wholefit, ms", "shap, ms", "times as fast", "made anew: wholefit, ms",
             "shap, ms", "times as fast"],
            [[name, *pair(each["one"], 1000, "{:.2g}"), *pair(each["first"], 1000, "{:.2g}")]
             for name, each in found.items()]),
        "", *lines]


def beside(peer: str, model: str, classes: int, rows: int, repeats: int) -> dict[str, Any]:
    """One case in the peer's environment."""
    case = {"model": model, "classes": classes, "rows": rows, "columns": 20, "repeats": repeats}
    done = subprocess.run(
        [peer, str(Path(__file__).with_name("_shap_beside.py")), json.dumps(case)],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"})
    if done.returncode:
        raise RuntimeError(f"{model}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(model, *pair(found["many"], 1, "{:.3g}"), file=sys.stderr, flush=True)
    return found


def pair(found: dict[str, list[float]], scale: float, form: str) -> list[str]:
    """Seconds of both sides, and the ratio with its range."""
    middle, low, high = found["ratio"]
    return [form.format(found["ours"][0] * scale), form.format(found["shap"][0] * scale),
            f"{middle:.2f} ({low:.2f} to {high:.2f})"]


def catalog(short: bool) -> list[str]:
    """Additivity of every model of the catalog on three tasks of one real table."""
    found = [line for model in _models() for line in _added(model, 300 if short else 2000)]
    rows = [[model, target, scale, how, f"{off:.0e}"] for model, target, scale, how, off in found]
    worst = max(line[4] for line in found)
    return [f"The start plus what all columns add, beside the model's own answer: the largest "
            f"difference is {worst:.0e} over {len(found)} fits of the catalog's models on "
            "telco_churn (10 new rows each, on the scale of the answer).", "",
            _tools.markdown(["model", "target", "contributions add up in", "method",
                             "largest difference"], rows)]


def _models() -> list[str]:
    from wholefit import models

    return [facts["name"] for facts in models.describe()
            if set(facts["tasks"]) & {"classification", "regression"} and facts["installed"]]


def _added(name: str, rows: int) -> list[tuple[str, str, str, str, float]]:
    import polars as pl

    import wholefit as wf
    from wholefit import models
    from wholefit.data import bundled
    from wholefit.explain._additive import answered

    frame = pl.read_csv(bundled.path("telco_churn"), null_values="NA", infer_schema_length=None)
    lines = []
    for target, task in (("churn", "classification"), ("contract", "classification"),
                         ("monthly_charges", "regression")):
        if task not in models.get(name).tasks:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = wf.fit(frame.head(rows), target=target, models=[name], choose="best",
                            folds=2, jobs=1,
                            metric="rmse" if task == "regression" else "roc_auc")
            told = result.explain(frame[rows:rows + 10], compared=50, evaluations=4000)
        meant = answered(told.scale, told.base + told.values.sum(axis=1))
        how = "exact" if told.exact else "sampled"
        lines.append((result.model, target, told.unit, how, float(np.abs(meant - told.told).max())))
    return lines
