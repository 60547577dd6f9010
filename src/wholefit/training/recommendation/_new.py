"""Items that nobody has yet, by what they are like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from wholefit import data
from wholefit.base.errors import DataError, unknown
from wholefit.base.state import State
from wholefit.base.stored import reading
from wholefit.features.encoder import Encoder
from wholefit.training.recommendation._tables import read_features


def likeness(states: Mapping[str, State], like: Mapping[str, Any], items: int) -> np.ndarray:
    """Cosine (items,) of a description with what is known of every item, -inf where nothing is.

    `like` gives values of columns of the table of items; those left out are missing. DataError
    where the fit was given no such table.
    """
    from scipy.sparse import csr_matrix

    if "item_encoder" not in states:
        raise DataError("like= needs to know what items are like: fit with items= a table with a "
                        "row an item.")
    with reading("the model file cannot answer"):
        encoder = Encoder.from_state(states["item_encoder"])
        matrix = read_features(states["item_features"])
        if matrix.shape[0] > items or matrix.shape[1] != len(encoder.names):
            raise ValueError(f"what it knows of items has the shape {matrix.shape}")
    columns = list(dict.fromkeys(source for name in encoder.sources for source in name.split("*")))
    for name in like:
        if name not in columns:
            raise unknown("column of the table of items", str(name), columns)
    row = csr_matrix(encoder.transform(_row(columns, like)), dtype=np.float64)
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    length = np.sqrt(row.multiply(row).sum())
    if not length > 0:
        raise DataError("like= says nothing that the model knows: none of its words or categories "
                        "was met in training.")
    near = np.asarray((matrix @ row.T).todense()).ravel()
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.where(norms > 0, near / (norms * length), -np.inf)
    return np.concatenate([cosine, np.full(items - len(cosine), -np.inf)])


def _row(columns: list[str], like: Mapping[str, Any]) -> data.Dataset:
    frame = pl.DataFrame([pl.Series(name, [like.get(name)]) for name in columns])
    texts = {name: "text" for name in columns if isinstance(like.get(name), str)}
    rest = {name: "numeric" for name in columns if name not in texts}
    return data.dataset_of(frame, roles={**texts, **rest})
