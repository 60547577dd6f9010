"""Kept rules as tables, and new baskets held against them; from states alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import polars as pl

from wholefit.base.errors import DataError, ParameterError, unknown
from wholefit.base.stored import reading
from wholefit.evaluation import Score
from wholefit.evaluation import association as measured
from wholefit.models import scorer
from wholefit.models._itemsets.base import Baskets, Itemsets, Level, grouped
from wholefit.models._kernels.rules import Itemsets as Sets
from wholefit.models._kernels.rules import Rules as Completer
from wholefit.training.association import _judge as judged
from wholefit.training.association._layout import Layout
from wholefit.training.association._read import Read, read
from wholefit.training.association._rules import Rules
from wholefit.training.association._told import table
from wholefit.training.found import Found

BETWEEN = " + "
_MEASURED = ("expected", "p", "adjusted")


@dataclass(frozen=True, eq=False)
class Answer:
    """For each basket its best items: names (n, k), chances (n, k), and the rules they rest on."""

    keys: pl.Series
    items: list[list[str]]
    chances: list[list[float]]
    because: list[list[str]]


class Book:
    """The rules of a Found; ArtifactError where its states do not belong together."""

    def __init__(self, found: Found) -> None:
        with reading("the model file cannot answer"):
            state = found.states["model"]
            self.state = state
            self.scorer = cast(Completer, scorer(state))
            self.names = self.scorer.names
            self.baskets = int(state.config["baskets"])
            arrays = {name: np.asarray(state.arrays[name]) for name in (
                "antecedent", "consequent", "both", "x", "y", "expected", "p", "adjusted")}
            if any(len(array) != len(arrays["x"]) or array.ndim != (
                    2 if name in ("antecedent", "consequent") else 1)
                   for name, array in arrays.items()):
                raise ValueError("its rules and their counts do not agree")
            if any(array.dtype.kind not in "iu" for name, array in arrays.items()
                   if name not in _MEASURED) or any(
                       arrays[name].dtype.kind not in "iuf" for name in _MEASURED):
                raise ValueError("a count of its rules is no number")
            self.rules = Rules(**arrays)
            self.sets = cast(Sets, scorer(found.states["itemsets"]))
            if any(items.size and items.max() >= len(self.names) for items, _ in self.sets.levels):
                raise ValueError("a set names an item that is not there")
            self.layout = Layout.from_json(found.states["reading"].config["layout"])
            self.options = dict(found.states["reading"].config["options"])

    # ---- tables -------------------------------------------------------------------------

    def frame(self, rules: Rules | None = None) -> pl.DataFrame:
        """Rules as a frame, items of a side joined by " + "."""
        rules = self.rules if rules is None else rules
        columns = table(rules, self.baskets)
        return pl.DataFrame({"antecedent": pl.Series(self._sides(rules.antecedent),
                                                     dtype=pl.String),
                             "consequent": pl.Series(self._sides(rules.consequent),
                                                     dtype=pl.String), **columns})

    def itemsets(self) -> pl.DataFrame:
        """Frequent itemsets: items, how many, how often, and whether closed and maximal."""
        levels = tuple(Level(np.asarray(items), np.asarray(counts))
                       for items, counts in self.sets.levels)
        found = Itemsets(levels, self.sets.baskets)
        parts = []
        for level, closed, maximal in zip(levels, found.closed(), found.maximal(), strict=True):
            low, high = measured.wilson(level.counts, np.full(len(level), found.baskets))
            parts.append(pl.DataFrame({
                "items": pl.Series(self._sides(level.items), dtype=pl.String),
                "size": pl.Series([level.items.shape[1]] * len(level), dtype=pl.Int64),
                "count": level.counts, "support": level.counts / max(found.baskets, 1),
                "support_low": low, "support_high": high, "closed": closed, "maximal": maximal}))
        return pl.concat(parts) if parts else pl.DataFrame(schema={
            "items": pl.String, "size": pl.Int64, "count": pl.Int64, "support": pl.Float64})

    def _sides(self, sides: np.ndarray) -> list[str]:
        return [BETWEEN.join(self.names[item] for item in side if item >= 0)
                for side in sides.tolist()]

    def chosen(self, antecedent: Sequence[str], consequent: Sequence[str], about: Sequence[str],
               least: dict[str, float], max_items: int | None) -> Rules:
        """Rules with these items on these sides, and at least these values of columns."""
        rules, fine = self.rules, np.ones(len(self.rules), dtype=bool)
        for words, sides in ((antecedent, (rules.antecedent,)), (consequent, (rules.consequent,)),
                             (about, (rules.antecedent, rules.consequent))):
            if words:
                codes = self.codes(words)
                fine &= np.any([np.isin(side, codes).any(axis=1) for side in sides], axis=0)
        columns = table(rules, self.baskets)
        for name, value in least.items():
            if name not in columns:
                raise unknown("measure", name, columns)
            fine &= columns[name] >= value
        if max_items is not None:
            fine &= rules.length <= max_items
        return rules.take(np.flatnonzero(fine))

    def codes(self, words: Sequence[str]) -> list[int]:
        """Codes of items by name; letters may be large or small."""
        place = {name: at for at, name in enumerate(self.names)}
        lower = {name.lower(): at for name, at in place.items()}
        found = []
        for word in words:
            at = place.get(word, lower.get(str(word).lower()))
            if at is None:
                raise unknown("item", str(word), self.names)
            found.append(at)
        return found

    # ---- new baskets --------------------------------------------------------------------

    def read(self, frame: pl.DataFrame) -> Read:
        """Baskets of a table laid out as the one that was mined."""
        options = self.options
        with reading("the model file cannot read baskets"):
            ignore, total = tuple(options["ignore"]), bool(options["total"])
        return read(frame, self.layout, returns=options["returns"], charges=options["charges"],
                    ignore=ignore, total=total, known=self.names)

    def of_lists(self, lists: Sequence[Sequence[str]]) -> Read:
        """Baskets given as lists of names; an item that was not mined counts as strange."""
        place = {name: at for at, name in enumerate(self.names)}
        pairs = [(row, place.get(str(item))) for row, items in enumerate(lists) for item in items]
        known = [(row, item) for row, item in pairs if item is not None]
        rows, items = (np.array([pair[at] for pair in known], dtype=np.int64) for at in (0, 1))
        return Read(grouped(rows, items, len(lists), len(self.names)), self.names, None,
                    strange=len(pairs) - len(known))

    def complete(self, given: Read, k: int) -> Answer:
        """What else each basket may want: the best `k` items, and why."""
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise ParameterError(f"k must be a whole number >= 1; got {k!r}.")
        n, step = len(given.baskets), max(1, (1 << 24) // max(len(self.names), 1))
        parts = [self.scorer.complete(_dense(given.baskets, at, min(at + step, n)), k)
                 for at in range(0, n, step)]
        item, score, rule = (np.concatenate([getattr(part, name) for part in parts])
                             if parts else np.zeros((0, k), dtype=np.int64)
                             for name in ("item", "score", "rule"))
        keys = given.keys if given.keys is not None else pl.Series(np.arange(1, n + 1))
        there = item >= 0
        left = self._sides(self.rules.antecedent)
        return Answer(
            keys, [[self.names[at] for at in row if at >= 0] for row in item.tolist()],
            [row[keep].tolist() for row, keep in zip(score, there, strict=True)],
            [[left[at] if at >= 0 else "" for at, keep in zip(row, kept, strict=True) if keep]
             for row, kept in zip(rule.tolist(), there.tolist(), strict=True)])

    def evaluate(self, given: Read, seed: int) -> dict[str, Score]:
        """Scores of the rules among other baskets."""
        if not len(given.baskets):
            raise DataError("there must be a basket to judge the rules by; there is none.")
        return judged.scores(self.rules, self.baskets, self.state, given.baskets, seed,
                             group=given.group)

    def confirmed(self, given: Read) -> pl.DataFrame:
        """Each rule with what it comes to among other baskets, beside what it was."""
        if not len(given.baskets):
            raise DataError("there must be a basket to judge the rules by; there is none.")
        here = judged.held(self.rules, given.baskets)
        frame = self.frame()
        now = measured.measures(here.n, here.x, here.y, here.both)
        low, high = measured.wilson(here.both, here.x)
        lift = measured.lift_interval(here.n, here.x, here.y, here.both)
        kept = frame.select("antecedent", "consequent", "support", "confidence", "lift")
        return kept.with_columns(
            pl.Series("new_x", here.x), pl.Series("new_both", here.both),
            pl.Series("new_support", now.support), pl.Series("new_confidence", now.confidence),
            pl.Series("new_confidence_low", low), pl.Series("new_confidence_high", high),
            pl.Series("new_lift", now.lift), pl.Series("new_lift_low", lift[0]),
            pl.Series("new_lift_high", lift[1]), pl.Series("new_p", here.p))


def _dense(baskets: Baskets, first: int, last: int) -> np.ndarray:
    """Baskets first to last as truth values (rows, items)."""
    out = np.zeros((last - first, baskets.items), dtype=bool)
    start = baskets.start[first:last + 1]
    rows = np.repeat(np.arange(last - first), np.diff(start))
    out[rows, baskets.item[start[0]:start[-1]]] = True
    return out
