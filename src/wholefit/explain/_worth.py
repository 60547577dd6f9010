"""What columns are worth: the record of a study of permutation importance, and its words."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from wholefit.base.stored import typed
from wholefit.base.wording import plain
from wholefit.evaluation.score import Score

MATTERS, NOTHING, UNUSED, MISLEADS = (
    "matters", "cannot be told from nothing", "not used", "misleads")


@dataclass(frozen=True)
class Worth:
    """A column, or several shuffled together: how much the score falls, and a verdict.

    `value` is the fall, positive where the score gets worse, with its interval; `p` that of no
    fall, `p_adjusted` the same corrected for the number of columns; `shuffling` the standard
    deviation of single shuffles. `verdict`: "matters", "cannot be told from nothing", "not used"
    (no answer changes at all), or "misleads" (the score gets better).
    """

    columns: tuple[str, ...]
    value: float
    low: float
    high: float
    p: float
    shuffling: float
    verdict: str
    p_adjusted: float = math.nan

    @property
    def name(self) -> str:
        """The column, or all of them: "income + age"."""
        return " + ".join(self.columns)

    @property
    def short(self) -> str:
        """The same, of many columns the first two and how many more."""
        more = len(self.columns) - 2
        return self.name if more < 2 else f"{' + '.join(self.columns[:2])} + {more} more"

    def judged(self, p: float, alpha: float) -> Worth:
        """The same with its corrected p-value and verdict."""
        if self.verdict == UNUSED:
            return self
        if math.isnan(p) or p >= alpha:
            verdict = NOTHING
        else:
            verdict = MATTERS if self.value > 0 else MISLEADS
        return replace(self, p_adjusted=p, verdict=verdict)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        numbers = ("value", "low", "high", "p", "p_adjusted", "shuffling")
        return {"columns": list(self.columns), "verdict": self.verdict,
                **{name: plain(getattr(self, name)) for name in numbers}}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Worth:
        """Read back what `to_json` wrote."""
        names = ("value", "low", "high", "p", "p_adjusted", "shuffling")
        numbers = {name: math.nan if stored[name] is None else float(stored[name])
                   for name in names}
        return typed(cls(tuple(stored["columns"]), verdict=stored["verdict"], **numbers))


@dataclass(frozen=True)
class Importance:
    """What each column is worth to the score, the most first; and of groups of columns.

    `score` is that of the rows as they are. `together` are groups shuffled together, `bonds` the
    mean association within each. `rows` of `given` rows were asked. `conditional` where rows
    lent only to rows that are alike in other columns.
    """

    metric: str
    better: str
    score: Score
    columns: tuple[Worth, ...]
    together: tuple[Worth, ...]
    bonds: tuple[float, ...]
    rows: int
    given: int
    repeats: int
    level: float
    how: str
    conditional: bool = False

    @property
    def matters(self) -> tuple[str, ...]:
        """Columns whose fall cannot be chance, the most first."""
        return tuple(each.name for each in self.columns if each.verdict == MATTERS)

    def frame(self) -> pl.DataFrame:
        """One row for each column and each group."""
        every = [*self.columns, *self.together]
        return pl.DataFrame({
            "column": [each.name for each in every],
            "fall": [each.value for each in every],
            "low": [each.low for each in every], "high": [each.high for each in every],
            "p_adjusted": [None if math.isnan(each.p_adjusted) else each.p_adjusted
                           for each in every],
            "verdict": [each.verdict for each in every],
        }, schema_overrides={"p_adjusted": pl.Float64, "fall": pl.Float64})

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows as text."""
        head = ["column", f"{self.metric} {self.worse} by [{self.level:.0%} interval]", "verdict"]
        return head, [[each.short, said(each), each.verdict]
                      for each in (*self.columns, *self.together)]

    @property
    def worse(self) -> str:
        """The direction of getting worse, as a verb."""
        return "falls" if self.better == "higher" else "rises"

    @property
    def sentences(self) -> list[str]:
        """What was found, in plain sentences."""
        return [self._lead(), *self._by_verdict(), *self._stand_ins(), self._method()]

    def to_text(self) -> str:
        """The sentences."""
        return "\n".join(self.sentences)

    def __str__(self) -> str:
        return self.to_text()

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"metric": self.metric, "better": self.better, "score": self.score.to_json(),
                "columns": [each.to_json() for each in self.columns],
                "together": [each.to_json() for each in self.together],
                "bonds": list(self.bonds), "rows": self.rows, "given": self.given,
                "repeats": self.repeats, "level": self.level, "how": self.how,
                "conditional": self.conditional}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Importance:
        """Read back what `to_json` wrote."""
        parts = {**stored, "score": Score.from_json(stored["score"]),
                 "columns": tuple(Worth.from_json(one) for one in stored["columns"]),
                 "together": tuple(Worth.from_json(one) for one in stored["together"]),
                 "bonds": tuple(stored["bonds"])}
        return typed(cls(**parts))

    def _lead(self) -> str:
        top = [each for each in self.columns if each.verdict == MATTERS]
        start = f"{self.metric} on {self.rows:,} rows: {self.score}. "
        if not top:
            return start + "No column can be told from nothing: shuffling any of them changes " \
                           "the score no more than chance would."
        first = top[0]
        return start + (f"The most is lost without {first.name!r}: shuffled among the rows, "
                        f"{self.metric} {self.worse} by {said(first)}.")

    def _by_verdict(self) -> list[str]:
        said_of = {
            MATTERS: "Columns that matter, the most first: {}.",
            NOTHING: "Cannot be told from nothing on these rows: {}.",
            MISLEADS: "Misleading (the score is better where they are shuffled): {}.",
            UNUSED: "Not used by the model at all: {}."}
        found = []
        for verdict, words in said_of.items():
            names = [each.name for each in self.columns if each.verdict == verdict]
            if names:
                shown = ", ".join(names[:12])
                more = f" and {len(names) - 12} more" if len(names) > 12 else ""
                found.append(words.format(shown + more))
        return found

    def _stand_ins(self) -> list[str]:
        return [f"{_listed(each.columns)} stand in for each other (association {bond:.2f}), so "
                f"that each may look worth less than it is: shuffled together they cost "
                f"{said(each)}, which {_verdict(each)}."
                for each, bond in zip(self.together, self.bonds, strict=True)]

    def _method(self) -> str:
        tested = sum(each.verdict != UNUSED for each in (*self.columns, *self.together))
        asked = (f" {self.rows:,} of {self.given:,} rows were drawn for it."
                 if self.rows < self.given else "")
        among = " Rows lent only to rows alike in other columns." if self.conditional else ""
        return (f"Verdicts at {self.level:.0%}, corrected for {tested} tests (Holm); intervals "
                f"are of one column each, uncorrected ({self.how}).{asked}{among} They speak of "
                "this model, not of the world: another model may use other columns.")


def said(each: Worth) -> str:
    """The fall with its interval, with the digits it deserves."""
    if math.isnan(each.value):
        return "not known"
    return str(Score("", each.value, each.low, each.high, 0.95, "", 1))


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1]


def _verdict(each: Worth) -> str:
    return each.verdict
