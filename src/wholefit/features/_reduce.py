"""What follows the making of features: some are selected, then laid on a few directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.base.state import State
from wholefit.features import pca
from wholefit.features._assemble import worth_csr
from wholefit.features.encoding import Encoding
from wholefit.features.pca import Projection
from wholefit.features.select import Selection

KIND = "encoder.reduction"
PCA_SOURCE = "(pca)"
"""What a component names as its column: it comes from them all."""


class Reduction:
    """A selection, a projection, or one after the other; `sparse` says what comes out."""

    def __init__(
        self, selection: Selection | None, projection: Projection | None, sparse: bool
    ) -> None:
        self.selection, self.projection, self.sparse = selection, projection, sparse

    def apply(self, X: Any) -> Any:
        """X (rows, all features) to (rows, kept ones or components), in X's own precision."""
        dtype = X.dtype
        if self.selection is not None:
            X = X[:, self.selection.kept]
        if self.projection is not None:
            return self.projection.apply(X).astype(dtype, copy=False)
        return X.toarray() if hasattr(X, "tocsr") and not self.sparse else X

    @property
    def width(self) -> int | None:
        """Features that come out; None where none are selected or projected."""
        if self.projection is not None:
            return len(self.projection.axes)
        return None if self.selection is None else len(self.selection.kept)

    def settle(
        self, names: list[str], sources: list[str], codes: Sequence[int],
        cardinalities: Sequence[int],
    ) -> tuple[list[str], list[str], tuple[int, ...], tuple[int, ...]]:
        """Names, sources, category codes and their cardinalities of what comes out."""
        if self.projection is not None:
            found = self.projection.names
            return found, [PCA_SOURCE] * len(found), (), ()
        assert self.selection is not None
        kept = self.selection.kept.tolist()
        place = {feature: at for at, feature in enumerate(kept)}
        left = [(place[code], count) for code, count in zip(codes, cardinalities, strict=True)
                if code in place]
        return ([names[at] for at in kept], [sources[at] for at in kept],
                tuple(at for at, _ in left), tuple(count for _, count in left))

    def state(self) -> State:
        """Both, where they are."""
        both = {"selection": self.selection, "projection": self.projection}
        return State(KIND, {"sparse": self.sparse},
                     parts={name: part.state() for name, part in both.items() if part is not None})

    @classmethod
    def from_state(cls, state: State) -> Reduction:
        """The reduction that `state` describes."""
        parts = state.parts
        return cls(
            Selection.from_state(parts["selection"]) if "selection" in parts else None,
            Projection.from_state(parts["projection"]) if "projection" in parts else None,
            state.config["sparse"],
        )


def learn(
    X: Any, y: np.ndarray | None, encoding: Encoding, *, sources: list[str],
    codes: tuple[int, ...], seed: int,
) -> Reduction:
    """The reduction that `encoding` asks for, learnt on encoded training rows and their target."""
    selection = None
    if encoding.select != "none":
        from wholefit.features.select import _choose  # wakes scipy: only those who select need it

        selection = _choose.learn(X, y, encoding, sources=sources, codes=codes, seed=seed)
        X = X[:, selection.kept]
        codes = tuple(code for code in codes if code in set(selection.kept.tolist()))
    if encoding.pca is None:
        return Reduction(selection, None, hasattr(X, "tocsr") and worth_csr(X))
    if codes:
        raise ParameterError("Encoding.pca must be given 0/1 categories, for codes have no "
                             "directions; got categories='ordinal': say categories='onehot'.")
    return Reduction(selection, pca.learn(X, encoding.pca, seed), False)
