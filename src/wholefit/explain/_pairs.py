"""The record of a study of interactions, and its words."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from wholefit.base.stored import typed
from wholefit.base.wording import figures, plain
from wholefit.evaluation.score import Score

TOGETHER, MODEL, UNBORNE, ADDING = (
    "act together", "in the model", "in the model, not borne out", "not told apart from adding up")


@dataclass(frozen=True)
class Pair:
    """Two columns: how strongly they act together.

    `share` is Friedman's H squared, `size` the unnormalised H with its interval over rows,
    `both` the spread of what the two do in all; `gain` the loss a row has more without the joint
    part (NaN without a target), `p` its one-sided p-value, `p_adjusted` that corrected for the
    number of pairs.
    """

    columns: tuple[str, str]
    share: float
    size: float
    low: float
    high: float
    both: float
    gain: float
    p: float
    p_adjusted: float
    verdict: str

    @property
    def name(self) -> str:
        """Both columns: "age x income"."""
        return " x ".join(self.columns)

    @property
    def sized(self) -> str:
        """The size with its interval."""
        return str(Score("", self.size, self.low, self.high, 0.95, "", 1))


@dataclass(frozen=True)
class Interactions:
    """Every pair of the columns looked at, the largest joint part first.

    `scale` says what sizes are measured in, `spread` the answer's own on that scale. `left` are
    columns that were not looked at. `tested` whether pairs were put to a known target.
    """

    target: str
    scale: str
    pairs: tuple[Pair, ...]
    columns: tuple[str, ...]
    left: tuple[str, ...]
    spread: float
    rows: int
    background: int
    level: float
    tested: bool
    least: float

    @property
    def together(self) -> tuple[Pair, ...]:
        """Pairs that act together as far as can be said: on the target, or in the model."""
        word = TOGETHER if self.tested else MODEL
        return tuple(pair for pair in self.pairs if pair.verdict == word)

    @property
    def sentences(self) -> list[str]:
        """What was found, in plain sentences."""
        if not self.pairs:
            return ["Fewer than two columns move the answer at all: none can act together."]
        found = [self._lead()]
        unborne = [pair.name for pair in self.pairs if pair.verdict == UNBORNE]
        if unborne:
            found.append("In the model, but these rows do not bear it out (without it the answers "
                         f"are no worse): {_some(unborne)}.")
        looked = f"{len(self.columns)} columns that move the answer most, {len(self.pairs)} pairs"
        method = (f"verdicts at {self.level:.0%} by what the joint part adds on rows with a known "
                  "target, corrected for the number of pairs (Holm)" if self.tested else
                  f"without a target only what the model does can be told: \"in the model\" from "
                  f"{self.least:.0%} of the answer's own spread ({figures(self.spread, 3)})")
        found.append(f"Looked at: {looked}; {self.rows:,} rows' values lent to "
                     f"{self.background:,} rows; {method}. Sizes in {self.scale}.")
        return found

    def to_text(self) -> str:
        """The sentences."""
        return "\n".join(self.sentences)

    def __str__(self) -> str:
        return self.to_text()

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows as text."""
        head = ["pair", f"joint size [{self.level:.0%} interval]", "H²", "verdict"]
        return head, [[pair.name, self.sized(pair), f"{pair.share:.2f}", pair.verdict]
                      for pair in self.pairs]

    def sized(self, pair: Pair) -> str:
        """The size of a pair with its interval; "0" where it is no more than rounding."""
        return "0" if pair.high <= 1e-9 * self.spread else pair.sized

    def frame(self) -> pl.DataFrame:
        """One row for each pair."""
        pairs = self.pairs
        return pl.DataFrame(
            {"first": [p.columns[0] for p in pairs], "second": [p.columns[1] for p in pairs],
             "size": [p.size for p in pairs], "low": [p.low for p in pairs],
             "high": [p.high for p in pairs], "h2": [p.share for p in pairs],
             "p_adjusted": [None if math.isnan(p.p_adjusted) else p.p_adjusted for p in pairs],
             "verdict": [p.verdict for p in pairs]},
            schema_overrides={"first": pl.String, "second": pl.String, "size": pl.Float64,
                              "low": pl.Float64, "high": pl.Float64, "h2": pl.Float64,
                              "p_adjusted": pl.Float64, "verdict": pl.String})

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return dict(plain(asdict(self)))

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Interactions:
        """Read back what `to_json` wrote."""
        pairs = tuple(_pair(one) for one in stored["pairs"])
        parts = {**stored, "pairs": pairs, "columns": tuple(stored["columns"]),
                 "left": tuple(stored["left"])}
        return typed(cls(**parts))

    def _lead(self) -> str:
        found = self.together
        if not found:
            why = "on these rows" if self.tested else "that is of any size"
            return (f"No pair of columns acts together {why}: what each does to {self.target} "
                    "adds up.")
        first = found[0]
        more = f" Also: {_some([pair.name for pair in found[1:]])}." if len(found) > 1 else ""
        where = "" if self.tested else " in the model"
        return (f"{first.columns[0]!r} and {first.columns[1]!r} act together{where}: their joint "
                f"part is {first.sized}, {first.share:.0%} of what the two do "
                f"({figures(self.spread, 3)} is the spread of all answers).{more}")


def _pair(stored: dict[str, Any]) -> Pair:
    numbers = {name: math.nan if value is None else value for name, value in stored.items()
               if name not in ("columns", "verdict")}
    return typed(Pair(tuple(stored["columns"]), verdict=stored["verdict"], **numbers))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more
