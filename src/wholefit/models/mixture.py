"""Gaussian mixtures: clusters that may be long, unequal and overlapping, with probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.models._clusters.base import ClusterModel, clusters_param
from wholefit.models._model import Context


@dataclass(frozen=True)
class GaussianMixture(ClusterModel):
    """A mixture of normal distributions, fitted by EM (Dempster, Laird and Rubin 1977)."""

    name = "gaussian_mixture"
    burden = 20
    pace = 2.0
    summary = ("Clusters of different shape and size that overlap, each row with a probability; "
               "many features need many rows.")

    clusters: int | None = clusters_param()
    covariance: str = param(
        "full", "The shape of the clusters: each its own, all alike, along the axes, or round.",
        choices=("full", "tied", "diag", "spherical"))
    starts: int = param(3, "Starts tried from k-means; the likeliest is kept.", low=1)
    ridge: float = param(1e-3, "Added to every variance, in the features' own units, so that no "
                         "cluster shrinks to a point.", above=0, search=(1e-6, 1e-1), log=True)
    iterations: int = param(200, "Rounds of EM at most.", low=1)
    rows: int = param(50_000, "Rows learnt from, where there are more: drawn at random.", low=100)

    def build(self, task: Task, context: Context) -> Any:
        """An estimator around scikit-learn's GaussianMixture, with `bic(X)`."""
        from wholefit.models._clusters.mixture import Mixed

        return Mixed(self, context.seed)
