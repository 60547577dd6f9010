"""Several detectors fitted on one matrix and joined on one scale.

No detector is best everywhere: each knows one way of being strange. The default set has one of
each way: cuts that set a row apart early (isolation forest), tails of single columns (ECOD),
distance to other rows (nearest neighbours), and thinness of the neighbourhood beside that of the
neighbours (local outlier factor).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wholefit import models
from wholefit.base.errors import DataError
from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.models import Context, Model, scorer

KIND = "detector.joined"
DEFAULT = ("isolation_forest", "ecod", "knn_distance", "lof")
# Scores that a scale keeps: all of the highest, and a grid of the others.
_KEPT, _TOP = 4096, 2048
# Rows whose scores make the scale, and rows whose contributions say what is usual.
_READ, _SHOWN = 10_000, 300


def fit_detector(model: Model, task: Task, X: Any, context: Context) -> State:
    """The state of one detector, learnt from the rows of `X` (n, p)."""
    estimator = model.build(task, context)
    estimator.fit(X)
    return model.state(estimator, task, context)


def default(rows: int, columns: int) -> list[Model]:
    """The recipe's own detectors for a table of so many rows and columns.

    One of each way of being strange; the four cost a little more than one isolation forest.
    """
    return [models.get(name)() for name in DEFAULT]


def together(members: Mapping[str, State], X: Any, seed: int = 0) -> State:
    """One detector of several: their scores read by their rarity among the rows of `X` (m, p).

    The rows learnt from will do, as every detector answers them as if it had not learnt from
    them, or nearly so; of more than 10,000 rows, 10,000 are drawn by chance. What is to be said
    of new rows, such as how many alarm, must still be settled on rows that were held out.
    DataError where there is no row, or no member.
    """
    if not members or not X.shape[0]:
        raise DataError("detectors are joined on at least one row; got none.")
    seen = _drawn(X, _READ, seed)
    shown = _drawn(seen, _SHOWN, seed)
    arrays: dict[str, np.ndarray] = {}
    for at, state in enumerate(members.values()):
        made: Any = scorer(state)
        arrays |= {f"{name} {at}": values for name, values in scale(made.answer(seen)).items()}
        arrays[f"usual {at}"] = np.median(made.parts(shown), axis=0)
    return State(KIND, {"names": list(members)}, arrays,
                 parts={f"member {at}": state for at, state in enumerate(members.values())})


def joined(members: Mapping[str, State], held: Mapping[str, np.ndarray], X: Any) -> State:
    """One detector of several, read by scores that are at hand: `held` (m,) of each member.

    For cross-fitted scores: each by a fit that had not seen its row. `X` (k, p), a few hundred
    rows, says what each feature adds to a usual row.
    """
    arrays: dict[str, np.ndarray] = {}
    for at, (name, state) in enumerate(members.items()):
        made: Any = scorer(state)
        arrays |= {f"{part} {at}": values for part, values in scale(held[name]).items()}
        arrays[f"usual {at}"] = np.median(made.parts(X), axis=0)
    return State(KIND, {"names": list(members)}, arrays,
                 parts={f"member {at}": state for at, state in enumerate(members.values())})


def scale(scores: np.ndarray) -> dict[str, np.ndarray]:
    """How to read scores (m,): different ones in order, the rarity of each, the step beyond.

    The rarity of a score is -log(share of rows that score as high), the row asked about counted
    as one of them. `beyond` is the mean excess of the highest tenth.
    """
    values, counts = np.unique(scores, return_counts=True)
    as_high = np.cumsum(counts[::-1])[::-1]
    rarity = -np.log((as_high + 1) / (len(scores) + 1))
    rarity[-1] = max(rarity[-1], -np.log(1.5 / (len(scores) + 1)))
    top = values[-max(1, len(values) // 10):]
    excess = float(top.mean() - top[0])
    beyond = max(excess, 1e-9 * max(abs(float(values[-1])), 1e-9))
    kept = slice(None)
    if len(values) > _KEPT:
        grid = np.linspace(0, len(values) - _TOP - 1, _KEPT - _TOP).astype(np.intp)
        kept = np.concatenate([grid, np.arange(len(values) - _TOP, len(values))])  # type: ignore[assignment]
    return {"score": values[kept], "rarity": rarity[kept], "beyond": np.array([beyond])}


def _drawn(X: Any, most: int, seed: int) -> Any:
    """The rows, or `most` of them drawn by chance."""
    rows = X.shape[0]
    if rows <= most:
        return X
    picked = generator(seed, "detector", "scale", most).choice(rows, most, replace=False)
    return X[np.sort(picked)]
