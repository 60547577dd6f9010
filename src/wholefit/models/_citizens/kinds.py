"""The four kinds: rows placed, grouped, told apart, and made anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import ClusterMixin, OutlierMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from wholefit.base.errors import ParameterError
from wholefit.features.spans import runs
from wholefit.models._citizens.base import OfCatalog
from wholefit.models._kernels.clusters import labels_of
from wholefit.models._model import Model


class CatalogMap(TransformerMixin, OfCatalog):  # type: ignore[misc]
    """Any family for reduction: `transform(X)` gives coordinates (n, components).

    A map without a rule for new rows (t-SNE, MDS) answers the rows that it learnt from, and
    raises DataError for others.
    """

    task = "reduction"
    fewest = 4

    def __init__(
        self, model: Any = "pca", *, categorical: Sequence[int] | None = None, jobs: int = 1,
        seconds: float | None = None, random_state: Any = 0,
    ) -> None:
        super().__init__(model, categorical=categorical, jobs=jobs, seconds=seconds,
                         random_state=random_state)

    def fit(self, X: Any, y: Any = None) -> CatalogMap:
        """Learn from rows (n, p); `y` is not looked at."""
        self._fit(X)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Coordinates (n, components)."""
        return self._answer(X)


class CatalogClusters(ClusterMixin, OfCatalog):  # type: ignore[misc]
    """Any family for clustering: `labels_` (n,) of the rows learnt from, -1 for noise."""

    task = "clustering"

    def __init__(
        self, model: Any = "kmeans", *, categorical: Sequence[int] | None = None, jobs: int = 1,
        seconds: float | None = None, random_state: Any = 0,
    ) -> None:
        super().__init__(model, categorical=categorical, jobs=jobs, seconds=seconds,
                         random_state=random_state)

    def fit(self, X: Any, y: Any = None) -> CatalogClusters:
        """Learn from rows (n, p); `y` is not looked at."""
        rows = self._fit(X)
        self.labels_ = labels_of(np.asarray(self._answers.answer(rows)))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Clusters (n,) of rows, -1 where a row belongs to none."""
        return labels_of(self._answer(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Memberships (n, clusters); a row of noise has none."""
        return self._answer(X)


class CatalogDetector(OutlierMixin, OfCatalog):  # type: ignore[misc]
    """Any family for anomalies, with scikit-learn's signs: the lower, the stranger.

    `contamination` is the share of the rows learnt from that `predict` calls -1 (at most 0.5).
    """

    task = "anomaly"
    fewest = 3

    def __init__(
        self, model: Any = "isolation_forest", *, contamination: float = 0.1,
        categorical: Sequence[int] | None = None, jobs: int = 1, seconds: float | None = None,
        random_state: Any = 0,
    ) -> None:
        super().__init__(model, categorical=categorical, jobs=jobs, seconds=seconds,
                         random_state=random_state)
        self.contamination = contamination

    def fit(self, X: Any, y: Any = None) -> CatalogDetector:
        """Learn from rows (n, p); `y` is not looked at."""
        share = self.contamination
        if not (isinstance(share, (int, float)) and 0 < share <= 0.5):
            raise ParameterError(f"contamination must be > 0 and <= 0.5; got {share!r}.")
        rows = self._fit(X)
        scores = -np.asarray(self._answers.answer(rows))
        self.offset_ = float(np.percentile(scores, 100 * share))
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """Minus the family's score (n,): the lower, the stranger."""
        return -self._answer(X)

    def decision_function(self, X: Any) -> np.ndarray:
        """`score_samples` less `offset_` (n,): negative for what `predict` calls -1."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """1 for usual rows, -1 for strange ones (n,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)


class CatalogGenerator(OfCatalog):
    """Any family that makes rows of tables: `sample(n)` gives rows like those learnt from.

    NaN is a missing number, and is made again as often as it was seen. Families that make texts
    are not taken.
    """

    task = "generation"
    fewest = 2
    gaps = True

    def __init__(
        self, model: Any = "gaussian_copula", *, categorical: Sequence[int] | None = None,
        jobs: int = 1, seconds: float | None = None, random_state: Any = 0,
    ) -> None:
        super().__init__(model, categorical=categorical, jobs=jobs, seconds=seconds,
                         random_state=random_state)

    def fit(self, X: Any, y: Any = None) -> CatalogGenerator:
        """Learn from rows (n, p); `y` is not looked at."""
        rows = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan",
                             ensure_min_samples=self.fewest)
        codes = self._codes(rows)
        levels = [int(rows[:, at].max()) + 1 for at in codes]
        self._fit(X, spans=runs(rows.shape[1], codes, levels))
        return self

    def sample(self, n: int = 1, random_state: Any = 0) -> np.ndarray:
        """New rows (n, p); the same for the same whole `random_state`."""
        check_is_fitted(self, "state_")
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise ParameterError(f"n must be a whole number >= 1; got {n!r}.")
        from sklearn.utils import check_random_state

        seed = random_state if isinstance(random_state, (int, np.integer)) else (
            check_random_state(random_state).randint(2**31 - 1))
        made: np.ndarray = self._answers.sample(int(n), int(seed))
        return made

    def _chosen(self) -> Model:
        model = super()._chosen()
        makes = getattr(model, "makes", ())
        if "table" not in makes:
            raise ParameterError(f"CatalogGenerator.model must be a family that makes tables; got "
                                 f"{model.name!r}, which makes {', '.join(makes)}: "
                                 "wf.fit(task='generation') learns from texts.")
        return model
