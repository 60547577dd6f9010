"""What all detectors of anomalies share: columns brought to one scale, and answers in blocks.

A detector is asked with encoded features, categories as codes. `Columns` turns a code into the
rarity of its level and puts every feature on one scale; what a detector learnt is in those terms.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from wholefit.base.errors import ArtifactError
from wholefit.base.state import State
from wholefit.models._kernels._links import dense

COLUMNS = "detector.columns"
# A standardised value further out than this is no further out than this.
FARTHEST = 1e6
# Cells of a block of rows: 8 MB of them.
_BLOCK = 1 << 20


class Columns:
    """Features (n, p) to standardised numbers (n, p).

    `centre` and `scale` (p,) are mean and standard deviation in training. `coded` (c,) are the
    features that hold codes of categories, `levels` (c,) how many entries each has in `rarity`:
    first that of a missing or unseen level, then one a code. A column that was constant in
    training has scale 0: another value in it counts as sqrt(rows), which is what it would have
    been had it been one of the training rows.
    """

    def __init__(self, state: State) -> None:
        self.features = whole(state, "features", least=1)
        self.rows = whole(state, "rows", least=1)
        self.centre = array(state, "centre", self.features)
        self.scale = array(state, "scale", self.features)
        self.coded = indices(state, "coded", self.features)
        levels = array(state, "levels", len(self.coded)).astype(np.intp)
        rarity = array(state, "rarity", int(levels.sum()))
        if len(levels) and levels.min() < 1:
            raise ArtifactError(_ALTERED.format(state.kind, "levels"))
        self.rarity = np.split(rarity, np.cumsum(levels)[:-1]) if len(levels) else []
        self._flat = self.scale == 0

    def prepare(self, X: Any) -> np.ndarray:
        """A fresh float64 array (n, p): rarities for codes, then everything standardised."""
        Z = np.array(dense(X, self.features), dtype=np.float64, order="C")
        for feature, table in zip(self.coded, self.rarity, strict=True):
            place = np.nan_to_num(Z[:, feature], nan=-1.0) + 1
            known = (place >= 0) & (place < len(table))
            Z[:, feature] = table[np.where(known, place, 0).astype(np.intp)]
        with np.errstate(over="ignore", invalid="ignore"):
            Z -= self.centre
            Z /= np.where(self._flat, 1.0, self.scale)
        if self._flat.any():
            Z[:, self._flat] = np.sign(Z[:, self._flat]) * np.sqrt(self.rows)
        np.nan_to_num(Z, copy=False, nan=0.0, posinf=FARTHEST, neginf=-FARTHEST)
        return np.clip(Z, -FARTHEST, FARTHEST, out=Z)


class Detector:
    """Base of the detectors: subclasses give `score` and `share` of prepared rows."""

    def __init__(self, state: State) -> None:
        self.state = state
        if COLUMNS not in {part.kind for part in state.parts.values()}:
            raise ArtifactError(_ALTERED.format(state.kind, "columns"))
        self.columns = Columns(state.parts["columns"])
        self.features = self.columns.features

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p), dense or CSR, to scores (n,); the higher the stranger."""
        return np.concatenate([np.empty(0), *map(self.score, self._blocks(X))])

    def parts(self, X: Any) -> np.ndarray:
        """What each feature adds to the strangeness of each row, (n, p); below 0 it takes away."""
        return np.concatenate([np.empty((0, self.features)), *map(self.share, self._blocks(X))])

    def score(self, Z: np.ndarray) -> np.ndarray:
        """Scores (n,) of prepared rows."""
        raise NotImplementedError

    def share(self, Z: np.ndarray) -> np.ndarray:
        """Contributions (n, p) of prepared rows."""
        raise NotImplementedError

    def _blocks(self, X: Any) -> Iterator[np.ndarray]:
        step = max(1024, _BLOCK // self.features)
        for at in range(0, X.shape[0], step):
            yield self.columns.prepare(X[at:at + step])


def whole(state: State, name: str, least: int = 0) -> int:
    """A whole number of a state's config, at least `least`."""
    found = state.config.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not least <= found < 2**31:
        raise ArtifactError(_ALTERED.format(state.kind, name))
    return found


def number(state: State, name: str) -> float:
    """A finite number of a state's config."""
    found = state.config.get(name)
    if not isinstance(found, (int, float)) or isinstance(found, bool) or not np.isfinite(found):
        raise ArtifactError(_ALTERED.format(state.kind, name))
    return float(found)


def array(state: State, name: str, *shape: int | None) -> np.ndarray:
    """An array of a state as finite float64 of this shape; None stands for any length above 0."""
    found = state.arrays.get(name)
    fits = found is not None and found.ndim == len(shape) and found.dtype.kind in "fiu" and all(
        (have > 0 if want is None else have == want)
        for have, want in zip(found.shape, shape, strict=True))
    if found is None or not fits or not np.isfinite(found).all():
        raise ArtifactError(_ALTERED.format(state.kind, name))
    return np.ascontiguousarray(found, dtype=np.float64)


def indices(state: State, name: str, below: int) -> np.ndarray:
    """An array (c,) of a state that holds places below `below`; it may be empty."""
    found = state.arrays.get(name)
    if found is None or found.ndim != 1 or found.dtype.kind not in "iu" or (
            len(found) and not 0 <= found.min() <= found.max() < below):
        raise ArtifactError(_ALTERED.format(state.kind, name))
    return found.astype(np.intp)


_ALTERED = ("state of kind {!r} holds no usable {!r}: it was altered, or not written by wholefit; "
            "save the model anew.")
