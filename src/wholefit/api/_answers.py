"""From a question in any frame type to an answer in the same one."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl

from wholefit import data, evaluation
from wholefit.api import covering
from wholefit.api._shown import Scores
from wholefit.api._tables import as_table
from wholefit.base.errors import DataError, ParameterError, WholefitWarning, unknown
from wholefit.base.events import emit
from wholefit.data import Dataset, Policies, Schema
from wholefit.data.images.tables import unanswerable
from wholefit.data.notes import some, warning
from wholefit.data.write import give_back
from wholefit.evaluation import Score
from wholefit.training import Fitted
from wholefit.training._costs import COST_WORDS


def answer(fitted: Fitted, new: Any, verbs: Sequence[str], options: dict[str, Any]) -> Any:
    """Identifier columns and the verbs' columns, one row for each row of `new`."""
    known = [name for verb in verbs for name in fitted.task.verb(verb).options]  # type: ignore[union-attr]
    settings = {name: options[name] for name in known if name in options}
    options = {name: value for name, value in options.items() if name not in settings}
    asked = dataset(fitted, new, options)
    raw = fitted.answer(asked)
    columns = {name: values for verb in verbs
               for name, values in _VERBS[verb](fitted, raw, asked=asked, **settings).items()}
    blank = unanswerable(asked)
    if blank is not None:
        columns = {name: _blanked(values, blank) for name, values in columns.items()}
    if asked.guest == "numpy":
        return _as_array(columns)
    kept = kept_names(fitted.schema, asked, columns)
    frame = pl.DataFrame([*kept, *(_series(name, values) for name, values in columns.items())])
    given = give_back(frame, asked.guest)
    if asked.guest == "pandas" and hasattr(new, "index"):
        given.index = new.index
    return given


def _series(name: str, values: Any) -> pl.Series:
    """Answers as a column; objects as the type they share."""
    mixed = isinstance(values, np.ndarray) and values.dtype == object
    return pl.Series(name, values.tolist() if mixed else values)


def _blanked(values: Any, blank: np.ndarray) -> np.ndarray:
    """Answers with nothing where there was nothing to answer: NaN in numbers, else None."""
    values = np.asarray(values)
    if values.dtype.kind != "f":
        values = values.astype(object)
    return np.asarray(np.where(blank, None if values.dtype == object else np.nan, values))


def evaluate(
    fitted: Fitted, held_out: Any, metric: Any, options: dict[str, Any]
) -> dict[str, Score]:
    """Scores with intervals on rows with a known target."""
    asked = dataset(fitted, held_out, options, with_target=True)
    truth, raw = truth_and_answer(fitted, asked)
    wanted = wanted_metrics(fitted, metric)
    decision = fitted.decision
    costs = None if decision is None else decision.stated()
    if costs is not None and getattr(wanted[0], "name", "") != "expected_cost":
        wanted.append(evaluation.metrics.expected_cost(costs))
    return Scores(evaluation.score(
        fitted.task.name, truth, raw, metrics=wanted,
        positive=getattr(fitted.codec, "positive", 1), weights=asked.weights(),
        units=units_of(asked), predicted=fitted.codes(raw, asked),
    ))


def units_of(asked: Dataset) -> np.ndarray | None:
    """The group of each row (n,), a row without one being its own; None where no column says it."""
    named = asked.schema.having("group")
    if not named or named[0] not in asked.frame.columns:
        return None
    codes = asked.codes(named[0])[0]
    return np.where(codes < 0, len(codes) + np.arange(len(codes)), codes)


def wanted_metrics(fitted: Fitted, metric: Any) -> list[Any]:
    """The task's metrics, the one that is asked for first."""
    names: list[Any] = list(fitted.task.metrics)
    if metric is None:
        return names
    first = main_metric(fitted, metric)
    return [first, *(name for name in names if name != first.name)]


def main_metric(fitted: Fitted, metric: Any, other: Fitted | None = None) -> Any:
    """What is asked for first; "cost" is by the costs that the fit, or else `other`'s, was told."""
    if not isinstance(metric, str) or metric not in COST_WORDS:
        return evaluation.metrics.main(
            fitted.task.name, metric, getattr(fitted.codec, "classes", None))
    for each in (fitted, other):
        costs = each.decision.stated() if each is not None and each.decision else None
        if costs is not None:
            return evaluation.metrics.expected_cost(costs)
    raise ParameterError(f"metric={metric!r} needs to know what mistakes cost, and no costs were "
                         "stated: say costs= (--costs) in fit, or with_threshold(costs=...).")


def truth_and_answer(fitted: Fitted, asked: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Encoded target and answer of the rows; refuses classes the model has never seen."""
    truth = asked.target(fitted.codec)
    refuse_unknown(fitted, asked, truth)
    return truth, fitted.answer(asked)


def refuse_unknown(fitted: Fitted, asked: Dataset, truth: np.ndarray) -> None:
    """DataError where a row's encoded target is a class that the model has never seen."""
    unknown = truth < 0 if truth.dtype.kind == "i" else np.isnan(truth)
    if unknown.any():
        raise DataError(_unjudged(str(fitted.schema.target), asked, unknown))


def _unjudged(target: str, asked: Dataset, unknown: np.ndarray) -> str:
    """Why some rows cannot be judged: their target is a class of its own."""
    return (f"{int(unknown.sum()):,} of {len(asked):,} rows have a value of {target!r} that the "
            "model was not fitted with; leave them out, or fit anew.")


def dataset(
    fitted: Fitted, new: Any, options: dict[str, Any], *, with_target: bool = False
) -> Dataset:
    """`new` read and brought to the model's schema; what was repaired is said aloud.

    `options` are policies and options of `wf.read`, together.
    """
    policies, reading = asked_for(options)
    if fitted.replay is not None:
        new = fitted.replay.given(as_table(new, reading))
    asked = data.conforming(new, fitted.schema, Policies.from_dict(policies), with_target,
                            **reading)
    if with_target:
        asked = _judgeable(fitted, asked)
    for note in asked.notes:
        emit("note", kind=note.kind, message=note.message, severity=note.severity)
        if note.severity == "warning":
            warnings.warn(note.message, WholefitWarning, stacklevel=4)
    return asked


def _judgeable(fitted: Fitted, asked: Dataset) -> Dataset:
    """The rows whose target is there; as `fit` does, the others are left out and counted."""
    target = str(fitted.schema.target)
    cells = asked.frame.get_column(target).alias("target")
    empty = cells.is_null().to_numpy()
    if cells.dtype.is_float():
        empty = empty | cells.is_nan().fill_null(True).to_numpy()
    blank = unanswerable(asked)
    if blank is not None:
        empty = empty | blank
    if not empty.any():
        return asked
    if empty.all():
        raise DataError(f"{asked.source} must have rows with a value of {target!r} to judge an "
                        "answer by; it has none.")
    kept = asked.take(~empty)
    rows = np.flatnonzero(empty) + 1
    kept.notes = [*asked.notes, warning(
        "target_missing", f"{len(rows):,} of {len(asked):,} rows have no value of {target!r}"
        f"{'' if blank is None else ' or no picture'}: left "
        f"out (rows {some(rows.tolist())}).", column=target, rows=rows[:5], count=len(rows))]
    return kept


def read_once(new: Any, options: dict[str, Any]) -> Any:
    """What `dataset` can take twice: standard input cannot be read again."""
    return new if isinstance(new, Dataset) else data.read(new, **asked_for(options)[1])


def asked_for(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Policies, and options of `wf.read`."""
    known = [spec.name for spec in Policies.specs()]
    policies = {name: value for name, value in options.items() if name in known}
    reading = {name: value for name, value in options.items() if name not in known}
    check_options(reading, known)
    return policies, reading


def check_options(options: Iterable[str], others: Iterable[str] = ()) -> None:
    """Refuse words that are neither options of `wf.read` nor one of `others`."""
    known = [name for name in inspect.signature(data.read).parameters if name != "source"]
    for name in options:
        if name not in known:
            raise unknown("option", name, [*others, *known])


def kept_names(schema: Schema, asked: Dataset, answers: Iterable[str]) -> list[pl.Series]:
    """The identifier columns; one that is called like an answer is renamed."""
    roles = {column.name: column.role for column in schema.columns}
    names = [name for name in asked.original.columns if roles.get(name) == "identifier"]
    taken = {*answers, *names}
    kept = []
    for name in names:
        called = name
        while called in answers or (called != name and called in taken):
            called += "_given"
        taken.add(called)
        kept.append(asked.original[name].alias(called))
    return kept


def _predict(fitted: Fitted, raw: np.ndarray, **other: Any) -> dict[str, np.ndarray]:
    return {"prediction": fitted.codec.decode(fitted.decided(raw, other["asked"]))}


def _predict_proba(fitted: Fitted, raw: np.ndarray, **other: Any) -> dict[str, np.ndarray]:
    return {name: raw[:, at] for at, name in enumerate(fitted.codec.columns())}  # type: ignore[attr-defined]


def _as_array(columns: dict[str, np.ndarray]) -> np.ndarray:
    arrays = list(columns.values())
    return np.column_stack(arrays) if len(arrays) > 1 else arrays[0]


_VERBS: dict[str, Callable[..., dict[str, np.ndarray]]] = {
    "predict": _predict, "predict_proba": _predict_proba,
    "predict_interval": covering.interval, "predict_set": covering.sets,
    "predict_sure": covering.sure,
}
