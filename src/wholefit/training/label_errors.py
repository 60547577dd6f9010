"""Label errors: rows whose given target the out-of-fold answers contradict, most suspect first.

Classes by confident learning (see `_confident`), numbers by residuals on the scale of their
neighbours. No row is judged by a model that learnt it. A list is a reading list, not a verdict:
a rare but true case and a wrong label look alike to any model, so the share that is estimated
to be wrong counts the merely hard rows too, and is an upper guess where classes overlap.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from wholefit import models as catalog
from wholefit.base.errors import DataError, ParameterError
from wholefit.base.events import emit
from wholefit.base.tasks import Codec, Task
from wholefit.data import splits
from wholefit.data.dataset import Dataset
from wholefit.data.notes import Note, some
from wholefit.evaluation.intervals import student, wilson
from wholefit.evaluation.score import Score
from wholefit.models import Model
from wholefit.training import _confident
from wholefit.training._folds import Problem, validate

Array = np.ndarray
SCORES = _confident.SCORES
# Residuals beyond this many robust standard deviations (Iglewicz and Hoaglin 1993).
_FAR = 3.5
# Beyond this many a row is kept from the second round's models, unless that were many rows.
_GROSS, _MOST_GROSS = 3.0, 0.25
_FOREST_ROWS = 60_000
# Two unlike families. Of planted errors a linear model ranked those of telco_churn, titanic and
# sms_spam better, a forest those of german_credit and letter_recognition; the mean of their
# answers came near the better of the two on each. Beyond the forest's rows boosting stands in.
_MODELS = {"classification": ("logistic", "extra_trees", "hist_gradient_boosting"),
           "regression": ("ridge", "extra_trees", "hist_gradient_boosting")}


@dataclass(frozen=True, eq=False)
class LabelErrors:
    """Every judged row with how suspect its target is.

    `rows` (n,) 1-based data rows of the source; `given` and `suggested` (n,) values of the
    target; `score` (n,) from 0 (surely wrong) to 1; `flagged` (n,) rows to look at. `noise` is
    the estimated share of wrong targets with its interval (classification). `joint` (k, k) rows
    given each of `classes` that probably are each other one. `how` says what was done, `left`
    which rows could not be judged.
    """

    target: str
    task: str
    rows: Array
    given: Array
    suggested: Array
    score: Array
    flagged: Array
    how: str
    noise: Score | None = None
    classes: tuple[Any, ...] | None = None
    joint: Array | None = None
    left: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.flagged.sum())

    def __repr__(self) -> str:
        return f"<LabelErrors of {self.target!r}: {len(self):,} of {len(self.rows):,} rows to read>"

    def ranked(self, most: int | None = None, *, flagged: bool = True) -> pl.DataFrame:
        """row, given, suggested, score, flagged: most suspect first; all rows if not `flagged`."""
        order = np.argsort(self.score, kind="stable")
        order = order[self.flagged[order]] if flagged else order
        order = order[:most]
        return pl.DataFrame({
            "row": self.rows[order], "given": _column(self.given[order]),
            "suggested": _column(self.suggested[order]), "score": self.score[order],
            "flagged": self.flagged[order],
        })

    def confusions(self) -> pl.DataFrame:
        """given, suggested, rows: which class is probably taken for which, most rows first."""
        if self.joint is None or self.classes is None:
            raise DataError("confusions are of classes; the target is a number.")
        i, j = np.nonzero(~np.eye(len(self.classes), dtype=bool) & (self.joint >= 0.5))
        order = np.argsort(-self.joint[i, j], kind="stable")
        names = [str(name) for name in self.classes]
        return pl.DataFrame({
            "given": [names[at] for at in i[order]], "suggested": [names[at] for at in j[order]],
            "rows": self.joint[i, j][order]},
            schema={"given": pl.String, "suggested": pl.String, "rows": pl.Float64})

    def to_json(self, most: int = 100) -> dict[str, Any]:
        """The summary and the first rows of the list, as plain JSON values."""
        return {
            "target": self.target, "task": self.task, "judged": len(self.rows),
            "flagged": len(self), "how": self.how, "left": list(self.left),
            "noise": None if self.noise is None else self.noise.to_json(),
            "confusions": None if self.joint is None else self.confusions().to_dicts(),
            "rows": self.ranked(most).drop("flagged").to_dicts(),
        }


def label_errors(
    dataset: Dataset, task: Task, *, models: Sequence[Any] | None = None, folds: int = 5,
    repeats: int = 1, seed: int = 0, jobs: int = 1, score: str = "normalised_margin",
) -> LabelErrors:
    """Cross-validate a few models, and hold the mean of their answers against the target.

    `models` names or Model objects; two that complement each other if left out. `score` ranks
    the rows of a classification: "normalised_margin" or "self_confidence".
    """
    if score not in SCORES:
        raise ParameterError(f"score must be one of {some([*map(repr, SCORES)])}; got {score!r}.")
    words: dict[str, Any] = {"models": models, "folds": folds, "repeats": repeats, "seed": seed,
                             "jobs": jobs}
    found = out_of_fold(dataset, task, **words)
    if found.answer.ndim == 1:
        # Grossly wrong numbers pull a model towards them: it learns again without those.
        gross = far_off(found.y, found.answer) > _GROSS
        if 0 < gross.mean() < _MOST_GROSS:
            found = out_of_fold(dataset, task, withheld=gross, **words)
    return judge(str(dataset.schema.target), task, found.codec, found.y, found.answer,
                 rows=source_rows(len(found.y), dataset.notes), score=score, how=found.how)


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Encoded target y (n,), mean answer (n, k) or (n,), NaN where no fold gave one; and how."""

    codec: Codec
    y: Array
    answer: Array
    how: str


def out_of_fold(
    dataset: Dataset, task: Task, *, models: Sequence[Any] | None = None, folds: int = 5,
    repeats: int = 1, seed: int = 0, jobs: int = 1, withheld: Array | None = None,
) -> OutOfFold:
    """Answers of models to rows they did not learn, and their mean; words as `label_errors`.

    Rows that the mask `withheld` (n,) names are answered but never learnt.
    """
    if dataset.schema.target is None:
        raise DataError("label errors need a target column; say target='...'.")
    codec = task.codec(dataset.schema.target, dataset.target_values())
    y = dataset.target(codec)
    chosen = _chosen(models, task, len(y))
    plan = splits.kfold(dataset, y, folds=folds, repeats=repeats, seed=seed,
                        stratify=task.stratified)
    said = ""
    if withheld is not None:
        folds_ = tuple((train[~withheld[train]], test) for train, test in plan.folds)
        plan = replace(plan, folds=folds_)
        said = f"; {int(withheld.sum()):,} rows far off in a first round were not learnt"
    problem = Problem(
        dataset=dataset, task=task, y=y, n_classes=len(getattr(codec, "classes", ())), plan=plan,
        weights=dataset.telling_weights(), jobs=jobs, seed=seed, changes={})
    answers = []
    emit("plan", models=[model.name for model in chosen], folds=len(plan.folds), split=plan.how,
         rows=len(y), budget="no limit", estimate_seconds=0.0)
    for model in chosen:
        emit("model_start", model=model.name, left=math.inf)
        start = time.perf_counter()
        answers.append(validate(problem, model, math.inf, len(plan.folds)).known())
        emit("model_done", model=model.name, folds=len(plan.folds),
             seconds=time.perf_counter() - start)
    names = " and ".join(model.name for model in chosen)
    judges = f"the mean of {names}" if len(chosen) > 1 else names
    return OutOfFold(codec, y, np.mean(answers, axis=0), f"judged by {judges}; {plan.how}{said}")


def judge(
    target: str, task: Task, codec: Codec, y: Array, answer: Array, *, rows: Array | None = None,
    score: str = "normalised_margin", how: str = "",
) -> LabelErrors:
    """Hold out-of-fold answers, (n, k) or (n,), against the encoded target y (n,).

    `rows` (n,) are the source's row numbers, 1 to n if left out. Rows without an answer, and
    those of classes too rare to have been learnt, are not judged.
    """
    rows = np.arange(1, len(y) + 1) if rows is None else rows
    known = np.isfinite(answer).all(axis=tuple(range(1, answer.ndim)))
    left = [f"{int((~known).sum()):,} rows have no out-of-fold answer"] if not known.all() else []
    classes = getattr(codec, "classes", None)
    if classes is not None:
        known, left = _without_rare(y, known, classes, left)
    if not known.any():
        raise DataError(f"no row of {target!r} can be judged: {'; '.join(left)}.")
    y, answer, rows = y[known], answer[known], rows[known]
    make = _of_numbers if classes is None else _of_classes
    found = make(target, task, codec, y, answer, rows, score)
    return replace(found, how=how, left=tuple(left))


def source_rows(n: int, notes: Sequence[Note]) -> Array:
    """1-based rows of the source that n learnt rows are, when those without a target are gone."""
    gone = [row for note in notes if note.kind == "target_missing" for row in note.rows]
    kept = np.setdiff1d(np.arange(1, n + len(gone) + 1), np.array(gone, dtype=np.int64))
    return kept


def _of_classes(
    target: str, task: Task, codec: Any, y: Array, proba: Array, rows: Array, score: str
) -> LabelErrors:
    found = _confident.confident(y, proba, score=score)
    names = np.array(codec.classes, dtype=object)
    return LabelErrors(
        target, task.name, rows, names[y], names[found.suggested], found.score, found.flagged,
        "", _noise(found), codec.classes, found.joint)


def _of_numbers(
    target: str, task: Task, codec: Any, y: Array, answer: Array, rows: Array, score: str
) -> LabelErrors:
    far = far_off(y, answer)
    return LabelErrors(target, task.name, rows, y, answer, 1 / (1 + far), far > _FAR, "")


def far_off(y: Array, answer: Array) -> Array:
    """Residuals in robust standard deviations of their neighbours' (n,); NaN without an answer."""
    known = np.isfinite(answer)
    found = np.full(len(y), np.nan)
    residual = (y - answer)[known]
    found[known] = np.abs(residual) / residual_scale(residual, answer[known])
    return found


def residual_scale(residual: Array, answer: Array) -> Array:
    """Robust standard deviation of residuals (n,) among rows of like answers.

    1.4826 times the running median of their sizes, over a tenth of the rows (50 at least), never
    below a tenth of that of all rows.
    """
    n = len(residual)
    size = np.abs(residual)
    order = np.argsort(answer, kind="stable")
    window = min(n, max(50, n // 10))
    local = pl.Series(size[order]).rolling_median(window, min_samples=1, center=True).to_numpy()
    found = np.empty(n)
    found[order] = local
    floor = max(0.1 * float(np.median(size)), 1e-12 * float(np.abs(answer).max(initial=0.0)),
                1e-300)
    return 1.4826 * np.maximum(found, floor)


def _noise(found: _confident.Confident, level: float = 0.95) -> Score:
    """Share of wrong labels: each class's share in the confident joint, by the class's rows."""
    counted = found.counted.astype(float)
    per_class = counted.sum(axis=1)
    wrong = 1 - np.diag(counted) / per_class
    rows = found.joint.sum(axis=1)
    weight = rows / rows.sum()
    value = float(weight @ wrong)
    variance = float((weight**2 * wrong * (1 - wrong) / per_class).sum())
    units = value * (1 - value) / variance if variance > 0 else float(rows.sum())
    low, high = wilson(value, units, student(level, max(len(found.flagged) - 1, 1)))
    return Score("share of wrong labels", value, low, high, level,
                 "confident joint, Wilson interval at these probabilities", len(found.flagged))


def _without_rare(
    y: Array, known: Array, classes: tuple[Any, ...], left: list[str]
) -> tuple[Array, list[str]]:
    """Leave out classes that some fold could not learn from at least two other rows."""
    counts = np.bincount(y[known], minlength=len(classes))
    rare = np.flatnonzero((counts > 0) & (counts < 3))
    if len(rare):
        named = ", ".join(repr(classes[at]) for at in rare[:5])
        left = [*left, f"{int(counts[rare].sum())} rows are of classes with fewer than 3 rows "
                       f"({named})"]
    return known & ~np.isin(y, rare), left


def _chosen(models: Sequence[Any] | None, task: Task, rows: int) -> list[Model]:
    if models is not None:
        found = [catalog.make(model) for model in models]
    else:
        linear, forest, boosting = _MODELS[task.name]
        found = [catalog.make(linear), catalog.make(forest if rows <= _FOREST_ROWS else boosting)]
    for model in found:
        if task.name not in model.tasks:
            raise ParameterError(f"{model.name} does {' and '.join(model.tasks)}, not {task.name}; "
                                 f"models for it: {', '.join(catalog.names(task.name))}.")
    return found


def _column(values: Array) -> pl.Series:
    """Values of the target as a column of their own type."""
    try:
        return pl.Series(values.tolist(), strict=True)
    except (TypeError, pl.exceptions.PolarsError):
        return pl.Series([str(value) for value in values])
