"""Early stopping: what is watched while a model boosts, and how many rounds then answer.

A fold's model watches the rows that the fold holds out; other folds' curves say how many of its
rounds answer them. Where folds follow each other in time, those before it do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wholefit.base import seeds

Watch = tuple[Any, np.ndarray, np.ndarray | None]
Curve = np.ndarray
# Below so many rows a tenth of them tells too little of when to stop.
_FEW_TO_WATCH = 200
# In order of time, so many folds say how long to boost in what comes after them: much earlier ones
# learnt from so few rows that fewer rounds were best.
_BEFORE = 2


def rounds_of(curves: Sequence[Curve | None], at: int, forward: bool = False) -> int:
    """How many rounds of the fold's model answer its rows, by the other folds' curves.

    `curves` hold the loss on each fold's rows after each round, None where there was nothing to
    boost. With `forward`, later folds are not asked: nothing of them was known then. A fold with
    no other to ask goes by its own.
    """
    own = curves[at]
    assert own is not None
    others = [each for place, each in enumerate(curves) if each is not None and (
        at - _BEFORE <= place < at if forward else place != at)]
    return min(best_rounds(others or [own]), len(own))


def rounds_to_come(curves: Sequence[Curve | None]) -> int:
    """How many rounds a model of all rows has where folds follow each other in time."""
    return best_rounds([each for each in curves if each is not None][-_BEFORE:])


def rounds_for_all(rounds: Sequence[int], forward: bool) -> int:
    """Rounds of boosting for a model of all rows: as many as its folds were found to want.

    In order of time the latest folds, which learnt most, have said it (`Validated.rounds`).
    """
    return rounds[-1] if forward else round(float(np.median(rounds)))


def best_rounds(curves: Sequence[Curve]) -> int:
    """Where the mean of the curves is lowest; one that ended early stays where it ended."""
    longest = max(len(curve) for curve in curves)
    whole = [np.pad(curve, (0, longest - len(curve)), mode="edge") for curve in curves]
    return int(np.mean(whole, axis=0).argmin()) + 1


def watching(
    X: Any, y: np.ndarray, options: dict[str, Any], watch: Watch | None, seed: int
) -> tuple[Any, np.ndarray, dict[str, Any]]:
    """What is learnt and what is watched; a tenth of the rows where none were set apart for it."""
    if watch is not None:
        return X, y, {**options, "watch": watch}
    if len(y) < _FEW_TO_WATCH:
        return X, y, options
    order = seeds.generator(seed, "watched").permutation(len(y))
    apart, rest = np.sort(order[:len(y) // 10]), np.sort(order[len(y) // 10:])
    weights = options.get("sample_weight")
    told = {} if weights is None else {"sample_weight": weights[rest]}
    told["watch"] = (X[apart], y[apart], None if weights is None else weights[apart])
    return X[rest], y[rest], told
