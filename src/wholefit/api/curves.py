"""`wf.learning_curve`, `wf.validation_curve`, `wf.bias_variance`, `wf.cures`.

Is a model over- or underfitted, would more data help, and what does?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from wholefit import data, models, training
from wholefit.api import _answers
from wholefit.api._shown import Paged, as_kind
from wholefit.base.budget import Budget, Clock
from wholefit.base.cores import cores
from wholefit.base.errors import ParameterError
from wholefit.base.events import emit
from wholefit.models import Model
from wholefit.training import cures as curing
from wholefit.training import curves
from wholefit.training.portfolio import usual_boosting


@dataclass(frozen=True)
class LearningCurve(Paged, curves.LearningCurve):
    """Scores at growing sizes; see `wholefit.training.curves.LearningCurve` for its facts."""

    _topic = "curves"


@dataclass(frozen=True)
class ValidationCurve(Paged, curves.ValidationCurve):
    """Scores over a hyper-parameter; see `wholefit.training.curves.ValidationCurve`."""

    _topic = "curves"


@dataclass(frozen=True)
class BiasVariance(Paged, curves.Decomposition):
    """Bias and variance of models; see `wholefit.training.curves.Decomposition`."""

    _topic = "curves"


@dataclass(frozen=True)
class Cures(Paged, curing.Cures):
    """Cures measured; see `wholefit.training.cures.Cures`."""

    _topic = "curves"


def learning_curve(
    source: Any, *, target: str, model: Any = None, sizes: Sequence[float] | None = None,
    draws: int = curves.DRAWS, by: str | None = None, probes: bool = True, **words: Any,
) -> LearningCurve:
    """Scores on rows learnt from and on others, at growing sizes, with intervals and a forecast.

    `model` is one of the catalog, an estimator, or a Result (its model and settings are fitted
    anew; its features are not); a boosted ensemble where it is None. `sizes` are shares up to 1.0
    or counts of rows; halvings where None. Each smaller size is drawn `draws` times. `probes`
    also fits simpler and more flexible forms of the model, for the verdict. `by` names a column,
    of whose parts it is told where more rows would help.

    `words` are metric, folds, budget, jobs, seed, level, positive, and, as in `wf.fit`, task,
    roles, time, groups, weights and those of `wf.read`. Raises DataError where there are too few
    rows, ParameterError and UnknownNameError for a wrong option.
    """
    if draws < 1:
        raise ParameterError(f"draws must be >= 1; got {draws}.")
    bench, made, clock = _bench(source, target, model, words)
    found = curves.learning_curve(bench, made, sizes=sizes, clock=clock, draws=draws,
                                  probes=probes, by=by)
    return as_kind(LearningCurve, found)


def validation_curve(
    source: Any, *, target: str, param: str, model: Any = None,
    values: Sequence[Any] | None = None, **words: Any,
) -> ValidationCurve:
    """Scores over the values of one hyper-parameter; which are tied, and which over- or underfit.

    `values` are about nine over the range that the catalog searches where None. All other words
    are those of `learning_curve`.
    """
    bench, made, clock = _bench(source, target, model, words)
    return as_kind(ValidationCurve, curves.validation_curve(bench, made, param, values, clock))


def bias_variance(
    source: Any, *, target: str, models: Any = None, draws: int = 40, **words: Any,
) -> BiasVariance:
    """The error of each model as bias (with noise) and variance, by bootstrap draws of the rows.

    `models` is one or several of them; a tree, and a boosted ensemble where None. All other
    words are those of `learning_curve`.
    """
    if draws < 8:
        raise ParameterError(f"draws must be >= 8; got {draws}.")
    asked = ["decision_tree", None] if models is None else _listed(models)
    bench, first, clock = _bench(source, target, asked[0], words)
    rest = [bench.model(_model(each, bench)) for each in asked[1:]]
    return as_kind(BiasVariance, curves.decompose(bench, [first, *rest], clock, draws))


def cures(
    source: Any, *, target: str, model: Any = None, curve: bool = True, **words: Any
) -> Cures:
    """Cures of over- or underfitting, fitted on the same folds: what helped, and what did not.

    `curve` also forecasts what twice the rows would gain. All other words are those of
    `learning_curve`.
    """
    bench, made, clock = _bench(source, target, model, words)
    return as_kind(Cures, curing.cures(bench, made, clock, curve=curve))


def _bench(
    source: Any, target: str, model: Any, words: dict[str, Any]
) -> tuple[curves.Bench, Model, Clock]:
    """The source read, its folds, the model, and the clock that began before."""
    from wholefit.api.fitting import choose_task

    budget = words.pop("budget", None)
    clock = Clock(training.DEFAULT_BUDGET if budget is None else Budget.parse(budget))
    named = words.pop("task", None)
    known = {field.name for field in fields(curves.Options)}
    chosen = {name: words.pop(name) for name in list(words) if name in known}
    if chosen.get("jobs") is None:
        chosen["jobs"] = cores()
    options = curves.Options(**chosen)
    roles = {name: words.pop(name, None) for name in ("roles", "time", "groups", "weights")}
    _answers.check_options(words, [*known, "budget", "task", *roles])
    dataset = data.load(source, target=target, **roles, **words)
    task, said = choose_task(dataset, target, named)
    emit("read", source=dataset.source, rows=len(dataset), columns=dataset.frame.width, said=said,
         seconds=clock.spent())
    bench = curves.Bench.of(dataset, task, options)
    return bench, bench.model(_model(model, bench)), clock


def _model(asked: Any, bench: curves.Bench) -> Any:
    """What `models.make` takes: of a Result its model and settings; the usual one for None."""
    if asked is None:
        return usual_boosting(len(bench.problem.y))
    facts = getattr(asked, "_facts", None)
    if facts is None:
        return asked
    name, params = facts.model["name"], facts.model["params"]
    return models.get(name).from_dict(params)


def _listed(given: Any) -> list[Any]:
    found = models.split_list(given) if isinstance(given, str) else given
    made = list(found) if isinstance(found, (list, tuple)) else [found]
    if not made:
        raise ParameterError("models must name at least one; got none.")
    return made
