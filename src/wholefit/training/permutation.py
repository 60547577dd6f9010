"""What a model loses when a column is shuffled, on rows it was not fitted on.

Permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019): a fold's model answers
its test rows twice, as they are and with one column shuffled among them; the loss that this adds
is noted row by row. Columns that repeat one another share what they tell, so each may look as if
it did not matter; what neither adds to the others is what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from wholefit.base.events import emit
from wholefit.base.seeds import generator
from wholefit.models import Model
from wholefit.training._folds import Fit, Problem, fit_one

_ROWS = 2000
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Losses:
    """Per column: mean loss added, the ends of its interval, and a one-sided p-value.

    For classes in nats of log loss; for a number as a share of the target's variance. NaN for
    columns that were not tried. `base` is the loss without shuffling, `rows` how many answered.
    """

    columns: tuple[str, ...]
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: np.ndarray
    base: float
    rows: int


def permutation(
    problem: Problem, model: Model, columns: list[str], *, repeats: int = 3, level: float = 0.95
) -> Losses:
    """Losses that shuffling each of `columns` adds, over the folds of the problem's plan.

    At most 2,000 test rows a fold are asked, each column shuffled `repeats` times. The interval
    is that of a mean over rows, given the fitted models.
    """
    added: list[np.ndarray] = []
    plain: list[np.ndarray] = []
    for number, (train, test) in enumerate(problem.plan.folds):
        made = fit_one(problem, model, train, number)
        draw = generator(problem.seed, "permutation", number)
        if len(test) > _ROWS:
            test = np.sort(draw.choice(test, _ROWS, replace=False))
        base, more = _of_fold(problem, model, made, test, columns, repeats, draw)
        plain.append(base)
        added.append(more)
        emit("select_fold", done=number + 1, of=len(problem.plan.folds))
    return _summed(columns, np.concatenate(plain), np.concatenate(added, axis=1), level)


def _of_fold(
    problem: Problem, model: Model, made: Fit, test: np.ndarray, columns: list[str],
    repeats: int, draw: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Loss of each row (rows,), and what each column's shuffling adds to it (columns, rows)."""
    X = made.encoder.transform(made.dataset, test)
    X = X.toarray() if hasattr(X, "tocsr") else X
    y, scale = problem.y[test], float(np.var(problem.y)) or 1.0

    def loss() -> np.ndarray:
        answer = model.answer(made.estimator, X, problem.task, made.context)
        if problem.n_classes:
            return -np.log(np.maximum(answer[np.arange(len(y)), y], _TINY))
        return (answer - y) ** 2 / scale

    base, sources = loss(), np.array(made.encoder.sources, dtype=object)
    added = np.zeros((len(columns), len(test)))
    for at, column in enumerate(columns):
        where = np.flatnonzero(sources == column)
        kept = X[:, where].copy()
        for _ in range(repeats if len(where) else 0):
            X[:, where] = kept[draw.permutation(len(test))]
            added[at] += (loss() - base) / repeats
        X[:, where] = kept
    return base, added


def _summed(columns: list[str], base: np.ndarray, added: np.ndarray, level: float) -> Losses:
    rows = len(base)
    value = added.mean(axis=1)
    error = added.std(axis=1, ddof=1) / np.sqrt(rows) if rows > 1 else np.full(len(value), np.inf)
    reach = stats.t.ppf(0.5 + level / 2, max(rows - 1, 1)) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = np.where(error > 0, stats.t.sf(value / error, max(rows - 1, 1)), 1.0)
    return Losses(tuple(columns), value, value - reach, value + reach, p_value,
                  float(base.mean()), rows)
