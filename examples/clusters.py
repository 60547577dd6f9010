"""Three ways to cluster, as they are often shown, and what has to be said before they are used.

The programs that go round cluster a table that is never defined, pass Ward's tree an argument that
scikit-learn removed (`affinity=`), run DBSCAN at a radius that suits one data set, and draw the
first two columns. None asks whether there are clusters, how many, or whether a column in hundreds
drowns one in tenths. Here the table is 178 wines of three growers, thirteen measurements each; the
grower is told to nobody, and judges what each way found (adjusted Rand index: 1 is his wines, 0 is
chance).
"""

from __future__ import annotations

import numpy as np
import polars as pl
from sklearn.cluster import DBSCAN, KMeans
from sklearn.datasets import load_wine

import wholefit as wf
from wholefit.evaluation.partitions import adjusted_rand

EXPECTED = {
    "clusters chosen": (3, 3),
    "agreement with the growers": (0.85, 0.95),
    "Ward's tree": (0.7, 0.9),
    "from the top down": (0.7, 0.9),
    "the same, columns as they come": (0.3, 0.45),
    "the same, first two columns": (0.3, 0.55),
    "wines in a cluster, DBSCAN at 0.3": (0, 0),
    "clusters in pure noise": (1, 1),
}


def wines() -> pl.DataFrame:
    """The measurements, and the grower."""
    wine = load_wine()
    return pl.DataFrame(wine.data, schema=[*wine.feature_names]).with_columns(
        grower=pl.Series(wine.target_names[wine.target]))


def agreement(table: pl.DataFrame, models: str, **words: int) -> float:
    """Adjusted Rand index of that model's clusters with the growers."""
    found = wf.fit(table, task="clustering", models=models, label="grower", jobs=1,
                   simulations=19, **words)
    return float(found.evaluate(table)["adjusted_rand"].value)


def main() -> dict[str, float]:
    table = wines()
    # All families, each choosing its number; the rows are first held against tables without any.
    result = wf.fit(table, task="clustering", label="grower", jobs=1)
    print(result.leaderboard)
    print(result.to_text())
    noise = pl.DataFrame(np.random.default_rng(0).normal(size=(178, 13)))
    nothing = wf.fit(noise, task="clustering", jobs=1)
    print(nothing.to_text())
    # What goes round: no scale, two columns, a radius for another table.
    raw = table.drop("grower").to_numpy()
    drowned = KMeans(n_clusters=3, n_init=10, random_state=42).fit_predict(raw)
    first = table.select(*table.columns[:2], "grower")
    return {
        "clusters chosen": len(result.clusters),
        "agreement with the growers": result.evaluate(table)["adjusted_rand"].value,
        "Ward's tree": agreement(
            table, "agglomerative(linkage='ward')", clusters=3),
        "from the top down": agreement(table, "bisecting_kmeans", clusters=3),
        "the same, columns as they come": adjusted_rand(drowned, table["grower"]).value,
        "the same, first two columns": agreement(first, "kmeans", clusters=3),
        "wines in a cluster, DBSCAN at 0.3": (DBSCAN(eps=0.3, min_samples=10).fit_predict(
            raw) >= 0).sum(),
        "clusters in pure noise": len(nothing.clusters),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.2f}")
