"""Claims about choosing columns and about principal components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from benchmarks.claims._claim import FALSE, PARTLY, TRUE, Finding, claim

_NOISE, _DRAWS = 100, 20
_WAYS: dict[str, dict[str, Any]] = {
    "F test": {"select": "f"}, "L1": {"select": "l1"}, "trees": {"select": "tree"},
    "PCA 95 %": {"pca": 0.95},
}
_LEARNERS = {"classification": ("logistic", "knn", "hist_gradient_boosting(n_estimators=30)"),
             "regression": ("ridge", "knn", "hist_gradient_boosting(n_estimators=30)")}


@claim("B51", "Principal components are uncorrelated and ordered by variance; of the digits' 64 "
       "pixels 29 components keep 95 %", "scikit-learn's digits, 1,797 x 64")
def components() -> Finding:
    from sklearn.datasets import load_digits

    from wholefit.features import pca

    X = load_digits().data
    found = pca.learn(X, 0.95)
    Z = found.apply(X)
    among = np.corrcoef(Z.T) - np.eye(Z.shape[1])
    standard = pca.learn((X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-9), 0.95)
    right = len(found.axes) == 29 and np.abs(among).max() < 1e-9 and (
        np.diff(found.share) <= 0).all()
    said = (f"{len(found.axes)} components keep {found.share.sum():.1%}; largest correlation "
            f"between two {np.abs(among).max():.0e}; with standardised pixels it takes "
            f"{len(standard.axes)}")
    return said, TRUE if right else FALSE


@claim("B53", "Feature selection and PCA raise accuracy and cut training time",
       f"four tables as they are and with {_NOISE} columns of noise; three learners; three folds, "
       "paired by row; chosen inside the folds, as many as each way keeps of itself",
       data="spambase")
def selection() -> Finding:
    found = {padded: _compare(padded) for padded in (False, True)}
    said = "; ".join(f"{'with noise' if padded else 'untouched'}: " + ", ".join(
        f"{way} better {t[0]}, worse {t[1]} of {t[2]}, time x{t[3]:.2f}"
        for way, t in ways.items()) for padded, ways in found.items())
    plain, noisy = (np.array([t[:2] for t in found[p].values()]).sum(axis=0)
                    for p in (False, True))
    times = [t[3] for t in found[True].values()]
    if noisy[0] <= noisy[1]:
        return said, FALSE
    where = "where most columns are noise" if plain[0] <= plain[1] else "mostly"
    return said, (f"{PARTLY}: accuracy {where} ({noisy[0]} better, {noisy[1]} worse; untouched "
                  f"{plain[0]} and {plain[1]}); time is cut by {sum(t < 0.8 for t in times)} of "
                  f"{len(times)} ways there")


def _compare(padded: bool) -> dict[str, tuple[int, int, int, float]]:
    """Way to (cases better, worse, all, geometric mean of the ratio of fit times)."""
    better, worse = dict.fromkeys(_WAYS, 0), dict.fromkeys(_WAYS, 0)
    ratios: dict[str, list[float]] = {way: [] for way in _WAYS}
    for frame, target, task in _tables(padded):
        plain = _answers(frame, target, task, {})
        for way, features in _WAYS.items():
            for name, (right, seconds) in _answers(frame, target, task, features).items():
                gain = right - plain[name][0]
                reach = 1.96 * gain.std() / np.sqrt(len(gain))
                better[way] += bool(gain.mean() > reach)
                worse[way] += bool(gain.mean() < -reach)
                ratios[way].append(seconds / plain[name][1])
    return {way: (better[way], worse[way], len(ratios[way]),
                  float(np.exp(np.mean(np.log(ratios[way]))))) for way in _WAYS}


def _answers(
    frame: pl.DataFrame, target: str, task: str, features: dict[str, Any]
) -> dict[str, tuple[np.ndarray, float]]:
    """Learner to (1 where right, or minus the squared error; seconds to fit a fold)."""
    import wholefit as wf

    learners = _LEARNERS[task]
    run = wf.fit(frame, target=target, task=task, models=list(learners), folds=3, jobs=1,
                 features=features, budget="1h")._run
    assert run is not None
    seconds = {entry.model: entry.fit_seconds for entry in run.leaderboard}
    found = {}
    for name in (learner.partition("(")[0] for learner in learners):
        answer = run.oof[name]
        right = ((answer.argmax(axis=1) == run.truth).astype(float) if task == "classification"
                 else -(answer - run.truth) ** 2)
        found[name] = right, seconds[name]
    return found


def _tables(padded: bool) -> list[tuple[pl.DataFrame, str, str]]:
    from sklearn.datasets import load_breast_cancer

    import wholefit as wf
    from benchmarks._tools import data_folder
    from wholefit.data import bundled

    X, y = load_breast_cancer(return_X_y=True)
    columns: dict[str, Any] = {f"x{at}": column for at, column in enumerate(X.T)}
    found = [(pl.DataFrame(columns | {"y": y}), "y", "classification")]
    folder = data_folder()
    for path, target, task in (
            (bundled.path("credit_data"), "Status", "classification"),
            (folder / "spambase" / "data.csv.gz", "type", "classification"),
            (folder / "ames_housing" / "data.csv.gz", "Sale_Price", "regression")):
        found.append((wf.read(path).frame, target, task))
    return [(_padded(frame), *rest) if padded else (frame, *rest) for frame, *rest in found]


def _padded(frame: pl.DataFrame) -> pl.DataFrame:
    draw = np.random.default_rng(0).normal(size=(_NOISE, frame.height))
    return frame.with_columns(
        [pl.Series(f"noise {at}", column) for at, column in enumerate(draw)])


@claim("B56", "Pipelines prevent leakage",
       "100 rows x 300 columns of pure noise, 20 draws; ten columns chosen by each method on all "
       "rows, or inside the folds of the same fit; logistic regression")
def leakage() -> Finding:
    lines, lies, truths = [], [], []
    for method in ("f", "mutual_info", "l1", "tree", "rfe"):
        outside, inside = np.array([_draw(seed, method) for seed in range(_DRAWS)]).T
        lies.append((outside - inside).mean() > 2 * _error(outside - inside))
        truths.append(abs(inside.mean() - 0.5) < 3 * _error(inside))
        lines.append(f"{method} {_mean(outside)} and {_mean(inside)}")
    said = "accuracy chosen outside and inside (truth 0.50): " + ", ".join(lines)
    return said, TRUE if all(lies) and all(truths) else FALSE


def _error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _mean(values: np.ndarray) -> str:
    reach = 1.96 * _error(values)
    return f"{values.mean():.3f} [{values.mean() - reach:.3f}, {values.mean() + reach:.3f}]"


def _draw(seed: int, method: str) -> tuple[float, float]:
    import wholefit as wf
    from wholefit import data
    from wholefit.features.encoder import Encoder
    from wholefit.features.encoding import for_linear

    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(100) % 2)
    table = pl.DataFrame({f"x{at}": rng.normal(size=100) for at in range(300)})
    named = pl.Series("y", np.where(y == 1, "heads", "tails"))

    def accuracy(frame: pl.DataFrame, features: dict[str, Any]) -> float:
        result = wf.fit(frame.with_columns(named), target="y", models="logistic", jobs=1,
                        metric="accuracy", features=features)
        board: Sequence[Any] = list(result.leaderboard)
        return float(next(e for e in board if e.model == "logistic").scores["accuracy"].value)

    whole = data.load(table.with_columns(named), target="y")
    codes = (y == 0).astype(np.int32)
    chosen = Encoder(for_linear(select=method, keep=10), seed=seed).fit(whole, None, codes)
    return accuracy(table.select(chosen.names), {}), accuracy(table, {"select": method, "keep": 10})
