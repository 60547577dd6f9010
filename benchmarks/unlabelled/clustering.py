"""Clusters: k-means beside scikit-learn's, and HDBSCAN on a hundred thousand rows.

scikit-learn is at hand wherever wholefit is, so that no peer environment is needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from benchmarks import _tools

# Rows, columns, heaps; a heap's spread that lets them touch.
TABLES = ((2_000, 8, 6), (50_000, 16, 10), (500_000, 16, 10))
SHORT = ((2_000, 8, 6), (20_000, 16, 10))
SPREAD, STARTS = 2.0, 10


def table(peer: str | None, short: bool) -> list[str]:
    """The lines of this part."""
    repeats = 3 if short else 7
    rows = [beside(n, d, k, repeats) for n, d, k in (SHORT if short else TABLES)]
    return ["k-means, fitting alone, rounds taking turns after one that warms all up. "
            f"scikit-learn once with n_init={STARTS}, so many whole starts, and once with "
            f"n_init=1, its own default; wholefit tries {STARTS} starts on 10,000 rows and "
            "carries the best through all of them. Inertia is of all rows, as a ratio to the "
            "best of the three.", "",
            _tools.markdown(
                ["rows x columns, clusters", "wholefit, s", f"scikit-learn ({STARTS} starts), s",
                 "scikit-learn (1 start), s", f"times as fast as {STARTS} starts",
                 "times as fast as 1 start", "inertia: wholefit", f"{STARTS} starts", "1 start"],
                rows), "", *density(20_000 if short else 100_000)]


def beside(n: int, d: int, k: int, repeats: int) -> list[str]:
    """One row: seconds, ratios with their range, inertias."""
    from sklearn.cluster import KMeans

    X = heaps(n, d, k)
    ways: dict[str, Callable[[int], float]] = {
        "ours": lambda seed: ours(X, k, seed),
        "many": lambda seed: KMeans(k, n_init=STARTS, random_state=seed).fit(X).inertia_,
        "one": lambda seed: KMeans(k, n_init=1, random_state=seed).fit(X).inertia_}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    inertia: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        for name, fit in ways.items():
            start = time.perf_counter()
            found = float(fit(turn))
            if turn:
                seconds[name].append(time.perf_counter() - start)
                inertia[name].append(found)
    best = min(min(values) for values in inertia.values())
    return [f"{n:,} x {d}, {k}", *(f"{_tools.median(seconds[name]):.3f}" for name in
                                   ("ours", "many", "one")),
            ratio(seconds["many"], seconds["ours"]), ratio(seconds["one"], seconds["ours"]),
            *(f"{_tools.median(inertia[name]) / best:.4f}" for name in ("ours", "many", "one"))]


def ours(X: np.ndarray, k: int, seed: int) -> float:
    from wholefit import models
    from wholefit.base import tasks

    task = tasks.get("clustering")
    context = models.Context(*X.shape, jobs=2, seed=seed)
    model = models.make(f"kmeans(clusters={k}, starts={STARTS})")
    return float(model.build(task, context).fit(X).inertia_)


def density(rows: int) -> list[str]:
    """Time and memory of HDBSCAN in a process of its own, and of its answers for new rows."""
    done = _tools.python(HDBSCAN, str(rows))
    said = dict(line.split("=") for line in done.out.splitlines() if "=" in line)
    return [f"HDBSCAN on {rows:,} rows of 8 columns in 6 heaps, no row left out: "
            f"{float(said['seconds']):.0f} s to fit, {float(said['answers']):.1f} s for the "
            f"clusters of 10,000 new rows, peak memory {done.peak:,.0f} MB; {said['clusters']} "
            f"clusters, adjusted Rand index {float(said['rand']):.3f} with the heaps."]


HDBSCAN = """
import sys, time
import numpy as np
from sklearn.datasets import make_blobs
from wholefit import models
from wholefit.base import tasks
from wholefit.evaluation.partitions import adjusted_rand
n = int(sys.argv[1])
X, y = make_blobs(n + 10_000, 8, centers=6, cluster_std=1.0, random_state=0)
start = time.perf_counter()
made = models.make("hdbscan").build(tasks.get("clustering"), models.Context(n, 8)).fit(X[:n])
print(f"seconds={time.perf_counter() - start}")
start = time.perf_counter()
found = made.predict(X[n:])
print(f"answers={time.perf_counter() - start}")
print(f"clusters={made.clusters_}")
print(f"rand={adjusted_rand(found, y[n:]).value}")
"""


def heaps(n: int, d: int, k: int) -> np.ndarray:
    from sklearn.datasets import make_blobs

    return np.ascontiguousarray(make_blobs(n, d, centers=k, cluster_std=SPREAD,
                                           center_box=(-6, 6), random_state=n)[0])


def ratio(theirs: list[float], mine: list[float]) -> str:
    """Median of the rounds' ratios, with their range."""
    found = sorted(a / b for a, b in zip(theirs, mine, strict=True))
    return f"{_tools.median(found):.2f} ({found[0]:.2f} to {found[-1]:.2f})"
