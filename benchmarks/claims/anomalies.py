"""Claims about anomaly detection: isolation paths, reconstruction errors, automatic thresholds."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.claims._claim import FALSE, PARTLY, TRUE, Finding, claim
from wholefit import models
from wholefit.base import tasks
from wholefit.evaluation import anomaly
from wholefit.models import Context


def _ranked(name: str, X: np.ndarray, truth: np.ndarray) -> str:
    """AUROC with its interval of a detector fitted on all rows without their labels."""
    return str(anomaly.ranked(truth, _scores(name, X))["roc_auc"])


def _scores(name: str, X: np.ndarray, asked: np.ndarray | None = None) -> np.ndarray:
    task, context = tasks.get("anomaly"), Context(*X.shape, seed=0)
    model = models.make(name)
    state = model.state(model.build(task, context).fit(X), task, context)
    return models.scorer(state).answer(X if asked is None else asked)


def _planted(rows: int = 2000, odd: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Five correlated numbers, and rows whose numbers lie as far out but do not belong together."""
    random = np.random.default_rng(0)
    X = random.normal(size=(rows, 1)) + 0.3 * random.normal(size=(rows, 5))
    X[:odd] = random.choice([-3.0, 3.0], (odd, 5)) + 0.3 * random.normal(size=(odd, 5))
    return X, (np.arange(rows) < odd).astype(int)


@claim("BEN-05", "Anomalies have shorter isolation paths than usual rows",
       "2,000 rows of five correlated numbers, 20 planted that break the correlation; mean path "
       "of 100 trees, in units of the usual path")
def paths() -> Finding:
    X, truth = _planted()
    paths = -np.log2(_scores("isolation_forest", X))
    odd, usual = float(paths[truth == 1].mean()), float(paths[truth == 0].mean())
    shorter = float((paths[truth == 1] < np.quantile(paths[truth == 0], 0.05)).mean())
    said = (f"mean path {odd:.2f} of planted rows, {usual:.2f} of the others; AUROC "
            f"{_ranked('isolation_forest', X, truth)}; {shorter:.0%} of the planted rows have a "
            "path shorter than 95 % of the others")
    return said, TRUE if odd < usual and shorter > 0.5 else (
        PARTLY + ": on the mean; many are as long" if odd < usual else FALSE)


@claim("BEN-06", "Anomalies have a higher reconstruction error, and those above the 95th "
       "percentile of the training rows are the anomalies",
       "the same rows with 1 % and with none planted, standardised, linear output; the share that "
       "the 95th percentile of the rows learnt from flags, and AUROC")
def reconstruction() -> Finding:
    X, truth = _planted()
    clean = X[truth == 0]
    flags = []
    for rows in (X, clean):
        scores = _scores("autoencoder_outliers", rows)
        flags.append(float((scores > np.quantile(scores, 0.95)).mean()))
    scores = _scores("autoencoder_outliers", X)
    flagged = scores > np.quantile(scores, 0.95)
    area = _ranked("autoencoder_outliers", X, truth)
    said = (f"AUROC {area}; flagged {flags[0]:.1%} of the rows "
            f"with 1 % planted (of these alarms {truth[flagged].mean():.0%} are planted) and "
            f"{flags[1]:.1%} of rows with none")
    return said, PARTLY + ": the error is higher; the percentile flags 5 % of anything"


@claim("BEN-52", "An isolation forest with its automatic threshold detects intrusions by itself",
       "kddcup_imbalanced, five sets, all rows fitted on: AUROC, precision of the alarms at "
       "scikit-learn's automatic threshold (score 0.5), and of as many alarms as there are "
       "attacks; the same threshold on 100 rows of five independent normal numbers",
       data="kddcup_imbalanced")
def automatic() -> Finding:
    whole = pl.read_parquet(Path(os.environ["WHOLEFIT_DATA"]) / "kddcup_imbalanced"
                            / "data.parquet")
    areas, auto, rates, known = [], [], [], []
    for _, part in whole.group_by("set", maintain_order=True):
        truth = (part.get_column("Class").str.strip_chars() == "positive").to_numpy()
        X = part.drop("Class", "set").select(pl.selectors.numeric()).to_numpy().astype(float)
        scores = _scores("isolation_forest", X)
        areas.append(anomaly.ranked(truth, scores)["roc_auc"].value)
        alarms = scores > 0.5
        rates.append(alarms.mean())
        auto.append(truth[alarms].mean() if alarms.any() else 0.0)
        known.append(truth[np.argsort(-scores)[:truth.sum()]].mean())
    noise = np.random.default_rng(0).normal(size=(100, 5))
    false = float((_scores("isolation_forest", noise) > 0.5).mean())
    said = (f"AUROC {min(areas):.3f} to {max(areas):.3f}; the automatic threshold alarms on "
            f"{min(rates):.0%} to {max(rates):.0%} of the rows, {min(auto):.0%} to {max(auto):.0%} "
            f"of the alarms right; with as many alarms as attacks {min(known):.0%} to "
            f"{max(known):.0%} right; on noise it alarms on {false:.0%} of the rows")
    return said, PARTLY + ": it ranks well; its automatic threshold knows no alert budget"
