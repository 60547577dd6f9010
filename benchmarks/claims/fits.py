"""Claims about what models do with few rows, many columns, curves and noise."""

from __future__ import annotations

from typing import Any

import numpy as np

import wholefit as wf
from benchmarks.claims._claim import (
    FALSE,
    PARTLY,
    TRUE,
    Finding,
    accuracy,
    claim,
    compared,
    example,
    fitted,
    rmse,
    shown,
    table,
)
from benchmarks.claims.families import _tables

PENALTIES = {"ridge": (0.1, 1, 10, 100), "lasso": (0.003, 0.01, 0.03, 0.1),
             "elastic_net": (0.003, 0.01, 0.03, 0.1)}


@claim("B45", "On 1,000 x 20 made-up rows the forest beats the RBF machine (0.900, 0.845)",
       "the same rows, five folds, paired")
def forest_or_machine() -> Finding:
    from sklearn.datasets import make_classification

    X, y = make_classification(n_samples=1000, n_features=20, n_classes=2, random_state=42)
    forest, machine = compared(table(X, y), "y", ["random_forest", "svc"], metric="accuracy")
    said = f"{shown(forest, 'accuracy')}, {shown(machine, 'accuracy')}"
    return said, TRUE if not machine.tied and not machine.best else FALSE


@claim("B47, AR13", "Ridge, lasso and elastic net generalise better than least squares; elastic "
       "net where features correlate",
       "40 features in 8 correlated groups, 2 groups matter; 30 draws, strength chosen on fresh "
       "rows, error on 2,000 others; noise is 1")
def penalties() -> Finding:
    few, many = _penalised(60, 30), _penalised(2000, 5)
    said = "; ".join(f"{n} rows: " + ", ".join(f"{k} {v:.2f}" for k, v in errors.items())
                     for n, errors in ((60, few), (2000, many)))
    helps = all(few[name] < few["linear"] for name in PENALTIES)
    best = min(few, key=few.__getitem__)
    small = min(many.values()) > 0.98 * many["linear"]
    if not helps:
        return said, FALSE
    return said, (TRUE if not small and best == "elastic_net" else
                  f"{PARTLY}: with few rows, not with many; least error here: {best}")


def _penalised(rows: int, draws: int) -> dict[str, float]:
    found: dict[str, list[float]] = {"linear": [], **{name: [] for name in PENALTIES}}
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        (X, y), (X2, y2), (X3, y3) = (_grouped(rng, n) for n in (rows, 500, 2000))
        found["linear"].append(rmse(y3, fitted("linear", X, y)(X3)))
        for name, strengths in PENALTIES.items():
            made = [fitted(f"{name}(alpha={alpha})", X, y) for alpha in strengths]
            chosen = min(made, key=lambda model: rmse(y2, model(X2)))
            found[name].append(rmse(y3, chosen(X3)))
    return {name: float(np.mean(values)) for name, values in found.items()}


def _grouped(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Eight groups of five features that correlate by 0.9; two groups matter."""
    shared = np.repeat(rng.normal(size=(n, 8)), 5, axis=1)
    X = np.sqrt(0.9) * shared + np.sqrt(0.1) * rng.normal(size=(n, 40))
    return X, X[:, :10].sum(axis=1) * 0.4 + rng.normal(size=n)


@claim("B48", "A polynomial's degree captures curves, and can overfit",
       "a sine at 15 points, noise 0.2; error at 1,000 others, mean of 50 draws")
def degrees() -> Finding:
    errors = {degree: np.mean([_degree(seed, degree) for seed in range(50)], axis=0)
              for degree in (1, 3, 5, 8, 11)}
    said = ", ".join(f"degree {d}: {own:.2f} on its own rows, {other:.2f} on others"
                     for d, (own, other) in errors.items())
    best = min(errors, key=lambda degree: errors[degree][1])
    return said, TRUE if 1 < best < 11 else FALSE


def _degree(seed: int, degree: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    x, new = rng.uniform(-1, 1, 15), np.linspace(-1, 1, 1000)
    y = np.sin(3 * x) + rng.normal(0, 0.2, 15)
    powers = np.polynomial.chebyshev.chebvander
    model = fitted("linear", powers(x, degree)[:, 1:], y)
    return (rmse(y, model(powers(x, degree)[:, 1:])),
            min(rmse(np.sin(3 * new), model(powers(new, degree)[:, 1:])), 100.0))


@claim("B49", "Support vector machines are effective in high dimensions",
       "100 rows; accuracy on 2,000 others, mean of 5 draws; 10 of p features matter, or "
       "(spread) all p a little")
def dimensions() -> Finding:
    names = ("linear_svm", "svc", "logistic", "random_forest(n_estimators=100)", "knn")
    worlds = ((10, False), (100, False), (1000, False), (1000, True))
    found = {world: {name.partition("(")[0]: np.mean([_high(*world, name, seed)
                                                      for seed in range(5)])
                     for name in names} for world in worlds}
    said = "; ".join(f"p={p}{' spread' * spread}: " + ", ".join(
        f"{name} {value:.2f}" for name, value in row.items()) for (p, spread), row in found.items())
    wide = found[1000, True]
    svm, other = max(wide["linear_svm"], wide["svc"]), max(wide["logistic"], wide["random_forest"])
    if svm > other + 0.02:
        return said, TRUE
    return said, (f"{PARTLY}: better than neighbours, not than logistic regression with the same "
                  "penalty" if svm > wide["knn"] else FALSE)


def _high(p: int, spread: bool, name: str, seed: int) -> float:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(2100, p))
    if spread:  # two clouds whose middles are 6 standard deviations apart, in all columns at once
        y = rng.integers(0, 2, 2100)
        X += y[:, None] * rng.choice([-6, 6], p) / np.sqrt(p)
    else:
        y = (X[:, :10].sum(axis=1) + rng.normal(size=2100) > 0).astype(int)
    return accuracy(y[100:], fitted(name, X[:100], y[:100], seed)(X[100:]))


@claim("B54", "Randomised search is quicker than a grid, and near as good",
       "a tree on at most 2,000 rows of five tables: all 36 combinations of three settings, "
       "against 12 draws of the same ranges, five seeds; three folds; log loss by folds that did "
       "not choose, as a ratio to the grid's; trials stand for time")
def fewer_trials() -> Finding:
    found = {name: _drawn_to_grid(source, target) for name, (source, target) in _tables().items()}
    said = "12 trials for 36; " + "; ".join(
        f"{name} {np.mean(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
        for name, ratios in found.items())
    means = [float(np.mean(ratios)) for ratios in found.values()]
    near = sum(mean < 1.05 for mean in means)
    if near == len(means):
        return said, TRUE
    return said, f"{PARTLY}: within 5 % in the mean on {near} of {len(means)}"


def _drawn_to_grid(source: Any, target: str) -> list[float]:
    words: dict[str, Any] = {"target": target, "models": "decision_tree", "folds": 3, "jobs": 1,
                             "checks": False, "metric": "log_loss"}
    grid = wf.tune(source, **words, strategy="grid", space={
        "max_depth": [2, 4, 7, 12], "min_samples_leaf": [5, 30, 150],
        "ccp_alpha": [0.0, 0.002, 0.01]}).study
    drawn = [wf.tune(source, **words, seed=seed, budget="12 trials", space={
        "max_depth": (2, 12), "min_samples_leaf": (5, 150), "ccp_alpha": (0.0, 0.01)}).study
        for seed in range(5)]
    return [study.score / grid.score for study in drawn]


@claim("B57", "A gap between training and cross-validated score shows overfitting",
       "telco churn: a full tree and one of depth 4")
def gaps() -> Finding:
    from wholefit.data import bundled

    trees = ("decision_tree(max_depth=None)", "decision_tree(max_depth=4)")
    others = compared(bundled.path("telco_churn"), "churn", trees, metric="accuracy")
    own = [_own_accuracy(tree) for tree in trees]
    said = "; ".join(f"{name}: {mine:.3f} on its own rows, {entry.scores['accuracy']} on others"
                     for name, mine, entry in zip(("full", "depth 4"), own, others, strict=True))
    gap = [mine - entry.scores["accuracy"].value
           for mine, entry in zip(own, others, strict=True)]
    return said, TRUE if gap[0] > 0.1 > 0.02 > gap[1] else FALSE


def _own_accuracy(tree: str) -> float:
    from wholefit import data, models
    from wholefit.base import tasks
    from wholefit.data import bundled
    from wholefit.training import fit_plain

    dataset = data.load(bundled.path("telco_churn"), target="churn")
    made = fit_plain(dataset, tasks.get("classification"), models.make(tree))
    return accuracy(dataset.target(made.codec), made.answer(dataset))


@claim("B58", "Underfit: both errors stay high, however many rows",
       "a parabola, noise 0.3, fitted by a line and by a parabola")
def underfit() -> Finding:
    errors = {(n, d): _parabola(n, d) for n in (30, 300, 10_000) for d in (1, 2)}
    said = "; ".join(f"{n:,} rows: line {errors[n, 1][0]:.2f} own, {errors[n, 1][1]:.2f} others, "
                     f"parabola {errors[n, 2][1]:.2f} others" for n in (30, 300, 10_000))
    line, curve = errors[10_000, 1], errors[10_000, 2]
    return said, TRUE if min(line) > 2 * curve[1] else FALSE


def _parabola(n: int, degree: int) -> tuple[float, float]:
    rng = np.random.default_rng(n)
    x, new = rng.uniform(-2, 2, n), rng.uniform(-2, 2, 5000)
    y, truth = (values**2 + rng.normal(0, 0.3, len(values)) for values in (x, new))
    powers = [np.vander(values, degree + 1)[:, :-1] for values in (x, new)]
    model = fitted("linear", powers[0], y)
    return rmse(y, model(powers[0])), rmse(truth, model(powers[1]))


@claim("B72", "Incremental updates come near to batch training", "examples/incremental.py")
def incremental() -> Finding:
    n = example("incremental")
    said = (f"auc on held-out rows {n['auc on held-out rows, batch by batch']:.3f} batch by batch, "
            f"{n['auc on held-out rows, fitted at once']:.3f} at once")
    return said, TRUE if abs(n["apart by"]) < 0.02 else FALSE


@claim("B77", "The toy predictions", "examples/toys.py")
def toys() -> Finding:
    n = example("toys")
    wanted = {"marks": 86.53, "salary": 44.34, "price at 5 (ridge)": 4.10, "chance": 0.402,
              "vehicle": 0, "side": 0, "five": 0, "one defect": 1, "class of [1.5": 1}
    found = [next(v for k, v in n.items() if k.startswith(start)) for start in wanted]
    said = ", ".join(f"{value:.4g}" for value in found)
    right = all(abs(a - b) <= 0.006 for a, b in zip(found, wanted.values(), strict=True))
    return said, TRUE if right else FALSE
