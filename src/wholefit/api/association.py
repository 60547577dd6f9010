"""Rules of baskets: what `wf.fit(..., task="association")` gives.

>>> result = wf.fit("baskets.csv", task="association", basket="order", item="product")
>>> print(*result.sentences(5), sep="\\n")                         # doctest: +SKIP
>>> result.complete([["bread", "butter"]])                        # doctest: +SKIP
"""

from __future__ import annotations

import warnings as _warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import polars as pl

from wholefit import data
from wholefit.api._answers import asked_for
from wholefit.api.found import FoundResult
from wholefit.base.errors import DataError, WholefitWarning, unknown
from wholefit.data.write import give_back
from wholefit.evaluation import Score
from wholefit.training.association._book import Book
from wholefit.training.association._fit import words
from wholefit.training.association._read import Read
from wholefit.training.found import trusting

_LEAST = ("support", "confidence", "lift", "strength", "leverage", "conviction", "both")


class Rules(FoundResult):
    """The rules that were found, and what they say of other baskets."""

    @cached_property
    def _book(self) -> Book:
        return Book(self._found)

    @property
    def rules(self) -> Any:
        """All rules kept, those with most baskets above chance first, in the user's frame type.

        Items of a side are joined by " + ". `x`, `y`, `both` are counts of baskets, `expected`
        what chance would make of `both` among baskets of those sizes, `strength` how many times
        that is exceeded; measures with intervals; `p` and `p_adjusted` (see the options alpha
        and correction).
        """
        with trusting(self._found):
            return self._given(self._book.frame())

    @property
    def itemsets(self) -> Any:
        """All frequent itemsets: items, size, count, support, and whether closed and maximal."""
        with trusting(self._found):
            return self._given(self._book.itemsets())

    def sentences(self, n: int = 10) -> list[str]:
        """The first `n` rules in plain words, one of each set of items: the surer direction."""
        return [str(row["said"]) for row in self._first(n)]

    def actions(self, n: int = 10) -> list[str]:
        """What a shop might try with the rules of `sentences`; an association is no cause."""
        return [str(row["action"]) for row in self._first(n)]

    def filter(
        self, *, antecedent: str | Sequence[str] | None = None,
        consequent: str | Sequence[str] | None = None,
        about: str | Sequence[str] | None = None, max_items: int | None = None, **least: float,
    ) -> Any:
        """Rules with one of these items on a side (`about`: on either), and at least these values.

        `min_support`, `min_confidence`, `min_lift`, `min_strength`, `min_leverage`,
        `min_conviction` and `min_both` are known. Raises UnknownNameError for an item that no
        basket held.
        """
        sides = words(antecedent), words(consequent), words(about)
        bounds = _least(least)
        with trusting(self._found):
            return self._given(self._book.frame(self._book.chosen(*sides, bounds, max_items)))

    def about(self, item: str | Sequence[str], **least: float) -> Any:
        """Rules with the item on either side; `least` as for `filter`."""
        sides, bounds = words(item), _least(least)
        with trusting(self._found):
            return self._given(self._book.frame(
                self._book.chosen((), (), sides, bounds, None)))

    def complete(self, baskets: Any, k: int = 5, **options: Any) -> Any:
        """What else each basket may want: a row a basket and item, the likeliest first.

        `baskets` is a list of lists of items, or any source laid out as the one that was mined.
        "chance" is the confidence of the strongest rule whose left side the basket holds
        ("why"), or the item's share of all baskets where no rule says more.
        """
        if _are_lists(baskets):
            given, guest = self._book.of_lists(baskets), "polars"
        else:
            given, guest = self._read(baskets, options)
        self._strange(given)
        with trusting(self._found):
            answer = self._book.complete(given, k)
        rows = [len(items) for items in answer.items]
        frame = pl.DataFrame({
            "basket": answer.keys.gather([at for at, many in enumerate(rows) for _ in range(many)]),
            "rank": pl.Series([rank + 1 for many in rows for rank in range(many)], dtype=pl.Int64),
            "item": pl.Series([item for items in answer.items for item in items],
                              dtype=pl.String),
            "chance": pl.Series([c for chances in answer.chances for c in chances],
                                dtype=pl.Float64),
            "why": pl.Series([b or None for why in answer.because for b in why],
                                 dtype=pl.String)})
        return give_back(frame, guest)

    def answers(self, new: Any, **options: Any) -> Any:
        """What `wholefit predict` writes: as `complete`."""
        return self.complete(new, **options)

    def evaluate(self, held_out: Any, metric: str | None = None,
                 **options: Any) -> dict[str, Score]:
        """What the same rules come to among other baskets, each with an interval.

        "lift" (of all rules pooled), "lift_ratio" (to what it was where they were
        mined: below 1 it shrank), "confidence", "support", "confirmed" (share of rules with
        p <= 0.05 there), and how often an item left out of a basket is among ten that the rules
        name ("hit_rate@10"), or the bestsellers ("popularity@10"). `metric` names the one to put
        first.
        """
        given, _ = self._read(held_out, options)
        self._strange(given)
        with trusting(self._found):
            found = self._book.evaluate(given, int(self.lineage.get("seed", 0)))
        if metric is not None and metric not in found:
            raise unknown("metric", str(metric), found)
        return found if metric is None else {metric: found[metric], **found}

    def confirmed(self, held_out: Any, **options: Any) -> Any:
        """Each rule with support, confidence and lift among other baskets, beside what they were.
        """
        given, guest = self._read(held_out, options)
        self._strange(given)
        with trusting(self._found):
            return give_back(self._book.confirmed(given), guest)

    def _first(self, n: int) -> list[dict[str, Any]]:
        from wholefit.report.association._sections import first

        with trusting(self._found, "the model file's record cannot be told"):
            return first(self._found, n)

    def _read(self, source: Any, options: Mapping[str, Any]) -> tuple[Read, str]:
        if isinstance(source, data.Dataset):
            return self._book.read(source.original), source.guest
        _, said = asked_for(dict(options))
        found = data.read(source, **said)
        return self._book.read(found.frame), found.guest

    def _strange(self, given: Read) -> None:
        """Say how many lines name items that were not mined."""
        for note in given.notes:
            if note.severity == "warning":
                _warnings.warn(note.message, WholefitWarning, stacklevel=3)
        if given.strange:
            _warnings.warn(f"{given.strange:,} lines name items that no basket held when the rules "
                           "were mined: they say nothing.", WholefitWarning, stacklevel=3)

    def _given(self, frame: pl.DataFrame) -> Any:
        source = str(self.lineage.get("source", ""))
        guest = source[8:-1] if source.startswith("memory (") else "polars"
        return give_back(frame, guest if guest in ("pandas", "pyarrow", "dict") else "polars")


def _least(least: Mapping[str, float]) -> dict[str, float]:
    found = {}
    for name, value in least.items():
        if not name.startswith("min_") or name[4:] not in _LEAST:
            raise unknown("option", name, [f"min_{each}" for each in _LEAST])
        found[name[4:]] = float(value)
    return found


def _are_lists(baskets: Any) -> bool:
    """Whether this is a list of lists of words (and not a list of rows as dicts)."""
    if not isinstance(baskets, (list, tuple)) or (baskets and isinstance(baskets[0], dict)):
        return False
    if any(isinstance(basket, str) for basket in baskets):
        raise DataError("baskets must be a list of lists of items, one list a basket; got a list "
                        "of words: put it into a list of its own.")
    return True


RESULT = Rules
