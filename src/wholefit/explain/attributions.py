"""What each column adds to a row's answer, for any fitted model: exact where the model allows it.

Trees and boosted trees have exact path-dependent values, weighted sums have theirs in closed form,
and so has what is made of those alone; every other model is asked about composed rows. Where a
background was given, trees too are asked, for their own values are relative to training, not to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import ParameterError, StateError
from wholefit.base.params import Params, param
from wholefit.data import Dataset
from wholefit.explain import explanations, sampling
from wholefit.explain._additive import (
    BACKGROUND,
    LOG_ODDS,
    NUMBER,
    PROBABILITY,
    Explainer,
    answered,
)
from wholefit.explain._exact import explainer
from wholefit.explain.background import Background, joined
from wholefit.explain.explanations import Detail, Explanations
from wholefit.explain.linear import dense
from wholefit.explain.pool import Pool
from wholefit.training import Fitted

METHODS = ("auto", "shap", "exact", "sampling", "lime")
_CELLS = 8_000_000  # contributions of features that are held at once
_AGREE = 1e-6
_FEW = 10  # rows up to which each may cost more


@dataclass(frozen=True)
class Options(Params):
    """How rows are explained."""

    compared: int = param(100, "Most background rows to compare with.", low=2, high=100_000)
    evaluations: int | None = param(
        None, "Composed rows that the model may be asked for one row, where values are sampled; "
        "None: 120,000 each for up to ten rows, 20,000 each for more.", low=1, none=True)
    precision: float = param(
        0.02, "Standard error that is small enough, as a share of the row's largest value.",
        low=0, high=1)
    details: int = param(12, "Finer parts (words, levels) kept of each column.", low=0, high=1000)
    seed: int = param(0, "Every random choice follows from it.", low=0)

    def each(self, rows: int) -> int:
        """What one of so many rows may cost."""
        if self.evaluations is not None:
            return self.evaluations
        return 120_000 if rows <= _FEW else 20_000


@dataclass(frozen=True, eq=False)
class _Found:
    """What a method gives, in the order of the schema's columns."""

    values: np.ndarray
    errors: np.ndarray
    base: np.ndarray
    scale: str
    classes: tuple[int, ...] | None
    exact: bool
    how: str
    compared: str
    details: dict[str, Detail]
    notes: tuple[str, ...] = ()
    evaluations: int = 0


def explained(
    fitted: Fitted, asked: Dataset, background: Callable[[], Background], *, given: bool = False,
    method: str = "auto", options: Options | None = None,
) -> Explanations:
    """Why these rows get their answers; `background` is made when it is needed.

    `given` says that a person named it, and wants answers compared with it. `method`: "auto" or
    "shap" (exact where the model allows, else sampled), "exact" (ParameterError where it does
    not), "sampling". Raises StateError for features that look back on earlier rows, DataError
    without rows.
    """
    options = options or Options()
    explanations.checked_rows(len(asked))
    with fitted.reading("the model file cannot be explained"):
        return _explained(fitted, asked, background, given, method, options)


def _explained(
    fitted: Fitted, asked: Dataset, background: Callable[[], Background], given: bool,
    method: str, options: Options,
) -> Explanations:
    pool = Pool(fitted, asked)
    answer = pool.answer(pool.own())
    try:
        if method == "sampling":
            raise StateError("")
        found = _closed(pool, answer, background, given and method != "exact", options)
    except StateError as error:
        why = str(error).rstrip(".")
        if method == "exact":
            raise ParameterError("method='exact' needs a model with exact contributions, and of "
                                 f"this one {why}: say method='auto'.") from error
        found = _sampled(fitted, asked, background(), options, why)
    return _record(pool, answer, found)


# ---- exact ------------------------------------------------------------------------------


def _closed(
    pool: Pool, answer: np.ndarray, background: Callable[[], Background], given: bool,
    options: Options,
) -> _Found:
    """Exact contributions; StateError, with the reason, where the model has none."""
    if not pool.separable:
        raise StateError("features are made of several columns at once, or within the model")
    pool.fitted.settle()
    made: list[Background] = []

    def behind() -> Any:
        made.append(background())
        return Pool(pool.fitted, made[-1].dataset).matrix

    explain = explainer(pool.fitted.state(), behind)
    if given and explain.rests - BACKGROUND:
        raise StateError("exact values are relative to training, not to the rows given")
    values, details = _folded(explain, pool, options.details)
    _check(explain, explain.base + values.sum(axis=1), answer)
    return _Found(values, np.zeros_like(values), explain.base, explain.scale, explain.classes,
                  True, "Exact values", _rested(explain, made), details)


def _rested(explain: Explainer, made: list[Background]) -> str:
    """What exact values are relative to."""
    training = ("compared with training, by how many of its rows went each way at each split of "
                "the trees")
    if not explain.rests:
        return "the same for every row"
    if not made:
        return training
    return made[0].said if explain.rests == BACKGROUND else \
        f"its trees {training}; the rest {made[0].said}"


def _folded(
    explain: Explainer, pool: Pool, kept: int
) -> tuple[np.ndarray, dict[str, Detail]]:
    """Contributions of features summed over each column, and the finer parts of some columns."""
    X = pool.matrix
    order = np.concatenate([*pool.groups, np.zeros(0, dtype=np.intp)]).astype(np.intp)
    starts = np.cumsum([0, *(len(group) for group in pool.groups)])
    values = np.zeros((X.shape[0], len(pool.columns), len(explain.base)))
    wide = [at for at, group in enumerate(pool.groups) if len(group) > 1 and kept]
    parts: dict[int, list[tuple[np.ndarray, ...]]] = {at: [] for at in wide}
    filled = np.flatnonzero(np.diff(starts))
    step = max(1, _CELLS // max(1, X.shape[1] * values.shape[2]))
    for at in range(0, X.shape[0], step):
        rows = X[at:at + step]
        each = explain.values(rows)
        if len(order):
            values[at:at + step, filled] = np.add.reduceat(
                each.take(order, axis=1), starts[filled], axis=1)
        for place in wide:
            group = pool.groups[place]
            parts[place].append(_heaviest(each[:, group], dense(rows[:, group]), kept))
    return values, {pool.columns[place]: _detail(pool, place, found)
                    for place, found in parts.items()}


def _heaviest(values: np.ndarray, X: np.ndarray, kept: int) -> tuple[np.ndarray, ...]:
    """Of each row's parts (n, m, outputs) the heaviest: where, what they add, and if they are 0."""
    size = np.abs(values).max(axis=2)
    kept = min(kept, size.shape[1])
    at = np.argpartition(-size, kept - 1, axis=1)[:, :kept]
    found = np.take_along_axis(values, at[:, :, None], axis=1)
    there = np.take_along_axis(X, at, 1) != 0
    return np.where(np.take_along_axis(size, at, 1) > 0, at, -1), found, ~there


def _detail(pool: Pool, place: int, found: list[tuple[np.ndarray, ...]]) -> Detail:
    at, values, absent = (np.concatenate(each) for each in zip(*found, strict=True))
    column, names = pool.columns[place], pool.fitted.encoder.names
    named = [names[feature] for feature in pool.groups[place]]
    marked = np.array([name.startswith((f"{column}=", f"{column}~")) for name in named])
    return Detail(tuple(_part_name(name, column) for name in named), at, values,
                  absent & marked[at])


def _part_name(feature: str, column: str) -> str:
    """A feature's name without the column's: "contract=two-year" to "two-year"."""
    for mark, word in (("=", ""), ("~", ""), (".", ""), ("^", "direction ")):
        if feature.startswith(column + mark):
            return word + feature[len(column) + len(mark):]
    return feature


def _check(explain: Explainer, sums: np.ndarray, answer: np.ndarray) -> None:
    """StateError if the sums do not mean what the model answered: then they explain nothing."""
    meant = answered(explain.scale, sums)
    told = answer[:, None] if explain.classes is None else answer[:, list(explain.classes)]
    size = max(1.0, float(np.abs(told).max(initial=0)))
    if not np.abs(meant - told).max(initial=0) <= _AGREE * size:
        raise StateError("contributions do not add up to its answer")


# ---- sampled ----------------------------------------------------------------------------


def _sampled(
    fitted: Fitted, asked: Dataset, background: Background, options: Options, why: str
) -> _Found:
    """Contributions from answers to composed rows."""
    each = options.each(len(asked))
    count = len(sampling.active(Pool(fitted, asked)))
    most = len(background.dataset)
    if not sampling.enumerable(count, most, each):
        background = background.first(sampling.affordable(count, most, each))
    pool = Pool(fitted, joined(asked, background.dataset))
    rows = np.arange(len(asked))
    found = sampling.sampled(
        pool, rows, np.arange(len(asked), len(pool)), evaluations=each,
        precision=options.precision, seed=options.seed)
    classes = tuple(range(found.values.shape[2])) if hasattr(fitted.codec, "classes") else None
    how = ("Exact for this background (every set of columns was asked)" if found.enumerated
           else f"Sampled ({found.evaluations:,} composed rows asked; ± is a 95% interval)")
    notes = (f"Sampled because {why}.",) if why else ()
    return _Found(found.values, found.errors, found.base, PROBABILITY if classes else NUMBER,
                  classes, found.enumerated, how, background.said, {}, notes, found.evaluations)


# ---- the record -------------------------------------------------------------------------


def _record(pool: Pool, answer: np.ndarray, found: _Found) -> Explanations:
    codec, target = pool.fitted.codec, str(pool.fitted.schema.target)
    classes: tuple[Any, ...] = tuple(getattr(codec, "classes", ()))
    shown = _shown(found, len(classes), getattr(codec, "positive", 0))
    base = shown.turn @ found.base + shown.offset
    values = found.values @ shown.turn.T
    told = answer[:, None] if not classes else answer[:, list(shown.classes)]
    features = pool.dataset.frame.select([pl.lit(1)]) if not pool.columns else \
        pl.DataFrame([pool.dataset.frame.get_column(name) for name in pool.columns])
    return Explanations(
        target=target, columns=pool.columns, scale=found.scale, exact=found.exact,
        outputs=tuple(str(classes[at]) for at in shown.classes) if classes else (target,),
        how=found.how, compared=found.compared, base=base, values=values,
        errors=found.errors @ np.abs(shown.turn).T, answers=base + values.sum(axis=1), told=told,
        told_base=answered(found.scale, base[None])[0], chosen=_chosen(pool, told, answer),
        rows=explanations.own_cells(features, pool.dataset.original),
        ranks=explanations.ranked(features),
        numbers=tuple(range(len(pool))), notes=found.notes, evaluations=found.evaluations,
        details={name: Detail(each.names, each.at, each.values @ shown.turn.T, each.absent)
                 for name, each in found.details.items()},
        together=tuple(explanations.together(features)))


def _chosen(pool: Pool, told: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """The output told of each row: of several classes the one that `predict` says."""
    codes = pool.fitted.codes(answer, pool.dataset) if told.shape[1] > 2 else None
    return told.argmax(axis=1) if codes is None else codes


@dataclass(frozen=True, eq=False)
class _Shown:
    """How the outputs that are shown come from those found: a matrix, an offset, their classes."""

    turn: np.ndarray
    offset: np.ndarray
    classes: tuple[int, ...]


def _shown(found: _Found, classes: int, positive: int) -> _Shown:
    """All outputs; of two classes, the positive one alone."""
    outputs = len(found.base)
    if classes != 2 or found.classes is None:
        return _Shown(np.eye(outputs), np.zeros(outputs), found.classes or ())
    sign = np.array([1.0 if code == positive else -1.0 for code in found.classes])
    if found.scale == LOG_ODDS:  # a score each, or one, which is the log-odds already
        return _Shown(sign[None], np.zeros(1), (positive,))
    if positive in found.classes:
        return _Shown((sign > 0).astype(np.float64)[None], np.zeros(1), (positive,))
    return _Shown(sign[None], np.ones(1), (positive,))
