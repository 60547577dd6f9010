"""The study: parts are given up one after another, those that tell least for their price first.

In each fold the order is found on the fold's training rows alone (three quarters to fit, one to
see what shuffling a part costs, as Breiman 2001), again after each round of giving up, for what a
part tells depends on what else is there. Models of what is kept then answer the fold's other
rows. So the score of a step is that of a choice which never saw the rows it is judged by.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from wholefit.base.budget import Clock
from wholefit.base.errors import BudgetError, DataError
from wholefit.base.events import emit
from wholefit.base.seeds import generator
from wholefit.evaluation.compare import level_of
from wholefit.models import Model
from wholefit.training.curves import Bench
from wholefit.training.curves._bench import order
from wholefit.training.worth._parts import Parts
from wholefit.training.worth._record import Paid, Step, Worth

Array = np.ndarray
# Of the parts kept so many stay in each round.
_STAY = 0.7
_CHECK, _MOST_CHECKED = 0.25, 4_000
_TINY = 1e-12
# A cheaper set must keep this share of what the columns gain over the baseline.
_KEEPS = 0.98


def worth(bench: Bench, model: Model, parts: Parts, clock: Clock) -> Worth:
    """Scores with fewer and fewer parts, what each part tells, and the set to buy.

    The set is the cheapest that is not worse than all of them beyond chance and keeps 98 % of
    their gain over the baseline. When the clock ends, the folds that were finished count.
    BudgetError if not one was.
    """
    sizes = sizes_of(len(parts.paid))
    folds = bench.problem.plan.folds
    answers: list[list[Array]] = []
    found: list[_Path] = []
    for number, (train, test) in enumerate(folds):
        if found and clock.left() < clock.spent() / len(found):
            break  # another fold would not be done in time
        if clock.left() <= 0:
            break
        path = _path(bench, model, parts, train, sizes, f"fold {number}")
        answers.append([_answers(bench, model, parts, names, train, test, f"{number} {at}")
                        for at, names in enumerate(path.kept)])
        found.append(path)
        emit("worth_fold", done=len(found), of=len(folds))
    if not found:
        raise BudgetError(f"not one fold of {len(sizes)} sets of columns was done within "
                          f"{clock.budget}; give a larger budget, fewer rows, or a quicker model.")
    whole = _path(bench, model, parts, np.arange(len(bench.problem.y)), sizes, "all")
    return _told(bench, model, parts, folds[:len(found)], answers, found, whole)


def sizes_of(parts: int) -> list[int]:
    """How many parts are kept in each round: all, and then about seven tenths, down to none."""
    sizes = [parts]
    while sizes[-1]:
        sizes.append(min(sizes[-1] - 1, round(_STAY * sizes[-1])))
    return sizes


@dataclasses.dataclass
class _Path:
    """The parts kept in each round, and what each part told while all were there."""

    kept: list[tuple[str, ...]]
    tells: dict[str, float]


def _path(
    bench: Bench, model: Model, parts: Parts, train: Array, sizes: Sequence[int], key: str
) -> _Path:
    """Give up parts on these rows alone."""
    fit, check = _parted(bench, train, key)
    kept = tuple(part.name for part in parts.paid)
    found: list[tuple[str, ...]] = [kept]
    first: dict[str, float] = {}
    for size in sizes[1:]:
        tells = _tells(bench, model, parts, kept, fit, check, f"{key} {size}") if size else {}
        first = first or tells
        price = {part.name: part.price for part in parts.paid}
        best = sorted(kept, key=lambda name: -tells.get(name, 0.0) / price[name])[:size]
        kept = tuple(name for name in kept if name in best)
        found.append(kept)
    if not first:  # a single part: nothing was to be ranked
        first = _tells(bench, model, parts, found[0], fit, check, key)
    return _Path(found, first)


def _parted(bench: Bench, train: Array, key: str) -> tuple[Array, Array]:
    """Rows to fit on and rows to see what a part tells; units whole, later rows to see by."""
    lined = order(bench, train, generator(bench.options.seed, "worth", key))
    units = bench.units[lined]
    cut = max(1, round(_CHECK * len(lined)))
    while cut < len(lined) and units[cut] == units[cut - 1]:
        cut += 1
    if cut >= len(lined):
        raise DataError(f"to see what columns are worth takes more than {len(np.unique(units))} "
                        "groups of rows in a fold.")
    return np.sort(lined[cut:]), np.sort(lined[:min(cut, _MOST_CHECKED)])


def _tells(
    bench: Bench, model: Model, parts: Parts, kept: Sequence[str], fit: Array, check: Array,
    key: str,
) -> dict[str, float]:
    """The loss that shuffling each part adds, on rows that the model did not learn from."""
    only = _only(bench, parts.columns(kept))
    made = only.fit(model, fit, key)
    X = made.encoder.transform(made.dataset, check)
    X = X.toarray() if hasattr(X, "tocsr") else np.array(X)
    problem, y = only.problem, only.problem.y[check]
    weights = np.ones(len(y)) if problem.weights is None else problem.weights[check]
    scale = float(np.var(problem.y)) or 1.0

    def loss() -> float:
        answer = made.model.answer(made.estimator, X, problem.task, made.context)
        each = (-np.log(np.maximum(answer[np.arange(len(y)), y], _TINY)) if problem.n_classes
                else (answer - y) ** 2 / scale)
        return float(np.average(each, weights=weights))

    base, sources = loss(), np.array(made.encoder.sources, dtype=object)
    draw = generator(bench.options.seed, "worth shuffle", key)
    found = {}
    for part in parts.paid:
        if part.name not in kept:
            continue
        where = np.flatnonzero(np.isin(sources, part.columns))
        before = X[:, where].copy()
        X[:, where] = before[draw.permutation(len(check))]
        found[part.name] = loss() - base if len(where) else 0.0
        X[:, where] = before
    return found


def _answers(
    bench: Bench, model: Model, parts: Parts, names: Sequence[str], train: Array, test: Array,
    key: str,
) -> Array:
    """Answers to a fold's rows with these parts alone; the baseline's where no column is left."""
    columns = parts.columns(names)
    if not columns:
        return bench.answers(bench.fit(bench.baseline, train, f"none {key}"), test)
    only = _only(bench, columns)
    return only.answers(only.fit(model, train, f"kept {key}"), test)


def _only(bench: Bench, columns: Sequence[str]) -> Bench:
    """The same bench with no features but these."""
    dataset = bench.problem.dataset
    gone = {name: "ignored" for name in dataset.schema.features if name not in columns}
    if not gone:
        return bench
    problem = dataclasses.replace(
        bench.problem, dataset=dataset.with_schema(dataset.schema.with_role(gone)), encoders={})
    return dataclasses.replace(bench, problem=problem)


def _told(
    bench: Bench, model: Model, parts: Parts, folds: Sequence[tuple[Array, Array]],
    answers: list[list[Array]], found: list[_Path], whole: _Path,
) -> Worth:
    rows = np.concatenate([test for _, test in folds])
    pooled = [np.concatenate([fold[at] for fold in answers]) for at in range(len(whole.kept))]
    base = np.concatenate([bench.answers(bench.fit(bench.baseline, train, f"base {at}"), test)
                           for at, (train, test) in enumerate(folds)])
    level = level_of(bench.options.level, max(len(pooled) - 1, 1))
    steps = []
    for at, names in enumerate(whole.kept):
        steps.append(Step(
            names, parts.price(names),
            float(np.mean([parts.price(path.kept[at]) for path in found])),
            bench.scored(bench.sheet(rows, pooled[at])),
            None if not at else bench.compared(rows, pooled[at], pooled[0], level)))
    sign = bench.metric.sign
    nothing = bench.value(bench.sheet(rows, base))
    chosen = _chosen(steps, sign, nothing)
    kept = [path.kept[chosen] for path in found]
    paid = tuple(
        Paid(part.name, part.columns, part.price,
             float(np.mean([path.tells.get(part.name, 0.0) for path in found])),
             sum(part.name in names for names in kept), part.name in whole.kept[chosen])
        for part in parts.paid)
    problem = bench.problem
    return Worth(
        target=str(problem.dataset.schema.target), metric=bench.metric.name,
        better=bench.metric.better, model=model.name, rows=len(problem.y), split=problem.plan.how,
        folds=len(found), free=parts.free, parts=paid, steps=tuple(steps), chosen=chosen,
        baseline=nothing, of=len(problem.plan.folds))


def _chosen(steps: Sequence[Step], sign: int, baseline: float) -> int:
    """The last step that is as good as all parts, for all that can be told."""
    gain = sign * (steps[0].score.value - baseline)
    chosen = 0
    for at, step in enumerate(steps):
        if step.difference is None:
            continue
        worse = step.difference.better == "b"
        lost = sign * (steps[0].score.value - step.score.value)
        if not worse and (gain <= 0 or lost <= (1 - _KEEPS) * gain):
            chosen = at
    return chosen
