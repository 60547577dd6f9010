"""What the confidence of answers is worth on real tables, and whether promises about it hold.

For each table and split, a model is fitted on half of the rows; on a quarter it is diagnosed, and
what the diagnosis said is held against the last quarter: the share of errors that the chosen flag
catches, the error rate of abstention against its bound, and the threshold that was to save costs.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks._tools import data_folder, markdown
from wholefit import models
from wholefit.evaluation.confidence import confidence
from wholefit.evaluation.gains import threshold_costs

_TABLES = (("adult", "income", "hist_gradient_boosting"), ("credit_data", "Status", "logistic"),
           ("telco_churn", "churn", "logistic"), ("attrition", "Attrition", "logistic"),
           ("german_credit", "class", "random_forest"), ("titanic", "survived", "random_forest"),
           ("spambase", "type", "hist_gradient_boosting"),
           ("letter_recognition", "lettr", "extra_trees"))
_QUICK: dict[str, dict[str, Any]] = {
    "hist_gradient_boosting": {"n_estimators": 60}, "random_forest": {"n_estimators": 60},
    "extra_trees": {"n_estimators": 60}, "logistic": {}}
_ROWS = 4_000
_RATE = 0.5  # abstention is asked for this share of the error rate of all rows


def table(peer: str | None, short: bool) -> list[str]:
    """The lines of this part."""
    return [*_simulated(200 if short else 2_000), "", *_real(2 if short else 20, short)]


def _simulated(times: int) -> list[str]:
    """Promises and advice where the truth is known: probabilities that are true."""
    rows = []
    for n in (200, 1_000, 5_000):
        broken, made, moved, asked = 0, 0, 0, 0.1
        for seed in range(times):
            rng = np.random.default_rng([n, seed])
            chance = rng.random(n)
            hit = rng.random(n) < chance
            sure = np.maximum(chance, 1 - chance)
            point = confidence((chance >= 0.5) != hit, sure).abstain(asked)
            if point is not None:
                made += 1
                broken += (1 - point.least) / 2 > asked  # the mean error of those that are surer
            if seed < times // 10:
                curve = threshold_costs(hit, chance, false_alarm=1, miss=4, now=0.2, seed=seed)
                moved += curve is not None and curve.worth_moving
        rows.append([f"{n:,}", f"{made / times:.0%}", f"{broken / times:.1%}",
                     f"{moved / max(times // 10, 1):.1%}"])
    return [f"Simulated, {times:,} times each, probabilities that are true: how often a rate of at "
            "most 10 % wrong answers is promised, how often the promise is false (at most 5 %), "
            "and how often moving away from the right threshold is advised.", "",
            markdown(["rows", "promised", "false promises", "false advice"], rows)]


def _real(splits: int, short: bool) -> list[str]:
    rows = []
    for name, target, model in _TABLES[:3] if short else _TABLES:
        found = [_split(name, target, model, seed) for seed in range(splits)]
        mean = {key: _mean([each[key] for each in found]) for key in found[0]}
        rows.append([name, f"{mean['wrong']:.1%}", f"{mean['ranks']:.3f}",
                     f"{mean['flagged']:.0%}", f"{mean['caught']:.0%}",
                     f"{mean['caught_fresh']:.0%}", f"{mean['below']:.0%}",
                     f"{mean['below_caught']:.0%}", f"{mean['asked']:.1%}",
                     f"{mean['answered']:.0%}", f"{mean['got']:.1%}", f"{mean['broken']:.0%}"])
    return [f"Real tables, {splits} splits each, at most {_ROWS:,} rows. The flag is the one that "
            "was chosen; what it said it catches, and what it caught of new rows. Below 0.6: the "
            "rule of thumb. Abstention is asked for half the error rate of all rows; a promise "
            "counts as broken where the rate of the new rows lies above it, their own chance "
            "included.", "",
            markdown(["table", "wrong", "AUROC of confidence", "flagged", "said to catch",
                      "caught", "flagged below 0.6", "caught", "asked", "answered", "wrong then",
                      "above what was asked"], rows)]


def _split(name: str, target: str, model: str, seed: int) -> dict[str, float]:
    frame = wf.read(str(next((data_folder() / name).glob("data.*")))).frame
    frame = frame.filter(pl.col(target).is_not_null()).sample(
        min(_ROWS, frame.height), seed=0, shuffle=True)
    order = np.random.default_rng(seed).permutation(frame.height)
    half, cut = frame.height // 2, frame.height * 3 // 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = wf.fit(frame[order[:half]], target=target, seed=seed, checks=False, folds=3,
                        models=[models.get(model)(**_QUICK[model])], choose="best")
        told, fresh = (_answers(result, frame[rows], target)
                       for rows in (order[half:cut], order[cut:]))
    known = confidence(*told)
    wrong, sure = fresh
    asked = _RATE * known.wrong
    point = known.abstain(asked) if asked else None
    kept = sure >= (point.least if point else math.inf)
    flag = known.chosen
    below = flag.below if flag else 0.0
    return {"wrong": known.wrong, "ranks": known.ranks,
            "flagged": flag.share if flag else math.nan,
            "caught": flag.caught if flag else math.nan,
            "caught_fresh": wrong[sure < below].sum() / max(wrong.sum(), 1),
            "below": float((sure < 0.6).mean()),
            "below_caught": wrong[sure < 0.6].sum() / max(wrong.sum(), 1), "asked": asked,
            "answered": float(kept.mean()),
            "got": float(wrong[kept].mean()) if kept.any() else math.nan,
            "broken": float(wrong[kept].mean() > asked) if kept.any() else math.nan}


def _mean(values: list[float]) -> float:
    """The mean of those that are known."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def _answers(result: Any, rows: pl.DataFrame, target: str) -> tuple[np.ndarray, np.ndarray]:
    """Whether each answer is wrong, and how sure it was."""
    said = result.predict_sure(rows, least=0.0)
    wrong = (said["prediction"].cast(pl.String) != rows[target].cast(pl.String)).to_numpy()
    return wrong.astype(float), said["confidence"].to_numpy()
