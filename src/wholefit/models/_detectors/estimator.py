"""The base of the detectors in training. Imports scikit-learn: import it when building."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from wholefit.base.errors import DataError
from wholefit.base.state import State
from wholefit.models._detectors.base import learn_columns, sampled
from wholefit.models._kernels.detectors import Columns


class Estimator(BaseEstimator):  # type: ignore[misc]
    """A detector in training: `fit(X)` leaves `columns_`, `state_` and, where a library did the
    work, its `learner_`.

    `categorical` are the features that hold codes; `words` are the method's own. At most `most`
    rows are learnt from, drawn by chance when there are more (None: all). Subclasses give `learn`.
    """

    kind = ""

    def __init__(self, categorical: Sequence[int] = (), seed: int = 0, most: int | None = None,
                 **words: Any) -> None:
        self.categorical, self.seed, self.most = categorical, seed, most
        self.words = words

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters, the method's own words among them."""
        return {**super().get_params(deep), **self.words}

    def set_params(self, **params: Any) -> Estimator:
        """Change parameters, the method's own words among them."""
        own = {name: value for name, value in params.items() if name in self.words}
        super().set_params(**{name: value for name, value in params.items() if name not in own})
        self.words = {**self.words, **own}
        return self

    def fit(self, X: Any, y: Any = None) -> Estimator:
        """Learn from features (n, p); `y` is not looked at. DataError for fewer than 3 rows."""
        whole = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
        if whole.ndim != 2 or len(whole) < 3 or whole.shape[1] < 1:
            raise DataError("a detector needs at least 3 rows and 1 column to tell what is usual; "
                            f"got {' x '.join(map(str, whole.shape))}.")
        if not np.isfinite(whole).all():
            raise DataError("a detector needs features that are finite and without gaps; got NaN "
                            "or infinity: let the encoding fill gaps (impute='median').")
        columns = learn_columns(whole, tuple(self.categorical))
        self.columns_ = Columns(columns)
        Z = self.columns_.prepare(sampled(whole, self.most, self.seed))
        config, arrays, parts = self.learn(Z)
        self.state_ = State(self.kind, config, arrays, parts={"columns": columns, **parts})
        return self

    def learn(
        self, Z: np.ndarray
    ) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, State]]:
        """Config, arrays and parts of the state, learnt from prepared rows (n, p)."""
        raise NotImplementedError

    def predict(self, X: Any) -> np.ndarray:
        """Scores (n,) of features (n, p), the higher the stranger."""
        from wholefit.models._scorers import scorer

        return scorer(self.state_).answer(X)
