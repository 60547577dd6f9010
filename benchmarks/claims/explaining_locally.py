"""Claims about local surrogates: how far a weighted sum answers like the model around a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks.claims._claim import FALSE, PARTLY, TRUE, Finding, claim
from wholefit.data import bundled


@claim("B69", "LIME's local surrogate is faithful to the model",
       "iris (a forest of 100 trees, as in the sources), credit_data and telco_churn (a forest, "
       "boosted trees, logistic regression), 30 new rows each: R2 of the surrogate on fresh points "
       "of its own neighbourhood, at a fixed wide kernel with bins, as in the original, and at the "
       "width and form chosen by fidelity")
def faithful() -> Finding:
    fixed: list[float] = []
    chosen: list[float] = []
    for train, new, target, model in _cases():
        result = wf.fit(train, target=target, models=[model], choose="best", folds=2, jobs=1)
        for found, how in ((fixed, {"width": 1.5, "form": "bins"}), (chosen, {})):
            told = result.explain(new[:30], method="lime", background=train, compared=1000,
                                  **how)
            found += [score.value for score in told.fidelity if np.isfinite(score.value)]
    wide, best = np.array(fixed), np.array(chosen)
    poor = float((best < 0.5).mean())
    said = (f"{len(best)} rows; fixed: median R2 {np.median(wide):.2f}, "
            f"{(wide < 0.5).mean():.0%} of the rows below 0.5, {(wide >= 0.9).mean():.0%} at 0.9 "
            f"or above; chosen: median {np.median(best):.2f}, {poor:.0%} below 0.5, "
            f"{(best >= 0.9).mean():.0%} at 0.9 or above")
    if poor < 0.01 and np.median(best) > 0.9:
        return said, TRUE
    if poor > 0.5:
        return said, FALSE
    return said, PARTLY + ": it depends on the row; measured for each, and refused where poor"


def _cases() -> list[tuple[pl.DataFrame, pl.DataFrame, str, str]]:
    """Training rows, new rows, target, model."""
    from sklearn.datasets import load_iris

    iris: Any = load_iris()
    flowers = pl.DataFrame({name: iris.data[:, at] for at, name in enumerate(iris.feature_names)})
    flowers = flowers.with_columns(species=pl.Series([f"k{code}" for code in iris.target]))
    flowers = flowers[np.random.default_rng(42).permutation(150)]
    cases = [(flowers[:120], flowers[120:], "species", "random_forest(n_estimators=100)")]
    for name, target in (("credit_data", "Status"), ("telco_churn", "churn")):
        frame = pl.read_csv(bundled.path(name), null_values="NA", infer_schema_length=None)
        cases += [(frame[:2000], frame[2000:], target, model)
                  for model in ("random_forest", "hist_gradient_boosting", "logistic")]
    return cases
