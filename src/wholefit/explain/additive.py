"""Contributions in an additive model of curves and tables of pairs, exact.

A curve's contribution is its height at the row less its mean over the background. What a table of
two columns adds is shared between them as Shapley's formula does for two players: half of what the
column changes while the other is the background's, half while it is the row's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wholefit.base.state import State
from wholefit.explain._additive import BACKGROUND, LOG, LOG_ODDS, NUMBER, Explainer, seen
from wholefit.explain.linear import dense
from wholefit.models._kernels.additive import Additive, maps, starts

_LINKS = {"sigmoid": LOG_ODDS, "softmax": LOG_ODDS, "exp": LOG}


class AdditiveExplainer(Explainer):
    """Contributions of a State of kind "additive", compared with a background."""

    rests = BACKGROUND

    def __init__(self, state: State, background: Callable[[], Any]) -> None:
        arrays = state.arrays
        self._binned = Additive(state).binned
        self._value = np.asarray(arrays["value"], dtype=np.float64)
        self._start = starts(arrays["size"])
        self._pairs = [_Pair(*facts) for facts in zip(
            arrays["pair"].tolist(), maps(arrays), _tables(arrays), strict=True)]
        behind = self._codes(background())
        self._means = [self._curve(feature, code).mean(axis=0)
                       for feature, code in enumerate(behind)]
        for pair in self._pairs:
            pair.learn(behind)
        self.base = np.asarray(arrays["intercept"], dtype=np.float64) + np.sum(
            [*self._means, *(pair.both for pair in self._pairs)], axis=0)
        self.scale = _LINKS.get(state.config["link"], NUMBER)
        self.classes = seen(state, len(self.base)) if state.config["n_classes"] else None

    def values(self, X: Any) -> np.ndarray:
        """See `Explainer.values`."""
        codes = self._codes(X)
        found = np.stack([self._curve(feature, code) - self._means[feature]
                          for feature, code in enumerate(codes)], axis=1)
        for pair in self._pairs:
            first, second = pair.shared(codes)
            found[:, pair.features[0]] += first
            found[:, pair.features[1]] += second
        return found

    def _codes(self, X: Any) -> list[np.ndarray]:
        whole = dense(X)
        return [self._binned.of(whole, feature) for feature in range(whole.shape[1])]

    def _curve(self, feature: int, code: np.ndarray) -> np.ndarray:
        return np.asarray(self._value.take(self._start[feature] + code, axis=0))


class _Pair:
    """A table (bins, bins, outputs) of two features, and its means over the background."""

    def __init__(
        self, features: list[int], bins: tuple[np.ndarray, np.ndarray], table: np.ndarray
    ) -> None:
        self.features, self._bins, self._table = features, bins, table

    def learn(self, codes: list[np.ndarray]) -> None:
        first, second = self._cells(codes)
        high, wide = self._table.shape[:2]
        rows = max(len(first), 1)
        self._over_second = np.tensordot(
            self._table, np.bincount(second, minlength=wide) / rows, (1, 0))
        self._over_first = np.tensordot(
            np.bincount(first, minlength=high) / rows, self._table, (0, 0))
        self.both = self._table[first, second].mean(axis=0)

    def shared(self, codes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """What the pair gives its first and its second feature, (n, outputs) each."""
        first, second = self._cells(codes)
        whole = self._table[first, second]
        with_first, with_second = self._over_second[first], self._over_first[second]
        return (with_first - self.both + whole - with_second) / 2, \
            (with_second - self.both + whole - with_first) / 2

    def _cells(self, codes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        left, right = self._bins
        return left[codes[self.features[0]]], right[codes[self.features[1]]]


def _tables(arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The table of each pair, (bins, bins, outputs)."""
    cells = np.asarray(arrays["pair_value"], dtype=np.float64)
    begin = starts(arrays["pair_size"].prod(axis=1))
    return [cells[at:at + int(high) * int(wide)].reshape(int(high), int(wide), -1)
            for at, (high, wide) in zip(begin.tolist(), arrays["pair_size"], strict=True)]
