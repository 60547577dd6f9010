"""`python -m benchmarks.default_tables`: every table through the command line, only --target.

Each table is cut once into 75 % for fitting and 25 % held out. The default result, the baseline
and a default LightGBM (scikit-learn interface, categories as pandas categories, all rows of the
fitting part) answer the held-out rows; differences are paired, with 95 % intervals.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks import _tools

TABLES = {
    "titanic": "survived", "adult": "income", "german_credit": "class", "credit_data": "Status",
    "telco_churn": "churn", "attrition": "Attrition", "lending_club": "Class",
    "caravan_insurance": "CARAVAN", "spambase": "type", "letter_recognition": "lettr",
    "shuttle": "Class", "fars_injury": None, "ames_housing": "Sale_Price",
    "california_housing": "MedHouseVal", "diamonds": "price", "appliances_energy": "Appliances",
}


def main(only: list[str]) -> None:
    rows = []
    for name in only or TABLES:
        row = study(name)
        rows.append(row)
        print("  ".join(row), flush=True)
    header = ["table", "rows", "task", "chosen", "metric", "ours", "baseline",
              "beats baseline", "default LightGBM", "ours - LightGBM", "verdict", "fit s"]
    text = "\n".join([
        "# Every table with no flag but --target", "",
        "`wholefit fit TABLE --target Y` on 75 % of the rows; scores on the held-out 25 %; lower",
        "is better (log loss, RMSE). 'beats baseline' names the metrics on which the out-of-fold",
        "95 % intervals of ours and the baseline lie apart ('paired': so does the interval of",
        "the difference, row by row). Verdict: 'worse' if the paired 95 % interval of the",
        "difference from LightGBM lies wholly above zero.", "",
        _tools.markdown(header, rows), "", _tools.machine("wholefit", "lightgbm", "scikit-learn"),
    ])
    if only:
        print(text)
    else:
        _tools.save("default_tables", text)


def table(name: str) -> tuple[pl.DataFrame, str]:
    """The rows with a known target, shuffled once, and the target's name."""
    folder = _tools.data_folder() / name
    parquet, csv = folder / "data.parquet", folder / "data.csv.gz"
    frame = pl.read_parquet(parquet) if parquet.exists() else pl.read_csv(
        csv, infer_schema_length=None, null_values=["NA"])
    target = TABLES[name] or frame.columns[-1]
    return frame.drop_nulls(target).sample(fraction=1.0, shuffle=True, seed=1), target


def study(name: str) -> list[str]:
    import wholefit as wf
    from wholefit import evaluation

    frame, target = table(name)
    cut = int(len(frame) * 0.75)
    with tempfile.TemporaryDirectory() as folder:
        train, test, model = (Path(folder) / n for n in ("train.csv", "test.csv", "m.wf"))
        frame[:cut].write_csv(train)
        frame[cut:].write_csv(test)
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "wholefit", "fit", str(train), "--target", target, "--out",
             str(model), "--json"], capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if done.returncode:
            raise RuntimeError(done.stderr)
        json.loads(done.stdout)
        result = wf.load(model)
        truth, ours, base, lgb = answers(result, train, test, target)
    metric = "log_loss" if result.task == "classification" else "rmse"
    positive = getattr(result._fitted.codec, "positive", 1)
    scores = {label: evaluation.score(result.task, truth, answer, metrics=[metric],
                                      positive=positive)[metric]
              for label, answer in (("ours", ours), ("base", base), ("lgb", lgb))}
    difference = evaluation.compare(result.task, metric, truth, ours, lgb, positive=positive)
    beats = beaten(result)
    verdict = {"a": "better", "b": "WORSE", "tied": "tied"}[difference.better]
    return [name, f"{len(frame):,}", result.task, result.model, metric, str(scores["ours"]),
            str(scores["base"]), beats, str(scores["lgb"]),
            f"{difference.value:+.4g} [{difference.low:.4g}, {difference.high:.4g}]", verdict,
            f"{seconds:.1f}"]


def beaten(result: object) -> str:
    """Do the out-of-fold intervals of the result and its baseline lie apart, and on what?"""
    rows = {row.model: row for row in result.leaderboard}  # type: ignore[attr-defined]
    ours, base = rows[result.model], rows["dummy"]  # type: ignore[attr-defined]
    apart = []
    for metric in ("log_loss", "rmse"):
        if metric in ours.scores and ours.scores[metric].high < base.scores[metric].low:
            apart.append(metric)
    if "roc_auc" in ours.scores and ours.scores["roc_auc"].low > base.scores["roc_auc"].high:
        apart.append("roc_auc")
    paired = base.difference is not None and base.difference["better"] == "b"
    return ", ".join([*apart, *(["paired"] if paired else [])]) or "NO"


def answers(
    result: object, train: Path, test: Path, target: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Encoded truth, and the answers of ours, the baseline and a default LightGBM."""
    import lightgbm
    import pandas as pd

    from wholefit.api import _answers

    fitted = result._fitted  # type: ignore[attr-defined]
    asked = _answers.dataset(fitted, str(test), {}, with_target=True)
    truth, ours = _answers.truth_and_answer(fitted, asked)
    known, held = pd.read_csv(train), pd.read_csv(test)
    y = fitted.codec.encode(known.pop(target).to_numpy())
    held = held.drop(columns=target)
    for column in known.columns:
        if not pd.api.types.is_numeric_dtype(known[column]):
            kind = pd.CategoricalDtype(known[column].dropna().unique())
            known[column], held[column] = known[column].astype(kind), held[column].astype(kind)
    classes = result.task == "classification"  # type: ignore[attr-defined]
    kind = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
    rival = kind(n_jobs=2, random_state=0, verbosity=-1).fit(known, y)
    if not classes:
        return truth, ours, np.full(len(truth), y.mean()), rival.predict(held)
    shares = np.bincount(y, minlength=ours.shape[1]) / len(y)
    found = np.zeros_like(ours)
    found[:, rival.classes_] = rival.predict_proba(held)
    return truth, ours, np.tile(shares, (len(truth), 1)), found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1:])
