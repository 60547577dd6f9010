"""Claims about how models are scored and split."""

from __future__ import annotations

import numpy as np

from benchmarks.claims._claim import FALSE, PARTLY, TRUE, Finding, accuracy, claim, example, fitted
from wholefit import data
from wholefit.data import splits


@claim("B44", "A random forest classifies iris (70/30, one accuracy printed)",
       "examples/iris.py: ten seeds, and cross-validation")
def iris() -> Finding:
    n = example("iris")
    worst, best = n["worst of ten held-out scores"], n["best of ten held-out scores"]
    said = (f"{worst:.3f} to {best:.3f} over ten seeds; cross-validated {n['cross-validated']:.3f} "
            f"[{n['low']:.3f}, {n['high']:.3f}]")
    return said, PARTLY + ": the printed number is one draw of a wide range"


@claim("B46", "Gradient boosting (rate 1.0, depth 1) scored on its training data",
       "examples/own_training_score.py")
def own_training_score() -> Finding:
    n = example("own_training_score")
    own, other = n["on its own training rows"], n["cross-validated"]
    said = f"{own:.3f} on its own rows, {other:.3f} [{n['low']:.3f}, {n['high']:.3f}] on others"
    return said, (f"{FALSE}: flattered by {100 * (own - other):.0f} points"
                  if own > n["high"] else TRUE)


@claim("B59", "Random splits vary without a seed", "examples/seeds.py: 100 seeds, 1,000 rows")
def seeds() -> Finding:
    n = example("seeds")
    said = (f"accuracy {n['lowest of 100 seeds']:.3f} to {n['highest of 100 seeds']:.3f}; the "
            f"interval held the mean {n['intervals that hold the mean, in 100']:.0f} times in 100")
    return said, TRUE + ": a seed only hides the spread, an interval shows it"


@claim("B60", "20 % of all, then 25 % of the rest, gives 60/20/20", "splits.three_way, 1,000 rows")
def three_way() -> Finding:
    rng = np.random.default_rng(0)
    dataset = data.load({"x": rng.normal(size=1000), "y": rng.normal(size=1000)}, target="y")
    parts = splits.three_way(dataset, np.zeros(1000), validation=0.2, test=0.2, seed=42)
    sizes = [len(parts.train), len(parts.validation), len(parts.test)]
    apart = len({*parts.train, *parts.validation, *parts.test}) == 1000
    return "/".join(map(str, sizes)), TRUE if sizes == [600, 200, 200] and apart else FALSE


@claim("AR9, B55", "Accuracy misleads under imbalance; SMOTE, NearMiss, weights, costs help recall",
       "examples/imbalance.py: 1,000 made-up rows (300 held out) and 9,857 loans, 5 % rare in both",
       data="lending_club/data.csv.gz")
def imbalance() -> Finding:
    n = example("imbalance")
    small = ", ".join(f"{name} {n[f'precision of {name}']:.2f}/{n[f'recall of {name}']:.2f}"
                      for name in ("plain", "smote", "near_miss", "weights", "svc, 1:50"))
    said = (
        f"precision/recall on 300 rows: {small}. Loans: accuracy of the baseline "
        f"{n['accuracy of the baseline']:.3f}, of logistic {n['accuracy of logistic']:.3f} with "
        f"recall {n['recall of logistic']:.3f}; weights: recall "
        f"{n['recall of logistic, weights']:.2f}, precision "
        f"{n['precision of logistic, weights']:.3f}; a threshold alone: recall "
        f"{n['recall of logistic, at a threshold']:.2f}, precision "
        f"{n['precision of logistic, at a threshold']:.3f}; of weights, SMOTE and NearMiss "
        f"{n['treatments that rank better']:.0f} rank the loans better than doing nothing, "
        f"{n['treatments that rank worse']:.0f} worse")
    helps = all(n[f"recall of {name}"] > n["recall of plain"] > 0
                and n[f"precision of {name}"] < n["precision of plain"]
                for name in ("smote", "near_miss", "weights", "svc, 1:50"))
    if not helps:
        return said, FALSE
    return said, TRUE if n["treatments that rank better"] else (
        PARTLY + ": recall rises as precision falls; a moved threshold does as much")


@claim("AR12", "Hold-out is risky when rows are few",
       "two clouds; spread (standard deviation) of accuracy on 20 % held out, 60 draws")
def few_rows() -> Finding:
    spread = {n: _spread(n) for n in (100, 1000, 10_000)}
    said = ", ".join(f"{value:.3f} at {n:,} rows" for n, value in spread.items())
    return said, TRUE if spread[100] > 2 * spread[1000] else FALSE


def _spread(n: int) -> float:
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X, y = _clouds(rng, n)
        cut = int(n * 0.8)
        found.append(accuracy(y[cut:], fitted("gaussian_nb", X[:cut], y[:cut])(X[cut:])))
    return float(np.std(found))


def _clouds(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    y = rng.integers(0, 2, n)
    return rng.normal(size=(n, 3)) + y[:, None], y


@claim("AR12, stratify", "Stratify when classes are imbalanced",
       "200 rows, 5 % positive; positives among 40 held out, 200 seeds")
def stratify() -> Finding:
    y = np.arange(200) < 10
    dataset = data.load({"x": np.random.default_rng(0).normal(size=200), "y": y}, target="y")
    codes = y.astype(np.int32)

    def counts(stratified: bool) -> list[int]:
        plans = (splits.holdout(dataset, codes, test=0.2, seed=seed, stratify=stratified)
                 for seed in range(200))
        return [int(codes[plan.folds[0][1]].sum()) for plan in plans]

    free, tied = counts(False), counts(True)
    said = (f"{min(free)} to {max(free)} positives drawn freely ({free.count(0)} draws of 200 "
            f"without any), {min(tied)} to {max(tied)} stratified")
    return said, TRUE if max(free) - min(free) > max(tied) - min(tied) else FALSE


@claim("AR12, shuffle", "Shuffle when rows are ordered",
       "iris lies in order of species, 3 folds; and examples/demand.py, in order of time",
       data="metro_traffic/data.parquet")
def shuffle() -> Finding:
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    in_order = _folds(X, y, np.arange(len(y)))
    shuffled = _folds(X, y, np.random.default_rng(0).permutation(len(y)))
    traffic = example("demand")
    said = (f"iris: accuracy {in_order:.2f} in order, {shuffled:.2f} shuffled; traffic: shuffling "
            f"flatters by {traffic['flattered by, in %']:.0f} %")
    return said, PARTLY + ": right for rows without a past, wrong for time"


def _folds(X: np.ndarray, y: np.ndarray, order: np.ndarray) -> float:
    found = []
    for test in np.array_split(order, 3):
        train = np.setdiff1d(order, test)
        classes, codes = np.unique(y[train], return_inverse=True)
        answer = fitted("logistic", X[train], codes)(X[test])
        found.append(float((classes[answer.argmax(axis=1)] == y[test]).mean()))
    return float(np.mean(found))
