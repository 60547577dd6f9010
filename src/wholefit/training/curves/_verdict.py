"""Overfitted, underfitted, neither, or too few rows to tell: measured, not read off a gap.

A gap between the score on rows learnt from and on others is no fault by itself: a forest knows
its own rows by heart and is none the worse. So a verdict is a comparison on the same folds:

    overfitting    it scores better on its own rows than on others, and a simpler form of the
                   same model is better on others
    underfitting   a more flexible model is better on rows it has not seen than this one is even
                   on the rows it learnt from: no luck with its rows explains that
    beaten         a more flexible model is better, but not by as much as that
    neither        no simpler and no more flexible form is better
    no signal      neither it nor any of the others is better than knowing the target alone
    too few rows   the intervals are so wide that any of these may hold
    too few forms  no simpler form, or no more flexible one, could be fitted beside it

Each probe is tested at the level over the number of probes (Bonferroni), paired on the same rows,
and counts only if its gain matters: a twentieth of what the model gains on the baseline, and a
hundredth of the baseline's own score.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.budget import Clock
from wholefit.base.events import emit
from wholefit.base.wording import plain
from wholefit.evaluation import Score
from wholefit.evaluation.intervals import student
from wholefit.models import Model
from wholefit.training.curves._bench import Array, Bench
from wholefit.training.curves._measure import judged
from wholefit.training.curves._variants import Variant, richer, simpler

OVER, UNDER, NEITHER, FEW = "overfitting", "underfitting", "neither", "too few rows to tell"
BEATEN, NOTHING = "beaten by a more flexible model", "no signal"
UNTRIED = "too few forms tried to tell"
_FEW_UNITS = 40
# A gain matters that is this share of what the model gains on the baseline, or of the baseline.
_MATTERS, _LITTLE = 0.05, 0.01


@dataclass(frozen=True)
class Probe:
    """Another form of the model on the same folds: its score, and what it gains.

    `gain` is positive where the probe is better, whatever the metric's direction, with its
    interval corrected for the number of probes; `better` says that the interval is above 0.
    """

    kind: str
    words: str
    score: Score
    gain: float
    low: float
    high: float
    p: float
    better: bool
    worse: bool

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return plain({"kind": self.kind, "words": self.words, "score": self.score.to_json(),
                      "gain": self.gain, "low": self.low, "high": self.high, "p": self.p,
                      "better": self.better, "worse": self.worse})


@dataclass(frozen=True)
class Verdict:
    """What was found, the numbers it stands on, and the sentence that says so.

    `gap` is the score on rows learnt from minus that on others, positive where the first is
    better, with its interval; `lift` is how much better than the baseline the validation score is.
    """

    kind: str
    train: Score
    valid: Score
    baseline: Score
    gap: float
    gap_low: float
    gap_high: float
    lift: float
    lift_low: float
    lift_high: float
    probes: tuple[Probe, ...]
    said: str

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        numbers = {name: getattr(self, name) for name in (
            "gap", "gap_low", "gap_high", "lift", "lift_low", "lift_high")}
        return plain({"kind": self.kind, "said": self.said, **numbers,
                      "train": self.train.to_json(), "valid": self.valid.to_json(),
                      "baseline": self.baseline.to_json(),
                      "probes": [probe.to_json() for probe in self.probes]})


@dataclass(frozen=True, eq=False)
class Tried:
    """One model on all folds: its answers to the rows judged, pulls there and on its own rows."""

    answer: Array
    value: float
    pulls: Array
    train: float
    own: Array
    score: Score
    own_score: Score
    seconds: float


def attempt(bench: Bench, model: Model, key: str) -> Tried:
    """Fit on every fold, and score on others' rows and on its own."""
    answers, own, pulls, seconds = [], [], [], 0.0
    emit("curve_step", step=f"{model.name}: {key}")
    for number, (train, test) in enumerate(bench.problem.plan.folds):
        made = bench.fit(model, train, f"{key} {number}")
        answers.append(bench.answers(made, test))
        sheet = bench.sheet(train, bench.answers(made, train))
        own.append(bench.value(sheet))
        pulls.append(bench.pulls(sheet, train))
        seconds += made.seconds
    rows, answer = judged(bench), np.concatenate(answers)
    sheet = bench.sheet(rows, answer)
    mean = np.mean(pulls, axis=0)
    return Tried(answer, bench.value(sheet), bench.pulls(sheet, rows), float(np.mean(own)), mean,
                 bench.scored(sheet),
                 bench.around(float(np.mean(own)), float(mean @ mean), sheet, mean,
                              f"rows learnt from, mean of {len(own)} fits"), seconds)


def verdict(
    bench: Bench, model: Model, base: Tried, clock: Clock, *, extra: Sequence[Variant] = (),
) -> Verdict:
    """Try the probes that the clock leaves time for, and say what follows."""
    known = attempt(bench, bench.baseline, "baseline")
    asked = [("simpler", v) for v in simpler(model, bench.problem.task)]
    asked += [("more flexible", v) for v in (*richer(model, bench.problem.task), *extra)]
    probes = [one for one in (probe(bench, base, kind, variant, len(asked), clock)
                              for kind, variant in asked) if one is not None]
    return judge(bench, model, base, known, probes, {kind for kind, _ in asked})


def probe(
    bench: Bench, base: Tried, kind: str, variant: Variant, of: int, clock: Clock
) -> Probe | None:
    """One probe measured; None where it failed or there was no time for it."""
    words, made = variant
    if clock.left() < 2 * base.seconds:
        return None
    try:
        found = attempt(bench, made, f"{kind} {words}")
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        emit("model_failed", model=made.name, reason=f"{type(error).__name__}: {error}")
        return None
    return gain(bench, base, found, kind, words, of)


def gain(
    bench: Bench, base: Tried, found: Tried, kind: str, words: str, of: int
) -> Probe:
    """What another way of learning gains on the base, corrected for `of` comparisons."""
    level = 1 - (1 - bench.options.level) / max(of, 1)
    gap = bench.compared(judged(bench), found.answer, base.answer, level)
    sign = bench.metric.sign
    low, high = sorted((sign * gap.low, sign * gap.high))
    return Probe(kind, words, found.score, sign * gap.value, low, high,
                 min(1.0, gap.p * max(of, 1)), better=low > 0, worse=high < 0)


def judge(
    bench: Bench, model: Model, base: Tried, known: Tried, probes: Sequence[Probe],
    asked: Collection[str] = (),
) -> Verdict:
    """The verdict that the numbers lead to; `asked` are the kinds of forms that there are."""
    sign = bench.metric.sign
    gap = _between(bench, sign * (base.train - base.value), base.own - base.pulls)
    lift = _between(bench, sign * (base.value - known.value), base.pulls - known.pulls)
    kind, best = _kind(bench, base, gap, lift, probes)
    if kind in (NEITHER, NOTHING) and (not probes or {*asked} - {p.kind for p in probes}):
        kind = UNTRIED
    said = _said(bench, model, kind, base, known, gap, best, probes)
    return Verdict(kind, base.own_score, base.score, known.score, *gap, *lift, tuple(probes), said)


def _between(bench: Bench, value: float, pulls: Array) -> tuple[float, float, float]:
    reach = student(bench.options.level, max(len(pulls) - 1, 1)) * math.sqrt(float(pulls @ pulls))
    return value, value - reach, value + reach


def _kind(
    bench: Bench, base: Tried, gap: tuple[float, float, float],
    lift: tuple[float, float, float], probes: Sequence[Probe],
) -> tuple[str, Probe | None]:
    sign = bench.metric.sign
    enough = max(_MATTERS * abs(lift[0]), _LITTLE * abs(base.value - sign * lift[0]))
    best = {kind: max((p for p in probes if p.kind == kind and p.better and p.gain >= enough),
                      key=lambda p: p.gain, default=None)
            for kind in ("simpler", "more flexible")}
    simple, flexible = best["simpler"], best["more flexible"]
    beyond = flexible is not None and sign * flexible.score.value >= sign * base.train
    if flexible is not None and beyond and (simple is None or flexible.gain > simple.gain):
        return UNDER, flexible
    if simple is not None and gap[1] > 0:
        return OVER, simple
    if flexible is not None:
        return (UNDER if beyond else BEATEN), flexible
    units = len(np.unique(bench.units))
    scale = max(abs(lift[0]), abs(gap[0]))
    if units < _FEW_UNITS or (lift[1] <= 0 <= lift[2] and gap[1] > 0 and units < 200):
        return FEW, None
    if lift[1] <= 0:
        return NOTHING, None
    reach = max((p.high - p.low for p in probes), default=0.0) / 2
    if (lift[2] - lift[1]) / 2 > 0.5 * scale or reach > scale:
        return FEW, None
    return NEITHER, None


def _said(
    bench: Bench, model: Model, kind: str, base: Tried, known: Tried,
    gap: tuple[float, float, float], best: Probe | None, probes: Sequence[Probe],
) -> str:
    name = bench.metric.name
    numbers = f"{name} {_short(base.own_score)} on rows learnt from, {base.score} on others"
    against = f"knowing the target alone gives {_short(known.score)}"
    tried = len(probes)
    if best is not None:
        change = f"{_named(best)} is better by {_span(best)}"
    if kind == OVER:
        return f"{OVER}: {numbers}; the simpler {change}"
    if kind == UNDER:
        return (f"{UNDER}: {numbers} ({against}); {change}: better on rows it has not seen than "
                f"{model.name} on its own")
    if kind == BEATEN:
        return (f"not clearly underfitting, but {BEATEN}: {numbers}; {change}")
    if kind == NOTHING:
        return (f"{NOTHING}: {numbers}, and {against}: neither it nor any of {tried} other forms "
                "of it is better than that")
    if kind == UNTRIED:
        return (f"{UNTRIED}: {numbers} ({against}); {_untried(probes)}, and a gap between the "
                "first two is no fault by itself")
    if kind == FEW:
        return (f"{FEW}: {numbers}; {against}; {len(np.unique(bench.units)):,} "
                f"{bench.problem.plan.unit}s leave intervals too wide")
    if gap[1] > 0 and gap[0] > 0.2 * abs(base.value - known.value):
        return (f"{NEITHER}: {numbers}. It knows its own rows better than others, and is none "
                f"the worse for it: none of {tried} simpler or more flexible forms is better by "
                "anything that matters")
    return (f"{NEITHER}: {numbers} ({against}); none of {tried} simpler or more flexible forms "
            "is better by anything that matters")


def _untried(probes: Sequence[Probe]) -> str:
    if not probes:
        return "no simpler and no more flexible form of it was fitted"
    kinds = {probe.kind for probe in probes}
    lacking = "more flexible" if "simpler" in kinds else "simpler"
    return (f"none of {len(probes)} {probes[0].kind} forms is better by anything that matters, "
            f"but no {lacking} one was fitted")


def _named(probe: Probe) -> str:
    return f"form with {probe.words}" if "=" in probe.words else probe.words


def _span(probe: Probe) -> str:
    shown = Score("", probe.gain, probe.low, probe.high, 0.95, "", 0)
    return str(shown)


def _short(score: Score) -> str:
    return str(score).partition(" ")[0]
