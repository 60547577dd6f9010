"""`wf.compare`: is A better than B, or as good, on the same rows, by paired tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from wholefit import evaluation
from wholefit.api import _answers
from wholefit.api._shown import Difference, shown
from wholefit.api.result import Result
from wholefit.base.errors import DataError, StateError
from wholefit.evaluation.several import Comparison, several

_MISSING: Any = object()


@overload
def compare(a: Result, b: Result, held_out: Any, /, *, metric: Any = None,
            **options: Any) -> Difference: ...


@overload
def compare(a: Result, b: Any = ..., /, *more: Any, held_out: Any = ..., metric: Any = None,
            margin: float | None = None, names: Sequence[str] | None = None,
            **options: Any) -> Any: ...


def compare(
    a: Result, b: Any = _MISSING, /, *more: Any, held_out: Any = _MISSING, metric: Any = None,
    margin: float | None = None, names: Sequence[str] | None = None, **options: Any,
) -> Difference | Comparison:
    """The paired difference a - b of a metric on held-out rows, with its interval.

    `wf.compare(a, b, rows)` is a `Difference`: its `better` says "a", "b" or "tied". More models,
    or a `margin` within which they count as equal, give a `Comparison` of every pair, corrected
    for their number: `wf.compare(a, b, c, rows, margin=0.01)`. `wf.compare(result)` compares all
    models on the leaderboard of a fit by its out-of-fold answers, the folds' scores too.

    All must predict the same target of the same task; `names` are words for the models, `options`
    those of `Result.predict`. Raises DataError if they cannot be compared.
    """
    models = [a, *([] if b is _MISSING else [b]), *more]
    if held_out is _MISSING:
        held_out = models.pop() if len(models) > 1 else _MISSING
    _check_models(models)
    if held_out is _MISSING:
        return _leaderboard(a, metric, margin)
    if len(models) < 2:
        raise DataError("compare needs at least two models and rows to compare them on: "
                        "wf.compare(a, b, rows); or one result that was just fitted: "
                        "wf.compare(result).")
    truth, answers, decided, weights, units = _asked(models, held_out, options)
    chosen = _answers.main_metric(models[0]._fitted, metric, models[1]._fitted)
    positive = getattr(models[0]._fitted.codec, "positive", 1)
    if len(models) == 2 and margin is None and names is None:
        return shown(evaluation.compare(a.task, chosen, truth, *answers, positive=positive,
                                        weights=weights, units=units,
                                        predicted=(decided[0], decided[1])))
    called = _called(models, names)
    return several(a.task, chosen, truth, dict(zip(called, answers, strict=True)),
                   positive=positive, weights=weights, units=units, margin=margin,
                   predicted=dict(zip(called, decided, strict=True)))


def _check_models(models: Sequence[Any]) -> None:
    for each in models:
        if not isinstance(each, Result):
            raise DataError("compare is a paired test on rows with a known target, and "
                            f"{getattr(each, 'task', type(each).__name__)} has none: see "
                            "its leaderboard and its evaluate instead.")
    a = models[0]
    for b in models[1:]:
        if (a.task, a.target, a.classes) != (b.task, b.target, b.classes):
            raise DataError(
                f"cannot compare a {a.task} of {a.target!r} with a {b.task} of {b.target!r}: "
                "task, target and classes must be the same."
            )


def _asked(
    models: Sequence[Result], held_out: Any, options: dict[str, Any]
) -> tuple[np.ndarray, list[np.ndarray], list[Any], Any, Any]:
    """Truth, the answers, the classes decided, weights and groups of the rows."""
    rows = _answers.read_once(held_out, options)
    asked = [_answers.dataset(each._fitted, rows, options, with_target=True) for each in models]
    told = [_answers.truth_and_answer(each._fitted, dataset)
            for each, dataset in zip(models, asked, strict=True)]
    truth = told[0][0]
    if not all(np.array_equal(truth, other) for other, _ in told[1:]):
        raise DataError(f"cannot compare: the two clean {models[0].target!r} otherwise, so that "
                        "they are not asked the same; compare models of the same recipe, or clean "
                        "the rows and leave those without a target out first.")
    decided = [each._fitted.codes(answer, dataset) for each, dataset, (_, answer) in zip(
        models, asked, told, strict=True)]
    return truth, [answer for _, answer in told], decided, asked[0].weights(), \
        _answers.units_of(asked[0])


def _called(models: Sequence[Result], names: Sequence[str] | None) -> list[str]:
    """A word for each model: those given, else the models' own, with a number where two agree."""
    if names is not None:
        if len(names) != len(models) or len(set(names)) != len(names):
            raise DataError(f"names must be {len(models)} different words; got {list(names)!r}.")
        return list(names)
    own = [each.model for each in models]
    return [name if own.count(name) == 1 else f"{name} ({at})" for at, name in enumerate(own, 1)]


def _leaderboard(result: Result, metric: Any, margin: float | None) -> Comparison:
    """All models of a fit, by their out-of-fold answers on the rows that every one answered."""
    run = result._run
    if run is None:
        raise StateError("one model alone is compared with the others of its fit, by their "
                         "out-of-fold answers, which a file does not keep: name another model and "
                         "rows, wf.compare(a, b, rows).")
    whole = dict(run.oof)
    seen = np.logical_and.reduce([
        np.isfinite(answer).reshape(len(answer), -1).all(axis=1) for answer in whole.values()])
    if len(whole) < 2 or not seen.any():
        raise DataError("the leaderboard has fewer than two models that answered the same rows.")
    held = run.held
    weights = None if held is None or held.weights is None else held.weights[seen]
    units = None if held is None or held.units is None else held.units[seen]
    return several(
        result.task, _answers.main_metric(result._fitted, metric), run.truth[seen],
        {name: answer[seen] for name, answer in whole.items()},
        positive=getattr(run.codec, "positive", 1), weights=weights, units=units, margin=margin,
        folds=None if held is None else held.fold[seen])
