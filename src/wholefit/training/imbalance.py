"""What a fit does about imbalance: rows balanced for learning, classes decided by a threshold.

One object says all of it, and a fit that was asked for nothing has none. Without a threshold or
costs of its own, balancing decides as the balanced model would have: probabilities are those
of the rows as they occur, and a class is said as if the classes were as frequent as in what
was learnt from.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit import evaluation
from wholefit.base import seeds
from wholefit.base.errors import ParameterError
from wholefit.base.tasks import Codec, Task
from wholefit.models import Model
from wholefit.models._kernels.shifted import shifted
from wholefit.models._shifted import Shifted
from wholefit.training import balance, decision
from wholefit.training._costs import COST_WORDS
from wholefit.training._thresholds import Rule
from wholefit.training.balance import Treatment, calibrating
from wholefit.training.decision import Decision


@dataclass(frozen=True)
class Rows:
    """Encoded training rows: X (n, p), y (n,) codes, weights and units of resampling or None."""

    X: Any
    y: np.ndarray
    weights: np.ndarray | None
    units: np.ndarray | None


@dataclass(frozen=True)
class Held:
    """The rows that out-of-fold answers are scored on, and the fold that each was held out in."""

    truth: np.ndarray
    fold: np.ndarray
    weights: np.ndarray | None
    units: np.ndarray | None
    seed: int

    def take(self, rows: Any) -> Held:
        """Some of the rows."""
        return Held(self.truth[rows], self.fold[rows],
                    None if self.weights is None else self.weights[rows],
                    None if self.units is None else self.units[rows], self.seed)


@dataclass(frozen=True, eq=False)
class Imbalance:
    """The treatment of training rows, and the decision; either may be None.

    `rule` is of a threshold that is given or to be chosen, `costs` (k, k) the cost matrix, and
    `lean` (k,) how much more each class counts in what is learnt from than in the rows.
    """

    positive: int
    n_classes: int
    baseline: str
    treatment: Treatment | None = None
    rule: Rule | None = None
    costs: np.ndarray | None = None
    lean: np.ndarray | None = None
    asked: tuple[tuple[str, Any], ...] = ()

    def check(self, models: Sequence[Model]) -> None:
        """ParameterError where one of the models cannot be treated."""
        for model in models:
            if self.treatment is not None and model.name != self.baseline:
                self.treatment.check(model)

    def of(self, name: str) -> Imbalance:
        """What of it holds for the model of that name: the baseline's rows are not balanced."""
        return replace(self, lean=None) if name == self.baseline else self

    def metrics(self) -> list[Any]:
        """Metrics that a fit of this kind is scored by besides those of the task."""
        return [] if self.costs is None else [evaluation.metrics.expected_cost(self.costs)]

    def predicted(self, held: Held, answer: np.ndarray) -> np.ndarray | None:
        """Classes decided for held-out rows (n,); chosen thresholds come from other folds."""
        if self.rule is not None and self.rule.kind != "given":
            return decision.nested(self.rule, held.truth, answer, _at_least_two(held),
                                   self.positive, held.weights, self.costs)
        settled = self._settled()
        return None if settled is None else settled.codes(answer)

    def decide(self, held: Held, answer: np.ndarray) -> tuple[Decision | None, list[str]]:
        """The decision that a model with these out-of-fold answers predicts by, and warnings."""
        if self.rule is not None and self.rule.kind != "given":
            made, missed = decision.chosen(self.rule, held.truth, answer, self.positive,
                                           held.weights, self.costs)
            return made, [] if missed is None else [f"threshold={self.rule.asked!r}: {missed}."]
        return self._settled(), []

    def _settled(self) -> Decision | None:
        """The decision that needs no rows to be chosen on."""
        if self.rule is not None:
            return decision.by_threshold(self.rule.number, self.positive, self.rule.asked,
                                         "as given", self.costs)
        if self.costs is not None:
            return decision.by_costs(self.costs, self.positive, "costs",
                                     "of least expected cost")
        if self.lean is None or self.treatment is None:
            return None
        return decision.by_costs(np.outer(self.lean, np.ones(self.n_classes))
                                 * (1 - np.eye(self.n_classes)), self.positive, "balance",
                                 f"as if learnt from the rows of balance={self.treatment.written}")


def learnt(
    problem: Any, model: Model, encoder: Any, key: Any, rows: Rows,
    learn: Callable[..., tuple[Any, Any]],
) -> tuple[Model, Any, Any]:
    """The model that answers, its estimator and its context, learnt from these training rows.

    `learn(X, y, weights)` gives an estimator and its context. The baseline, and every model of
    a fit that balances nothing, learns the rows as they are.
    """
    treated: Imbalance | None = problem.imbalance
    treatment = treated.treatment if treated is not None else None
    if treated is None or treatment is None or model.name == treated.baseline:
        return model, *learn(rows.X, rows.y, rows.weights)
    taught = treatment.apply(rows.X, rows.y, rows.weights, encoder, key)
    estimator, context = learn(taught.X, taught.y, taught.weights)
    if taught.factor is None:
        return model, estimator, context
    power, bias = _calibrated(problem, treatment, model, encoder, key, rows, learn)
    return Shifted(model, taught.factor**power * np.exp(bias), power), estimator, context


def _calibrated(
    problem: Any, treatment: Treatment, model: Model, encoder: Any, key: Any, rows: Rows,
    learn: Callable[..., tuple[Any, Any]],
) -> tuple[float, np.ndarray]:
    """The map that inner folds ask for; the one that changes nothing where none are wanted."""
    folds = getattr(treatment.way, "inner", 0)
    counts = np.bincount(rows.y, minlength=problem.n_classes)
    if not folds or counts[counts > 0].min() < 2 * folds:
        return 1.0, np.zeros(problem.n_classes)

    def answer(part: np.ndarray, asked: np.ndarray) -> np.ndarray:
        heavy = None if rows.weights is None else rows.weights[part]
        taught = treatment.apply(rows.X[part], rows.y[part], heavy, encoder, f"{key} inner")
        estimator, context = learn(taught.X, taught.y, taught.weights)
        found = model.answer(estimator, rows.X[asked], problem.task, context)
        return found if taught.factor is None else shifted(found, taught.factor)

    random = seeds.generator(treatment.seed, "balance", "inner", str(key))
    parts = list(calibrating.parts(rows.y, rows.units, folds, random))
    whole = int((counts > 0).sum())
    if any(len(np.unique(rows.y[part])) < whole for part, _ in parts):
        return 1.0, np.zeros(problem.n_classes)  # a class of one group alone, or one group only
    found = calibrating.answers(rows.y, parts, problem.n_classes, answer)
    return calibrating.fit(found, rows.y, rows.weights)


def asked_for(
    task: Task, codec: Codec, y: np.ndarray, weights: np.ndarray | None, *, way: Any = None,
    costs: Any = None, threshold: Any = None, seed: int = 0,
) -> Imbalance | None:
    """What the words balance, costs and threshold of a fit come to; None if none was said.

    Raises ParameterError and UnknownNameError for words that cannot be followed.
    """
    said = tuple((name, value) for name, value in (
        ("balance", way), ("costs", costs), ("threshold", threshold)) if value is not None)
    if not said:
        return None
    classes = getattr(codec, "classes", None)
    if classes is None:
        raise ParameterError(f"{said[0][0]}= is of classes, and the task is {task.name}: leave "
                             "it out.")
    k, positive = len(classes), int(getattr(codec, "positive", 1))
    matrix = None if costs is None else decision.cost_matrix(decision.read_costs(costs), classes)
    rule = None if threshold is None else decision.parse(threshold)
    if rule is not None:
        decision.needs_two(k, threshold)
        if rule.kind == "cost" and matrix is None:
            raise ParameterError("threshold='cost' seeks the least cost: say what mistakes cost "
                                 "with costs= (--costs).")
    treatment = _treatment(way, k, matrix, rule, seed)
    lean = None
    if treatment is not None:
        lean = treatment.lean(y, weights)
    return Imbalance(positive, k, task.baseline, treatment, rule, matrix, lean, _kept(said))


def check_words(way: Any, costs: Any, threshold: Any) -> None:
    """Refuse words that cannot be followed, before any row is read."""
    if way is not None:
        balance.make(way)
    if costs is not None:
        decision.read_costs(costs)
    if threshold is not None:
        decision.parse(threshold)


def held_out(
    y: np.ndarray, folds: Sequence[tuple[np.ndarray, np.ndarray]], weights: np.ndarray | None,
    units: np.ndarray | None, seed: int,
) -> Held:
    """The rows with the first fold that held each of them out; -1 where none did."""
    fold = np.full(len(y), -1, dtype=np.intp)
    for number in reversed(range(len(folds))):
        fold[folds[number][1]] = number
    return Held(y, fold, weights, units, seed)


def held_of(problem: Any) -> Held:
    """The rows of a problem, by the folds of its plan."""
    return held_out(problem.y, problem.plan.folds, problem.weights, problem.plan.units,
                    problem.seed)


def main_metric(treated: Imbalance | None, wanted: Any) -> Any:
    """What models are compared by; "cost" is the expected cost under the stated costs."""
    if isinstance(wanted, str) and wanted in COST_WORDS:
        if treated is None or treated.costs is None:
            raise ParameterError(f"metric={wanted!r} needs to know what mistakes cost: say it with "
                                 "costs= (--costs).")
        return treated.metrics()[0]
    return wanted


def predicted(
    problem: Any, answer: np.ndarray, rows: Any, model: Model
) -> np.ndarray | None:
    """Classes decided for these rows of a problem; None where the most probable ones are meant."""
    treated: Imbalance | None = problem.imbalance
    if treated is None:
        return None
    return treated.of(model.name).predicted(held_of(problem).take(rows), answer[rows])


def settle(problem: Any, fitted: Any, held: Held, found: Any, model: Model) -> list[str]:
    """Give a fitted model the decision that its out-of-fold answers lead to; warnings."""
    treated: Imbalance | None = problem.imbalance
    if treated is None:
        return []
    seen = np.flatnonzero(found.seen)
    fitted.decision, said = treated.of(model.name).decide(held.take(seen), found.answer[seen])
    return [*said, *_of_the_common_class(treated, fitted.codec, held.truth)]


def _of_the_common_class(treated: Imbalance, codec: Codec, truth: np.ndarray) -> list[str]:
    """A threshold is of the positive class, which a person may not have had in mind."""
    share = float((truth == treated.positive).mean())
    if treated.rule is None or treated.rule.kind in ("given", "cost") or share <= 0.5:
        return []
    classes = getattr(codec, "classes", ())
    yes, no = (str(classes[at]) for at in (treated.positive, 1 - treated.positive))
    return [f"threshold={treated.rule.asked!r} is for the positive class {yes!r}, which "
            f"{share:.0%} of the rows are; if {no!r} is what is looked for, say positive={no!r} "
            f"(--positive {shlex.quote(no)})."]


def _treatment(
    way: Any, k: int, matrix: np.ndarray | None, rule: Rule | None, seed: int
) -> Treatment | None:
    if way is None:
        return None
    made = balance.make(way)
    if made == "costs" and matrix is None:
        raise ParameterError("balance='costs' weighs rows by what mistaking them costs: say the "
                             "costs with costs= (--costs).")
    return Treatment(made, k, matrix, seed)


def _kept(said: tuple[tuple[str, Any], ...]) -> tuple[tuple[str, Any], ...]:
    """The words as JSON can keep them."""
    made = []
    for name, value in said:
        if name == "balance":
            value = balance.written(balance.make(value))
        elif name == "costs":
            value = decision.read_costs(value)
        else:
            value = decision.parse(value).asked
        made.append((name, value))
    return tuple(made)


def _at_least_two(held: Held) -> np.ndarray:
    """Fold numbers; where one fold alone was answered, its units in two parts."""
    if len(np.unique(held.fold)) > 1:
        return held.fold
    unit = np.arange(len(held.truth)) if held.units is None else held.units
    _, codes = np.unique(unit, return_inverse=True)
    side = np.random.default_rng(held.seed).permutation(int(codes.max()) + 1) % 2
    return np.asarray(side[codes])
