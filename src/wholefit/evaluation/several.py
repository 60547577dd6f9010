"""Several models at once on the same rows, every pair compared and corrected for their number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from wholefit.base.errors import DataError
from wholefit.base.wording import aligned
from wholefit.evaluation import _kept, metrics, two_sample
from wholefit.evaluation.compare import (
    Difference,
    Verdict,
    _difference,
    _leader,
    _Side,
    corrected_t,
    mcnemar,
)
from wholefit.evaluation.equivalence import Equivalence, within
from wholefit.evaluation.score import Score, check_level, score


@dataclass(frozen=True)
class Pair:
    """Two models beside each other: a - b, and whether one is better or both are equal.

    `difference` has the interval of this pair alone; `p` is its p-value corrected for the number
    of pairs (Holm 1979). `better` is "a", "b" or "tied" by the corrected p-value. `equivalence`
    is there where a margin was stated, with its own p-value corrected likewise. `mcnemar` counts
    right and wrong classes, `folds` is the corrected resampled t-test of the folds' scores; each
    where it applies, and not corrected.
    """

    a: str
    b: str
    difference: Difference
    p: float
    better: str
    equivalence: Equivalence | None = None
    mcnemar: Verdict | None = None
    folds: Verdict | None = None

    @property
    def said(self) -> str:
        """The outcome in one sentence."""
        d = self.difference
        first, second = (self.b, self.a) if self.better == "b" else (self.a, self.b)
        value, low, high = (-d.value, -d.high, -d.low) if self.better == "b" else (
            d.value, d.low, d.high)
        head = (f"{first} and {second} are statistically tied" if self.better == "tied" else
                f"{first} is better than {second}")
        parts = [f"{head}: {first} minus {second} is {value:+.4g} [{low:+.4g}, {high:+.4g}] in "
                 f"{d.metric}, p = {self.p:.2g}"]
        if self.equivalence is not None:
            parts.append(self.equivalence.verdict)
        if self.mcnemar is not None:
            parts.append(f"McNemar's test of right and wrong answers: p = {self.mcnemar.p:.2g}")
        if self.folds is not None:
            parts.append(f"{self.folds.how}: p = {self.folds.p:.2g}")
        return "; ".join(parts) + "."


@dataclass(frozen=True)
class Comparison:
    """Models compared on the same `rows`: scores, every pair, and which may be the best.

    `best` may each be the best in truth: none of the others is better for certain. `margin` is
    what counts as equal, NaN where none was stated.
    """

    metric: str
    higher: bool
    scores: dict[str, Score]
    pairs: tuple[Pair, ...]
    best: tuple[str, ...]
    rows: int
    level: float
    margin: float = math.nan

    def to_text(self) -> str:
        """Scores, then each pair in a sentence, then what follows."""
        ordered = sorted(self.scores, key=lambda name: self._merit(name), reverse=True)
        table = aligned(["model", self.metric],
                        [[name, str(self.scores[name])] for name in ordered])
        many = len(self.pairs) > 1
        lines = [*table, ""]
        if many:
            lines.append(f"p-values of {len(self.pairs)} pairs are corrected for their number "
                         "(Holm); intervals are of each pair alone.")
        lines += [f"{'- ' if many else ''}{pair.said}" for pair in self.pairs]
        if many:
            lines.append(f"Any of these may be the best: {', '.join(self.best)}.")
        return "\n".join(lines)

    def _merit(self, name: str) -> float:
        value = self.scores[name].value
        return -math.inf if math.isnan(value) else value if self.higher else -value

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        found: dict[str, Any] = _kept.put(self)
        return found

    def __str__(self) -> str:
        return self.to_text()


def several(
    task: str, metric: Any, truth: Any, answers: Mapping[str, Any], *, positive: int = 1,
    weights: Any = None, units: Any = None, level: float = 0.95, seed: int = 0,
    predicted: Mapping[str, Any] | None = None, margin: float | None = None,
    folds: Any = None,
) -> Comparison:
    """Compare every two of several answers to the same rows; parameters as for `ties`.

    With `margin`, also test whether they are equal within it. `folds` (n,) says in which fold a
    row was held out, where that is so: scores of folds then give the corrected resampled t-test.
    """
    check_level(level)
    if len(answers) < 2:
        raise DataError(f"comparing needs at least two answers; got {len(answers)}.")
    chosen = metrics.get(task, metric)
    options = {"positive": positive, "weights": weights, "units": units}
    decided = predicted or {}
    sheets = {name: metrics.sheet(task, truth, answer, predicted=decided.get(name), **options)
              for name, answer in answers.items()}
    sides = {name: _Side(chosen, sheet, seed) for name, sheet in sheets.items()}
    made = [_pair(a, b, sides, sheets, margin, level, task) for a, b in combinations(answers, 2)]
    pairs = _corrected(made, chosen, level)
    if folds is not None:
        pairs = _by_folds(pairs, task, chosen, np.asarray(truth), answers, np.asarray(folds),
                          options)
    scores = {name: score(task, truth, answer, metrics=chosen, level=level, seed=seed,
                          predicted=decided.get(name), **options)[chosen.name]
              for name, answer in answers.items()}
    beaten = {pair.b if pair.better == "a" else pair.a for pair in pairs if pair.better != "tied"}
    best = tuple(name for name in answers if name not in beaten)
    return Comparison(chosen.name, chosen.sign > 0, scores, tuple(pairs), best,
                      len(next(iter(sheets.values()))), level,
                      math.nan if margin is None else float(margin))


def _pair(
    a: str, b: str, sides: Mapping[str, _Side], sheets: Mapping[str, Any], margin: float | None,
    level: float, task: str,
) -> Pair:
    found = _difference(sides[a], sides[b], level)
    equal = None if margin is None else within(sides[a], sides[b], margin, level)
    classes = hasattr(sheets[a], "predicted")
    right = mcnemar(sheets[a].truth, sheets[a].predicted, sheets[b].predicted) if classes else None
    return Pair(a, b, found, found.p, found.better, equal, right)


def _corrected(pairs: Sequence[Pair], metric: Any, level: float) -> list[Pair]:
    """p-values by Holm, and who leads by them."""
    if len(pairs) == 1:
        return list(pairs)
    p = two_sample.adjusted([pair.p for pair in pairs], "holm")
    equal = two_sample.adjusted([pair.equivalence.p if pair.equivalence else math.nan
                                 for pair in pairs], "holm")
    made = []
    for pair, value, same in zip(pairs, p, equal, strict=True):
        better = pair.better if math.isnan(value) else "tied" if value >= 1 - level else _leader(
            metric, pair.difference.value, pair.difference.value)
        test = pair.equivalence
        if test is not None and math.isfinite(same):
            test = replace(test, p=float(same), equal=bool(same < 1 - level))
        made.append(replace(pair, p=float(value), better=better, equivalence=test))
    return made


def _by_folds(
    pairs: Sequence[Pair], task: str, metric: Any, truth: np.ndarray, answers: Mapping[str, Any],
    folds: np.ndarray, options: dict[str, Any],
) -> list[Pair]:
    """Each pair with the corrected resampled t-test of the scores of its folds."""
    names = [fold for fold in np.unique(folds) if fold >= 0]
    if len(names) < 2:
        return list(pairs)
    values = {}
    for name, answer in answers.items():
        values[name] = [_value(task, metric, truth, np.asarray(answer), folds == fold, options)
                        for fold in names]
    if not np.isfinite(list(values.values())).all():
        return list(pairs)
    test = float(np.mean([(folds == fold).sum() for fold in names]))
    return [replace(pair, folds=corrected_t(values[pair.a], values[pair.b],
                                            train=len(folds) - test, test=test))
            for pair in pairs]


def _value(
    task: str, metric: Any, truth: np.ndarray, answer: np.ndarray, rows: np.ndarray,
    options: dict[str, Any],
) -> float:
    some = {name: value if name == "positive" or value is None else np.asarray(value)[rows]
            for name, value in options.items()}
    return score(task, truth[rows], answer[rows], metrics=metric, level=None,
                 **some)[metric.name].value
