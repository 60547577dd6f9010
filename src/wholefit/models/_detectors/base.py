"""What detectors of anomalies learn alike: their encoding, the scale of columns, sampled rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.features.encoding import Encoding
from wholefit.models._kernels.detectors import COLUMNS


def for_detectors() -> Encoding:
    """Gaps filled with the median and flagged, categories as codes, nothing scaled, dense.

    One encoding for all detectors, so that several can look at one matrix. Scaling, and what a
    category is worth, is learnt by the detector: a 0/1 column a level would make distances a
    count of levels, where what tells is how rare a level is.
    """
    return Encoding(impute="median", indicator=True, scale="none", categories="ordinal",
                    text="svd", dense=True)


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
