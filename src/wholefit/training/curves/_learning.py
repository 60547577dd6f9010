"""A learning curve: points, where it leads, what it costs in time, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.budget import Clock
from wholefit.base.wording import capital, plain
from wholefit.evaluation import Score
from wholefit.evaluation.intervals import student
from wholefit.models import Model
from wholefit.training.curves._bench import Array, Bench
from wholefit.training.curves._extrapolate import Forecast, Law, extrapolate
from wholefit.training.curves._measure import (
    DRAWS,
    Measured,
    Point,
    difference,
    judged,
    measure,
    sizes_of,
)
from wholefit.training.curves._validation import _text
from wholefit.training.curves._verdict import Tried, Verdict, attempt, verdict
from wholefit.training.curves._where import Where, where


@dataclass(frozen=True)
class LearningCurve:
    """Scores at growing sizes, the law through them, the verdict, and what more rows would buy.

    `step` is what the last doubling of rows (or the last step, where no size is half the largest)
    gained, positive where the score got better, with its interval; `exponent` says that fitting
    takes rows^exponent seconds, NaN where that cannot be told.
    """

    model: str
    metric: str
    better: str
    target: str
    source: str
    rows: int
    split: str
    level: float
    points: tuple[Point, ...]
    baseline: float
    step: tuple[int, float, float, float]
    law: Law
    exponent: float
    verdict: Verdict | None
    where: Where | None = None
    timed: bool = False
    notes: tuple[str, ...] = ()

    @property
    def forecast(self) -> Forecast | None:
        """The forecast at twice the rows; None where it is refused."""
        return next((each for each in self.law.forecasts if each.times == 2), None)

    @property
    def said(self) -> tuple[str, ...]:
        """What follows, in sentences."""
        found = [] if self.verdict is None else [f"{capital(self.verdict.said)}."]
        found += [self._step_said(), self._more_said()]
        if math.isfinite(self.exponent):
            last = self.points[-1]
            found.append(f"Fitting took {last.fit_seconds:.2g} s on {last.rows:,} rows; twice the "
                         f"rows take about {2**self.exponent:.1f} times as long.")
        if self.where is not None:
            found += self.where.said
        return (*found, *self.notes)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text."""
        rows = [[f"{p.rows:,}", str(p.train), str(p.valid), f"{p.fit_seconds:.2g}", str(p.fits)]
                for p in self.points]
        return ["rows", f"{self.metric}, own rows", f"{self.metric}, others", "seconds",
                "fits"], rows

    def to_text(self) -> str:
        """What follows, a sentence a line."""
        return "\n".join(self.said)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        names = ("model", "metric", "better", "target", "source", "rows", "split", "level",
                 "baseline", "exponent", "timed")
        rows, gain, low, high = self.step
        return plain({
            **{name: getattr(self, name) for name in names},
            "points": [{"rows": p.rows, "train": p.train.to_json(), "valid": p.valid.to_json(),
                        "fit_seconds": p.fit_seconds, "fits": p.fits} for p in self.points],
            "step": {"from": rows, "gain": gain, "low": low, "high": high},
            "forecasts": [dict(vars(each)) for each in self.law.forecasts],
            "refused": self.law.refused, "families": dict(self.law.families),
            "verdict": None if self.verdict is None else self.verdict.to_json(),
            "where": None if self.where is None else self.where.to_json(),
            "said": list(self.said)})

    def _step_said(self) -> str:
        rows, gain, low, high = self.step
        last = self.points[-1].rows
        span = Score("", gain, low, high, self.level, "", 0)
        if low > 0:
            word = f"gained {span} in {self.metric}"
        elif high < 0:
            word = f"lost {Score('', -gain, -high, -low, self.level, '', 0)} in {self.metric}"
        else:
            word = f"made no difference beyond chance ({span} in {self.metric}, + is better)"
        return f"Going from {rows:,} to {last:,} rows {word}."

    def _more_said(self) -> str:
        told = self.forecast
        if told is None:
            why = self.law.refused or "it was not asked for"
            return f"What more rows would buy is not forecast: {why}."
        sign = 1 if self.better == "higher" else -1
        low, high = sorted((sign * told.gain_low, sign * told.gain_high))
        span = Score("", sign * told.gain, low, high, told.level, "", 0)
        kind = "a history twice as long" if self.timed else "twice the rows"
        size = f"{kind} ({told.rows:,} to learn from)"
        if low > 0:
            return f"Expect {size} to gain {span} in {self.metric}."
        return f"{capital(size)} would gain {span} in {self.metric}: perhaps nothing."


def learning_curve(
    bench: Bench, model: Model, *, sizes: Sequence[float] | None, clock: Clock,
    draws: int = DRAWS, probes: bool = True, by: str | None = None,
) -> LearningCurve:
    """Measure the curve, judge the model on all rows, and extrapolate.

    `probes=False` leaves the verdict out; `by` names a column, of whose parts it is told where
    more rows would help.
    """
    found = measure(bench, model, sizes_of(bench, sizes), clock, draws)
    known = attempt(bench, bench.baseline, "baseline")
    base = _tried(bench, found)
    sign = bench.metric.sign
    law = extrapolate(
        [p.rows for p in found.points], found.values, found.cov, sign=sign,
        bounds=(bench.metric.low, bench.metric.high), lift=found.values[-1] - known.value,
        level=bench.options.level, seed=bench.options.seed)
    judgement = verdict(bench, model, base, clock) if probes else None
    placed = where(bench, model, by, found.answers, clock) if by is not None else None
    problem = bench.problem
    return LearningCurve(
        _text(model), bench.metric.name, bench.metric.better, str(problem.dataset.schema.target),
        problem.dataset.source, len(problem.y), problem.plan.how, bench.options.level,
        found.points, known.value, _step(bench, found), law, _exponent(found.points), judgement,
        placed, bench.timed, _notes(bench, found, draws))


def _tried(bench: Bench, found: Measured) -> Tried:
    """The largest size as an attempt that probes are compared with."""
    last = found.points[-1]
    rows = judged(bench)
    return Tried(found.answers, float(found.values[-1]), found.pulls[-1], last.train.value,
                 found.own[-1], bench.scored(bench.sheet(rows, found.answers)), last.train,
                 last.fit_seconds * len(bench.problem.plan.folds))


def _step(bench: Bench, found: Measured) -> tuple[int, float, float, float]:
    """What the last doubling gained: from how many rows, the gain and its interval."""
    rows = [p.rows for p in found.points]
    half = min(range(len(rows) - 1), key=lambda at: abs(rows[at] - rows[-1] / 2))
    value, error = difference(bench, found, len(rows) - 1, half)
    reach = student(bench.options.level, max(len(np.unique(bench.units)) - 1, 1)) * error
    gain = bench.metric.sign * value
    return rows[half], gain, gain - reach, gain + reach


def _exponent(points: Sequence[Point]) -> float:
    """How seconds to fit grow with rows, by the four largest sizes that take measurable time."""
    timed = [p for p in points if p.fit_seconds > 0.002][-4:]
    if len(timed) < 3:
        return math.nan
    slope = np.polyfit(np.log([p.rows for p in timed]), np.log([p.fit_seconds for p in timed]), 1)
    return max(float(slope[0]), 0.0)


def _notes(bench: Bench, found: Measured, draws: int) -> tuple[str, ...]:
    folds = len(bench.problem.plan.folds)
    said = []
    if bench.timed:
        later = "one later stretch" if folds == 1 else f"{folds} later stretches"
        said.append(f"Fewer rows are a shorter history, the latest rows first, judged by {later}; "
                    "how the score varies with what was learnt is not in the intervals, as there "
                    "is one history.")
    elif found.points[0].fits < draws * folds:
        said.append(f"The budget allowed {found.points[0].fits // folds} of {draws} draws of "
                    "rows.")
    return tuple(said)


__all__ = ["Array", "LearningCurve", "learning_curve"]
