"""Several members answering together: the mean of their answers, or a model on top of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.models._kernels._links import dense, spread
from wholefit.models._scorers import scorer


class Mean:
    """Parts "0", "1", ...; config `weights` (or None), `classes`, `n_classes`, `features`.

    The array `columns` (members, m), where there is one, says which features each was shown.
    """

    def __init__(self, state: State) -> None:
        self._config = state.config
        self._members = _members(state)
        self._columns = state.arrays.get("columns")

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to probabilities (n, classes) or numbers (n,)."""
        whole = dense(X, self._config["features"])
        shown = [whole] * len(self._members)
        if self._columns is not None:
            shown = [whole[:, columns] for columns in self._columns]
        each = [member.answer(part) for member, part in zip(self._members, shown, strict=True)]
        found = mean(each, self._config["weights"])
        n_classes = self._config["n_classes"]
        return spread(found, self._config["classes"], n_classes) if n_classes else found


class Stack:
    """Parts "0", "1", ... and "final"; config `through`, `classes`, `n_classes`, `features`."""

    def __init__(self, state: State) -> None:
        self._config = state.config
        self._members = _members(state)
        self._final = scorer(state.parts["final"])

    def answer(self, X: Any) -> np.ndarray:
        """Features (n, p) to probabilities (n, classes) or numbers (n,)."""
        whole = dense(X, self._config["features"])
        each = [member.answer(whole) for member in self._members]
        found = self._final.answer(stacked(each, whole if self._config["through"] else None))
        n_classes = self._config["n_classes"]
        return spread(found, self._config["classes"], n_classes) if n_classes else found


def mean(answers: Sequence[np.ndarray], weights: Sequence[float] | None) -> np.ndarray:
    """The mean of answers of one shape, weighted if `weights` are given."""
    shares = [1.0] * len(answers) if weights is None else list(weights)
    total = np.zeros_like(answers[0])
    for answer, share in zip(answers, shares, strict=True):
        total += share * answer
    return np.asarray(total / sum(shares))


def stacked(answers: Sequence[np.ndarray], X: np.ndarray | None) -> np.ndarray:
    """Members' answers side by side, (n, m): of two classes the second's share only; then X."""
    blocks = [answer[:, None] if answer.ndim == 1 else
              answer[:, 1:] if answer.shape[1] == 2 else answer for answer in answers]
    return np.concatenate(blocks if X is None else [*blocks, X], axis=1)


def _members(state: State) -> list[Any]:
    return [scorer(state.parts[name])
            for name in sorted((name for name in state.parts if name.isdigit()), key=int)]
