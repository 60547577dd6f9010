"""From a question in any frame type to an answer in the same one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from wholefit import data, evaluation
from wholefit.base.errors import DataError, WholefitWarning
from wholefit.base.events import emit
from wholefit.data import Dataset, Policies
from wholefit.data.write import give_back
from wholefit.evaluation import Score
from wholefit.training import Fitted


def answer(fitted: Fitted, new: Any, verbs: Sequence[str], policies: dict[str, str]) -> Any:
    """Identifier columns and the verbs' columns, one row for each row of `new`."""
    asked = dataset(fitted, new, policies)
    raw = fitted.answer(asked)
    columns = {name: values for verb in verbs for name, values in _VERBS[verb](fitted, raw).items()}
    if asked.guest == "numpy":
        return _as_array(columns)
    kept = [asked.original[name] for name in _kept(fitted, asked)]
    frame = pl.DataFrame([*kept, *(pl.Series(name, values) for name, values in columns.items())])
    given = give_back(frame, asked.guest)
    if asked.guest == "pandas" and hasattr(new, "index"):
        given.index = new.index
    return given


def evaluate(
    fitted: Fitted, held_out: Any, metric: Any, policies: dict[str, str]
) -> dict[str, Score]:
    """Scores with intervals on rows with a known target."""
    asked = dataset(fitted, held_out, policies, with_target=True)
    truth, raw = truth_and_answer(fitted, asked)
    wanted: list[Any] = list(fitted.task.metrics)
    if metric is not None:
        first = evaluation.metrics.main(
            fitted.task.name, metric, getattr(fitted.codec, "classes", None))
        wanted = [first, *(name for name in wanted if name != first.name)]
    return evaluation.score(
        fitted.task.name, truth, raw, metrics=wanted,
        positive=getattr(fitted.codec, "positive", 1), weights=asked.weights(),
    )


def truth_and_answer(fitted: Fitted, asked: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Encoded target and answer of the rows; refuses classes the model has never seen."""
    truth = asked.target(fitted.codec)
    unknown = truth < 0 if truth.dtype.kind == "i" else np.isnan(truth)
    if unknown.any():
        raise DataError(
            f"{int(unknown.sum())} of {len(truth)} rows have a value of {fitted.schema.target!r} "
            "that the model was not fitted with; leave them out, or fit anew."
        )
    return truth, fitted.answer(asked)


def dataset(
    fitted: Fitted, new: Any, policies: dict[str, str], *, with_target: bool = False
) -> Dataset:
    """`new` read and brought to the model's schema; what was repaired is said aloud."""
    asked = data.conforming(new, fitted.schema, Policies.from_dict(policies), with_target)
    for note in asked.notes:
        emit("note", kind=note.kind, message=note.message, severity=note.severity)
        if note.severity == "warning":
            warnings.warn(note.message, WholefitWarning, stacklevel=4)
    return asked


def _kept(fitted: Fitted, asked: Dataset) -> list[str]:
    roles = {column.name: column.role for column in fitted.schema.columns}
    return [name for name in asked.original.columns if roles.get(name) == "identifier"]


def _predict(fitted: Fitted, raw: np.ndarray) -> dict[str, np.ndarray]:
    return {"prediction": fitted.codec.decode(raw)}


def _predict_proba(fitted: Fitted, raw: np.ndarray) -> dict[str, np.ndarray]:
    return {name: raw[:, at] for at, name in enumerate(fitted.codec.columns())}  # type: ignore[attr-defined]


def _as_array(columns: dict[str, np.ndarray]) -> np.ndarray:
    arrays = list(columns.values())
    return np.column_stack(arrays) if len(arrays) > 1 else arrays[0]


_VERBS: dict[str, Callable[[Fitted, np.ndarray], dict[str, np.ndarray]]] = {
    "predict": _predict, "predict_proba": _predict_proba,
}
