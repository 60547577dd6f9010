"""What detectors of anomalies learn alike: their encoding, the scale of columns, sampled rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.features.encoding import Encoding
from wholefit.models._kernels.detectors import COLUMNS, Columns


def for_detectors() -> Encoding:
    """Gaps filled with the median and flagged, categories as codes, nothing scaled, dense.

    One encoding for all detectors, so that several can look at one matrix. Scaling, and what a
    category is worth, is learnt by the detector: a 0/1 column a level would make distances a
    count of levels, where what tells is how rare a level is.
    """
    return Encoding(impute="median", indicator=True, scale="none", categories="ordinal",
                    text="svd", dense=True)


class Estimator:
    """A detector in training: `fit(X)` leaves `columns_`, `state_` and, where a library did the
    work, its `learner_`.

    `categorical` are the features that hold codes. At most `most` rows are learnt from, drawn by
    chance when there are more (None: all). Subclasses give `learn`.
    """

    kind = ""

    def __init__(self, categorical: Sequence[int] = (), seed: int = 0, most: int | None = None,
                 **words: Any) -> None:
        self.categorical, self.seed, self.most = tuple(categorical), seed, most
        self.words = words

    def fit(self, X: Any, y: Any = None) -> Estimator:
        """Learn from features (n, p); `y` is not looked at. DataError for fewer than 3 rows."""
        whole = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
        if whole.ndim != 2 or len(whole) < 3 or whole.shape[1] < 1:
            raise DataError("a detector needs at least 3 rows and 1 column to tell what is usual; "
                            f"got {' x '.join(map(str, whole.shape))}.")
        if not np.isfinite(whole).all():
            raise DataError("a detector needs features that are finite and without gaps; got NaN "
                            "or infinity: let the encoding fill gaps (impute='median').")
        columns = learn_columns(whole, self.categorical)
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


def sampled(X: np.ndarray, most: int | None, seed: int) -> np.ndarray:
    """The rows themselves, or `most` of them drawn by chance, in their order."""
    if most is None or len(X) <= most:
        return X
    random = generator(seed, "detector", "rows")
    return X[np.sort(random.choice(len(X), most, replace=False))]


def learn_columns(X: np.ndarray, categorical: Sequence[int]) -> State:
    """The scale of every feature, and how rare the levels of coded ones are.

    The rarity of a level is -log((rows with it + 1) / (rows + levels + 1)), so that a level never
    seen is the rarest of all. A missing cell and an unseen level bear the same code.
    """
    tables = [_rarity(X[:, feature]) for feature in categorical]
    Z = X.copy()
    for feature, table in zip(categorical, tables, strict=True):
        Z[:, feature] = table[(X[:, feature] + 1).astype(np.intp)]
    largest = np.maximum(np.abs(Z).max(axis=0), np.finfo(float).tiny)
    Z /= largest
    scale = Z.std(axis=0)
    flat = np.ptp(Z, axis=0) == 0
    centre = np.where(flat, Z[0], Z.mean(axis=0)) * largest
    arrays = {
        "centre": np.where(flat, X[0], centre), "scale": np.where(flat, 0.0, scale * largest),
        "coded": np.asarray(categorical, dtype=np.int32),
        "levels": np.array([len(table) for table in tables], dtype=np.int32),
        "rarity": np.concatenate([np.empty(0), *tables]),
    }
    for feature, table in zip(categorical, tables, strict=True):
        if flat[feature]:
            arrays["centre"][feature] = table[int(X[0, feature]) + 1]
    return State(COLUMNS, {"features": X.shape[1], "rows": len(X)}, arrays)


def _rarity(codes: np.ndarray) -> np.ndarray:
    """Rarity of a missing or unseen level, then of each code."""
    counts = np.bincount((codes + 1).astype(np.intp), minlength=2)
    return -np.log((counts + 1) / (counts.sum() + len(counts)))
