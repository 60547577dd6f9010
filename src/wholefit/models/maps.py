"""Maps: rows placed so that near neighbours stay near; what is far apart means less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features import Encoding
from wholefit.features.encoding import for_linear
from wholefit.models._maps.axes import axes_for
from wholefit.models._model import Context, Model

_COUNT = "Axes of the map; None is what the fit asks for, else 2."
_INITIAL = ("Principal components that neighbours are sought in, where there are more features; "
            "None is all features.")


@dataclass(frozen=True)
class UMAP(Model):
    """UMAP by umap-learn (McInnes, Healy and Melville 2018)."""

    name = "umap"
    family = "maps"
    tasks = ("reduction",)
    requires = "umap"
    extra = "maps"
    growth = "n log n"
    burden = 60
    pace = 30.0
    weighted = False
    summary = ("A map of neighbourhoods that takes new rows and grows well with their number; "
               "distances between far groups and sizes of groups mean little.")

    components: int | None = param(None, _COUNT, low=1, high=100, none=True)
    neighbors: int = param(15, "Neighbours of a row: few show detail, many the whole.", low=2,
                           search=(5, 100), log=True)
    min_dist: float = param(0.1, "How close together places may lie.", low=0, high=1,
                            search=(0.0, 0.5))
    metric: str = param("euclidean", "Distance between rows.", choices=("euclidean", "cosine"))
    initial: int | None = param(50, _INITIAL, low=2, none=True)
    keep: int = param(64, "Megabytes of rows that the model keeps to place new ones by; of more, "
                      "some are drawn by chance.", low=1)

    def encoding(self, task: Task) -> Encoding:
        """As for PCA, which comes first where there are many features."""
        return for_linear()

    def build(self, task: Task, context: Context) -> Any:
        """umap-learn's UMAP with a seed, so in one thread: that is what makes it repeatable."""
        from wholefit.models._maps.embed import Umap

        return Umap(self.initial, context.seed, axes_for(self.components, context),
                    neighbors=self.neighbors, min_dist=self.min_dist, metric=self.metric)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "map": rows, places, and UMAP's rule for a first placement."""
        return estimator.state(self.name, rule="fuzzy", most=self.keep)


@dataclass(frozen=True)
class OpenTSNE(Model):
    """t-SNE by openTSNE (Policar, Strazar and Zupan 2019)."""

    name = "opentsne"
    family = "maps"
    tasks = ("reduction",)
    requires = "openTSNE"
    extra = "maps"
    growth = "n log n"
    burden = 62
    pace = 60.0
    weighted = False
    summary = ("t-SNE for tens of thousands of rows, with a place for new ones; clusters stand "
               "out, their distances and sizes mean nothing.")

    components: int | None = param(None, _COUNT, low=1, high=2, none=True)
    perplexity: float = param(30.0, "About how many neighbours a row has.", low=1,
                              search=(5.0, 100.0), log=True)
    iterations: int = param(500, "Rounds after the early exaggeration of 250.", low=1)
    initial: int | None = param(50, _INITIAL, low=2, none=True)
    keep: int = param(64, "Megabytes of rows that the model keeps to place new ones by; of more, "
                      "some are drawn by chance.", low=1)

    def encoding(self, task: Task) -> Encoding:
        """As for PCA, which comes first where there are many features."""
        return for_linear()

    def build(self, task: Task, context: Context) -> Any:
        """openTSNE's TSNE, started from the principal components."""
        from wholefit.models._maps.embed import Open

        return Open(self.initial, context.seed, axes_for(self.components, context),
                    perplexity=self.perplexity, iterations=self.iterations, jobs=context.jobs)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "map": rows, places, and t-SNE's likeness as the rule for new rows."""
        return estimator.state(self.name, rule="gaussian", most=self.keep)


@dataclass(frozen=True)
class TSNE(Model):
    """t-SNE by scikit-learn (van der Maaten and Hinton 2008; van der Maaten 2014)."""

    name = "tsne"
    family = "maps"
    tasks = ("reduction",)
    growth = "n log n"
    burden = 65
    pace = 200.0
    weighted = False
    summary = ("The classic picture of clusters, for some thousands of rows; it has no place for "
               "new rows, and distances and sizes of clusters mean nothing.")

    components: int | None = param(None, _COUNT, low=1, high=3, none=True)
    perplexity: float = param(30.0, "About how many neighbours a row has.", low=1,
                              search=(5.0, 100.0), log=True)
    iterations: int = param(1000, "Most rounds.", low=250)
    initial: int | None = param(50, _INITIAL, low=2, none=True)

    def encoding(self, task: Task) -> Encoding:
        """As for PCA, which comes first where there are many features."""
        return for_linear()

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's TSNE, started from the principal components."""
        from wholefit.models._maps.embed import Tsne

        return Tsne(self.initial, context.seed, axes_for(self.components, context),
                    perplexity=self.perplexity, iterations=self.iterations, jobs=context.jobs)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "map": rows and places, and no rule for others."""
        return estimator.state(self.name, rule="none")


@dataclass(frozen=True)
class MDS(Model):
    """Metric multidimensional scaling (Kruskal 1964)."""

    name = "mds"
    family = "maps"
    tasks = ("reduction",)
    growth = "quadratic"
    burden = 64
    pace = 200.0
    weighted = False
    summary = ("All distances kept as well as they can be, near and far alike; for some hundreds "
               "of rows, with no place for new ones.")

    components: int | None = param(None, _COUNT, low=1, high=100, none=True)
    rows: int = param(1000, "Most rows on the map; of more, some are drawn by chance.", low=2)
    initial: int | None = param(50, _INITIAL, low=2, none=True)

    def encoding(self, task: Task) -> Encoding:
        """As for PCA, which comes first where there are many features."""
        return for_linear()

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's MDS (SMACOF), started from the principal components."""
        from wholefit.models._maps.embed import Mds

        return Mds(self.initial, context.seed, axes_for(self.components, context),
                   most=self.rows)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "map": rows and places, and no rule for others."""
        return estimator.state(self.name, rule="none")


@dataclass(frozen=True)
class LLE(Model):
    """Locally linear embedding (Roweis and Saul 2000)."""

    name = "lle"
    family = "maps"
    tasks = ("reduction",)
    growth = "quadratic"
    burden = 61
    pace = 50.0
    weighted = False
    summary = ("A smooth sheet that was bent, without holes; on clustered data it often folds "
               "everything onto a few spikes.")

    components: int | None = param(None, _COUNT, low=1, high=100, none=True)
    neighbors: int = param(12, "Neighbours that rebuild a row.", low=2, search=(5, 50), log=True)
    rows: int = param(5000, "Most rows on the map; of more, some are drawn by chance.", low=2)
    initial: int | None = param(50, _INITIAL, low=2, none=True)

    def encoding(self, task: Task) -> Encoding:
        """As for PCA, which comes first where there are many features."""
        return for_linear()

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's LocallyLinearEmbedding."""
        from wholefit.models._maps.embed import Lle

        return Lle(self.initial, context.seed, axes_for(self.components, context),
                   most=self.rows, neighbors=self.neighbors)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "map": rows, places, and barycentric weights as the rule for new rows."""
        return estimator.state(self.name, rule="barycentre")


@dataclass(frozen=True)
class Isomap(Model):
    """Isomap (Tenenbaum, de Silva and Langford 2000)."""

    name = "isomap"
    family = "maps"
    tasks = ("reduction",)
    growth = "quadratic"
    burden = 63
    pace = 100.0
    weighted = False
    summary = ("A bent sheet unrolled by distances along it, with a rule for new rows; a few "
               "short cuts between neighbours spoil it.")

    components: int | None = param(None, _COUNT, low=1, high=100, none=True)
    neighbors: int = param(10, "Neighbours that a path may step to.", low=2, search=(5, 50),
                           log=True)
    rows: int = param(2000, "Most rows on the map; of more, some are drawn by chance.", low=3)
    initial: int | None = param(50, _INITIAL, low=2, none=True)

    def encoding(self, task: Task) -> Encoding:
        """As for PCA, which comes first where there are many features."""
        return for_linear()

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's Isomap."""
        from wholefit.models._maps.embed import Geodesics

        return Geodesics(self.initial, context.seed, axes_for(self.components, context),
                         most=self.rows, neighbors=self.neighbors)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "geodesic": rows, their distances along the sheet, and weights."""
        return estimator.state(self.name)
