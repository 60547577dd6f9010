"""The encoder of a model that looks at no feature: of its features the names are needed alone."""

from __future__ import annotations

import numpy as np

from wholefit.base import seeds
from wholefit.base.errors import DataError
from wholefit.data.dataset import Dataset
from wholefit.features.encoder import Encoder

# Rows that tell what features there are, where there are more.
_ROWS = 10_000


def fit(
    encoder: Encoder, dataset: Dataset, rows: np.ndarray | None, y: np.ndarray, seed: int
) -> bool:
    """Fit it on some of many rows, drawn by `seed`; False where there are few, or no value in them.

    `y` is the encoded target of the `rows` (all where None).
    """
    if len(y) <= _ROWS:
        return False
    some = np.unique(seeds.generator(seed, "blind").integers(0, len(y), _ROWS))
    try:
        encoder.fit(dataset, some if rows is None else rows[some], y[some])
    except DataError:
        return False
    return True
