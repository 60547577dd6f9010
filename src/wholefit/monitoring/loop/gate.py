"""The gate: may a challenger take the place of the champion? Every reason against it is a check.

The two answer the same rows, which neither has learnt. The challenger must be shown to be no worse
(a paired test of non-inferiority, or of superiority), must be better than a constant answer, must
be worse in no part of the rows (one-sided paired tests, corrected by Holm 1979 for their number),
must keep its limits of time and size, and must ask for nothing that the champion did not.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, ParameterError
from wholefit.base.params import Params, param
from wholefit.base.wording import aligned, figures, plain
from wholefit.data import Dataset, Schema
from wholefit.evaluation import metrics
from wholefit.evaluation.compare import Difference, compare
from wholefit.evaluation.equivalence import equivalence
from wholefit.evaluation.metrics import Metric
from wholefit.evaluation.score import Score, score
from wholefit.monitoring.loop import _latency, _parts
from wholefit.training import Fitted

_FLOOR = re.compile(r"\s*([\w.:@=%-]+?)\s*(>=|<=|>|<)\s*([-+0-9.eE]+)\s*")


@dataclass(frozen=True)
class Gate(Params):
    """What a challenger must show before it may be promoted."""

    metric: str | None = param(
        None, "What the two are compared by; the metric of the champion's fit where left out.",
        none=True)
    rule: str = param(
        "no_worse", "no_worse: shown not to be worse than the champion by the margin; better: "
        "significantly better; not_shown_worse: not significantly worse.",
        choices=("no_worse", "better", "not_shown_worse"))
    margin: float | None = param(
        None, "How much worse does not matter, in the metric's unit; where left out, margin_share.",
        above=0, none=True)
    margin_share: float = param(
        0.05, "The margin as a share of what the champion gains over a constant answer.",
        above=0, below=1)
    level: float = param(0.95, "Level of every test and interval.", above=0.5, below=1)
    least: int = param(200, "Held-out rows needed; with fewer nothing passes.", low=20)
    parts: str = param(
        "auto", "Columns, parted by commas, in no part of which it may be significantly worse; "
        "auto: up to eight columns of few values; none.")
    latency: float | None = param(
        2.0, "How many times the champion's time it may take, for one row and for many; more is "
        "borne where it is under a millisecond a call.", above=0, none=True)
    size: str | None = param(None, "Largest size of its file, such as 50MB.", none=True)
    floor: str | None = param(
        None, "Limits that hold whatever the champion does, parted by commas: "
        "\"roc_auc >= 0.8, brier <= 0.2\"; the end of the interval must keep them.", none=True)


@dataclass(frozen=True)
class Side:
    """A model before the gate: its name, what answers, the rows as it knows them, its size."""

    name: str
    fitted: Fitted
    asked: Dataset
    size: int = 0


@dataclass(frozen=True)
class Check:
    """One thing looked at: whether it passed, and why, with its numbers."""

    name: str
    ok: bool
    said: str
    numbers: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        found: dict[str, Any] = plain({"name": self.name, "ok": self.ok, "said": self.said,
                                       "numbers": self.numbers})
        return found


@dataclass(frozen=True)
class Verdict:
    """What the gate found: it passed if every check did."""

    challenger: str
    champion: str | None
    rows: int
    metric: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """True if nothing stands against the challenger."""
        return all(check.ok for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """What stands against it."""
        return tuple(check for check in self.checks if not check.ok)

    @property
    def said(self) -> str:
        """The outcome in one sentence."""
        against = "" if self.champion is None else f" against {self.champion}"
        if self.passed:
            return f"{self.challenger} passes the gate{against} on {self.rows:,} held-out rows."
        why = "; ".join(f"{check.name}: {check.said}" for check in self.failed)
        return f"{self.challenger} is refused{against}: {why}."

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows, a check each."""
        return ["check", "", "how"], [[check.name, "ok" if check.ok else "REFUSED", check.said]
                                      for check in self.checks]

    def to_text(self) -> str:
        """The sentence, and a line for each check."""
        return "\n".join([self.said, "", *aligned(*self.table())])

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"passed": self.passed, "challenger": self.challenger, "champion": self.champion,
                "rows": self.rows, "metric": self.metric, "said": self.said,
                "checks": [check.to_json() for check in self.checks]}

    def __str__(self) -> str:
        return self.to_text()


def judge(champion: Side | None, challenger: Side, metric: Any, gate: Gate) -> Verdict:
    """Hold a challenger against the champion on the same rows; with none, against limits alone.

    `metric` is a name or a Metric of the task. The rows of both sides are the same, in the same
    order, with their targets. DataError where the two do not predict the same thing.
    """
    fitted, asked = challenger.fitted, challenger.asked
    chosen = metrics.main(fitted.task.name, metric, getattr(fitted.codec, "classes", None))
    enough = Check("rows", len(asked) >= gate.least,
                   f"{len(asked):,} held-out rows, at least {gate.least:,} needed")
    checks = [enough, _schema(champion, fitted.schema, fitted)]
    if all(check.ok for check in checks):
        sheet = _Sheet(champion, challenger, chosen, gate.level)
        checks += [_finite(sheet), *_scored(sheet, gate), *_floors(sheet, gate),
                   *_sliced(sheet, gate)]
    return Verdict(challenger.name, None if champion is None else champion.name, len(asked),
                   chosen.name, (*checks, *_costs(champion, challenger, gate)))


class _Sheet:
    """Truth and answers of both sides, made once."""

    def __init__(self, champion: Side | None, challenger: Side, metric: Metric, level: float
                 ) -> None:
        fitted, asked = challenger.fitted, challenger.asked
        self.task, self.metric, self.level = fitted.task.name, metric, level
        self.rows, self.target = asked.original, str(fitted.schema.target)
        self.truth = asked.target(fitted.codec)
        self.answer = fitted.answer(asked)
        self.codes = fitted.codes(self.answer, asked)
        self.words: dict[str, Any] = {
            "positive": getattr(fitted.codec, "positive", 1), "weights": asked.weights(),
            "units": asked.groups()}
        self.old: np.ndarray | None = None
        self.old_codes: np.ndarray | None = None
        if champion is not None:
            theirs = champion.asked.target(champion.fitted.codec)
            if not np.array_equal(theirs, self.truth, equal_nan=theirs.dtype.kind == "f"):
                raise DataError("the two models read the target of the held-out rows otherwise, "
                                "so that they cannot be compared: clean the rows first.")
            self.old = champion.fitted.answer(champion.asked)
            self.old_codes = champion.fitted.codes(self.old, champion.asked)

    def score(self, answer: np.ndarray, codes: Any, metric: Any = None) -> Score:
        """The metric of an answer."""
        chosen = metrics.get(self.task, self.metric if metric is None else metric)
        return score(self.task, self.truth, answer, metrics=chosen, level=self.level,
                     predicted=codes, **self.words)[chosen.name]

    @cached_property
    def mine(self) -> Score:
        """The challenger's score."""
        return self.score(self.answer, self.codes)

    @cached_property
    def naive(self) -> float:
        """What the best constant answer scores."""
        return self.score(self.constant(), None).value

    def constant(self) -> np.ndarray:
        """The best constant answer: the classes' shares of these rows, or their mean."""
        if self.answer.ndim == 2:
            shares = np.bincount(self.truth[self.truth >= 0], minlength=self.answer.shape[1])
            return np.tile(shares / max(shares.sum(), 1), (len(self.truth), 1))
        return np.full(len(self.truth), np.nanmean(self.truth))


def _schema(champion: Side | None, schema: Schema, fitted: Fitted) -> Check:
    """Whoever asks the champion can ask the challenger the same, and understands the answer."""
    if champion is None:
        return Check("schema", True, f"{len(schema.features)} columns; nothing to compare with")
    old, was = champion.fitted.schema, champion.fitted
    wrong = []
    if (old.target, was.task.name) != (schema.target, fitted.task.name):
        wrong.append(f"it predicts {schema.target!r} ({fitted.task.name}), not {old.target!r} "
                     f"({was.task.name})")
    elif getattr(was.codec, "classes", None) != getattr(fitted.codec, "classes", None):
        wrong.append("its classes are others")
    known = {column.name: column.role for column in old.columns}
    fresh = [name for name in schema.features if name not in set(old.features)]
    if fresh:
        wrong.append(f"it needs {', '.join(map(repr, fresh[:5]))}, which requests need not have")
    other = [name for name in schema.features
             if name in set(old.features) and schema.role(name) != known[name]]
    if other:
        wrong.append("it reads otherwise: " + ", ".join(
            f"{name!r} was {known[name]}, is {schema.role(name)}" for name in other[:5]))
    return Check("schema", not wrong, "; ".join(wrong) or (
        f"the same task, target and classes; {len(schema.features)} of the champion's "
        f"{len(old.features)} columns"))


def _finite(sheet: _Sheet) -> Check:
    lost = int((~np.isfinite(sheet.answer)).reshape(len(sheet.answer), -1).any(axis=1).sum())
    return Check("answers", lost == 0, f"{lost:,} rows get no finite answer" if lost
                 else "every row gets a finite answer", {"lost": lost})


def _scored(sheet: _Sheet, gate: Gate) -> list[Check]:
    """Better than a constant, and not worse than the champion."""
    mine, naive = sheet.mine, sheet.naive
    gain = sheet.metric.sign * (mine.value - naive)
    name = sheet.metric.name
    worth = Check("worth", not gain <= 0, f"{name} {mine}; a constant answer has "
                  f"{figures(naive)}", {"value": mine.value, "constant": naive})
    if sheet.old is None:
        return [worth]
    return [worth, _paired(sheet, gate)]


@dataclass(frozen=True)
class Apart:
    """A paired difference, challenger minus champion, and the margin that does not matter."""

    difference: Difference
    margin: float
    mine: Score
    theirs: Score


def apart(champion: Side, challenger: Side, metric: Any, gate: Gate, level: float) -> Apart:
    """The difference of the two on the same rows."""
    fitted = challenger.fitted
    chosen = metrics.main(fitted.task.name, metric, getattr(fitted.codec, "classes", None))
    return _apart(_Sheet(champion, challenger, chosen, level), gate)


def _apart(sheet: _Sheet, gate: Gate) -> Apart:
    assert sheet.old is not None
    theirs = sheet.score(sheet.old, sheet.old_codes)
    found = compare(sheet.task, sheet.metric, sheet.truth, sheet.answer, sheet.old,
                    level=sheet.level, predicted=(sheet.codes, sheet.old_codes), **sheet.words)
    margin = gate.margin
    if margin is None:
        gain = abs(theirs.value - sheet.naive)
        # A champion that gains nothing leaves no room below it, and a test needs some.
        margin = max(gate.margin_share * gain, 1e-9) if math.isfinite(gain) else 1e-9
    return Apart(found, margin, sheet.mine, theirs)


def _paired(sheet: _Sheet, gate: Gate) -> Check:
    both = _apart(sheet, gate)
    found, margin, mine, theirs = both.difference, both.margin, both.mine, both.theirs
    equal = equivalence(sheet.task, sheet.metric, sheet.truth, sheet.answer, sheet.old, margin,
                        level=sheet.level, predicted=(sheet.codes, sheet.old_codes),
                        **sheet.words)
    ok = {"no_worse": equal.no_worse < 1 - gate.level or found.better == "a",
          "better": found.better == "a", "not_shown_worse": found.better != "b"}[gate.rule]
    said = (f"{sheet.metric.name} {mine} against {theirs}: {found.value:+.4g} "
            f"[{found.low:+.4g}, {found.high:+.4g}], {_meant(found.better)}")
    if gate.rule == "no_worse":
        said += (f"; {'shown' if ok else 'not shown'} to be no worse than by "
                 f"{figures(margin, 3)} (p = {equal.no_worse:.2g})")
    return Check("score", ok, said, {
        "value": mine.value, "champion": theirs.value, "difference": found.value,
        "low": found.low, "high": found.high, "p": found.p, "margin": margin,
        "p_no_worse": equal.no_worse, "better": found.better})


def _meant(better: str) -> str:
    return {"a": "significantly better", "b": "significantly worse", "tied": "no clear difference"
            }[better]


def _floors(sheet: _Sheet, gate: Gate) -> list[Check]:
    """Limits that are stated as numbers."""
    found = []
    for name, sign, limit in floors(gate.floor):
        held = sheet.score(sheet.answer, sheet.codes, name)
        end = held.low if sign.startswith(">") else held.high
        ok = end >= limit if sign == ">=" else end > limit if sign == ">" else (
            end <= limit if sign == "<=" else end < limit)
        found.append(Check(f"{name} {sign} {limit:g}", bool(ok), f"{held}",
                           {"value": held.value, "end": end}))
    return found


def floors(words: str | None) -> list[tuple[str, str, float]]:
    """Limits in words as (metric, sign, number); ParameterError for words that are none."""
    found = []
    for part in (words or "").split(","):
        if not part.strip():
            continue
        match = _FLOOR.fullmatch(part)
        try:
            assert match is not None
            found.append((match.group(1), match.group(2), float(match.group(3))))
        except (AssertionError, ValueError):
            raise ParameterError("floor must be limits like 'roc_auc >= 0.8', parted by commas; "
                                 f"got {part.strip()!r}.") from None
    return found


def _sliced(sheet: _Sheet, gate: Gate) -> list[Check]:
    """Significantly worse in no part of the rows."""
    if sheet.old is None or gate.parts.strip().lower() in ("none", ""):
        return []
    columns = _parts.columns(sheet.rows.drop(sheet.target, strict=False), gate.parts)
    found = _parts.worse(sheet.task, sheet.metric, sheet.truth, (sheet.answer, sheet.old),
                         (sheet.codes, sheet.old_codes), sheet.rows.select(columns), gate.level,
                         sheet.words)
    if not found.judged:
        return [Check("parts", True, "no part of the rows is large enough to judge")]
    said = (f"significantly worse in {', '.join(found.said)}" if found.said else
            f"significantly worse in none of {found.judged} parts by {', '.join(columns)}")
    return [Check("parts", not found.said, said, {"judged": found.judged, "p": found.p})]


def _costs(champion: Side | None, challenger: Side, gate: Gate) -> list[Check]:
    """Time and size, each within its limit."""
    found = []
    if gate.size is not None:
        from wholefit.base.budget import Budget

        limit = Budget.parse(gate.size).bytes
        if limit is None:
            raise ParameterError(f"size must be a size, such as '50MB'; got {gate.size!r}.")
        found.append(Check("size", challenger.size <= limit, f"{challenger.size / 1e6:,.3g} MB, at "
                           f"most {limit / 1e6:,.3g} MB", {"bytes": challenger.size}))
    if gate.latency is not None and champion is not None and len(challenger.asked):
        times = _latency.measured(
            [(side.fitted, side.asked) for side in (challenger, champion)])
        ok, said = _latency.kept(times, gate.latency)
        found.append(Check("latency", ok, said, {
            "one_row": times[0][0], "champion_one_row": times[1][0],
            "many_rows": times[0][1], "champion_many_rows": times[1][1]}))
    return found


def checked(gate: Gate, task: str, rows: pl.DataFrame | None = None) -> None:
    """Refuse a gate that could never be judged, before anything is fitted for it."""
    for name, _, _ in floors(gate.floor):
        metrics.get(task, name)
    if gate.metric is not None:
        metrics.get(task, gate.metric)
    if rows is not None and gate.parts.strip().lower() not in ("auto", "none", ""):
        _parts.columns(rows, gate.parts)
