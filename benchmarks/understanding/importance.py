"""Permutation importance and partial dependence beside scikit-learn's: the same numbers, faster.

Both sides are asked in turn in one process, the same fitted model: scikit-learn's estimator as its
user would call it, and the state that our scorer answers from. The permutations are scikit-learn's
own, so that the falls must be the same numbers.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl

from benchmarks._tools import data_folder, geometric_mean, markdown, median
from wholefit.explain.effects import partial_dependence
from wholefit.explain.importance import permutation
from wholefit.models import Context, _tree_states
from wholefit.models._scorers import scorer

_ROWS, _REPEATS, _GRID, _TIMES = 10_000, 5, 100, 3
Model = tuple[str, Any, Callable[[Any, Context], Any]]
# Tables of numbers: file, target, whether the target is of classes.
_TABLES = (("california_housing", "MedHouseVal", False),
           ("beijing_pm25", "pm2.5", False), ("credit_data", "Status", True))


def table(peer: str | None, short: bool) -> list[str]:
    """The lines of this part; scikit-learn is in our own environment, so `peer` is not needed."""
    rows: list[list[str]] = []
    ratios: dict[str, list[float]] = {"falls": [], "curves": []}
    for name, X, y, classes in _tables(short):
        for model in _models(classes, short):
            rows.append(_beside(name, model, X, y, classes, 1 if short else _TIMES, ratios))
    head = ["table", "rows x columns", "model", "importance: scikit-learn, s", "ours, s", "ratio",
            "largest difference", "partial dependence: scikit-learn, s", "ours, s", "ratio",
            "largest difference"]
    return [
        f"`sklearn.inspection.permutation_importance` (n_repeats={_REPEATS}, n_jobs=1) beside "
        "`explain.importance.permutation`, every column, the same permutations and metric; "
        f"`partial_dependence` (method=\"brute\", grid_resolution={_GRID}) of the first four "
        "columns beside `explain.effects.partial_dependence` at the same values. One thread. "
        f"Medians of {1 if short else _TIMES} runs in turn.", "", markdown(head, rows), "",
        "Geometric means of the ratios: importance "
        f"{geometric_mean(ratios['falls']):.1f}, least {min(ratios['falls']):.1f}; partial "
        f"dependence {geometric_mean(ratios['curves']):.1f}, least {min(ratios['curves']):.1f}.",
        "Models without a shorter way (neighbours, support vectors, a user's own class) are asked "
        "about every composed row, as scikit-learn asks them: there the ratio is near 1.", "",
        *_as_a_user(short)]


def _models(classes: bool, short: bool) -> Iterator[Model]:
    from sklearn import ensemble, linear_model

    many = 30 if short else 100
    kind = "Classifier" if classes else "Regressor"

    def made(name: str, **options: Any) -> Any:
        return getattr(ensemble, name + kind)(random_state=0, **options)

    def forest(estimator: Any, context: Context) -> Any:
        return _tree_states.mean(estimator.estimators_, estimator, context)

    yield "random forest", made("RandomForest", n_estimators=many), forest
    yield "extra trees", made("ExtraTrees", n_estimators=many), forest
    yield ("gradient boosting", made("GradientBoosting", n_estimators=many),
           _tree_states.gradient_boosting)
    yield ("hist gradient boosting", made("HistGradientBoosting", max_iter=many),
           _tree_states.hist_gradient_boosting)
    plain = (linear_model.LogisticRegression(max_iter=2000) if classes
             else linear_model.Ridge())
    yield "linear", plain, _linear


def _linear(estimator: Any, context: Context) -> Any:
    from wholefit.base.state import State

    config: dict[str, Any] = {"link": "identity"}
    if context.n_classes:
        config = {"link": "ovr", "n_classes": context.n_classes, "classes": None}
    return State("linear", config, {"coef": np.atleast_2d(estimator.coef_),
                                    "intercept": np.atleast_1d(estimator.intercept_)})


def _tables(short: bool) -> Iterator[tuple[str, np.ndarray, np.ndarray, bool]]:
    random = np.random.default_rng(0)
    rows = 2_000 if short else 2 * _ROWS
    X = random.normal(size=(rows, 20))
    score = X[:, 0] * 2 + X[:, 1] * X[:, 2] + np.sin(3 * X[:, 3]) + X[:, 4:10].sum(axis=1) / 2
    y = score + random.normal(size=rows)
    yield "made, a number", X, y, False
    yield "made, two classes", X, (y > 0).astype(int), True
    for name, target, classes in _TABLES[:1] if short else _TABLES:
        found = _numbers(name, target, classes, rows)
        if found is not None:
            yield name, *found, classes


def _numbers(
    name: str, target: str, classes: bool, rows: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """The numbers of a table, medians for what is missing, and its target."""
    from wholefit.data import bundled

    path = (bundled.path(name) if name in bundled.names()
            else next(iter(sorted((data_folder() / name).glob("*.csv"))
                           + sorted((data_folder() / name).glob("*.parquet"))), None))
    if path is None:
        return None
    frame = pl.read_parquet(path) if str(path).endswith("parquet") else pl.read_csv(
        path, infer_schema_length=None)
    frame = frame.filter(pl.col(target).is_not_null()).sample(
        min(rows, len(frame)), shuffle=True, seed=0)
    y = frame[target].to_numpy()
    numbers = frame.drop(target).select(pl.selectors.numeric())
    X = numbers.fill_null(strategy="zero").to_numpy().astype(np.float64)
    return X, np.unique(y, return_inverse=True)[1] if classes else y.astype(np.float64)


def _beside(
    name: str, model: Model, X: np.ndarray, y: np.ndarray, classes: bool, times: int,
    ratios: dict[str, list[float]],
) -> list[str]:
    title, estimator, to_state = model
    half = len(X) // 2
    estimator.fit(X[:half], y[:half])
    context = Context(rows=half, features=X.shape[1], n_classes=int(y.max()) + 1 if classes else 0)
    ours = scorer(to_state(estimator, context))
    X, y = X[half:], y[half:]
    falls = _alternate(lambda: _their_falls(estimator, X, y, classes),
                       lambda: _our_falls(ours, X, y, classes), times)
    curves = _alternate(lambda: _their_curves(estimator, X), lambda: _our_curves(ours, X), times)
    ratios["falls"].append(falls[0] / falls[1])
    ratios["curves"].append(curves[0] / curves[1])
    return [name, f"{len(X):,} x {X.shape[1]}", title, *_cells(falls), *_cells(curves)]


def _cells(measured: tuple[float, float, float]) -> list[str]:
    theirs, mine, gap = measured
    return [f"{theirs:.3g}", f"{mine:.3g}", f"{theirs / mine:.1f}", f"{gap:.1e}"]


def _alternate(
    theirs: Callable[[], np.ndarray], mine: Callable[[], np.ndarray], times: int
) -> tuple[float, float, float]:
    """Median seconds of each, and the largest difference of what they give."""
    seconds: tuple[list[float], list[float]] = ([], [])
    given: list[np.ndarray] = []
    for _ in range(times):
        given = []
        for side, call in zip(seconds, (theirs, mine), strict=True):
            start = time.perf_counter()
            given.append(call())
            side.append(time.perf_counter() - start)
    return median(seconds[0]), median(seconds[1]), float(np.abs(given[0] - given[1]).max())


def _their_falls(estimator: Any, X: np.ndarray, y: np.ndarray, classes: bool) -> np.ndarray:
    from sklearn.inspection import permutation_importance

    return permutation_importance(estimator, X, y, n_repeats=_REPEATS, random_state=0, n_jobs=1,
                                  scoring="neg_log_loss" if classes else "r2").importances


def _our_falls(ours: Any, X: np.ndarray, y: np.ndarray, classes: bool) -> np.ndarray:
    task = "classification" if classes else "regression"
    return permutation(ours, X, y, "log_loss" if classes else "r2", their_permutations(len(X)),
                       task=task)


def their_permutations(rows: int) -> np.ndarray:
    """The permutations that scikit-learn draws with random_state=0, the same for each column."""
    from sklearn.utils import check_random_state

    random = check_random_state(
        check_random_state(0).randint(np.iinfo(np.int32).max + 1, dtype=np.int64))
    index = whole = np.arange(rows)
    index, found = index.copy(), []
    for _ in range(_REPEATS):
        random.shuffle(index)
        whole = whole[index]  # it shuffles the column that it has shuffled before
        found.append(whole)
    return np.stack(found)


def _their_curves(estimator: Any, X: np.ndarray) -> np.ndarray:
    from sklearn.inspection import partial_dependence as theirs

    return np.concatenate([theirs(
        estimator, X, [column], method="brute", grid_resolution=_GRID, response_method="auto",
    )["average"][-1] for column in _asked(X)])


def _our_curves(ours: Any, X: np.ndarray) -> np.ndarray:
    found = []
    for column in _asked(X):
        values = _their_grid(X[:, column])
        means = partial_dependence(ours, X, column, values[:, None])
        found.append(means if means.ndim == 1 else means[:, 1])
    return np.concatenate(found)


def _asked(X: np.ndarray) -> list[int]:
    return list(range(min(4, X.shape[1])))


def _their_grid(values: np.ndarray) -> np.ndarray:
    """The values that scikit-learn asks at."""
    different = np.unique(values)
    if len(different) < _GRID:
        return different
    from scipy.stats.mstats import mquantiles

    low, high = mquantiles(values, prob=(0.05, 0.95))
    return np.linspace(low, high, num=_GRID, endpoint=True)


def _as_a_user(short: bool) -> list[str]:
    """A table with categories, each side from the user's own frame to the importances."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.inspection import permutation_importance
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    import wholefit as wf
    from wholefit.data import bundled

    frame = pl.read_csv(bundled.path("telco_churn")).sample(fraction=1, shuffle=True, seed=1)
    train, held = frame[:4_000], frame[4_000:]
    rows = []
    for name, peer in (("logistic", LogisticRegression(max_iter=1000)),
                       ("random_forest", RandomForestClassifier(random_state=0, n_jobs=1))):
        prepare = make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()),
             make_column_selector(dtype_include="number")),
            (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")))
        theirs = make_pipeline(prepare, peer)
        pandas = _pandas()
        shown = pandas.DataFrame(held.to_dict(as_series=False)).drop(columns="churn")
        theirs.fit(pandas.DataFrame(train.to_dict(as_series=False)).drop(columns="churn"),
                   train["churn"].to_list())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ours = wf.fit(train, target="churn", models=[name], folds=2, jobs=1)
        start = time.perf_counter()
        permutation_importance(theirs, shown, held["churn"].to_list(), n_repeats=_REPEATS,
                               scoring="neg_log_loss", n_jobs=1)
        middle = time.perf_counter()
        ours.importance(held, metric="log_loss", together=None, repeats=_REPEATS)
        mine = time.perf_counter() - middle
        took = middle - start
        rows.append([name, f"{took:.3g}", f"{mine:.3g}", f"{took / mine:.1f}"])
        if short:
            break
    return ["telco_churn (3,043 held-out rows, 19 columns, most of them categories), from the "
            "user's frame: a scikit-learn pipeline that encodes, and `result.importance`, which "
            "also makes intervals and verdicts.", "",
            markdown(["model", "scikit-learn, s", "wholefit, s", "ratio"], rows)]


def _pandas() -> Any:
    import pandas

    return pandas
