"""k-means and its kin: clusters as balls around centres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.models._clusters.base import ClusterModel, clusters_param
from wholefit.models._model import Context


@dataclass(frozen=True)
class KMeans(ClusterModel):
    """Lloyd's k-means (1957) from k-means++ starts (Arthur and Vassilvitskii 2007).

    The starts are tried on a sample of the rows; the best of them goes on over all rows.
    """

    name = "kmeans"
    burden = 10
    pace = 0.2
    summary = ("Round clusters of like size in any number of rows; it cuts long or unequal ones, "
               "and always finds as many as asked.")

    clusters: int | None = clusters_param()
    starts: int = param(10, "Starts tried; the one of least inertia is kept.", low=1)
    iterations: int = param(300, "Rounds of Lloyd's algorithm at most.", low=1)
    rows: int = param(10_000, "Rows that the starts are tried on, where there are more.", low=100)

    def build(self, task: Task, context: Context) -> Any:
        """An estimator whose best start is scikit-learn's KMeans."""
        from wholefit.models._clusters.means import Lloyd

        return Lloyd(self.clusters, self.starts, self.iterations, self.rows, context.seed)


@dataclass(frozen=True)
class MiniBatchKMeans(ClusterModel):
    """k-means learnt from small batches of rows (Sculley 2010)."""

    name = "minibatch_kmeans"
    burden = 10
    pace = 0.1
    summary = "k-means for very many rows: a little less exact, several times as fast."

    clusters: int | None = clusters_param()
    starts: int = param(3, "Starts tried on a sample; the best is kept.", low=1)
    batch: int = param(2048, "Rows in a batch.", low=1)
    iterations: int = param(100, "Passes over the rows at most.", low=1)

    def build(self, task: Task, context: Context) -> Any:
        """An estimator around scikit-learn's MiniBatchKMeans."""
        from wholefit.models._clusters.means import MiniBatch

        return MiniBatch(self.clusters, self.starts, self.batch, self.iterations, context.seed)


@dataclass(frozen=True)
class BisectingKMeans(ClusterModel):
    """Divisive clustering: the worst cluster is cut in two by k-means until there are enough."""

    name = "bisecting_kmeans"
    burden = 11
    pace = 0.3
    summary = "From the top down: clusters within clusters, of more even size than k-means gives."

    clusters: int | None = clusters_param()
    starts: int = param(5, "Starts tried for each cut.", low=1)
    cut: str = param("inertia", "Which cluster is cut next: that of most inertia, or the largest.",
                     choices=("inertia", "size"))
    iterations: int = param(300, "Rounds of Lloyd's algorithm at most for each cut.", low=1)

    def build(self, task: Task, context: Context) -> Any:
        """An estimator around scikit-learn's BisectingKMeans; new rows go to the nearest leaf."""
        from wholefit.models._clusters.means import Bisecting

        return Bisecting(self.clusters, self.starts, self.cut, self.iterations, context.seed)


@dataclass(frozen=True)
class OneCluster(ClusterModel):
    """All rows together: the answer where nothing speaks for clusters."""

    name = "one_cluster"
    burden = 0
    pace = 0.01
    summary = "The baseline: no clusters; what is recommended where none stand out from chance."

    def build(self, task: Task, context: Context) -> Any:
        """An estimator that keeps the mean of all rows."""
        from wholefit.models._clusters.means import Whole

        return Whole()
