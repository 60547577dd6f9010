"""Ways to treat a rare class, side by side on the same folds, each against doing nothing.

What a treatment may change is the order of the rows (average precision, recall at a precision),
the class that is said (cost as decided), and how honest probabilities are (log loss, Brier). So
that a mere change of the threshold is not taken for learning, the cost is also given with the
threshold moved to where it is least, for every treatment and for none, chosen on other folds
than those scored.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit import evaluation, models
from wholefit.base.budget import Clock
from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.base.events import emit
from wholefit.base.tasks import Codec, Task
from wholefit.data import splits
from wholefit.data.dataset import Dataset
from wholefit.evaluation import Difference, Score
from wholefit.models import Model
from wholefit.training import balance, decision, imbalance, portfolio
from wholefit.training._folds import Problem, Validated, validate
from wholefit.training._verdicts import verdicts
from wholefit.training.imbalance import Imbalance

NONE, THRESHOLD, FOREST = "none", "threshold", "balanced_forest"
USUAL = (NONE, "weights", "over", "under", "smote", "near_miss", FOREST, THRESHOLD)
MOVED = "cost, threshold moved"
_LEVEL = 0.05


@dataclass(frozen=True)
class Treated:
    """One model under one treatment: scores, paired differences from the model untreated.

    `adjusted` are the p-values of the differences after Holm's correction over all rows of the
    table; `better` and `worse` name the metrics whose difference is then significant. `curve`
    is (recall, precision, threshold) a point. Where `reason` is not empty, there is no result.
    """

    model: str
    treatment: str
    scores: dict[str, Score] = field(default_factory=dict)
    differences: dict[str, Difference] = field(default_factory=dict)
    adjusted: dict[str, float] = field(default_factory=dict)
    better: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()
    curve: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    seconds: float = float("nan")
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON-able form; of the curve nothing."""
        return {
            "model": self.model, "treatment": self.treatment, "reason": self.reason,
            "seconds": None if self.seconds != self.seconds else self.seconds,
            "scores": {name: score.to_json() for name, score in self.scores.items()},
            "differences": {name: dataclasses.asdict(found) | {"adjusted": self.adjusted[name]}
                            for name, found in self.differences.items()},
            "better": list(self.better), "worse": list(self.worse),
        }


@dataclass(frozen=True)
class Compared:
    """All rows of a comparison, and what follows from them in sentences.

    `metrics` are in printing order; `costs` the matrix (true class down, answer across) in
    the order of `classes`; `share` that of the positive class.
    """

    target: str
    source: str
    classes: tuple[Any, ...]
    positive: int
    counts: tuple[int, ...]
    metrics: tuple[str, ...]
    costs: np.ndarray
    stated: bool
    split: str
    rows: tuple[Treated, ...]
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is compared: models, treatments, costs, the precision at which recall is read."""

    models: Sequence[Any] | None = None
    treatments: Sequence[Any] | None = None
    costs: Any = None
    precision: float = 0.5
    folds: int = 5
    repeats: int = 1
    jobs: int = 1
    seed: int = 0
    positive: Any = None

    def __post_init__(self) -> None:
        if not 0 < self.precision <= 1:
            raise ParameterError(f"precision must be above 0 and at most 1; got {self.precision}.")
        if self.folds < 2 or self.repeats < 1 or self.jobs < 1:
            raise ParameterError("folds must be >= 2, repeats and jobs >= 1; got "
                                 f"{self.folds}, {self.repeats}, {self.jobs}.")
        if self.costs is not None:
            decision.read_costs(self.costs)
        for word in self.treatments or ():
            check(word)


def check(word: Any) -> str:
    """A treatment's word, as it is written; UnknownNameError or ParameterError if it is none."""
    if word in (NONE, THRESHOLD, FOREST):
        return str(word)
    name = str(word).partition("(")[0].strip()
    made = balance.make(word) if name in (*balance.names(), "nearmiss") or not isinstance(
        word, str) else None
    if made is None:
        raise unknown("treatment", name, [NONE, THRESHOLD, FOREST, *balance.names()])
    return balance.written(made)


def compare(dataset: Dataset, task: Task, plan: Plan, clock: Clock) -> Compared:
    """Cross-validate every model under every treatment on the same folds, and test them.

    Raises DataError for a target without classes, ParameterError for a model that cannot be
    compared.
    """
    codec, problem = _problem(dataset, task, plan)
    classes = tuple(getattr(codec, "classes", ()))
    costs = _costs(plan, problem.y, classes)
    board = _Board(problem, plan, costs, int(getattr(codec, "positive", 1)))
    rows: list[Treated] = []
    asked = _asked(problem, plan)
    labels = [f"{model.name}, {word}" for model, words in asked for word in words]
    emit("plan", models=labels, folds=len(problem.plan.folds), split=problem.plan.how,
         rows=len(problem.y), budget=str(clock.budget), estimate_seconds=0.0)
    for model, words in asked:
        rows += board.of_model(model, words, clock)
    if not any(row.scores for row in rows):
        raise DataError(f"no model could be compared; {rows[0].model}: {rows[0].reason}")
    rows = _corrected(rows, board.names)
    made = Compared(
        target=str(dataset.schema.target), source=dataset.source, classes=classes,
        positive=board.positive, counts=tuple(np.bincount(problem.y, minlength=len(classes))),
        metrics=board.names, costs=costs, stated=plan.costs is not None,
        split=problem.plan.how, rows=tuple(rows))
    return dataclasses.replace(made, said=verdicts(made))


def _problem(dataset: Dataset, task: Task, plan: Plan) -> tuple[Codec, Problem]:
    if task.verb("predict_proba") is None:
        raise DataError(f"treatments are of classes; {dataset.schema.target!r} asks for "
                        f"{task.name}.")
    codec = _codec(dataset, task, plan)
    y = dataset.target(codec)
    dealt = splits.time_ordered(dataset, folds=plan.folds) if dataset.time_order() is not None \
        else splits.kfold(dataset, y, folds=plan.folds, repeats=plan.repeats, seed=plan.seed,
                          stratify=task.stratified)
    return codec, Problem(dataset, task, y, len(getattr(codec, "classes", ())), dealt,
                          dataset.telling_weights(), plan.jobs, plan.seed, {})


def _codec(dataset: Dataset, task: Task, plan: Plan) -> Codec:
    """Positive is the class stated, else the rarest: it is what a treatment is for."""
    target, values = str(dataset.schema.target), dataset.target_values()
    made = task.codec(target, values, plan.positive)
    if plan.positive is not None:
        return made
    classes = getattr(made, "classes", ())
    counts = np.bincount(dataset.target(made), minlength=len(classes))
    return task.codec(target, values, classes[int(counts.argmin())])


def _costs(plan: Plan, y: np.ndarray, classes: tuple[Any, ...]) -> np.ndarray:
    """The stated costs; else a mistake costs more, the rarer the class: 1 for the commonest."""
    if plan.costs is not None:
        return decision.cost_matrix(decision.read_costs(plan.costs), classes)
    counts = np.maximum(np.bincount(y, minlength=len(classes)), 1)
    each = counts.max() / counts
    return np.outer(each, np.ones(len(classes))) * (1 - np.eye(len(classes)))


def _asked(problem: Problem, plan: Plan) -> list[tuple[Model, list[str]]]:
    """Each model with its treatments; the balanced forest stands beside a plain one."""
    usual = [word for word in USUAL if word != FOREST or plan.models is None]
    words = list(dict.fromkeys(check(word) for word in plan.treatments or usual))
    words = [NONE, *(word for word in words if word != NONE)]
    if plan.models is None:
        named = [models.make("logistic"), models.make(portfolio.usual_boosting(len(problem.y)))]
    else:
        named = [models.make(model) for model in plan.models]
    for model in named:
        if problem.task.name not in model.tasks:
            raise ParameterError(f"{model.name} does {' and '.join(model.tasks)}, not "
                                 f"{problem.task.name}.")
    others = [word for word in words if word != FOREST]
    found = [(model, words if model.name == "random_forest" else others) for model in named]
    if FOREST in words and all(model.name != "random_forest" for model in named):
        few = [word for word in words if word in (NONE, FOREST, THRESHOLD)]
        found.append((models.make("random_forest"), few))
    return found


class _Board:
    """Makes the rows of one model after the other."""

    def __init__(self, problem: Problem, plan: Plan, costs: np.ndarray, positive: int) -> None:
        self.problem, self.plan, self.costs, self.positive = problem, plan, costs, positive
        self._metrics: dict[str, Any] = {
            "average_precision": "average_precision",
            f"recall@precision={plan.precision:g}": f"recall@precision={plan.precision:g}",
            "expected_cost": evaluation.metrics.expected_cost(costs),
            MOVED: evaluation.metrics.expected_cost(costs),
            "log_loss": "log_loss", "brier": "brier"}
        self.names = tuple(self._metrics)
        self._held = imbalance.held_of(problem)

    def of_model(self, model: Model, words: list[str], clock: Clock) -> list[Treated]:
        """The model untreated, then under each treatment, as far as the clock allows."""
        rows: list[Treated] = []
        plain: Validated | None = None
        for word in words:
            label = f"{model.name}, {word}"
            emit("model_start", model=label, left=clock.left())
            row, found = self._row(model, word, plain, clock)
            plain = found if word == NONE else plain
            rows.append(row)
            if row.reason:
                emit("model_failed", model=label, reason=row.reason)
            elif word != THRESHOLD:
                emit("model_done", model=label, folds=self.plan.folds, seconds=row.seconds)
            if word == NONE and found is None:
                return rows
        return rows

    def _row(
        self, model: Model, word: str, plain: Validated | None, clock: Clock
    ) -> tuple[Treated, Validated | None]:
        try:
            found = plain if word == THRESHOLD else self._validated(model, word, clock)
        except (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError,
                ValueError) as error:
            return Treated(model.name, word, reason=f"{type(error).__name__}: {error}"), None
        if found is None:
            return Treated(model.name, word, reason="it did not fit the budget"), None
        decided = self._decided(word, found)
        return self._scored(model, word, found, decided, plain), found

    def _validated(self, model: Model, word: str, clock: Clock) -> Validated | None:
        """Out-of-fold answers; None where the clock ran out before all folds were answered."""
        if clock.left() <= 0 and word != NONE:
            return None
        treated = models.make(_balanced(model)) if word == FOREST else model
        problem = dataclasses.replace(self.problem, imbalance=self._imbalance(word))
        if problem.imbalance is not None:
            problem.imbalance.check([treated])
        deadline = time.perf_counter() + clock.left()
        found = validate(problem, treated, deadline, len(problem.plan.folds))
        return found if found.folds == len(problem.plan.folds) else None

    def _imbalance(self, word: str) -> Imbalance | None:
        if word in (NONE, FOREST):
            return None
        k = self.problem.n_classes
        treatment = balance.Treatment(balance.make(word), k, self.costs, self.plan.seed)
        lean = treatment.lean(self.problem.y, self.problem.weights)
        return Imbalance(self.positive, k, self.problem.task.baseline, treatment, lean=lean)

    def _decided(self, word: str, found: Validated) -> np.ndarray | None:
        """Classes as this treatment says them: the most probable, as balanced, or at least cost."""
        held, answer = self._seen(found)
        if word == NONE:
            return None
        if word == THRESHOLD:
            return self._moved(found)
        made = self._imbalance("weights" if word == FOREST else word)
        return None if made is None else made.predicted(held, answer)

    def _moved(self, found: Validated) -> np.ndarray:
        """Classes at the threshold of least cost, chosen on other folds; or by expected cost."""
        held, answer = self._seen(found)
        rule = decision.parse("cost") if self.problem.n_classes == 2 else None
        made = Imbalance(self.positive, self.problem.n_classes, self.problem.task.baseline,
                         rule=rule, costs=self.costs)
        codes = made.predicted(held, answer)
        assert codes is not None
        return codes

    def _seen(self, found: Validated) -> tuple[imbalance.Held, np.ndarray]:
        rows = np.flatnonzero(found.seen)
        return self._held.take(rows), found.answer[rows]

    def _scored(
        self, model: Model, word: str, found: Validated, decided: np.ndarray | None,
        plain: Validated | None,
    ) -> Treated:
        held, answer = self._seen(found)
        how: dict[str, Any] = {"positive": self.positive, "weights": held.weights,
                               "units": held.units, "seed": held.seed}
        scores, gaps = {}, {}
        for name, metric in self._metrics.items():
            codes = self._moved(found) if name == MOVED else decided
            score = evaluation.score(self.problem.task.name, held.truth, answer, metrics=[metric],
                                     predicted=codes, **how)
            scores[name] = next(iter(score.values()))
            if plain is not None:
                other = self._moved(plain) if name == MOVED else None
                gaps[name] = evaluation.compare(
                    self.problem.task.name, metric, held.truth, answer, self._seen(plain)[1],
                    predicted=(codes, other), **how)
        curve = evaluation.pr_points(held.truth, answer, self.positive, held.weights)
        return Treated(model.name, word, scores, gaps, curve=curve,
                       seconds=float(np.sum(found.fit_seconds)))


def _balanced(model: Model) -> str:
    """The balanced forest of as many trees."""
    trees = getattr(model, "n_estimators", 100)
    return f"balanced_random_forest(n_estimators={trees})"


def _corrected(rows: list[Treated], names: Sequence[str]) -> list[Treated]:
    """Rows with p-values corrected over the whole table, for each metric by itself."""
    from wholefit.evaluation.two_sample import adjusted

    found: list[dict[str, float]] = [{} for _ in rows]
    for name in names:
        at = [i for i, row in enumerate(rows) if name in row.differences]
        p = [rows[i].differences[name].p for i in at]
        for i, value in zip(at, adjusted(p, "holm") if p else [], strict=True):
            found[i][name] = float(value)
    return [_judged(row, adjusted_p) for row, adjusted_p in zip(rows, found, strict=True)]


def _judged(row: Treated, adjusted_p: dict[str, float]) -> Treated:
    """The row with the metrics in which it differs from doing nothing for certain."""
    sure = [name for name, p in adjusted_p.items() if p < _LEVEL]
    higher = ("average_precision", "recall@")
    gains = {name: row.differences[name].value * (1 if name.startswith(higher) else -1)
             for name in sure}
    return dataclasses.replace(
        row, adjusted=adjusted_p, better=tuple(name for name in sure if gains[name] > 0),
        worse=tuple(name for name in sure if gains[name] < 0))
