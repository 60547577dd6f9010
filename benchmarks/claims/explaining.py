"""Claims about why a model answers as it does."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks.claims._claim import FALSE, PARTLY, TRUE, Finding, claim, example
from wholefit.data import bundled

_MODELS = ("random_forest", "hist_gradient_boosting", "logistic", "knn", "svc")


@claim("B68", "SHAP values add up to the prediction",
       "five models on telco_churn, 20 new rows each; examples/why.py: log-odds, shared credit")
def add_up() -> Finding:
    off, scales = {}, set()
    for name in _MODELS:
        result, new = _churn(name)
        found = result.explain(new.head(20), evaluations=4000)
        wanted = _on_scale(found.told, found.scale)
        off[name] = float(np.abs(found.base + found.values.sum(axis=1) - wanted).max())
        scales.add(found.scale)
    n = example("why")
    said = (f"largest gap {max(off.values()):.0e} over {', '.join(off)}, each on its own scale "
            f"({' or '.join(sorted(scales))}); of two columns that matter and ten mixtures of "
            f"them, the two got {n['share of the two that matter']:.0%} of the credit, eight "
            f"columns of noise {n['share of the credit that noise got']:.0%}")
    if max(off.values()) > 1e-6:
        return said, FALSE
    return said, TRUE + ": on the scale that is summed; the credit is the model's, not the world's"


@claim("BEN-39", "LIME and SHAP give each feature's contribution to a prediction",
       "telco_churn, 20 new rows: do contributions add up, agree in order, and what do they cost")
def two_methods() -> Finding:
    parts, gaps = [], []
    for name in ("random_forest", "logistic"):
        result, new = _churn(name)
        shap, shap_seconds = _timed(result, new.head(20), "sampling")
        lime, lime_seconds = _timed(result, new.head(20), "lime")
        told = [at for at, why in enumerate(lime.refused) if why is None]
        yes = lime.outputs.index("Yes")
        ranks = [_rank_correlation(shap.values[at, :, 0], lime.values[at, :, yes]) for at in told]
        off = [abs(float(each.local[yes] - each.answer[yes])) for each in lime.surrogates]
        gap = float(np.abs(shap.base + shap.values.sum(axis=1) - shap.told).max())
        gaps.append((gap, max(off)))
        parts.append(f"{name}: SHAP values (sampled) miss the answer by at most {gap:.0e}, "
                     f"{shap_seconds:.2f} s a row; LIME by up to {max(off):.2f}, "
                     f"{lime_seconds:.2f} s a row, faithful enough to be told for {len(told)} of "
                     f"20 rows; rank correlation of their contributions {np.median(ranks):.2f}")
    whole = all(shap < 1e-6 for shap, _ in gaps)
    local = all(lime < 1e-6 for _, lime in gaps)
    if whole and local:
        return "; ".join(parts), TRUE
    return "; ".join(parts), (
        PARTLY + ": SHAP values add up to the answer; a local surrogate comes near it"
        if whole else FALSE)


def _churn(name: str) -> tuple[wf.Result, pl.DataFrame]:
    frame = pl.read_csv(bundled.path("telco_churn"), null_values="NA", infer_schema_length=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wf.fit(frame.head(2000), target="churn", models=[name], choose="best", folds=2,
                      jobs=1, metric="roc_auc"), frame[2000:]


def _on_scale(probability: np.ndarray, scale: str) -> np.ndarray:
    return np.log(probability / (1 - probability)) if scale == "log-odds" else probability


def _timed(result: wf.Result, rows: pl.DataFrame, method: str) -> tuple[Any, float]:
    start = time.perf_counter()
    found = result.explain(rows, method=method)
    return found, (time.perf_counter() - start) / len(rows)


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    ranks = [np.argsort(np.argsort(each)) for each in (a, b)]
    return float(np.corrcoef(*ranks)[0, 1])
