"""LIME: a small linear model that answers like the model around one row, or says that none does.

After Ribeiro, Singh & Guestrin (2016), otherwise in what is known to go wrong: points are made of
real rows instead of independent draws; the width of the kernel, and whether numbers are told as
bins or as slopes, are what answers best on points that were not learnt from; how faithful the
surrogate is, is measured on fresh points, with an interval, and where it is poor nothing is
explained; draws go on until the weights are stable from draw to draw, or are said not to be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.params import Params, param
from wholefit.base.seeds import generator
from wholefit.data import Dataset
from wholefit.evaluation import Score
from wholefit.explain import _plausible
from wholefit.explain._neighbourhood import FORMS, Around, Points
from wholefit.explain.local_explanations import LocalExplanations, Surrogate
from wholefit.explain.pool import Pool

_BATCHES, _MOST_BACKGROUND, _DRAWS = 4, 1000, 200
_WIDTHS = (0.35, 0.6, 1.0, 1.8)
_PENALTIES = (1e-8, 1e-3, 1e-2, 0.1)
_FLAT = 1e-12
_STEADY = 1e-4  # the least penalty that makes equations certain to be solvable


@dataclass(frozen=True)
class Options(Params):
    """How a local surrogate is fitted."""

    samples: int = param(500, "Points of a draw to begin with; four draws are compared.",
                         low=50, high=1_000_000)
    most: int = param(16_000, "Points altogether, at most.", low=200, high=10_000_000)
    least: float = param(0.5, "Fidelity (R2 on fresh points) below which nothing is explained.",
                         low=0, high=1)
    tolerance: float = param(0.1, "Standard error that a weight may have, as a share of the "
                             "largest.", above=0, high=1)
    features: int | None = param(None, "Columns to tell at most; all where None.", low=1,
                                 none=True)
    width: float | None = param(None, "Width of the kernel, as a mean distance of columns; chosen "
                                "by fidelity where None.", above=0, none=True)
    form: str = param("auto", "How numbers are told: as bins, as slopes, or as what is more "
                      "faithful.", choices=("auto", *FORMS))
    scale: str = param("probability", "What is explained of classes.",
                       choices=("probability", "log-odds"))
    seed: int = param(0, "Every random choice follows from it.", low=0)


def explain_rows(
    pool: Pool, rows: Sequence[int], background: Pool | Dataset, options: Options | dict[str, Any]
) -> LocalExplanations:
    """A surrogate for each of these rows of `pool`, around rows of `background`.

    Where none is faithful the row is told without one, and why.
    """
    chosen = options if isinstance(options, Options) else Options.from_dict(options)
    others = background.dataset if isinstance(background, Pool) else background
    if len(others) > _MOST_BACKGROUND:
        picked = generator(chosen.seed, "background").choice(
            len(others), _MOST_BACKGROUND, replace=False)
        others = others.take(np.sort(picked))
    every = _plausible.grounds(pool.fitted.schema, None, others)
    found = [surrogate(Around(pool, row, others, every, chosen.seed), chosen)
             for row in np.asarray(rows, dtype=np.intp).tolist()]
    classes = getattr(pool.fitted.codec, "classes", None)
    target = str(pool.fitted.schema.target)
    return LocalExplanations(
        target, pool.columns, (target,) if classes is None else tuple(map(str, classes)),
        "number" if classes is None else chosen.scale, len(others), tuple(found),
        pool.dataset.frame.select(pl.nth(range(len(pool.columns))))[list(rows)],
        tuple(int(row) for row in rows))


def surrogate(around: Around, options: Options) -> Surrogate:
    """The surrogate of one neighbourhood."""
    own = around.of(np.zeros((1, len(around.columns)), dtype=np.intp))
    main = _main(around, own.answer[0])
    batches = [_scaled(around.draw(options.samples, "learn", at), options)
               for at in range(_BATCHES)]
    checked = _scaled(around.draw(options.samples, "choose"), options)
    how = _chosen(batches, checked, main, options)
    spent = (_BATCHES + 1) * options.samples
    while True:
        whole = _joined(*batches)
        kept = _strongest(around, whole, how, main, options.features)
        fits = [_fit(batch, how, kept) for batch in batches]
        each = np.stack([_by_column(around, how.form, fit.weights) for fit in fits])
        errors = each.std(axis=0, ddof=1) / math.sqrt(_BATCHES)
        more = sum(len(batch.distance) for batch in batches)
        largest = np.abs(each.mean(axis=0)[:, main]).max(initial=0.0)
        stable = bool((errors[:, main] <= options.tolerance * max(largest, _FLAT)).all())
        if stable or spent + 2 * more > options.most:
            break
        batches = [_joined(batch, _scaled(around.draw(len(batch.distance), "more", spent, at),
                                          options)) for at, batch in enumerate(batches)]
        spent += more
    fit = _fit(whole, how, kept)
    fresh = _scaled(around.draw(max(options.samples, 1000), "fresh"), options)
    fidelity = _fidelity(fit, fresh, how, main, options.seed)
    return _told(around, own, fit, how, main, fidelity, errors, stable,
                 spent + len(fresh.distance), options)


# ---- the fit ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _How:
    form: str
    width: float
    penalty: float

    def weigh(self, points: Points) -> np.ndarray:
        """Kernel weights of points (n,)."""
        return np.exp(-((points.distance / self.width) ** 2))


@dataclass(frozen=True, eq=False)
class _Line:
    """A linear answer: `weights` (terms, outputs) and `start` (outputs,)."""

    weights: np.ndarray
    start: np.ndarray

    def answer(self, z: np.ndarray) -> np.ndarray:
        return z @ self.weights + self.start


def weighted_ridge(z: np.ndarray, y: np.ndarray, w: np.ndarray, penalty: float) -> _Line:
    """Weights of `z` (n, p) that answer `y` (n, outputs) with least squares weighed by `w` (n,).

    The penalty is relative to the spread of each term, and leaves the start alone.
    """
    total = w.sum()
    if not total > 0 or not z.shape[1]:
        start = y.mean(axis=0) if not total > 0 else (w @ y) / total
        return _Line(np.zeros((z.shape[1], y.shape[1])), start)
    centre, level = (w @ z) / total, (w @ y) / total
    root = np.sqrt(w / total)[:, None]
    X, t = (z - centre) * root, (y - level) * root
    spread = np.sqrt((X**2).sum(axis=0))
    live = spread > 1e-9
    X = X[:, live] / spread[live]
    gram = X.T @ X
    gram[np.diag_indices_from(gram)] += penalty
    found = np.zeros((z.shape[1], y.shape[1]))
    if penalty >= _STEADY:
        solved = np.linalg.solve(gram, X.T @ t)
    else:  # columns that are the same share their weight
        solved = np.linalg.lstsq(gram, X.T @ t, rcond=1e-12)[0]
    found[live] = solved / spread[live][:, None]
    return _Line(found, level - centre @ found)


def _fit(points: Points, how: _How, kept: np.ndarray | None) -> _Line:
    """The surrogate of the terms that are `kept` (terms,); of all where None."""
    z, w = points.z[how.form], how.weigh(points)
    if kept is None:
        return weighted_ridge(z, points.answer, w, how.penalty)
    few = weighted_ridge(z[:, kept], points.answer, w, how.penalty)
    weights = np.zeros((z.shape[1], points.answer.shape[1]))
    weights[kept] = few.weights
    return _Line(weights, few.start)


def _strongest(
    around: Around, points: Points, how: _How, main: int, count: int | None
) -> np.ndarray | None:
    """Terms of the `count` columns whose part of the surrogate varies most nearby; None for all.

    All columns are weighed together first: which of two that go together is taken then hangs less
    on the draw than in a path of the lasso.
    """
    if count is None:
        return None
    z, w = points.z[how.form], how.weigh(points)
    line = weighted_ridge(z, points.answer, w, how.penalty)
    owner = np.array([term.column for term in around.terms(how.form)], dtype=np.intp)
    spread = np.zeros(len(around.columns))
    for column in np.unique(owner).tolist():
        mine = z[:, owner == column] @ line.weights[owner == column, main]
        mean = w @ mine / max(w.sum(), _FLAT)
        spread[column] = w @ (mine - mean) ** 2
    return np.isin(owner, np.argsort(-spread, kind="stable")[:count])


def _chosen(batches: list[Points], checked: Points, main: int, options: Options) -> _How:
    """Form, width and penalty that answer best on points which were not learnt from."""
    usual = float(np.median(checked.distance)) or 1.0
    widths = [options.width] if options.width else [usual * factor for factor in _WIDTHS]
    forms = FORMS if options.form == "auto" else (options.form,)
    learnt = _joined(*batches)
    best, found = -math.inf, _How(forms[0], widths[-1], _PENALTIES[-1])
    for width in widths:
        for form in forms:
            for penalty in _PENALTIES:
                how = _How(form, width, penalty)
                w = how.weigh(learnt)
                if w.sum() ** 2 < 3 * learnt.z[form].shape[1] * (w @ w):
                    continue  # too few points within this width to weigh so many terms
                line = weighted_ridge(learnt.z[form], learnt.answer, w, penalty)
                score = r2(checked.answer[:, main], line.answer(checked.z[form])[:, main],
                           how.weigh(checked)[None])[0]
                if score > best + 1e-4:
                    best, found = score, how
    return found


def r2(truth: np.ndarray, answer: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted R2 for each row of `weights` (k, n); NaN where the truth does not vary."""
    total = weights.sum(axis=1)
    mean = weights @ truth / np.maximum(total, _FLAT)
    spread = weights @ truth**2 / np.maximum(total, _FLAT) - mean**2
    error = weights @ (truth - answer) ** 2 / np.maximum(total, _FLAT)
    flat = spread <= _FLAT * max(1.0, float(np.abs(truth).max(initial=0.0)) ** 2)
    return np.where(flat, np.nan, 1 - error / np.where(flat, 1.0, spread))


def _fidelity(line: _Line, fresh: Points, how: _How, main: int, seed: int) -> Score:
    """R2 on fresh points, with the 95% interval of the bootstrap over points."""
    truth = fresh.answer[:, main]
    answer, w = line.answer(fresh.z[how.form])[:, main], how.weigh(fresh)
    draws = generator(seed, "fidelity").multinomial(
        len(w), np.full(len(w), 1 / len(w)), _DRAWS) * w
    value = float(r2(truth, answer, w[None])[0])
    spread = r2(truth, answer, draws)
    low, high = (np.quantile(spread, [0.025, 0.975]) if np.isfinite(spread).all() else
                 (math.nan, math.nan))
    return Score("local R2", value, float(low), float(high), 0.95,
                 f"bootstrap of {len(w):,} fresh points, weighed by nearness", len(w))


# ---- what is told -----------------------------------------------------------------------


def _told(
    around: Around, own: Points, fit: _Line, how: _How, main: int, fidelity: Score,
    errors: np.ndarray, stable: bool, points: int, options: Options,
) -> Surrogate:
    z, typical = own.z[how.form][0], around.typical(how.form)
    columns = _by_column(around, how.form, fit.weights)
    refused = None
    if math.isnan(fidelity.value):
        # The answer does not move at all: every column adds nothing.
        columns, fit = np.zeros_like(columns), _Line(np.zeros_like(fit.weights), fit.start)
    elif fidelity.value < options.least:
        refused = (f"the model is not near-linear around this row: R2 {fidelity} is below "
                   f"{options.least:g}; see SHAP values or counterfactuals")
        columns = np.zeros_like(columns)
    answer = _scaled(own, options).answer[0]
    return Surrogate(
        columns, errors, fit.start + typical @ fit.weights if len(typical) else fit.start,
        fit.start + z @ fit.weights, answer, tuple(around.terms(how.form)), fit.weights, main,
        fidelity, how.width, how.form, how.penalty, points, stable, refused)


def _by_column(around: Around, form: str, weights: np.ndarray) -> np.ndarray:
    """What each column adds, compared with typical rows: (columns, outputs)."""
    own = around._z(form, np.zeros((1, len(around.columns)), dtype=np.intp))[0]
    added = (own - around.typical(form))[:, None] * weights
    owner = np.array([term.column for term in around.terms(form)], dtype=np.intp)
    found = np.zeros((len(around.columns), weights.shape[1]))
    np.add.at(found, owner, added)
    return found


def _main(around: Around, answer: np.ndarray) -> int:
    """The output that is explained: the positive of two classes, else the most probable."""
    if len(answer) == 2:
        return int(getattr(around.pool.fitted.codec, "positive", 1))
    return int(answer.argmax())


def _scaled(points: Points, options: Options) -> Points:
    """Answers on the scale that is explained."""
    if options.scale == "probability" or points.answer.shape[1] == 1:
        return points
    held = np.clip(points.answer, 1e-12, 1 - 1e-12)
    return Points(points.z, points.distance, np.log(held / (1 - held)))


def _joined(*parts: Points) -> Points:
    return Points({form: np.concatenate([part.z[form] for part in parts]) for form in parts[0].z},
                  np.concatenate([part.distance for part in parts]),
                  np.concatenate([part.answer for part in parts]))
