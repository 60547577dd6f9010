"""Projections: few directions that hold what many features say, and new rows laid on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.errors import ParameterError
from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features import Encoding
from wholefit.features.encoding import for_counts, for_linear
from wholefit.models._maps.axes import axes_for
from wholefit.models._model import Context, Model

_COUNT = "Axes; None is what the fit asks for, else 2."


@dataclass(frozen=True)
class PCA(Model):
    """Principal components (Pearson 1901; Hotelling 1933)."""

    name = "pca"
    family = "projections"
    tasks = ("reduction",)
    burden = 10
    pace = 0.05
    weighted = False
    summary = ("The first thing to try: uncorrelated directions in order of the variance they "
               "hold, exact, explained by their loadings, for any new row; it sees straight "
               "lines only.")

    components: float | None = param(None, "Axes, or below 1 the share of variance to keep; None "
                                     "is what the fit asks for, else 2.", above=0, none=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        wanted = self.components
        if wanted is not None and wanted >= 1 and wanted != int(wanted):
            raise ParameterError("PCA.components must be a whole number, or a share below 1; got "
                                 f"{wanted!r}.")

    def encoding(self, task: Task) -> Encoding:
        """Standardised: a column must not win by its unit. Sparse where that is smaller."""
        return for_linear()

    def build(self, task: Task, context: Context) -> Any:
        """Exact up to 2,500 features or rows, never made dense; beyond, by Lanczos steps."""
        from wholefit.models._maps.project import Principal

        return Principal(2 if self.components is None else self.components, context.seed)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "projection": mean and axes."""
        from wholefit.models._maps.project import read

        return read(estimator)


@dataclass(frozen=True)
class IncrementalPCA(Model):
    """Principal components, a batch of rows at a time (Ross, Lim, Lin and Yang 2008)."""

    name = "incremental_pca"
    family = "projections"
    tasks = ("reduction",)
    burden = 11
    pace = 0.5
    weighted = False
    summary = ("Principal components of more rows than one wants to hold at once; close to PCA, "
               "and no better than it where PCA fits.")

    components: int | None = param(None, _COUNT, low=1, none=True)
    batch: int = param(1000, "Rows a batch; at least as many as axes.", low=1)

    def encoding(self, task: Task) -> Encoding:
        """Standardised and dense."""
        return for_linear(dense=True)

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's IncrementalPCA."""
        from sklearn.decomposition import IncrementalPCA as Estimator

        count = axes_for(self.components, context)
        return Estimator(n_components=count, batch_size=max(self.batch, count))

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "projection": mean and axes."""
        from wholefit.models._maps.project import read

        return read(estimator)


@dataclass(frozen=True)
class SparsePCA(Model):
    """Components of few features each (Zou, Hastie and Tibshirani 2006; Mairal et al. 2009)."""

    name = "sparse_pca"
    family = "projections"
    tasks = ("reduction",)
    burden = 12
    pace = 20.0
    weighted = False
    summary = ("Axes that each name a few features, easier to read than PCA's; they hold less "
               "variance, are correlated, and cost more to find.")

    components: int | None = param(None, _COUNT, low=1, none=True)
    alpha: float = param(1.0, "The more, the fewer features an axis has.", low=0,
                         search=(0.1, 10.0), log=True)

    def encoding(self, task: Task) -> Encoding:
        """Standardised and dense."""
        return for_linear(dense=True)

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's SparsePCA; above 5,000 rows its mini-batch form."""
        from sklearn import decomposition

        words = {"n_components": axes_for(self.components, context), "alpha": self.alpha,
                 "random_state": context.seed, "n_jobs": 1}
        if context.rows <= 5000:
            return decomposition.SparsePCA(**words)
        return decomposition.MiniBatchSparsePCA(**words, batch_size=256, max_iter=20)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "projection": the ridge solution that transforms is linear in the row."""
        from wholefit.models._maps.project import read

        return read(estimator)


@dataclass(frozen=True)
class TruncatedSVD(Model):
    """Leading singular directions without taking off the mean (Deerwester et al. 1990)."""

    name = "truncated_svd"
    family = "projections"
    tasks = ("reduction",)
    burden = 11
    pace = 0.1
    weighted = False
    summary = ("Words and other sparse counts, where zero means absent: latent semantic "
               "analysis; never makes the matrix dense.")

    components: int | None = param(None, _COUNT, low=1, none=True)

    def encoding(self, task: Task) -> Encoding:
        """As for linear models: sparse where that is smaller."""
        return for_linear()

    def build(self, task: Task, context: Context) -> Any:
        """Lanczos steps; the whole decomposition where the axes are nearly all there are."""
        from wholefit.models._maps.project import Singular

        return Singular(axes_for(self.components, context), context.seed)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "projection", with a mean of zeros."""
        from wholefit.models._maps.project import read

        return read(estimator)


@dataclass(frozen=True)
class NMF(Model):
    """Non-negative matrix factorisation (Lee and Seung 1999)."""

    name = "nmf"
    family = "projections"
    tasks = ("reduction",)
    burden = 20
    pace = 5.0
    weighted = False
    summary = ("Counts, words, pixels, amounts: parts that only add up, each row a mixture of "
               "them; features are brought to 0..1 first.")

    components: int | None = param(None, "Parts; None is what the fit asks for, else 2.", low=1,
                                   none=True)
    iterations: int = param(400, "Most rounds of fitting.", low=1)

    def encoding(self, task: Task) -> Encoding:
        """Non-negative, sparse where that is smaller."""
        return for_counts()

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's NMF, started from the singular directions."""
        from wholefit.models._maps.project import Factors

        count = axes_for(self.components, context)
        return Factors({"n_components": count, "init": "nndsvda", "max_iter": self.iterations,
                        "tol": 1e-5, "random_state": context.seed})

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "parts": the parts; a row's mixture is the least-squares one that is >= 0."""
        from wholefit.models._maps.project import read

        return read(estimator)


@dataclass(frozen=True)
class ICA(Model):
    """Independent components by FastICA (Hyvarinen and Oja 2000)."""

    name = "ica"
    family = "projections"
    tasks = ("reduction",)
    burden = 12
    pace = 2.0
    weighted = False
    summary = ("Signals that were mixed, to be told apart: axes as independent and as far from a "
               "bell curve as can be; their order and sign mean nothing.")

    components: int | None = param(None, _COUNT, low=1, none=True)
    iterations: int = param(1000, "Most rounds of fitting.", low=1)

    def encoding(self, task: Task) -> Encoding:
        """Standardised and dense."""
        return for_linear(dense=True)

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's FastICA with axes of unit variance."""
        from sklearn.decomposition import FastICA

        return FastICA(n_components=axes_for(self.components, context), whiten="unit-variance",
                       whiten_solver="eigh" if context.rows > context.features else "svd",
                       max_iter=self.iterations, tol=1e-4, random_state=context.seed)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "projection": unmixing there, mixing back."""
        from wholefit.models._maps.project import read

        return read(estimator)


@dataclass(frozen=True)
class KernelPCA(Model):
    """Principal components of likenesses to stored rows (Schoelkopf, Smola and Mueller 1998)."""

    name = "kernel_pca"
    family = "projections"
    tasks = ("reduction",)
    growth = "quadratic"
    burden = 40
    pace = 5.0
    weighted = False
    summary = ("Curved structure with an exact rule for new rows; it keeps up to 2,000 training "
               "rows, and all depends on the width of its kernel.")

    components: int | None = param(None, _COUNT, low=1, none=True)
    kernel: str = param("rbf", "What makes two rows alike.", choices=("rbf", "cosine", "poly"))
    gamma: float | None = param(None, "Sharpness of likeness; None is one over the features.",
                                above=0, none=True, search=(1e-4, 1.0), log=True)
    degree: int = param(3, "Degree of kernel='poly'.", low=1, high=6)
    rows: int = param(2000, "Most training rows kept; more are drawn by chance.", low=2)

    def encoding(self, task: Task) -> Encoding:
        """Standardised and dense."""
        return for_linear(dense=True)

    def build(self, task: Task, context: Context) -> Any:
        """The leading eigenvectors of the centred kernel of the kept rows."""
        from wholefit.models._maps.project import Likeness

        gamma = self.gamma if self.gamma is not None else 1.0 / max(context.features, 1)
        return Likeness(axes_for(self.components, context), self.kernel, gamma, self.degree,
                        self.rows, context.seed)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "kernel_projection": the kept rows and their weights."""
        return estimator.state()


@dataclass(frozen=True)
class RandomProjection(Model):
    """Directions drawn by chance (Johnson and Lindenstrauss 1984)."""

    name = "random_projection"
    family = "projections"
    tasks = ("reduction",)
    burden = 0
    pace = 0.01
    weighted = False
    summary = ("The baseline: directions that looked at nothing; with some hundreds of them "
               "distances are kept, with two hardly anything is.")

    components: int | None = param(None, _COUNT, low=1, none=True)

    def encoding(self, task: Task) -> Encoding:
        """As for linear models: sparse where that is smaller."""
        return for_linear()

    def build(self, task: Task, context: Context) -> Any:
        """Normal draws, one over the root of the axes."""
        from wholefit.models._maps.project import Drawn

        return Drawn(axes_for(self.components, context), context.seed)

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """Kind "projection"."""
        from wholefit.models._maps.project import read

        return read(estimator)
