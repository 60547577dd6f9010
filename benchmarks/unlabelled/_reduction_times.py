"""One process that has the peers: ours and the libraries' own calls, taking turns; prints JSON.

    python -m benchmarks.unlabelled._reduction_times [--short]
"""

from __future__ import annotations

import gzip
import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from benchmarks._tools import data_folder, median
from wholefit import models
from wholefit.base import tasks
from wholefit.base.optional import available
from wholefit.evaluation.reduction import judge
from wholefit.features import pca
from wholefit.models import Context, scorer

TASK = tasks.get("reduction")


def fashion(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (rows, 784) between 0 and 1, and classes."""
    folder = data_folder() / "fashion_mnist"
    pixels = gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    X = np.frombuffer(pixels, np.uint8).reshape(-1, 784)[:rows] / 255.0
    return X, np.frombuffer(labels, np.uint8)[:rows].astype(np.int64)


def shuttle(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Sensors (rows, 9), standardised, and classes; rows drawn by chance."""
    frame = pl.read_parquet(data_folder() / "shuttle" / "data.parquet")
    drawn = np.random.default_rng(0).permutation(frame.height)[:rows]
    X = frame.drop("Class").to_numpy()[drawn].astype(np.float64)
    y = frame["Class"].cast(pl.String).rank("dense").to_numpy()[drawn].astype(np.int64)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def ours(text: str, X: np.ndarray) -> Any:
    """The catalog's model fitted, and its state read: all that `wf.fit` does with it."""
    model = models.make(text)
    context = Context(rows=X.shape[0], features=X.shape[1], seed=0)
    estimator = model.build(TASK, context).fit(X)
    return scorer(model.state(estimator, TASK, context))


def alternating(a: Callable[[], Any], b: Callable[[], Any], rounds: int) -> dict[str, Any]:
    """Seconds of each, taking turns, and the ratios a / b round by round."""
    found: dict[str, list[float]] = {"ours": [], "library": []}
    for at in range(rounds):
        pair = [("ours", a), ("library", b)]
        for name, run in pair if at % 2 == 0 else reversed(pair):
            start = time.perf_counter()
            run()
            found[name].append(time.perf_counter() - start)
    ratios = [x / y for x, y in zip(found["ours"], found["library"], strict=True)]
    return {"ours": median(found["ours"]), "library": median(found["library"]),
            "ratio": median(ratios), "low": min(ratios), "high": max(ratios)}


def umap_call(X: np.ndarray) -> Any:
    import umap

    return umap.UMAP(n_neighbors=15, min_dist=0.1, n_components=2, random_state=0,
                     n_jobs=1).fit(X)


def tsne_call(X: np.ndarray) -> Any:
    from sklearn.manifold import TSNE

    return TSNE(n_components=2, perplexity=30, max_iter=1000, init="pca", random_state=0,
                n_jobs=1).fit_transform(X)


def open_call(X: np.ndarray) -> Any:
    import openTSNE

    return openTSNE.TSNE(n_components=2, perplexity=30, random_state=0, n_jobs=1,
                         initialization="pca").fit(X)


def svd_call(X: np.ndarray) -> Any:
    return np.linalg.svd(X - X.mean(axis=0), full_matrices=False)


def sklearn_pca(X: np.ndarray) -> Any:
    from sklearn.decomposition import PCA

    return PCA(50 if X.shape[1] > 50 else 5).fit(X)


def times(short: bool) -> list[dict[str, Any]]:
    """Every comparison of times."""
    few = 1500 if short else 10_000
    images, sensors = fashion(few)[0], shuttle(few if short else 58_000)[0]
    small = pca.learn(images, 50).apply(images)
    some = 1000 if short else 5000
    found = []

    def add(what: str, data: str, X: np.ndarray, text: str, call: Any, rounds: int) -> None:
        print(what, data, file=sys.stderr, flush=True)
        found.append({"what": what, "data": f"{data}, {len(X):,} x {X.shape[1]}",
                      **alternating(lambda: ours(text, X), lambda: call(X), rounds)})

    quick = 3 if short else 7
    add("PCA against plain SVD", "fashion_mnist", images, "pca(components=50)", svd_call, quick)
    add("PCA against plain SVD", "shuttle", sensors, "pca(components=5)", svd_call, quick)
    add("PCA against scikit-learn's", "fashion_mnist", images, "pca(components=50)", sklearn_pca,
        quick)
    add("PCA against scikit-learn's", "shuttle", sensors, "pca(components=5)", sklearn_pca, quick)
    if available("umap"):
        ours("umap", small[:300])  # compiles once, for both
        umap_call(small[:300]).transform(small[300:400])
        add("UMAP against umap-learn", "fashion_mnist PCA-50", small, "umap", umap_call, 3)
        add("UMAP against umap-learn", "shuttle", sensors, "umap", umap_call, 1 if short else 3)
    if available("openTSNE"):
        add("t-SNE against openTSNE", "fashion_mnist PCA-50", small, "opentsne", open_call, 3)
    add("t-SNE against scikit-learn's", "fashion_mnist PCA-50", small[:some], "tsne", tsne_call,
        1 if short else 3)
    return found


def placements(short: bool) -> list[dict[str, Any]]:
    """New rows placed by ours and by umap-learn's own transform, on the same map."""
    if not available("umap"):
        return []
    found = []
    few, new = (1200, 400) if short else (10_000, 2000)
    for name, (X, y) in (("fashion_mnist PCA-50", fashion(few + new)),
                         ("shuttle", shuttle(few + new))):
        if X.shape[1] > 50:
            X = pca.learn(X[:few], 50).apply(X)
        fitted = umap_call(X[:few])
        model = models.make("umap")
        context = Context(rows=few, features=X.shape[1], seed=0)
        mine = model.build(TASK, context).fit(X[:few])
        answering = scorer(model.state(mine, TASK, context))
        for who, place in (("ours", answering.answer), ("umap-learn", fitted.transform)):
            start = time.perf_counter()
            Z = np.asarray(place(X[few:]))
            spent = time.perf_counter() - start
            scores = judge(X[few:], Z, labels=y[few:]).scores
            found.append({"data": name, "who": who, "seconds": spent, "rows": new,
                          **{key: str(score) for key, score in scores.items()}})
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    is_short = "--short" in sys.argv
    print(json.dumps({"times": times(is_short), "placements": placements(is_short)}))
