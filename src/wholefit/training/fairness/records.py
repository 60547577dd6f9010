"""What mitigation comes to: each way's scores and gaps on unseen rows, and its price."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from wholefit.base.wording import aligned, plain
from wholefit.evaluation import Difference, Score


@dataclass(frozen=True)
class Changed:
    """A gap between groups before and after, on the same unseen rows, with intervals.

    `difference` is after minus before; the three intervals come from one paired bootstrap.
    """

    goal: str
    before: Score
    after: Score
    difference: Score

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"goal": self.goal, "before": self.before.to_json(), "after": self.after.to_json(),
                "difference": self.difference.to_json()}


@dataclass(frozen=True)
class Way:
    """One method's outcome: its score, its price, its gaps by each goal, and its half measures.

    `price` is the score after minus before (paired). `curve` holds (share of the way, score, gap)
    of mixtures between the model as it was and as the method left it. `reason` says why a method
    could not be done; all else is empty then. `rates` are each group's rates after.
    """

    method: str
    scores: dict[str, Score] = field(default_factory=dict)
    price: Difference | None = None
    gaps: dict[str, Changed] = field(default_factory=dict)
    rates: dict[str, dict[str, Score]] = field(default_factory=dict)
    curve: tuple[tuple[float, float, float], ...] = ()
    said: tuple[str, ...] = ()
    reason: str = ""
    seconds: float = math.nan

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"method": self.method, "reason": self.reason, "said": list(self.said),
                "seconds": plain(self.seconds),
                "scores": {name: score.to_json() for name, score in self.scores.items()},
                "price": None if self.price is None else
                {name: plain(value) for name, value in self.price.__dict__.items()},
                "gaps": {name: gap.to_json() for name, gap in self.gaps.items()},
                "rates": {group: {name: score.to_json() for name, score in found.items()}
                          for group, found in self.rates.items()},
                "curve": [list(point) for point in self.curve]}


@dataclass(frozen=True)
class Mitigated:
    """Ways to make a model treat groups alike, each with what it costs, on the same folds.

    `metric` is the score that the price is of, `goal` what was asked for. Intervals and paired
    differences are of rows that no model had seen. Counts and rates only, never a row.
    """

    target: str
    outcome: str
    by: tuple[str, ...]
    goal: str
    metric: str
    model: str
    rows: int
    folds: str
    before: Way
    ways: tuple[Way, ...]
    level: float = 0.95

    def way(self, method: str) -> Way:
        """One method's outcome."""
        return next(way for way in self.ways if way.method == method)

    @property
    def said(self) -> str:
        """The outcome in a sentence or two."""
        gap = self.before.gaps[self.goal].before
        good = [way for way in self.ways if not way.reason
                and way.gaps[self.goal].difference.high < 0]
        opening = (f"{self.model} for {self.target!r}, by {' x '.join(self.by)}: gap in "
                   f"{self.goal} {gap} on unseen rows.")
        if gap.value == 0:
            return f"{opening} There is no gap to close."
        if not good:
            return f"{opening} No method makes it smaller beyond chance."
        best = max(good, key=self._worth)
        assert best.price is not None
        return (f"{opening} {best.method} brings it to {best.gaps[self.goal].after} for "
                f"{_signed(best.price)} of {self.metric}"
                + (", no price beyond chance." if best.price.better == "tied" else ".")
                + "".join(f" {each}" for each in self.widened(best)))

    def _worth(self, way: Way) -> float:
        """What a method leaves of the score, less the gap it leaves."""
        return (0.0 if way.price is None else way.price.value) - way.gaps[self.goal].after.value

    def widened(self, way: Way) -> list[str]:
        """Gaps by other goals that the method makes larger beyond chance, in sentences."""
        return [f"It widens the gap in {name} from {gap.before} to {gap.after}."
                for name, gap in way.gaps.items()
                if name != self.goal and gap.difference.low > 0]

    def to_text(self, narrow: bool = False) -> str:
        """All of it in plain sentences; `narrow` leaves columns out of the table."""
        header = ["method", self.metric, f"{self.metric}, change", f"gap in {self.goal}",
                  "gap, change", *(f"gap in {name}" for name in self.before.gaps
                                   if name != self.goal)]
        rows = [self._line(way) for way in (self.before, *self.ways) if not way.reason]
        if narrow:
            header, *rows = ([line[at] for at in (0, 2, 3)] for line in (header, *rows))
        lines = [self.said, "", *(f"  {line}" for line in aligned(header, rows)), ""]
        lines += [f"{way.method} was not done: {way.reason}." for way in self.ways if way.reason]
        lines += [f"{way.method}: {sentence}" for way in self.ways
                  for sentence in (*way.said, *(self.widened(way) if way.gaps else ()))]
        return "\n".join([*lines, f"Measured on {self.rows:,} rows that no model had seen: "
                          f"{self.folds}. Intervals at {self.level:.0%}; changes are paired."])

    def _line(self, way: Way) -> list[str]:
        if way.reason:
            return [way.method, way.reason]
        gap = way.gaps[self.goal]
        return [way.method, str(way.scores[self.metric]),
                "" if way.price is None else _signed(way.price), str(gap.after),
                "" if way is self.before else _plus(gap.difference),
                *(str(each.after) for name, each in way.gaps.items() if name != self.goal)]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        kept = {name: getattr(self, name) for name in (
            "target", "outcome", "by", "goal", "metric", "model", "rows", "folds", "level",
            "said")}
        return {**kept, "before": self.before.to_json(),
                "ways": [way.to_json() for way in self.ways]}

    def table(self) -> pl.DataFrame:
        """One row a method: score, price and gaps, with their ends."""
        rows = []
        for way in (self.before, *self.ways):
            if way.reason:
                continue
            price = way.price
            rows.append({
                "method": way.method, self.metric: way.scores[self.metric].value,
                "price": 0.0 if price is None else price.value,
                "price_low": 0.0 if price is None else price.low,
                "price_high": 0.0 if price is None else price.high,
                **{f"gap_{name}": gap.after.value for name, gap in way.gaps.items()},
                "gap_change": way.gaps[self.goal].difference.value,
                "gap_change_low": way.gaps[self.goal].difference.low,
                "gap_change_high": way.gaps[self.goal].difference.high})
        return pl.DataFrame(rows)

    def __str__(self) -> str:
        return self.to_text()


def _plus(score: Score) -> str:
    return f"{score.value:+.3f} [{score.low:+.3f}, {score.high:+.3f}]"


def _signed(found: Difference) -> str:
    return f"{found.value:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"
