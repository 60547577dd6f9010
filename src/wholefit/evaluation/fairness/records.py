"""What an audit found: counts and rates of groups, never a row."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from wholefit.base.wording import plain
from wholefit.evaluation.score import Score

SMALL = 5
# Measures that are a count of people over a count of people.
SHARES = frozenset({"base_rate", "selection_rate", "tpr", "fpr", "fnr", "precision", "accuracy"})


@dataclass(frozen=True)
class Gap:
    """A group's measure against the reference's: difference (group minus reference) and ratio.

    `p_adjusted` is corrected for all comparisons of the audit (Holm, 1979). `verdict` is
    "higher", "lower", "no difference shown", "too few rows", or "" where it is not judged.
    """

    measure: str
    difference: float
    low: float
    high: float
    ratio: float
    ratio_low: float
    ratio_high: float
    p: float
    p_adjusted: float
    verdict: str

    def to_json(self) -> dict[str, Any]:
        """As plain values; what is not known is null."""
        return {name: plain(value) if isinstance(value, float) else value
                for name, value in self.__dict__.items()}


@dataclass(frozen=True)
class Group:
    """One group: how many rows, its measures, and how they stand against the reference's."""

    where: dict[str, str]
    n: int
    share: float
    scores: dict[str, Score]
    against: dict[str, Gap]
    shrunk: dict[str, Score] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """In words: "Female", or "Female, Black" of two columns."""
        return ", ".join(self.where.values())

    def to_json(self, thin: int, small: bool = False) -> dict[str, Any]:
        """As plain values. Of fewer than five people nothing is told; of few, no bare number."""
        if self.n < SMALL and not small:
            return {"where": self.where, "n": f"<{SMALL}"}
        return {"where": self.where, "n": self.n, "share": self.share,
                "scores": {name: _score_json(score, thin, small)
                           for name, score in self.scores.items()},
                "shrunk": {name: _score_json(score, 0, small)
                           for name, score in self.shrunk.items()},
                "against": {name: gap.to_json() for name, gap in self.against.items()
                            if small or self.scores[name].n >= thin}}


@dataclass(frozen=True)
class Criterion:
    """The largest gap among the groups on one measure, with an interval, and a verdict.

    `lowest` and `highest` are the two groups farthest apart. For disparate impact `value` is the
    ratio of the lower rate to the higher, and the verdict is of the four-fifths rule: "below
    0.8", "at least 0.8", "not certain"; else it is "unequal", "no difference shown" or "too few
    rows". `unjudged` counts groups with too few rows.
    """

    name: str
    measure: str
    value: float
    low: float
    high: float
    p: float
    lowest: str
    highest: str
    verdict: str
    unjudged: int
    ratio: bool = False

    @property
    def said(self) -> str:
        """In one sentence: "disparate impact 0.36 [0.31, 0.42]: below 0.8 (Female to Male)"."""
        if math.isnan(self.value):
            return f"{self.name}: too few rows to judge"
        score = Score(self.measure, self.value, self.low, self.high, 0.95, "", 0)
        joint = "to" if self.ratio else "and"
        return f"{self.name}: {score}, {self.verdict} ({self.lowest} {joint} {self.highest})"

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {name: plain(value) if isinstance(value, float) else value
                for name, value in self.__dict__.items()}


@dataclass(frozen=True)
class Impossible:
    """What equal precision and equal misses would ask of a group whose base rate differs.

    Chouldechova (2017): fpr = base / (1 - base) * (1 - precision) / precision * (1 - fnr). With
    the reference's precision and fnr, the group must have `needed` where the reference has
    `fpr`.
    """

    group: str
    reference: str
    base: float
    reference_base: float
    precision: float
    fnr: float
    fpr: float
    needed: float

    @property
    def said(self) -> str:
        """In a sentence."""
        more = "more" if self.needed > self.fpr else "less"
        return (f"{self.base:.0%} of {self.group} really have the outcome and "
                f"{self.reference_base:.0%} of {self.reference}. If predictions were as precise "
                f"for both ({self.precision:.2f}) and missed as many ({self.fnr:.2f}), then "
                f"{self.group} would have a false-alarm rate of {self.needed:.3f} beside "
                f"{self.fpr:.3f}, {more} than {self.reference}: no model that errs can be equal "
                "in all three. Which equality matters is for people to decide.")


@dataclass(frozen=True)
class Proxy:
    """How well the other columns tell a protected one: AUC, and the columns that tell most.

    `seen` is whether the model learns from the protected column itself.
    """

    column: str
    score: Score | None
    telling: tuple[tuple[str, float], ...]
    seen: bool
    reason: str = ""

    @property
    def said(self) -> str:
        """In a sentence."""
        learnt = f"The model {'learns' if self.seen else 'does not learn'} from {self.column!r}"
        if self.score is None:
            return f"{learnt}; how well other columns tell it is not known: {self.reason}."
        top = ", ".join(f"{name} (AUC {value:.2f} alone)" for name, value in self.telling)
        if self.score.low <= 0.55:
            return (f"{learnt}. The other columns tell it poorly or not at all: AUC "
                    f"{self.score} (0.5 is guessing).")
        cure = ("Leaving the column out would not hide it" if self.seen else
                "That hides it only in part")
        return (f"{learnt}. {cure}: the other columns tell it with an AUC of {self.score} (0.5 "
                f"is guessing), above all {top}.")

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"column": self.column, "learnt_from": self.seen, "reason": self.reason,
                "auc": None if self.score is None else self.score.to_json(),
                "telling": [{"column": name, "auc": value} for name, value in self.telling]}


@dataclass(frozen=True)
class Part:
    """The groups by one column, or by several together, with regard to one outcome."""

    by: tuple[str, ...]
    outcome: str | None
    reference: str
    groups: tuple[Group, ...]
    criteria: tuple[Criterion, ...]
    impossible: tuple[Impossible, ...] = ()
    left_out: int = 0

    @property
    def name(self) -> str:
        """In words: "sex", "sex x race"."""
        return " x ".join(self.by)

    def criterion(self, name: str) -> Criterion:
        """One criterion by its name."""
        return next(each for each in self.criteria if each.name == name)

    def group(self, name: str) -> Group:
        """One group by its name."""
        return next(each for each in self.groups if each.name == name)


@dataclass(frozen=True)
class Audit:
    """How groups of people fare: by each column, and by all together.

    `thin`: below so many rows nothing is judged and no bare number told. `comparisons` are those
    that the p-values are corrected for. Holds counts and rates only, never a row.
    """

    task: str
    target: str
    rows: int
    level: float
    thin: int
    parts: tuple[Part, ...]
    comparisons: int
    proxies: tuple[Proxy, ...] = ()
    notes: tuple[str, ...] = ()

    def part(self, by: str, outcome: str | None = None) -> Part:
        """One part by the name of its columns ("sex", "sex x race"), and of its outcome."""
        return next(part for part in self.parts
                    if part.name == by and outcome in (None, part.outcome))

    @property
    def unequal(self) -> tuple[tuple[Part, Criterion], ...]:
        """Criteria that certainly fail, with the part they fail in."""
        return tuple((part, each) for part in self.parts for each in part.criteria
                     if each.verdict in ("unequal", "below 0.8"))

    @property
    def said(self) -> str:
        """The outcome in a sentence or two."""
        from wholefit.evaluation.fairness._told import headline

        return headline(self)

    @property
    def limits(self) -> tuple[str, ...]:
        """What this audit cannot tell, in sentences."""
        from wholefit.evaluation.fairness._told import limits

        return limits(self)

    def to_text(self, small: bool = False, narrow: bool = False) -> str:
        """All of it in plain sentences; `small` tells groups of fewer than five too.

        `narrow` leaves columns out of the tables, for eighty letters a line.
        """
        from wholefit.evaluation.fairness._told import text

        return text(self, small, narrow)

    def to_json(self, small: bool = False) -> dict[str, Any]:
        """As plain values. `small` tells cells of fewer than five people too."""
        return {
            "task": self.task, "target": self.target, "rows": self.rows, "level": self.level,
            "thin": self.thin, "comparisons": self.comparisons, "said": self.said,
            "parts": [{
                "by": list(part.by), "outcome": part.outcome, "reference": part.reference,
                "left_out": part.left_out,
                "groups": [group.to_json(self.thin, small) for group in part.groups],
                "criteria": [one.to_json() for one in part.criteria],
                "impossible": [dict(one.__dict__) for one in part.impossible],
            } for part in self.parts],
            "proxies": [proxy.to_json() for proxy in self.proxies],
            "limits": list(self.limits), "notes": list(self.notes),
        }

    def table(self, small: bool = False) -> pl.DataFrame:
        """One row for each measure of each group: value and ends, null where too few tell it."""
        rows = [
            {"by": part.name, "outcome": part.outcome, "group": group.name, "rows": group.n,
             "measure": name, **_numbers(score, self.thin, small)}
            for part in self.parts for group in part.groups if small or group.n >= SMALL
            for name, score in group.scores.items()]
        return pl.DataFrame(rows, schema_overrides={
            "outcome": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64})

    def __str__(self) -> str:
        return self.to_text()


def hidden(score: Score, small: bool = False) -> bool:
    """Whether a number rests on so few people that it is not told."""
    return score.n < SMALL and not small


def few(score: Score, thin: int, small: bool = False) -> bool:
    """Whether only its interval is told: few rows, or fewer than five people on one side of it."""
    if score.n < thin:
        return True
    if small or score.metric not in SHARES or math.isnan(score.value):
        return False
    hits = score.value * score.n
    return 0.5 < min(hits, score.n - hits) < SMALL - 0.5


def _numbers(score: Score, thin: int, small: bool) -> dict[str, Any]:
    if hidden(score, small):
        return {"value": None, "low": None, "high": None}
    value = None if few(score, thin, small) else plain(score.value)
    return {"value": value, "low": plain(score.low), "high": plain(score.high)}


def _score_json(score: Score, thin: int, small: bool) -> dict[str, Any] | None:
    if hidden(score, small):
        return None
    return {**_numbers(score, thin, small), "n": score.n, "few": few(score, thin, small),
            "level": score.level, "how": score.how}
