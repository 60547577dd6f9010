"""Would it hold: what noise, gaps, slips and inputs made to fool it cost, each with an interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.events import emit
from wholefit.base.seeds import generator
from wholefit.base.wording import capital, counted, figures, plain
from wholefit.data import Dataset
from wholefit.evaluation import Score, two_sample
from wholefit.evaluation.metrics import Metric
from wholefit.explain.stress import _trials
from wholefit.explain.stress._attack import SIZES, Attack, attack
from wholefit.explain.stress._trials import MOVED, Asked, Judge, Trial
from wholefit.explain.stress._versions import usual, versions
from wholefit.training import Fitted

Array = np.ndarray
_LEAST_ROWS = 10
MOST, _ASKS, _FEWEST, _COLUMNS, _PER_COLUMN = 5000, 400_000, 400, 30, 9


@dataclass(frozen=True)
class Stress:
    """Every trial, the worst first within its group; the score as it is; the search to fool it.

    `rows` were asked, of `given`. `numeric` are the columns that were noised and shifted.
    """

    target: str
    source: str
    metric: str
    better: str
    level: float
    rows: int
    given: int
    score: Score
    trials: tuple[Trial, ...]
    attack: Attack | None
    numeric: tuple[str, ...]
    classes: bool
    notes: tuple[str, ...] = ()

    def group(self, name: str) -> tuple[Trial, ...]:
        """The trials of a group, the most costly first: "lost", "noise", "shift", ..."""
        return tuple(sorted((each for each in self.trials if each.group == name),
                            key=lambda each: -each.cost))

    @property
    def said(self) -> tuple[str, ...]:
        """What follows, in sentences."""
        found = [self._lost_said(), self._shared_said("noise", "numbers"),
                 self._shared_said("typos", "words"), self._shared_said("cells", "cells"),
                 self._slips_said("shift", "A shift of at most one standard deviation"),
                 self._slips_said("units", "A slip of units (10 or 1,000 times)"),
                 self._slips_said("swapped", "Swapping two numbers that stand side by side"),
                 self._fooled_said()]
        return (*(line for line in found if line), *self.notes)

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of text: every trial, the most costly first."""
        moved = "decided otherwise" if self.classes else "moved much"
        ordered = sorted(self.trials, key=lambda each: -_or_low(each.cost))
        return (["change", f"cost in {self.metric}", "", moved],
                [[each.words, each.span, "sure" if each.sure else "", f"{each.flipped:.1%}"]
                 for each in ordered])

    def to_text(self) -> str:
        """What follows, a sentence a line."""
        return "\n".join(self.said)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        names = ("target", "source", "metric", "better", "level", "rows", "given", "classes")
        return plain({**{name: getattr(self, name) for name in names},
                      "score": self.score.to_json(), "numeric": list(self.numeric),
                      "trials": [each.to_json() for each in self.trials],
                      "attack": None if self.attack is None else self.attack.to_json(),
                      "said": list(self.said)})

    def _lost_said(self) -> str:
        lost = self.group("lost")
        sure = [each for each in lost if each.sure]
        if not lost:
            return ""
        if not sure:
            return (f"Losing any one column costs nothing beyond chance in {self.metric} "
                    f"(as it is: {self.score}).")
        first = sure[0]
        named = [f"losing `{each.column}` costs {each.span}" for each in sure[1:3]]
        rest = [each for each in lost if each not in sure[:3]]
        most = max((each.cost for each in rest), default=0.0)
        limit = f"; the others cost at most {figures(max(most, 0.0), 2)}" if rest else ""
        return (f"Losing `{first.column}` costs {first.span} in {self.metric} "
                + "".join(f"; {each}" for each in named)
                + f"{limit} (as it is: {self.score}).").replace(" ;", ";")

    def _shared_said(self, group: str, what: str) -> str:
        found = sorted(self.group(group), key=lambda each: each.amount)
        if not found:
            return ""
        last, first = found[-1], next((each for each in found if each.sure), None)
        if first is None:
            return f"{capital(last.words)} costs nothing beyond chance ({last.span})."
        early = "" if first is last else f"{capital(first.words)} costs {first.span}; "
        return f"{early}{capital(last.words) if not early else last.words} costs {last.span}."

    def _slips_said(self, group: str, what: str) -> str:
        found = self.group(group)
        if not found:
            return ""
        worst = found[0]
        if not worst.sure:
            return f"{what} costs nothing beyond chance in any column ({worst.span} at most)."
        others = len({each.column for each in found if each.sure}) - 1
        cost = "costs" if others == 1 else "cost"
        more = f"; {counted(others, 'other column')} {cost} something too" if others else ""
        return f"{what} costs most with {worst.words}: {worst.span}{more}."

    def _fooled_said(self) -> str:
        if self.attack is None:
            return "It has neither numbers nor words to change, so no search was made."
        words = self._word_said()
        if not self.attack.reaches:
            return words
        shown = [each for each in self.attack.reaches if each.eps in (0.1, 0.5)]
        what = "flips" if self.classes else f"moves the answer by over {MOVED:g} sd in"
        parts = [f"at most {each.eps:g} sd in each number, made to fool it, {what} "
                 f"{_share(each.flipped)} of the rows (random changes of that size "
                 f"{each.chance:.0%}, one number alone {each.one:.0%}), and leaves "
                 f"{self.metric} {str(each.score).partition(' ')[0]}" for each in shown]
        return " ".join(filter(None, (
            f"A change of {'; of '.join(parts)}." if parts else "", words,
            "The search finds such changes; it cannot rule out others.")))

    def _word_said(self) -> str:
        assert self.attack is not None
        if self.attack.word is None:
            return ""
        what = "flips" if self.classes else f"moves the answer by over {MOVED:g} sd in"
        return (f"Another value of one of {counted(len(self.attack.words), 'category')} alone "
                f"{what} {_share(self.attack.word)} of the rows.").replace("categorys",
                                                                          "categories")


def stress(
    fitted: Fitted, rows: Dataset, truth: Array, metric: Metric, *, level: float = 0.95,
    seed: int = 0, most: int = MOST, sizes: Sequence[float] = SIZES,
) -> Stress:
    """Ask the model about rows with a known target, as they are and changed in many ways.

    `truth` (n,) encoded; at most `most` rows are asked, and fewer where there are many columns.
    `sizes` are those of the search for changes that fool it. ParameterError for a wrong option.
    """
    _check(most, sizes)
    if len(rows) < _LEAST_ROWS:
        raise DataError(f"a stress test needs at least {_LEAST_ROWS} rows with a known target to "
                        f"tell anything from chance; got {len(rows)}.")
    names = fitted.schema.features
    numbers = [name for name in names if fitted.schema.role(name) == "numeric"]
    chosen = _few_enough(len(names), len(numbers), min(most, len(rows)))
    some, known = _sample(rows, truth, chosen, seed)
    judge = Judge.of(fitted, some, known, metric, level, seed)
    asked = Asked(versions(fitted, some, usual(), seed))
    emit("explain_step", step=f"columns missing, {len(some):,} rows")
    lost = list(_trials.missing(asked, judge))
    numeric = _moving(asked, numbers)
    found = _corrected([*lost, *_trials.together(asked, judge),
                        *_trials.alone(asked, judge, numeric)], level)
    emit("explain_step", step="a search for changes that fool it")
    fooled = attack(fitted, some, judge, tuple(numeric), tuple(sorted(sizes)))
    return Stress(
        str(fitted.schema.target), rows.source, metric.name, metric.better, level, len(some),
        len(rows), judge.score(asked.own), tuple(found), fooled, tuple(numeric),
        bool(getattr(fitted.codec, "classes", ())), _notes(len(some), len(rows), numbers, numeric,
                                                       asked.refused))


def _few_enough(columns: int, numbers: int, rows: int) -> int:
    """As many rows as the number of trials allows."""
    trials = columns + _PER_COLUMN * min(numbers, _COLUMNS) + 10
    return min(rows, max(_FEWEST, _ASKS // trials))


def _sample(rows: Dataset, truth: Array, count: int, seed: int) -> tuple[Dataset, Array]:
    if count >= len(rows):
        return rows, truth
    picked = np.sort(generator(seed, "stress").permutation(len(rows))[:count])
    return rows.take(picked), truth[picked]


def _moving(asked: Asked, numbers: Sequence[str]) -> list[str]:
    """The numbers that move the answer most when they are missing or noised; 30 at most."""
    if len(numbers) <= _COLUMNS:
        return list(numbers)
    felt = {}
    for name in numbers:
        felt[name] = max(float(np.abs(other - asked.own).mean())
                         for other in asked.column(name, ["missing", "noise 1"]))
    kept = set(sorted(numbers, key=lambda name: -felt[name])[:_COLUMNS])
    return [name for name in numbers if name in kept]


def _corrected(found: list[Trial], level: float) -> list[Trial]:
    """p-values after Holm's correction over all trials."""
    known = [at for at, each in enumerate(found) if math.isfinite(each.p)]
    adjusted: Any = two_sample.adjusted([found[at].p for at in known], "holm") if known else []
    made = list(found)
    for at, p in zip(known, adjusted, strict=True):
        made[at] = replace(found[at], p=float(p),
                           sure=bool(p < 1 - level and found[at].cost > 0))
    return made


def _notes(
    asked: int, given: int, numbers: Sequence[str], numeric: Sequence[str],
    refused: Sequence[str] = (),
) -> tuple[str, ...]:
    said = []
    if refused:
        said.append("It has no answer at all to some rows where "
                    f"{', or where '.join(dict.fromkeys(refused))}.")
    if asked < given:
        said.append(f"{asked:,} of {given:,} rows were asked, drawn at random.")
    if len(numeric) < len(numbers):
        said.append(f"Of {len(numbers)} numbers, the {len(numeric)} that move the answer most were "
                    "noised and shifted one at a time.")
    return tuple(said)


def _check(most: int, sizes: Sequence[float]) -> None:
    if most < 2:
        raise ParameterError(f"most must be >= 2; got {most}.")
    if not sizes or any(not 0 < size < 100 for size in sizes):
        raise ParameterError(f"sizes must be above 0 and below 100; got {list(sizes)!r}.")


def _share(score: Score) -> str:
    return f"{score.value:.0%} [{score.low:.0%}, {score.high:.0%}]"


def _or_low(number: float) -> float:
    return number if math.isfinite(number) else -math.inf
