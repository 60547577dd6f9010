"""Genes that work together: expression under 79 conditions as a tree, cut where it stands apart.

186 genes of baker's yeast, each by how strongly it was read off in 79 experiments (cell cycle,
heat, cold, starvation; Eisen and others 1998, Brown and others 2000). Ward's tree joins genes
that rise and fall together. What the genes are for is known, and is not told to the tree: ribosome,
proteasome, respiration. So it can be said how far the branches are the functions.

The table comes with Orange (`brown-selected.tab` in its package Orange3), written as one parquet
file with the columns gene, function and the 79 experiments.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

import wholefit as wf

DATA = "yeast_expression/data.parquet"
EXPECTED = {
    "genes": (186, 186),
    "p of one heap": (0.0, 0.05),
    "branches": (3, 3),
    "stability": (0.75, 1.0),
    "agreement with function (adjusted Rand)": (0.9, 0.97),
    "genes in the branch of their function, in %": (95, 100),
}


def main() -> dict[str, float]:
    table = pl.read_parquet(Path(os.environ["WHOLEFIT_DATA"]) / DATA)
    result = wf.fit(table, task="clustering", models="agglomerative", by="stability",
                    label="function", roles={"gene": "identifier"}, jobs=1)
    print(result.to_text())
    said = table.select("gene", "function").with_columns(result.predict(table)["cluster"])
    counts = said.group_by("cluster", "function").len().sort("cluster", "len")
    print(counts)
    with TemporaryDirectory() as folder:
        print(result.report(Path(folder) / "genes.html").name, "shows the dendrogram")
    return {
        "genes": len(table), "p of one heap": result.told["null"]["p"],
        "branches": len(result.clusters), "stability": result.scores["stability"].value,
        "agreement with function (adjusted Rand)":
            result.evaluate(table)["adjusted_rand"].value,
        "genes in the branch of their function, in %":
            100 * counts.group_by("cluster").agg(pl.col("len").max())["len"].sum() / len(table),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.2f}")
