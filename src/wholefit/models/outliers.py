"""Detectors that look at all columns together: neighbours, and the shape of the usual rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base.params import param
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.features.encoding import Encoding
from wholefit.models._detectors.base import for_detectors
from wholefit.models._model import Context, Model

_MOST = "Rows learnt from; of more, so many are drawn by chance."
_SHARE = ("Neighbours asked, as a share of the rows kept (5 at least): a clump of rows smaller "
          "than this share is strange as a whole.")


@dataclass(frozen=True)
class _Outliers(Model):
    """What these detectors share."""

    family = "outliers"
    tasks = ("anomaly",)
    weighted = False

    def encoding(self, task: Task) -> Encoding:
        """That of all detectors; each standardises for itself."""
        return for_detectors()

    def state(self, estimator: Any, task: Task, context: Context) -> State:
        """What the detector learnt, with the scales of its columns."""
        found: State = estimator.state_
        return found


@dataclass(frozen=True)
class KNNDistance(_Outliers):
    """Distance to the nearest rows of a sample (Ramaswamy 2000; Sugiyama and Borgwardt 2013)."""

    name = "knn_distance"
    burden = 40
    pace = 0.05
    summary = ("Strange combinations of numbers, at any shape of the usual; unhelpful columns "
               "blur distances. It keeps rows, 1,000 at most.")

    k: int | None = param(None, "Neighbours asked; None takes the share.", low=1, none=True,
                          search=(5, 200), log=True)
    share: float = param(0.05, _SHARE, above=0, below=1, search=(0.01, 0.2), log=True)
    how: str = param(
        "both", "The mean distance to the k neighbours, that to the k-th, or the mean to the k and "
        "the mean to the 5 nearest added up, which sees lone rows and clumps alike.",
        choices=("both", "mean", "largest"))
    most: int = param(1000, _MOST, low=10)

    def build(self, task: Task, context: Context) -> Any:
        """Rows are kept; answers measure."""
        from wholefit.models._detectors.near import DistanceEstimator

        return DistanceEstimator(context.categorical, context.seed, self.most, k=self.k,
                                 share=self.share, how=self.how)


@dataclass(frozen=True)
class LOF(_Outliers):
    """Local outlier factor (Breunig et al. 2000), for new rows too."""

    name = "lof"
    burden = 45
    pace = 0.1
    summary = ("Rows that are sparse beside their own neighbours, where density differs from "
               "place to place; many copies of a row mislead it. It keeps rows, 1,000 at most.")

    k: int | None = param(None, "Neighbours asked; None takes the share.", low=1, none=True,
                          search=(5, 200), log=True)
    share: float = param(0.1, _SHARE, above=0, below=1, search=(0.01, 0.2), log=True)
    floor: float = param(
        0.5, "The least distance that counts, as a share of the median distance to the k-th "
        "neighbour: rows with many copies would else be endlessly dense.", low=0,
        search=(0.0, 1.0))
    most: int = param(1000, _MOST, low=10)

    def build(self, task: Task, context: Context) -> Any:
        """Rows are kept with their densities; answers measure."""
        from wholefit.models._detectors.near import LocalDensityEstimator

        return LocalDensityEstimator(context.categorical, context.seed, self.most, k=self.k,
                                     share=self.share, floor=self.floor)


@dataclass(frozen=True)
class OneClassSVM(_Outliers):
    """One-class support vector machine (Schoelkopf et al. 2001), rbf kernel."""

    name = "one_class_svm"
    burden = 50
    pace = 1.0
    summary = ("A smooth boundary around the usual rows, curved as they are; slow to learn, so it "
               "learns from 3,000 rows at most, and keeps part of them.")

    nu: float = param(0.5, "Share of the rows that may lie outside the boundary. Ranking needs "
                      "no tight one: half makes it a density.", above=0, high=1,
                      search=(0.01, 0.5), log=True)
    gamma: float | None = param(None, "Reach of a row, smaller is wider; None is 1 / (features x "
                                "variance).", above=0, none=True, search=(1e-4, 1.0), log=True)
    most: int = param(3000, _MOST, low=10)

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's OneClassSVM."""
        from wholefit.models._detectors.spread import BoundaryEstimator

        return BoundaryEstimator(context.categorical, context.seed, self.most, nu=self.nu,
                                 gamma=self.gamma)


@dataclass(frozen=True)
class EllipticEnvelope(_Outliers):
    """Mahalanobis distance (Rousseeuw and Van Driessen 1999 where robust)."""

    name = "elliptic_envelope"
    burden = 15
    pace = 0.2
    summary = ("Numbers that move together in one cloud: finds rows that break the correlations; "
               "wrong for several clouds or curved ones.")

    robust: bool = param(False, "Learn the ellipse from the half of the rows that lie closest "
                         "together, so that anomalies do not widen it; slow, and on columns "
                         "that are mostly one value it sees too little.")
    support: float | None = param(None, "For robust: share of the rows that the ellipse is learnt "
                                  "from; None is about half.", above=0, high=1, none=True)
    most: int = param(10_000, _MOST, low=10)

    def build(self, task: Task, context: Context) -> Any:
        """The covariance, or scikit-learn's MinCovDet."""
        from wholefit.models._detectors.spread import EllipseEstimator

        return EllipseEstimator(context.categorical, context.seed, self.most, robust=self.robust,
                                support=self.support)


@dataclass(frozen=True)
class MixtureOutliers(_Outliers):
    """Low density under a mixture of Gaussians."""

    name = "mixture_outliers"
    burden = 20
    pace = 0.5
    summary = ("A few kinds of usual rows, each a cloud of its own; anomalies that come in clumps "
               "may be given a cloud too.")

    components: int = param(2, "Gaussians in the mixture, at most a tenth of the rows.", low=1,
                            high=200, search=(1, 10))
    ridge: float = param(0.01, "Added to the variances, which keeps columns of mostly one value "
                         "from deciding alone.", above=0, search=(1e-4, 0.1), log=True)
    most: int = param(10_000, _MOST, low=10)

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's GaussianMixture with full covariances."""
        from wholefit.models._detectors.spread import MixtureEstimator

        return MixtureEstimator(context.categorical, context.seed, self.most,
                                components=self.components, ridge=self.ridge)


@dataclass(frozen=True)
class PCAOutliers(_Outliers):
    """What principal components leave unexplained (Shyu et al. 2003)."""

    name = "pca_outliers"
    burden = 10
    pace = 0.05
    summary = ("Many correlated numbers, such as sensors or pixels: finds rows off the plane that "
               "the others lie near.")

    variance: float = param(0.5, "Share of the variance that the components kept explain.",
                            above=0, below=1, search=(0.3, 0.95))

    def build(self, task: Task, context: Context) -> Any:
        """The eigenvectors of the covariance."""
        from wholefit.models._detectors.spread import PlaneEstimator

        return PlaneEstimator(context.categorical, context.seed, None, variance=self.variance)


@dataclass(frozen=True)
class AutoencoderOutliers(_Outliers):
    """What a network with a waist cannot give back (Hawkins et al. 2002)."""

    name = "autoencoder_outliers"
    burden = 30
    pace = 3.0
    summary = ("As pca_outliers where the usual rows lie on a curved surface; slower, and often "
               "no better on tables.")

    waist: int | None = param(None, "Numbers that a row is squeezed into; None is the root of the "
                              "features.", low=1, none=True, search=(1, 32), log=True)
    width: int | None = param(None, "Units of the layers beside the waist; None is twice the "
                              "features, 64 at most.", low=1, none=True, search=(8, 128), log=True)
    alpha: float = param(1e-4, "Strength of the penalty on weights.", low=0, search=(1e-6, 1e-2),
                         log=True)
    epochs: int = param(60, "Most passes over the rows.", low=1, search=(20, 200))
    reach: float = param(5.0, "Standard deviations beyond which the network sees a value as lying "
                         "there, so that a wild row cannot pull it.", above=0)
    most: int = param(10_000, _MOST, low=10)

    def build(self, task: Task, context: Context) -> Any:
        """scikit-learn's MLPRegressor from rows to the same rows; tanh, linear at the end."""
        from wholefit.models._detectors.spread import RebuiltEstimator

        return RebuiltEstimator(context.categorical, context.seed, self.most, waist=self.waist,
                                width=self.width, alpha=self.alpha, epochs=self.epochs,
                                reach=self.reach)


@dataclass(frozen=True)
class VariationalOutliers(_Outliers):
    """What a row costs a variational autoencoder (An and Cho 2015)."""

    name = "variational_outliers"
    requires = "torch"
    extra = "deep"
    burden = 35
    pace = 20.0
    summary = ("As autoencoder_outliers, with a spread for every number, so that what wavers "
               "anyway counts little: mostly better, and some six times slower.")

    how: str = param(
        "bound", "The nats that rebuilding a row costs and those of its code, which is minus the "
        "evidence bound; or the first alone, minus the reconstruction probability.",
        choices=("bound", "reconstruction"))
    code: int | None = param(None, "Numbers in the code; None is the root of the features.",
                             low=1, none=True, search=(1, 32), log=True)
    width: int | None = param(None, "Units of the layer on each side of the code; None is four "
                              "times the features, 128 at most.", low=1, none=True,
                              search=(8, 256), log=True)
    beta: float = param(1.0, "How much the code's cost counts in training (Higgins et al. 2017).",
                        low=0, search=(0.1, 4.0))
    least: float = param(
        0.1, "The least spread that the network may claim, in standard deviations: columns of "
        "mostly one value would else decide alone.", above=0, high=1, search=(0.03, 0.5),
        log=True)
    epochs: int = param(60, "Times that all rows are seen.", low=1, search=(20, 300), log=True)
    rate: float = param(2e-3, "Size of the steps.", above=0, search=(1e-4, 1e-2), log=True)
    draws: int = param(16, "Codes drawn for a row; the score is the mean over them.", low=1,
                       high=1000)
    reach: float = param(5.0, "Standard deviations beyond which the network sees a value as lying "
                         "there, so that a wild row cannot pull it.", above=0)
    most: int = param(10_000, _MOST, low=10)

    def build(self, task: Task, context: Context) -> Any:
        """The network "vae", trained on its bound."""
        from wholefit.models._detectors.variational import VariationalEstimator

        return VariationalEstimator(
            context.categorical, context.seed, self.most, how=self.how, code=self.code,
            width=self.width, beta=self.beta, least=self.least, epochs=self.epochs,
            rate=self.rate, draws=self.draws, reach=self.reach)
