"""Cures of over- and underfitting, each fitted on the same folds, and what it gained.

Textbooks name cures; whether one helps here is a question of fact. From the verdict (see
`training.curves`) follows a list; every cure on it is measured against the model as it is, paired
on the same rows. Trying many and looking at the best flatters it, so p-values are corrected for
the number tried (Holm, 1979), and intervals too (Bonferroni).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wholefit import models
from wholefit.base.budget import Clock
from wholefit.base.errors import WholefitError
from wholefit.base.events import emit
from wholefit.base.tasks import Task
from wholefit.base.wording import plain
from wholefit.evaluation import Score
from wholefit.models import Model
from wholefit.training.curves._bench import Bench
from wholefit.training.curves._extrapolate import Forecast, extrapolate
from wholefit.training.curves._measure import judged, measure, sizes_of
from wholefit.training.curves._validation import _text
from wholefit.training.curves._variants import other, single
from wholefit.training.curves._verdict import (
    NOTHING,
    OVER,
    UNDER,
    Tried,
    Verdict,
    attempt,
    verdict,
)

REGULARISE, AVERAGE, FEWER, STOP = "regularise", "average", "fewer features", "stop early"
LOOSEN, FLEXIBLE, PRODUCTS = "loosen", "another family", "powers and products"
SIMPLE = "simpler family"



@dataclass(frozen=True)
class Cure:
    """One cure: its kind, what was changed, and what it gained, positive where it is better.

    (low, high) is corrected for the number tried, as is `p`; `helped` and `harmed` say that p is
    below 1 - level, and 0 not in the interval. `write` is the model as `fit` takes it. Where
    `reason` is not empty there is no result.
    """

    kind: str
    words: str
    write: str
    score: Score | None = None
    train: Score | None = None
    gain: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    helped: bool = False
    harmed: bool = False
    seconds: float = math.nan
    reason: str = ""

    @property
    def span(self) -> str:
        """The gain and its interval, in text."""
        return str(Score("", self.gain, self.low, self.high, 0.95, "", 0))

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        names = ("kind", "words", "write", "gain", "low", "high", "p", "helped", "harmed",
                 "seconds", "reason")
        return plain({**{name: getattr(self, name) for name in names},
                      "score": None if self.score is None else self.score.to_json(),
                      "train": None if self.train is None else self.train.to_json()})


@dataclass(frozen=True)
class Cures:
    """The verdict, and every cure tried, what helped first; `forecast` of twice the rows."""

    model: str
    metric: str
    better: str
    target: str
    source: str
    split: str
    level: float
    verdict: Verdict
    cures: tuple[Cure, ...]
    forecast: Forecast | None
    refused: str

    @property
    def helped(self) -> tuple[Cure, ...]:
        """Cures that gain beyond chance, the best first."""
        return tuple(cure for cure in self.cures if cure.helped)

    @property
    def said(self) -> tuple[str, ...]:
        """What helped and what did not, in sentences."""
        found = [f"{self.verdict.said[:1].upper()}{self.verdict.said[1:]}."]
        tried = [cure for cure in self.cures if not cure.reason]
        if self.helped:
            best = self.helped[0]
            found.append(f"Of {len(tried)} cures tried, {len(self.helped)} helped. Most: "
                         f"{best.kind}, {best.words}: {self.metric} better by {best.span}. "
                         f"Fit it as {best.write}.")
        elif tried:
            found.append(f"None of {len(tried)} cures tried helped beyond chance.")
        elif self.cures:
            found.append(f"No cure was tried: {self.cures[0].reason}.")
        harmed = [cure.words for cure in self.cures if cure.harmed]
        if harmed:
            shown = ", ".join(harmed[:4]) + (", ..." if len(harmed) > 4 else "")
            found.append(f"Worse than leaving it as it is: {shown}.")
        found.append(self._rows_said())
        return tuple(found)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text."""
        rows = [[cure.kind, cure.words, cure.reason or str(cure.score),
                 "" if cure.reason else cure.span,
                 "helped" if cure.helped else "worse" if cure.harmed else
                 "" if cure.reason else "tied"] for cure in self.cures]
        return ["cure", "what", self.metric, "gain (+ is better)", ""], rows

    def to_text(self) -> str:
        """What helped and what did not, a sentence a line."""
        return "\n".join(self.said)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        names = ("model", "metric", "better", "target", "source", "split", "level", "refused")
        return plain({**{name: getattr(self, name) for name in names},
                      "verdict": self.verdict.to_json(),
                      "cures": [cure.to_json() for cure in self.cures],
                      "forecast": None if self.forecast is None else dict(vars(self.forecast)),
                      "said": list(self.said)})

    def _rows_said(self) -> str:
        if self.forecast is None:
            return f"What more rows would do is not forecast: {self.refused}."
        sign = 1 if self.better == "higher" else -1
        low, high = sorted((sign * self.forecast.gain_low, sign * self.forecast.gain_high))
        span = Score("", sign * self.forecast.gain, low, high, self.level, "", 0)
        return f"Twice the rows would gain {span} in {self.metric}, by its learning curve."


@dataclass(frozen=True)
class _Asked:
    """A cure to try: the model, and changes to how its columns are encoded."""

    kind: str
    words: str
    model: Model
    changes: dict[str, Any] = dataclasses.field(default_factory=dict)


def cures(bench: Bench, model: Model, clock: Clock, *, curve: bool = True) -> Cures:
    """The verdict on a model, and the cures that follow from it, measured within the clock.

    `curve=False` leaves the forecast of more rows out.
    """
    base = attempt(bench, model, "base")
    judged_as = verdict(bench, model, base, clock)
    asked = list(_asked(judged_as, model, bench.problem.task))
    emit("curve_step", step=f"{len(asked)} cures")
    found = [_cure(bench, base, each, len(asked), clock) for each in asked]
    told, refused = _more_rows(bench, model, base, clock) if curve else (None, "not asked for")
    return Cures(_text(model), bench.metric.name, bench.metric.better,
                 str(bench.problem.dataset.schema.target), bench.problem.dataset.source,
                 bench.problem.plan.how, bench.options.level, judged_as,
                 tuple(_corrected(found, bench.options.level)), told, refused)


def _asked(found: Verdict, model: Model, task: Task) -> Iterator[_Asked]:
    """What the verdict asks for; where it asks for nothing sure, both kinds."""
    if found.kind != UNDER:
        yield from _against_over(model, task)
    if found.kind not in (OVER, NOTHING):
        yield from _against_under(model, task)


def _against_over(model: Model, task: Task) -> Iterator[_Asked]:
    for words, made in single(model, flexible=False):
        yield _Asked(STOP if words.startswith("n_estimators") else REGULARISE, words, made)
    names = {spec.name for spec in model.specs()}
    if "early_stopping" in names and not model.to_dict()["early_stopping"]:
        yield _Asked(STOP, "early_stopping=20", model.replace(early_stopping=20))
    for share in (0.5, 0.25):
        yield _Asked(FEWER, f"the {share:.0%} of columns that tell most", model,
                     {"select": "f", "keep": share, "whole_columns": True})
    if model.family in ("trees", "neighbors") and model.name in ("decision_tree", "knn"):
        yield _Asked(AVERAGE, "mean of 50 copies, each of a draw of rows",
                     models.make(f"bagging(member={_text(model)!r}, n_estimators=50)"))
    if model.family != "linear":
        plain_one = {"classification": "logistic", "regression": "ridge"}[task.name]
        yield _Asked(SIMPLE, plain_one, models.make(plain_one))


def _against_under(model: Model, task: Task) -> Iterator[_Asked]:
    for words, made in single(model, flexible=True):
        yield _Asked(LOOSEN, words, made)
    if model.family in ("linear", "svm", "neighbors"):
        for words, changes in (("products of two columns", True), ("squares and products", False)):
            yield _Asked(PRODUCTS, words, model, {"degree": 2, "interactions_only": changes})
    for words, made in other(model, task):
        yield _Asked(FLEXIBLE, words, made)
    if model.family not in ("trees", "boosting"):
        forest = {"classification": "random_forest", "regression": "extra_trees"}[task.name]
        yield _Asked(FLEXIBLE, forest, models.make(forest))


def _cure(bench: Bench, base: Tried, asked: _Asked, of: int, clock: Clock) -> Cure:
    write = _text(asked.model)
    if asked.changes:
        write += f" with features={asked.changes}"
    if clock.left() < base.seconds:
        return Cure(asked.kind, asked.words, write, reason="no time was left")
    there = dataclasses.replace(bench, problem=dataclasses.replace(
        bench.problem, changes=asked.changes, encoders={}))
    try:
        found = attempt(there, asked.model, f"cure {asked.words}")
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError,
            WholefitError) as error:
        return Cure(asked.kind, asked.words, write, reason=f"{type(error).__name__}: {error}")
    level = 1 - (1 - bench.options.level) / of
    gap = bench.compared(judged(bench), found.answer, base.answer, level)
    sign = bench.metric.sign
    low, high = sorted((sign * gap.low, sign * gap.high))
    return Cure(asked.kind, asked.words, write, found.score, found.own_score, sign * gap.value,
                low, high, gap.p, seconds=found.seconds)


def _corrected(found: Sequence[Cure], level: float) -> list[Cure]:
    """p-values after Holm's correction over all that were tried, and the order: best first."""
    known = [cure for cure in found if not math.isnan(cure.p)]
    running, settled = 0.0, []
    for at, cure in enumerate(sorted(known, key=lambda one: one.p)):
        running = max(running, min(1.0, cure.p * (len(known) - at)))
        sure = running < 1 - level
        settled.append(dataclasses.replace(cure, p=running, helped=sure and cure.low > 0,
                                           harmed=sure and cure.high < 0))
    settled.sort(key=lambda one: (-one.helped, one.harmed, -one.gain))
    return [*settled, *(cure for cure in found if math.isnan(cure.p))]


def _more_rows(bench: Bench, model: Model, base: Tried, clock: Clock
               ) -> tuple[Forecast | None, str]:
    """What twice the rows would gain, by a learning curve of two draws, where there is time."""
    if clock.left() < 5 * base.seconds:
        return None, "there was no time for a learning curve"
    try:
        sizes = sizes_of(bench, None)
    except WholefitError as error:
        return None, str(error).rstrip(".")
    found = measure(bench, model, sizes, clock, draws=3)
    law = extrapolate(
        [p.rows for p in found.points], found.values, found.cov, sign=bench.metric.sign,
        bounds=(bench.metric.low, bench.metric.high), times=(2.0,), level=bench.options.level,
        lift=found.values[-1] - attempt(bench, bench.baseline, "baseline").value,
        seed=bench.options.seed)
    return (law.forecasts[0] if law.forecasts else None), law.refused
