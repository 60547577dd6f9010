"""Facts: small pictures of where a model is right and wrong, from its out-of-fold answers.

They are counts and quantiles, never rows, and JSON-able: a model file may keep them, so that a
report made later shows the same as one made at fit time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from wholefit import evaluation

Array = np.ndarray
# A confusion table larger than this is a wall of numbers; the worst mix-ups are listed instead.
MOST_CLASSES = 20
_MIXUPS = 15
_CELLS = 24
_BANDS = 10


class Finished(Protocol):
    """What is read of a finished run (`training.Run` has it)."""

    task: Any
    codec: Any
    truth: Array
    oof: dict[str, Array]

    @property
    def chosen(self) -> Any:
        """The leaderboard row of the model that was refitted."""
        ...


def facts(run: Finished) -> dict[str, Any]:
    """The pictures of the chosen model, JSON-able; rows that no fold answered are left out.

    Classification: rows, classes, confusion (true class down, predicted across) or, above 20
    classes, the most frequent mix-ups; one row a class; calibration of the positive class where
    there are two. Regression: a grid of counts of answers against truth, quantiles of the error
    in bands of the answer. {} for a task that has no picture.
    """
    make = _PICTURES.get(run.task.name)
    answer = run.oof.get(run.chosen.model)
    if make is None or answer is None:
        return {}
    seen = np.isfinite(answer.reshape(len(answer), -1)).all(axis=1)
    if answer.ndim == 2:
        seen &= answer.sum(axis=1) > 0
    return make(run.truth[seen], answer[seen], run.codec) if seen.any() else {}


# Classes --------------------------------------------------------------------------------------

def _of_classes(truth: Array, answer: Array, codec: Any) -> dict[str, Any]:
    labels = [str(label) for label in codec.classes]
    counts = evaluation.confusion(truth, answer, len(labels))
    found: dict[str, Any] = {"kind": "classes", "rows": len(truth), "classes": labels}
    if len(labels) > MOST_CLASSES:
        return {**found, "mixups": _mixups(counts, labels)}
    found |= {"confusion": counts.tolist(),
              "per_class": [_class_row(row) for row in
                            evaluation.report(truth, answer, labels)]}
    if len(labels) == 2:
        points = evaluation.calibration_points(truth, answer, codec.positive)
        found |= {"positive": labels[codec.positive], "calibration": points.tolist()}
    return found


def _class_row(row: Any) -> dict[str, Any]:
    shares = {name: getattr(row, name).to_json() for name in ("precision", "recall", "f1")}
    return {"label": row.label, "support": row.support, "predicted": row.predicted, **shares}


def _mixups(counts: Array, labels: list[str]) -> list[dict[str, Any]]:
    """The most frequent errors: true class, predicted class, rows, share of the true class."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    worst = np.argsort(-wrong, axis=None, kind="stable")[:_MIXUPS]
    pairs = [divmod(int(at), len(labels)) for at in worst if wrong.flat[at] > 0]
    return [{"true": labels[i], "predicted": labels[j], "rows": int(wrong[i, j]),
             "share": float(wrong[i, j] / counts[i].sum())} for i, j in pairs]


# Numbers --------------------------------------------------------------------------------------

def _of_numbers(truth: Array, answer: Array, codec: Any) -> dict[str, Any]:
    error = answer - truth
    edges = _edges(truth, answer)
    grid, _, _ = np.histogram2d(np.clip(truth, edges[0], edges[-1]),
                                np.clip(answer, edges[0], edges[-1]), bins=(edges, edges))
    size = np.abs(error)
    return {
        "kind": "numbers", "rows": len(truth), "edges": edges.tolist(),
        "grid": grid.astype(np.int64).tolist(),
        "off": {"half": float(np.median(size)), "most": float(np.quantile(size, 0.9)),
                "mean": float(error.mean())},
        "bands": _bands(answer, error),
    }


def _edges(truth: Array, answer: Array) -> Array:
    """One scale for both axes; the farthest hundredth of values is counted at its ends."""
    low, high = np.quantile(np.concatenate([truth, answer]), [0.005, 0.995])
    return np.linspace(low, high if high > low else low + 1.0, _CELLS + 1)


def _bands(answer: Array, error: Array) -> list[dict[str, Any]]:
    """Quantiles of the error (answer - truth) in bands of equal rows along the answer."""
    cuts = np.unique(np.quantile(answer, np.linspace(0, 1, _BANDS + 1)))
    index = np.clip(np.searchsorted(cuts, answer, side="right") - 1, 0, max(len(cuts) - 2, 0))
    return [_band(answer[index == one], error[index == one]) for one in np.unique(index)]


def _band(answer: Array, error: Array) -> dict[str, Any]:
    low, middle, high = np.quantile(error, [0.1, 0.5, 0.9])
    return {"from": float(answer.min()), "to": float(answer.max()), "rows": len(answer),
            "low": float(low), "middle": float(middle), "high": float(high)}


_PICTURES: dict[str, Callable[[Array, Array, Any], dict[str, Any]]] = {
    "classification": _of_classes, "regression": _of_numbers,
}
