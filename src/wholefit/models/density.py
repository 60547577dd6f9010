"""Density clustering: clusters of any shape, as many as there are, and rows that are noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.tasks import Task
from wholefit.models._clusters.base import ClusterModel
from wholefit.models._model import Context


@dataclass(frozen=True)
class DBSCAN(ClusterModel):
    """Rows with enough neighbours within a radius, chained together (Ester et al. 1996).

    A row belongs to the cluster of the nearest core row within `eps`, else to none; so does a
    border row between two clusters, which the paper leaves to the order of the rows.
    """

    name = "dbscan"
    burden = 50
    pace = 3.0
    growth = "quadratic"
    summary = "Clusters of any shape and one density; what lies between them is noise."

    eps: float | None = param(
        None, "The radius; None: where the curve of distances to the last of `neighbours` bends.",
        above=0, none=True)
    neighbours: int | None = param(
        None, "Rows within the radius, itself included, that make a row a core; None: twice the "
        "features, from 10 to 50.", low=1, none=True)
    rows: int = param(20_000, "Rows learnt from, where there are more: drawn at random.",
                      low=10, high=200_000)

    def build(self, task: Task, context: Context) -> Any:
        """An estimator with `eps_` and the curve `distances_` that it was read from."""
        from wholefit.models._clusters.density import Cores

        return Cores(self.eps, self.neighbours, self.rows, context.seed)


@dataclass(frozen=True)
class HDBSCAN(ClusterModel):
    """Density clusters of every density, the most lasting kept (Campello et al. 2013).

    A new row belongs to the cluster of the row that it reaches first, if it lies as densely as
    that cluster's loosest member.
    """

    name = "hdbscan"
    burden = 55
    pace = 3.0
    growth = "quadratic"
    summary = "Clusters of any shape and of different density, without a radius; noise stays noise."

    size: int | None = param(None, "Rows that make a cluster; None: a hundredth of them, at least "
                             "10.", low=2, none=True)
    neighbours: int | None = param(
        None, "Rows, itself included, that density is measured by; None: the smaller of `size` "
        "and 10.", low=1, none=True)
    select: str = param("eom", "The most lasting clusters, or the leaves of the tree.",
                        choices=("eom", "leaf"))
    rows: int = param(100_000, "Rows learnt from, where there are more: drawn at random.",
                      low=10, high=200_000)

    def build(self, task: Task, context: Context) -> Any:
        """An estimator around scikit-learn's HDBSCAN."""
        from wholefit.models._clusters.density import Lasting

        return Lasting(self.size, self.neighbours, self.select, self.rows, context)


@dataclass(frozen=True)
class OPTICS(ClusterModel):
    """Rows in order of reachability, clusters as its valleys (Ankerst et al. 1999).

    New rows are answered as by `hdbscan`.
    """

    name = "optics"
    burden = 58
    pace = 20.0
    growth = "quadratic"
    summary = "Clusters of different density as valleys of a curve; slow, so from a sample."

    neighbours: int | None = param(
        None, "Rows, itself included, that density is measured by; None: as for dbscan.",
        low=2, none=True)
    steepness: float = param(0.1, "How steep the wall of a valley is: xi of the paper.",
                             above=0, below=1, search=(0.01, 0.2), log=True)
    size: float = param(0.1, "Share of the rows that makes a cluster.", above=0, high=1)
    rows: int = param(3000, "Rows learnt from, where there are more: drawn at random.",
                      low=10, high=50_000)

    def build(self, task: Task, context: Context) -> Any:
        """An estimator around scikit-learn's OPTICS, with `reachability_` in order."""
        from wholefit.models._clusters.density import Ordered

        return Ordered(self.neighbours, self.steepness, self.size, self.rows, context)
