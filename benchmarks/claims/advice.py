"""Rules of thumb, each put to an experiment before `result.advice()` may say it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import wholefit as wf
from benchmarks.claims._claim import FALSE, PARTLY, TRUE, Finding, claim, fitted, rmse, table
from benchmarks.claims.families import _tables

Array = np.ndarray


# ---- search -------------------------------------------------------------------------------


@claim("AR7", "Grid search where parameters are few and precision matters; random search for "
       "large spaces and for speed",
       "64 trials on 2,000 made-up landscapes (a bowl with its bottom anywhere) of 1 to 6 "
       "parameters, of which some matter")
def grid_or_random() -> Finding:
    rng = np.random.default_rng(0)
    said, wins = [], {}
    for size, matter in ((1, 1), (2, 2), (3, 1), (3, 3), (6, 1), (6, 2)):
        grid = _regret(size, matter, rng, grid=True)
        random = _regret(size, matter, rng, grid=False)
        wins[size, matter] = random < grid
        said.append(f"{size} of which {matter} matter: grid {grid:.4f}, random {random:.4f}")
    few = not wins[1, 1] and not wins[2, 2]
    many = wins[3, 1] and wins[6, 1] and wins[6, 2]
    told = "loss above the best, mean: " + "; ".join(said)
    if few and many:
        return told, TRUE + ": the turn is at three parameters, of which few matter"
    return told, PARTLY + f": grid wins with few {few}, random with many {many}"


def _regret(size: int, matter: int, rng: np.random.Generator, grid: bool) -> float:
    """Mean loss above the best of 64 trials; the loss is quadratic around a random best place."""
    draws, trials = 2_000, 64
    steps = round(trials ** (1 / size))
    axis = (np.arange(steps) + 0.5) / steps
    best = rng.random((draws, matter))
    if grid:
        # What a grid gives in each parameter that matters is its nearest step.
        near = np.abs(best[:, :, None] - axis).min(axis=2)
        return float((near**2).sum(axis=1).mean())
    tried = rng.random((draws, trials, matter))
    return float(((tried - best[:, None, :])**2).sum(axis=2).min(axis=1).mean())


# ---- rows and folds -----------------------------------------------------------------------


@claim("AR12, repeats", "Repeat cross-validation where rows are few",
       "two clouds; spread (standard deviation over 20 seeds) of five-fold accuracy, once and "
       "repeated five times, beside the spread over fresh rows")
def repeats() -> Finding:
    said, gained = [], {}
    for n in (60, 200, 1_000):
        once, five, fresh = _cv_spread(n, 1), _cv_spread(n, 5), _cv_spread(n, 1, fresh=True)
        gained[n] = (once, five, fresh)
        said.append(f"{n:,} rows: {once:.4f} once, {five:.4f} repeated, {fresh:.4f} over fresh "
                    "rows")
    small = gained[60]
    halved = small[1] < 0.6 * small[0]
    told = "; ".join(said)
    if halved and small[2] > 1.5 * small[0]:
        return told, (PARTLY + ": it takes the luck of the split away, not that of the rows, which "
                      "is larger")
    return told, TRUE if halved else FALSE


def _clouds(n: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    return rng.normal(size=(n, 5)) + 0.6 * y[:, None], y


def _cv_spread(n: int, times: int, fresh: bool = False) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score

    found = []
    for seed in range(20):
        X, y = _clouds(n, seed if fresh else 0)
        folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=times, random_state=seed)
        found.append(cross_val_score(LogisticRegression(), X, y, cv=folds).mean())
    return float(np.std(found))


@claim("AR13, rows", "Penalise against overfitting (when does it matter?)",
       "20 features, half of them correlated, noise as large as the signal; error of least "
       "squares over ridge by rows for each feature, 20 draws")
def penalty_by_rows() -> Finding:
    ratios = {}
    for per in (1.5, 3, 5, 10, 20, 50):
        ratios[per] = float(np.median([_least_over_ridge(int(per * 20), seed)
                                       for seed in range(20)]))
    said = ", ".join(f"{per:g} rows a feature: {100 * (ratio - 1):.0f} %"
                     for per, ratio in ratios.items())
    ends = next((per for per, ratio in ratios.items() if ratio < 1.02), None)
    told = f"error of least squares above that of ridge: {said}"
    if ratios[1.5] < 1.05:
        return told, FALSE
    return told, (PARTLY + f": with fewer than {ends:g} rows a feature; beyond, it changes under "
                  "2 %" if ends else TRUE)


def _least_over_ridge(n: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=20)

    def draw(rows: int) -> tuple[Array, Array]:
        X = rng.normal(size=(rows, 20))
        X[:, :10] += 2 * rng.normal(size=(rows, 1))
        return X, X @ weights + rng.normal(size=rows) * 4

    X, y = draw(n)
    new, truth = draw(2_000)
    ridges = [rmse(truth, fitted(f"ridge(alpha={alpha})", X, y)(new)) for alpha in (1, 10, 30)]
    return rmse(truth, fitted("linear", X, y)(new)) / float(np.median(ridges))


# ---- clusters -----------------------------------------------------------------------------


@claim("AR14", "DBSCAN for clusters of any shape and for outliers, hierarchical for nested groups",
       "moons, rings, blobs, blobs of unlike density, nested blobs, each with and without 10 % "
       "noise; adjusted Rand index on rows that are no noise, best setting of each, 5 draws")
def clusterer_by_shape() -> Finding:
    boards = {name: {who: float(np.median([how(*make(seed)) for seed in range(5)]))
                     for who, how in _CLUSTERERS.items()}
              for name, make in _SHAPES.items()}
    said = "; ".join(f"{name}: " + ", ".join(f"{who} {value:.2f}" for who, value in row.items())
                     for name, row in boards.items())
    best = {name: max(row, key=lambda who: row[who]) for name, row in boards.items()}
    shaped = all(boards[name]["dbscan"] > boards[name]["kmeans"] + 0.2
                 for name in ("moons", "rings", "moons with noise"))
    uneven = boards["unlike density"]["dbscan"] < boards["unlike density"]["hdbscan"] - 0.05
    nested = boards["nested"]["ward"] >= max(boards["nested"].values()) - 0.02
    if shaped and nested and not uneven:
        return said, TRUE
    return said, (f"{PARTLY}: any shape {shaped}; of unlike density HDBSCAN beats DBSCAN {uneven}; "
                  f"nested groups {nested}; k-means leads on "
                  f"{', '.join(n for n, who in best.items() if who == 'kmeans') or 'none'}")


def _with_noise(X: Array, y: Array, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed + 99)
    low, high = X.min(axis=0), X.max(axis=0)
    extra = rng.uniform(low, high, (len(X) // 10, X.shape[1]))
    return np.vstack([X, extra]), np.append(y, np.full(len(extra), -1))


def _moons(seed: int) -> tuple[Array, Array]:
    from sklearn.datasets import make_moons

    return make_moons(400, noise=0.06, random_state=seed)  # type: ignore[no-any-return]


def _rings(seed: int) -> tuple[Array, Array]:
    from sklearn.datasets import make_circles

    return make_circles(400, noise=0.05, factor=0.4, random_state=seed)  # type: ignore[no-any-return]


def _blobs(seed: int, spread: Any = 1.0, centers: Any = None) -> tuple[Array, Array]:
    from sklearn.datasets import make_blobs

    places = [[0, 0], [6, 0], [0, 6], [6, 6]] if centers is None else centers
    X, y = make_blobs(400, centers=np.array(places, float), cluster_std=spread, random_state=seed)
    return X, y


_SHAPES: dict[str, Callable[[int], tuple[Array, Array]]] = {
    "moons": _moons, "rings": _rings, "blobs": _blobs,
    "moons with noise": lambda seed: _with_noise(*_moons(seed), seed),
    "blobs with noise": lambda seed: _with_noise(*_blobs(seed), seed),
    "unlike density": lambda seed: _blobs(seed, [0.3, 0.3, 1.4, 1.4]),
    "nested": lambda seed: _blobs(seed, 0.5, [[0, 0], [2.2, 0], [12, 12], [14.2, 12]]),
}


def _index(y: Array, found: Array) -> float:
    from sklearn.metrics import adjusted_rand_score

    real = y >= 0
    return float(adjusted_rand_score(y[real], found[real]))


def _kmeans(X: Array, y: Array) -> float:
    from sklearn.cluster import KMeans

    return _index(y, KMeans(len(set(y[y >= 0])), n_init=5, random_state=0).fit_predict(X))


def _ward(X: Array, y: Array) -> float:
    from sklearn.cluster import AgglomerativeClustering

    return _index(y, AgglomerativeClustering(len(set(y[y >= 0]))).fit_predict(X))


def _dbscan(X: Array, y: Array) -> float:
    from sklearn.cluster import DBSCAN

    size = float(X.std())
    return max(_index(y, DBSCAN(eps=share * size).fit_predict(X))
               for share in (0.05, 0.1, 0.15, 0.2, 0.3, 0.4))


def _hdbscan(X: Array, y: Array) -> float:
    from sklearn.cluster import HDBSCAN

    return max(_index(y, HDBSCAN(min_cluster_size=size, copy=True).fit_predict(X))
               for size in (10, 20, 40))


_CLUSTERERS = {"kmeans": _kmeans, "ward": _ward, "dbscan": _dbscan, "hdbscan": _hdbscan}


# ---- over- and underfitting ---------------------------------------------------------------

_PAIRS = {
    "decision_tree(max_depth=None, min_samples_leaf=1)":
        ("decision_tree(max_depth=4)", "random_forest(n_estimators=50)"),
    "knn(k=1)": ("knn(k=15)",),
    "random_forest(n_estimators=50)":
        ("random_forest(n_estimators=50, min_samples_leaf=5)",
         "random_forest(n_estimators=50, min_samples_leaf=20)"),
    "hist_gradient_boosting(n_estimators=300, learning_rate=0.3)":
        ("hist_gradient_boosting(n_estimators=300, learning_rate=0.03)",
         "hist_gradient_boosting(n_estimators=30, learning_rate=0.1)"),
}


@claim("AR16", "A training score far above the validation score is cured by regularising, or with "
       "fewer features",
       "four overfitted models and their cures on three tables, log loss, two thirds against one "
       "third, 5 splits; a cure helps where it wins in all 5")
def cures() -> Finding:
    said, helped = [], {}
    for name in ("breast_cancer", "telco_churn", "credit_data"):
        X, y = _numbers(name)
        for base, others in _PAIRS.items():
            own, valid = _loss_pairs(base, X, y)
            better = [other for other in others
                      if all(a < b for a, b in zip(_loss_pairs(other, X, y)[1], valid,
                                                   strict=True))]
            short = base.partition("(")[0]
            helped.setdefault(short, []).append(bool(better))
            said.append(f"{name}, {short}: train {np.mean(own):.2f}, validation "
                        f"{np.mean(valid):.2f}, cured {len(better)} of {len(others)}")
    count = {short: f"{sum(each)} of {len(each)}" for short, each in helped.items()}
    told = "; ".join(said)
    if all(all(each) for each in helped.values()):
        return told, TRUE
    return told, (PARTLY + ": a cure helps on "
                  + ", ".join(f"{each} tables for {short}" for short, each in count.items())
                  + "; a gap alone does not say which")


def _numbers(name: str) -> tuple[Array, Array]:
    """A table as numbers, its categories as codes, and two classes."""
    import polars as pl

    source, target = _tables()[name]
    frame = pl.DataFrame(source)
    y = np.unique(frame[target].cast(pl.String).to_numpy(), return_inverse=True)[1]
    X = frame.drop(target).select(pl.col(pl.String).cast(pl.Categorical).to_physical(),
                                  pl.exclude(pl.String)).cast(pl.Float64).fill_null(0)
    return X.to_numpy(), y


def _loss_pairs(text: str, X: Array, y: Array) -> tuple[list[float], list[float]]:
    """Log loss on rows learnt from, and on others, of five splits."""
    own, other = [], []
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(y))
        train, test = order[len(y) // 3:], order[:len(y) // 3]
        answer = fitted(text, X[train], y[train], seed)
        own.append(_loss(y[train], answer(X[train])))
        other.append(_loss(y[test], answer(X[test])))
    return own, other


def _loss(y: Array, p: Array) -> float:
    return float(-np.log(np.clip(p[np.arange(len(y)), y], 1e-6, 1)).mean())


@claim("TM33", "Cures of underfitting: more capacity, longer training, better features",
       "logistic on two classes that only the product of two columns tells apart, 1,000 rows, and "
       "on three tables: boosting, ten times the iterations, powers and products; log loss, paired")
def underfit() -> Finding:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1_000, 4))
    y = (X[:, 0] * X[:, 1] + 0.3 * rng.normal(size=1_000) > 0).astype(int)
    sources = {"product": (table(X, y), "y"),
               **{name: _tables()[name] for name in ("breast_cancer", "telco_churn",
                                                     "credit_data")}}
    said, gain = [], {"capacity": [], "longer": [], "features": []}  # type: ignore[var-annotated]
    for name, (source, target) in sources.items():
        base = _loss_of(source, target, "logistic")
        tried = {"capacity": _loss_of(source, target, "hist_gradient_boosting"),
                 "longer": _loss_of(source, target, "logistic(max_iter=10000)"),
                 "features": _loss_of(source, target, "logistic", features={"degree": 2})}
        for what, value in tried.items():
            gain[what].append(value < 0.98 * base)
        said.append(f"{name}: {base:.3f}, " + ", ".join(f"{what} {value:.3f}"
                                                       for what, value in tried.items()))
    return "log loss of logistic and after each cure: " + "; ".join(said), (
        PARTLY + ": better (by 2 %) on " + ", ".join(
            f"{sum(each)} of {len(each)} by {what}" for what, each in gain.items())
        + "; what has converged gains nothing from longer training")


def _loss_of(source: Any, target: str, text: str, **words: Any) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = wf.fit(source, target=target, models=[text], choose="best", metric="log_loss",
                        jobs=1, folds=4, checks=False, **words)
    entry = next(each for each in result.leaderboard if each.model != "dummy")
    return float(entry.scores["log_loss"].value)


@claim("W90", "An underfitted model is worse than guessing",
       "the stupidest of models (a stump, a tree of depth 1 by one column, a heavily penalised "
       "logistic) against the baseline on three tables, log loss, five folds, paired")
def underfit_is_no_worse_than_chance() -> Finding:
    worse, said = 0, []
    for name in ("breast_cancer", "telco_churn", "credit_data"):
        source, target = _tables()[name]
        for text in ("decision_tree(max_depth=1)", "logistic(C=0.001)"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = wf.fit(source, target=target, models=[text], metric="log_loss",
                                choose="best", jobs=1, checks=False)
            base, own = (next(each.scores["log_loss"] for each in result.leaderboard
                              if (each.model == "dummy") is dull) for dull in (True, False))
            worse += own.low > base.high
            said.append(f"{name}, {text}: {own}, guessing {base}")
    return "; ".join(said), (
        f"{FALSE}: worse than guessing in {worse} of {len(said)}; underfitted means no better "
        "than a richer model would be, and mostly better than guessing"
        if not worse else PARTLY + f": in {worse} of {len(said)}")


# ---- ensembles ----------------------------------------------------------------------------


@claim("EN15", "Boosting against bias, bagging against variance, stacking of diverse models",
       "bias and variance: see B43; mean of a linear model, a forest and boosting against the "
       "best of them on four tables, and of three forests; log loss, three folds")
def diverse() -> Finding:
    unlike = ["logistic", "random_forest(n_estimators=60)", "hist_gradient_boosting"]
    alike = ["random_forest(n_estimators=60)", "random_forest(n_estimators=60, "
             "min_samples_leaf=3)", "random_forest(n_estimators=60, max_features=0.5)"]
    said, led, gains = [], 0, []
    for name, (source, target) in _tables().items():
        if name == "digits":
            continue  # ten classes take minutes
        singles = [_best_of(source, target, text) for text in unlike]
        mean = _best_of(source, target, f"voting(members={unlike!r})")
        same = _best_of(source, target, f"voting(members={alike!r})")
        led += mean < min(singles)
        gains.append(1 - mean / min(singles))
        said.append(f"{name}: best single {min(singles):.4f}, mean of unlike {mean:.4f}, of "
                    f"alike {same:.4f}")
    told = "; ".join(said)
    middle = 100 * float(np.median(gains))
    if led == len(said):
        return told, TRUE
    return told, (f"{PARTLY}: the mean of unlike models leads on {led} of {len(said)}, by "
                  f"{middle:+.0f} % in the middle")


def _best_of(source: Any, target: str, text: str) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = wf.fit(source, target=target, models=text, metric="log_loss", choose="best",
                        jobs=1, folds=3, checks=False)
    return float(next(each for each in result.leaderboard
                      if each.model != "dummy").scores["log_loss"].value)

