"""Sampled Shapley values: random orders beside kernel regression, at equal numbers of questions.

The truth is a run of many more orders. Kernel regression (KernelSHAP; Lundberg and Lee 2017) draws
sets of columns in pairs with their complements (Covert and Lee 2021), asks each against the whole
background, and solves for values that add up.
"""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks import _tools
from wholefit.api import _answers
from wholefit.data import bundled
from wholefit.explain import sampling
from wholefit.explain.background import joined
from wholefit.explain.pool import Pool

ROWS, BACKGROUND = 5, 40


def table(peer: str | None, short: bool) -> list[str]:
    """The lines of this part."""
    models, seeds = (("svc",), 3) if short else (("svc", "knn", "voting", "random_forest"), 20)
    lines = []
    for model in models:
        pool = _pool(model)
        rows, back = np.arange(ROWS), np.arange(ROWS, ROWS + BACKGROUND)
        truth = sampling.sampled(pool, rows, back, evaluations=40_000 if short else 400_000,
                                 precision=0, seed=1_000_003)
        for asked in (3_200, 12_800):
            lines.append([model, f"{asked:,}", *_errors(pool, rows, back, truth, asked, seeds)])
    return [
        "Root mean squared error of contributions in probability, telco_churn (19 columns), "
        f"{ROWS} rows, {BACKGROUND} background rows, {seeds} seeds. The truth is a run of many "
        "more orders. Coverage: how often the 95 % interval of orders holds it.", "",
        _tools.markdown(["model", "questions a row", "random orders", "kernel regression",
                         "kernel / orders", "coverage"], lines)]


def _errors(
    pool: Pool, rows: np.ndarray, back: np.ndarray, truth: sampling.Sampled, asked: int, seeds: int
) -> list[str]:
    ours, theirs, held = [], [], []
    for seed in range(seeds):
        found = sampling.sampled(pool, rows, back, evaluations=asked, precision=0, seed=seed)
        off = found.values - truth.values
        ours.append(np.mean(off ** 2))
        held.append(np.mean(np.abs(off) <= 1.96 * np.hypot(found.errors, truth.errors)))
        other = np.stack([kernel(pool, int(row), back, asked, seed) for row in rows])
        theirs.append(np.mean((other - truth.values) ** 2))
    a, b = np.sqrt(np.mean(ours)), np.sqrt(np.mean(theirs))
    return [f"{a:.2e}", f"{b:.2e}", f"{b / a:.2f}", f"{np.mean(held):.3f}"]


def kernel(pool: Pool, row: int, back: np.ndarray, asked: int, seed: int) -> np.ndarray:
    """Contributions (columns, outputs) by weighted least squares over sets of columns."""
    count, rng = len(pool.columns), np.random.default_rng(seed)
    sizes = np.arange(1, count)
    weight = 1 / (sizes * (count - sizes))
    drawn = rng.choice(sizes, asked // (2 * len(back)), p=weight / weight.sum())
    sets = rng.permuted(np.tile(np.arange(count), (len(drawn), 1)), axis=1) < drawn[:, None]
    sets = np.concatenate([sets, ~sets])
    start, end = pool.answer(pool.own(back)).mean(axis=0), pool.answer(pool.own(np.array([row])))[0]
    take = np.where(np.repeat(sets, len(back), axis=0), row, np.tile(back, len(sets))[:, None])
    worth = pool.answer(take).reshape(len(sets), len(back), -1).mean(axis=1) - start
    design = sets[:, :-1].astype(float) - sets[:, -1:]
    whole = end - start
    found = np.linalg.lstsq(design, worth - sets[:, -1:] * whole, rcond=None)[0]
    return np.concatenate([found, (whole - found.sum(axis=0))[None]])


def _pool(model: str) -> Pool:
    frame = pl.read_csv(bundled.path("telco_churn"), null_values="NA", infer_schema_length=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = wf.fit(frame.head(1000), target="churn", models=[model], choose="best", folds=2,
                        jobs=1, metric="roc_auc")
    asked, others = (_answers.dataset(result._fitted, part, {}) for part in
                     (frame[1000:1000 + ROWS], frame[2000:2000 + BACKGROUND]))
    return Pool(result._fitted, joined(asked, others))
