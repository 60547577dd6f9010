"""Several detectors fitted on one matrix and joined on one scale.

No detector is best everywhere: each knows one way of being strange. The default set has one of
each way: cuts that set a row apart early (isolation forest), distance to other rows (nearest
neighbours), and thinness of the neighbourhood beside that of the neighbours (local outlier factor).
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
DEFAULT = ("isolation_forest", "knn_distance", "lof")
_KEPT = 1024        # scores that a scale keeps
# Rows whose scores make the scale, and rows whose contributions say what is usual.
_READ, _SHOWN = 5_000, 300


def fit_detector(model: Model, task: Task, X: Any, context: Context) -> State:
    """The state of one detector, learnt from the rows of `X` (n, p)."""
    estimator = model.build(task, context)
    estimator.fit(X)
    return model.state(estimator, task, context)


def default(rows: int, columns: int) -> list[Model]:
    """The recipe's own detectors for a table of so many rows and columns.

    One of each way of being strange, for tables of any size: none learns from all rows of a large
    one.
    """
    return [models.get(name)() for name in DEFAULT]


def together(members: Mapping[str, State], X: Any, seed: int = 0) -> State:
    """One detector of several: their scores read by their rarity among the rows of `X` (m, p).

    The rows learnt from will do, as every detector answers them as if it had not learnt from
    them, or nearly so; of more than 5,000 rows, 5,000 are drawn by chance. What is to be said
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


def scale(scores: np.ndarray) -> dict[str, np.ndarray]:
    """How to read scores (m,): different ones in order, the rarity of each, the step beyond.

    The rarity of a score is -log(share of rows that score as high), the row asked about counted
    as one of them; it ends where the strangest tenth begins. The `step` is from the middle score
    to there. Where so many scores are equal that there is no way between, it is the mean distance
    of the others to them.
    """
    middle, tenth = np.quantile(scores, [0.5, 0.9], method="inverted_cdf")
    values, counts = np.unique(scores, return_counts=True)
    as_high = np.cumsum(counts[::-1])[::-1]
    rarity = np.minimum(-np.log((as_high + 1) / (len(scores) + 1)), np.log(10))
    kept = values <= tenth
    step = float(tenth - middle)
    if step <= 0:
        others = np.abs(values[values != middle] - middle)
        step = float(others.mean()) if len(others) else 1.0
    values, rarity = values[kept], rarity[kept]
    if len(values) > _KEPT:
        grid = np.linspace(0, len(values) - 1, _KEPT).astype(np.intp)
        values, rarity = values[grid], rarity[grid]
    return {"score": values, "rarity": rarity, "step": np.array([step])}


def _drawn(X: Any, most: int, seed: int) -> Any:
    """The rows, or `most` of them drawn by chance."""
    rows = X.shape[0]
    if rows <= most:
        return X
    picked = generator(seed, "detector", "scale", most).choice(rows, most, replace=False)
    return X[np.sort(picked)]
