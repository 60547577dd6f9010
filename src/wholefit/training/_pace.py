"""What a trial will cost: the catalog's estimate, corrected by what trials of the kind took."""

from __future__ import annotations

import math

import numpy as np

from wholefit.models import Model

# What a fold costs whatever its size: calls into a library, threads, an encoder.
_FIXED = 0.03
# How far a new observation moves what is known of its kind.
_NEWS = 0.6
_USUAL_RATE = 0.05


class Pace:
    """Seconds that trials take here; `expect` before, `learn` after each."""

    def __init__(self, rows: int, columns: int, classes: int = 0) -> None:
        self._cells = rows * max(columns, 1) / 1e6
        self._trees = classes if classes > 2 else 1  # boosting grows one for each class
        self._known: dict[str, float] = {}

    def expect(self, model: Model, folds: int) -> float:
        """Seconds that `folds` folds of the model should take."""
        return folds * (_FIXED + self._bare(model) * math.exp(self._told(model)))

    def learn(self, model: Model, folds: int, seconds: float) -> None:
        """A trial of so many folds took so many seconds."""
        if folds < 1 or not seconds > 0:
            return
        each = max(seconds / folds - _FIXED, 1e-3)
        news = math.log(each / self._bare(model))
        old = self._known.get(_kind(model))
        self._known[_kind(model)] = news if old is None else old + _NEWS * (news - old)

    def _bare(self, model: Model) -> float:
        each = self._trees if model.family == "boosting" else 1
        return max(model.pace * self._cells * _length(model) * each, 1e-4)

    def _told(self, model: Model) -> float:
        """The logarithm of how much slower than the catalog says; that of all where none is."""
        if _kind(model) in self._known:
            return self._known[_kind(model)]
        return float(np.median(list(self._known.values()))) if self._known else 0.0


def _kind(model: Model) -> str:
    return model.name


def _length(model: Model) -> float:
    """How much longer than the default configuration this one learns, roughly.

    Where rounds are found by watching, about as many are needed as steps are small; else there
    are as many trees as said.
    """
    usual = type(model)
    if model.watches:
        # CatBoost's None leaves the rate to CatBoost.
        return _USUAL_RATE / float(getattr(model, "learning_rate", None) or _USUAL_RATE)
    trees, default = getattr(model, "n_estimators", None), getattr(usual, "n_estimators", None)
    return float(trees) / float(default) if trees and default else 1.0
