"""Agglomerative clustering: the two nearest clusters become one, again and again: a tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.models._clusters.base import ClusterModel, clusters_param
from wholefit.models._model import Context


@dataclass(frozen=True)
class Agglomerative(ClusterModel):
    """Bottom-up hierarchical clustering (Ward 1963; Lance and Williams 1967).

    Cost is quadratic: above `rows` rows a random sample makes the tree. A row that was not in it,
    old or new, goes to the cluster of the nearest row that was. The merges of the sample are
    kept for the dendrogram.
    """

    name = "agglomerative"
    burden = 40
    pace = 3.0
    growth = "quadratic"
    summary = ("A tree of clusters to be read as a dendrogram and cut anywhere; from a sample "
               "where rows are many.")

    clusters: int | None = clusters_param()
    linkage: str = param(
        "ward", "How far two clusters are apart: by the spread their union adds, by their "
        "furthest rows, by all pairs on average, by their nearest rows.",
        choices=("ward", "complete", "average", "single"))
    rows: int = param(2000, "Rows in the tree, where there are more: drawn at random.",
                      low=2, high=20_000)

    def build(self, task: Task, context: Context) -> Any:
        """An estimator around scipy's linkage, with `linkage_`."""
        from wholefit.models._clusters.tree import Merged

        return Merged(self.clusters, self.linkage, self.rows, context.seed)
