"""The audit itself: every group measured, compared with a reference, judged together.

Intervals of shares are Wilson's, of differences Zou and Donner's (2008), of ratios Donner and
Zou's (2012); p-values are corrected for every comparison of the audit (Holm, 1979).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.evaluation import two_sample
from wholefit.evaluation.fairness import _groups, _measures, gaps
from wholefit.evaluation.fairness._measures import JUDGED, Rows, Stat
from wholefit.evaluation.fairness._shrink import shrunk
from wholefit.evaluation.fairness.records import Audit, Criterion, Gap, Group, Impossible, Part
from wholefit.evaluation.score import Score, check_level
from wholefit.evaluation.slices import apart

Array = np.ndarray
REST = "the rest"


@dataclass(frozen=True)
class Answers:
    """What is audited: truth and answer of the rows, in the shapes that the task states.

    Of classes `truth` (n,) and `predicted` (n,) are codes, `answer` (n, k) probabilities, and
    `classes` the names by code; of numbers `truth` and `answer` are (n,).
    """

    task: str
    truth: Array
    answer: Array
    predicted: Array | None = None
    classes: tuple[str, ...] = ()
    weights: Array | None = None
    units: Array | None = None

    def outcomes(self, positive: int | None) -> Iterable[tuple[str | None, Rows]]:
        """The rows with regard to each outcome: one of two classes, each of more, the number."""
        if self.task == "regression":
            yield None, Rows(self.truth.astype(float), None, self.answer, None, self.weights,
                             self.units)
            return
        said = self.answer.argmax(axis=1) if self.predicted is None else self.predicted
        each = range(len(self.classes)) if positive is None else [positive]
        for code in each:
            yield self.classes[code], Rows(
                self.truth == code, said == code, self.answer[:, code], said == self.truth,
                self.weights, self.units)


def audit(
    answers: Answers, by: Mapping[str, pl.Series], *, target: str = "", positive: int | None = None,
    reference: str | Mapping[str, str] = "largest", together: bool = True, level: float = 0.95,
    thin: int = 30, shrink: bool = False, bands: Mapping[str, Sequence[float]] | None = None,
    seed: int = 0,
) -> Audit:
    """How groups of rows fare, by each column of `by`, and by all together.

    `positive` is the code of the outcome that is judged; None judges each class. `reference` is
    what groups are compared with: "largest" the largest group, "rest" all other rows, or a dict
    of column to group. Below `thin` rows nothing is judged. `shrink` adds rates drawn towards
    the mean of all groups (empirical Bayes). `bands` cut columns of numbers. Raises DataError
    without a column or rows, UnknownNameError for a group that is not there.
    """
    check_level(level)
    if thin < 2:
        raise ParameterError(f"thin must be >= 2 rows; got {thin}.")
    if not by or not len(answers.truth):
        raise DataError("an audit needs at least one column to tell groups by, and rows.")
    labels = _groups.labelled(by, bands or {})
    sets: list[tuple[str, ...]] = [(name,) for name in labels]
    if together and len(sets) > 1:
        sets.append(tuple(labels))
    parts = [_part(answers.task, rows, outcome, names, labels, reference, level, thin, shrink,
                   seed)
             for names in sets for outcome, rows in answers.outcomes(positive)]
    parts, count = _corrected(parts, 1 - level)
    parts = _criteria_corrected(parts, 1 - level)
    return Audit(answers.task, target, len(answers.truth), level, thin, tuple(parts), count)


def _part(
    task: str, rows: Rows, outcome: str | None, names: tuple[str, ...],
    labels: Mapping[str, Array], reference: str | Mapping[str, str], level: float, thin: int,
    shrink: bool, seed: int,
) -> Part:
    found, left_out = _groups.groups(labels, names)
    taken = {", ".join(where): members for where, members in found}
    stats = {name: _measures.stats(task, rows.take(members)) for name, members in taken.items()}
    ranked = {name: _measures.ranked(task, rows.take(members), level, seed)
              for name, members in taken.items()}
    chosen = _reference(names, list(taken), reference)
    towards = shrunk(stats, level) if shrink and task == "classification" else {}
    groups = []
    for where, members in found:
        name = ", ".join(where)
        scores = {measure: stat.score(measure, level) for measure, stat in stats[name].items()}
        scores[ranked[name].metric] = ranked[name]
        other = _others(task, rows, members, chosen, stats)
        against = {} if name == chosen else {
            measure: _gap(measure, scores[measure], other[measure].score(measure, level), level,
                          thin, task)
            for measure in stats[name]}
        groups.append(Group(dict(zip(names, where, strict=True)), len(members),
                            len(members) / len(rows.truth), scores, against,
                            towards.get(name, {})))
    return Part(names, outcome, chosen, tuple(groups),
                gaps.criteria(task, stats, level, thin),
                _impossible(stats, chosen, level, thin) if task == "classification" else (),
                left_out)


def _reference(
    names: tuple[str, ...], known: list[str], asked: str | Mapping[str, str]
) -> str:
    """The name of the group that others are compared with."""
    if isinstance(asked, Mapping):
        if not all(name in asked for name in names):
            return known[0]
        wanted = ", ".join(str(asked[name]) for name in names)
        if wanted not in known:
            raise unknown(f"group by {' x '.join(names)}", wanted, known)
        return wanted
    if asked not in ("largest", "rest"):
        raise ParameterError("reference must be 'largest', 'rest', or a dict of column to group "
                             f"such as {{'sex': 'Male'}}; got {asked!r}.")
    return known[0] if asked == "largest" else REST


def _others(
    task: str, rows: Rows, members: Array, chosen: str, stats: Mapping[str, Mapping[str, Stat]]
) -> Mapping[str, Stat]:
    if chosen != REST:
        return stats[chosen]
    others = np.ones(len(rows.truth), dtype=bool)
    others[members] = False
    return _measures.stats(task, rows.take(others))


def _gap(measure: str, own: Score, other: Score, level: float, thin: int, task: str) -> Gap:
    difference, low, high, p = apart(own, other, level)
    nan = math.nan
    ratios = gaps.ratio(own, other) if task == "classification" and measure != "calibration" else (
        nan, nan, nan)
    if measure not in JUDGED[task]:
        return Gap(measure, difference, low, high, *ratios, p=nan, p_adjusted=nan, verdict="")
    if min(own.n, other.n) < thin or math.isnan(p):
        return Gap(measure, difference, low, high, *ratios, p=nan, p_adjusted=nan,
                   verdict="too few rows")
    return Gap(measure, difference, low, high, *ratios, p=p, p_adjusted=p, verdict="judged")


def _corrected(parts: list[Part], alpha: float) -> tuple[list[Part], int]:
    """The parts with every p-value corrected for all of them, and verdicts."""
    judged = [gap.p for part in parts for group in part.groups for gap in group.against.values()
              if gap.verdict == "judged"]
    corrected = iter(two_sample.adjusted(judged, "holm"))

    def settled(gap: Gap) -> Gap:
        if gap.verdict != "judged":
            return gap
        p = float(next(corrected))
        verdict = "no difference shown" if p >= alpha else (
            "higher" if gap.difference > 0 else "lower")
        return dataclasses.replace(gap, p_adjusted=p, verdict=verdict)

    made = [dataclasses.replace(part, groups=tuple(
        dataclasses.replace(group, against={name: settled(gap)
                                            for name, gap in group.against.items()})
        for group in part.groups)) for part in parts]
    return made, len(judged)


def _criteria_corrected(parts: list[Part], alpha: float) -> list[Part]:
    """The parts with the criteria's p-values corrected for all criteria of all parts (Holm).

    Each p is of the largest gap, corrected for its pairs. Disparate impact asks of the same rates
    as demographic parity, and shares its p; it fails only where both its interval and p say so.
    """
    told = [(at, each.measure, each.p) for at, part in enumerate(parts)
            for each in part.criteria if not each.ratio]
    corrected = two_sample.adjusted([p for _, _, p in told], "holm")
    found = iter(corrected)
    shared = {(at, measure): float(p) for (at, measure, _), p in zip(told, corrected, strict=True)
              if measure == "selection_rate"}

    def settled(at: int, each: Criterion) -> Criterion:
        p = shared.get((at, each.measure), math.nan) if each.ratio else float(next(found))
        if math.isnan(p):
            return each
        calm = {"unequal": "no difference shown", "below 0.8": "not certain"}
        verdict = calm.get(each.verdict, each.verdict) if p >= alpha else each.verdict
        return dataclasses.replace(each, p=p, verdict=verdict)

    return [dataclasses.replace(part, criteria=tuple(settled(at, each) for each in part.criteria))
            for at, part in enumerate(parts)]


def _impossible(
    stats: Mapping[str, Mapping[str, Stat]], chosen: str, level: float, thin: int
) -> tuple[Impossible, ...]:
    """What equal precision and equal misses would ask of the groups whose base rate differs."""
    names = [name for name, each in stats.items() if each["base_rate"].n >= thin]
    first = chosen if chosen in names else (names[0] if names else "")
    if not first:
        return ()
    base = stats[first]
    precision, fnr, fpr = (base[name].value for name in ("precision", "fnr", "fpr"))
    if not (0 < precision <= 1) or math.isnan(fnr) or math.isnan(fpr):
        return ()
    found = []
    for name in names:
        own, other = (stats[each]["base_rate"] for each in (name, first))
        p = apart(own.score("", level), other.score("", level), level)[3]
        if name == first or not p < 1 - level or not 0 < own.value < 1:
            continue
        needed = own.value / (1 - own.value) * (1 - precision) / precision * (1 - fnr)
        found.append(Impossible(name, first, own.value, other.value, precision, fnr, fpr,
                                min(needed, 1.0)))
    return tuple(found)
