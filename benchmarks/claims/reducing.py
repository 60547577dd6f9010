"""Claims about reductions: components, maps, autoencoders."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from benchmarks.claims._claim import FALSE, PARTLY, TRUE, Finding, claim

_MISSING = "not checked here"


@claim("B41", "An autoencoder of 784 to 32 numbers rebuilds pictures",
       "5,000 fashion_mnist pictures, pixels unscaled; variance kept on 1,000 pictures not learnt "
       "from, beside 32 principal components", data="fashion_mnist")
def autoencoder() -> Finding:
    board = _board(_clothes(5000), components=32, models="pca, autoencoder_map(epochs=50)",
                   features={"scale": "none"})
    kept = {name: entry.scores["variance_kept"] for name, entry in board.items()}
    said = (f"autoencoder {kept['autoencoder_map']}, principal components {kept['pca']}; "
            f"{board['autoencoder_map'].fit_seconds / board['pca'].fit_seconds:.0f} times the "
            "time")
    return said, TRUE if kept["autoencoder_map"].low > kept["pca"].value else (
        PARTLY + ": no better than as many principal components")


@claim("B52, BEN-03", "t-SNE and UMAP excel at visualisation; t-SNE is excellent for detecting "
       "clusters", "1,797 digits on two axes: trustworthiness, and how well k-means with 10 "
       "centres on the map finds the digits (adjusted Rand), beside two principal components and "
       "all 64 pixels")
def pictures() -> Finding:
    from sklearn.cluster import KMeans
    from sklearn.datasets import load_digits
    from sklearn.metrics import adjusted_rand_score

    X, y = load_digits(return_X_y=True)

    def rand(Z: np.ndarray) -> float:
        return float(adjusted_rand_score(y, KMeans(10, n_init=10, random_state=0).fit_predict(Z)))

    found = {"all pixels": (1.0, rand(X))}
    for name in ("pca", "tsne", *_maps()):
        Z = _places(name, X)
        found[name] = (_trust(X, Z), rand(Z))
    said = "; ".join(f"{name}: trustworthiness {trust:.3f}, Rand {index:.2f}"
                     for name, (trust, index) in found.items())
    good = found["tsne"][0] > found["pca"][0] and found["tsne"][1] > max(
        found["pca"][1], found["all pixels"][1])
    return said, TRUE + " on the digits" if good else FALSE


@claim("BEN-01", "UMAP is faster than t-SNE, scales better, and keeps global structure",
       "fashion_mnist on 50 components, growing rows, one thread, seeds set; distance correlation "
       "of 1,000 rows; scikit-learn's t-SNE and openTSNE", data="fashion_mnist")
def scaling() -> Finding:
    if "umap" not in _maps():
        return "not run: needs umap-learn (extra maps)", _MISSING
    from benchmarks.unlabelled._reduction_times import fashion
    from wholefit.features import pca

    X = fashion(10_000)[0]
    X = pca.learn(X, 50).apply(X)
    _places("umap", X[:300])  # compiles
    sizes = (1000, 3000, 10_000)
    spent, kept = _timed(X, ["umap", "tsne", *_maps()[1:]], sizes)
    said = "; ".join(
        f"{name} {', '.join(f'{s:.0f} s' for s in seconds)}, distances {kept[name]:.2f}"
        for name, seconds in spent.items())
    faster = spent["umap"][-1] < min(s[-1] for name, s in spent.items() if name != "umap")
    steeper = spent["tsne"][-1] / spent["tsne"][0] > spent["umap"][-1] / spent["umap"][0]
    whole = kept["umap"] > max(kept[name] for name in kept if name not in ("umap", "pca"))
    said += f"; two principal components keep distances to {kept['pca']:.2f}"
    if faster and steeper and whole:
        return said, TRUE
    true = [word for word, holds in (("faster", faster), ("scales better", steeper),
                                     ("keeps more of the distances", whole)) if holds]
    return said, f"{PARTLY}: {', '.join(true)}" if true else FALSE


def _timed(X: np.ndarray, names: Sequence[str], sizes: Sequence[int]) -> tuple[Any, Any]:
    """Seconds by name and size, and the distance correlation of the largest."""
    from wholefit.evaluation.reduction import judge

    spent: dict[str, list[float]] = {name: [] for name in names}
    kept = {}
    for name in [*names, "pca"]:
        for size in sizes:
            start = time.perf_counter()
            Z = _places(name, X[:size])
            if name in spent:
                spent[name].append(time.perf_counter() - start)
        kept[name] = judge(X[:1000], Z[:1000]).scores["distance_correlation"].value
    return spent, kept


@claim("DIM-02, BEN-02", "PCA keeps most variance in few components, removes noise, and makes "
       "downstream models better",
       "digits: components for 95 %, error of noisy pictures after 15 components and back; three "
       "learners on four tables with and without components for 95 %, three folds, paired by row",
       data="spambase")
def downstream() -> Finding:
    from benchmarks.claims._claim import example
    from benchmarks.claims.selecting import _answers, _tables

    numbers = example("components")
    few = numbers["components for 95 % of the digits' pixels, as they are"]
    left = numbers["error after 15 components and back"]
    better = worse = cases = 0
    for frame, target, task in _tables(False):
        plain = _answers(frame, target, task, {})
        for name, (right, _) in _answers(frame, target, task, {"pca": 0.95}).items():
            gain = right - plain[name][0]
            reach = 1.96 * gain.std() / np.sqrt(len(gain))
            better, worse = better + bool(gain.mean() > reach), worse + bool(gain.mean() < -reach)
            cases += 1
    said = (f"{few:.0f} of 64 components keep 95 %; noise of variance 1 leaves an error of "
            f"{left:.2f}; learners: better in {better}, worse in {worse} of {cases} cases")
    holds = few < 32 and left < 0.8
    if holds and better > worse:
        return said, TRUE
    return said, (f"{PARTLY}: it compresses and cleans; learners it "
                  "harms more often than it helps" if holds and worse > better else
                  f"{PARTLY}: it compresses and cleans" if holds else FALSE)


def _maps() -> list[str]:
    """The maps of the extra that are installed."""
    from wholefit.base.optional import available

    return [name for name, library in (("umap", "umap"), ("opentsne", "openTSNE"))
            if available(library)]


def _places(text: str, X: np.ndarray) -> np.ndarray:
    """A catalog model's places of the rows it learnt from."""
    from wholefit import models
    from wholefit.base import tasks
    from wholefit.models import Context, scorer

    model, task = models.make(text), tasks.get("reduction")
    context = Context(rows=X.shape[0], features=X.shape[1], seed=0)
    estimator = model.build(task, context).fit(X)
    places = getattr(estimator, "places_", None)
    return scorer(model.state(estimator, task, context)).answer(X) if places is None else places


def _trust(X: np.ndarray, Z: np.ndarray) -> float:
    from wholefit.evaluation.reduction import judge

    return judge(X, Z).scores["trustworthiness"].value


def _board(frame: pl.DataFrame, **words: Any) -> dict[str, Any]:
    import wholefit as wf

    return {entry.model: entry for entry in
            wf.fit(frame, task="reduction", jobs=1, budget="1h", **words).leaderboard}


def _clothes(rows: int) -> pl.DataFrame:
    from benchmarks.unlabelled._reduction_times import fashion

    return pl.DataFrame({f"pixel {at}": column for at, column in enumerate(fashion(rows)[0].T)})
