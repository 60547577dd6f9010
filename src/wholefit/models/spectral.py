"""Spectral clustering: clusters as parts of the graph of neighbours that hang together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.models._clusters.base import ClusterModel, clusters_param
from wholefit.models._model import Context


@dataclass(frozen=True)
class Spectral(ClusterModel):
    """Normalised cuts of the graph of nearest neighbours (Shi and Malik 2000; Ng et al. 2001).

    Above `rows` rows a random sample is cut. A row that was not in it, old or new, goes to the
    cluster of the nearest row that was.
    """

    name = "spectral"
    burden = 60
    pace = 5.0
    growth = "quadratic"
    summary = "Rings, moons and chains, where the number of clusters is known; from a sample."

    clusters: int | None = clusters_param()
    neighbours: int = param(10, "Neighbours that each row is tied to.", low=1, search=(5, 30))
    rows: int = param(3000, "Rows in the graph, where there are more: drawn at random.",
                      low=2, high=50_000)

    def build(self, task: Task, context: Context) -> Any:
        """An estimator around scikit-learn's SpectralClustering."""
        from wholefit.models._clusters.tree import Cut

        return Cut(self.clusters, self.neighbours, self.rows, context.seed)
