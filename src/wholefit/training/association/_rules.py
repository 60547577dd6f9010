"""From frequent itemsets to rules, each tested against every simpler rule it could be.

A rule X -> Y is kept where Y is in more of the baskets with X than chance would put there
("significant"), and where each item of X and each of Y are tied among the baskets that hold the
rule's other items ("productive", Webb 2007): bread, butter -> jam says nothing new if butter adds
nothing to what bread alone says. Each of these tests is among baskets of like size, see
`evaluation.association.stratified`.

Every rule that could have been found counts in the correction for many tests, not those alone
that are shown: of pairs all pairs of frequent items, of longer rules each frequent antecedent with
each frequent consequent. The permitted error is shared evenly among the lengths (Webb 2008), so
that the many long rules do not hide the short ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from wholefit.evaluation import association as measured
from wholefit.models._itemsets.base import Itemsets
from wholefit.training.association._strata import Shelf

# Rules tested at once, times strata.
_CELLS = 1 << 19
# A rule no better than this against chance is not tested further: it is not significant.
_HOPELESS = 0.2


@dataclass(frozen=True, eq=False)
class Rules:
    """Rules as columns, each (rules,) or, for the items of both sides, (rules, width).

    `antecedent` and `consequent` hold item codes, -1 behind the last; `both`, `x`, `y` are counts
    of baskets; `expected` the baskets with both that chance would make; `p` and `adjusted` the
    p-value of the weakest of the rule's tests, raw and corrected for all rules considered.
    """

    antecedent: np.ndarray
    consequent: np.ndarray
    both: np.ndarray
    x: np.ndarray
    y: np.ndarray
    expected: np.ndarray
    p: np.ndarray
    adjusted: np.ndarray

    def __len__(self) -> int:
        return len(self.both)

    def take(self, rows: np.ndarray) -> Rules:
        """These rules, in that order."""
        return Rules(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})

    @property
    def length(self) -> np.ndarray:
        """Items on both sides together."""
        return np.asarray((self.antecedent >= 0).sum(axis=1) + (self.consequent >= 0).sum(axis=1))

    @property
    def whole(self) -> np.ndarray:
        """Items of both sides, sorted, -1 before the first."""
        return np.sort(np.concatenate([self.antecedent, self.consequent], axis=1), axis=1)


@dataclass(frozen=True)
class Searched:
    """How many rules were considered: by length, tests that could have been made; rules made."""

    tests: dict[int, int]
    rules: int

    @property
    def total(self) -> int:
        """All tests."""
        return sum(self.tests.values())


def every(found: Itemsets, most: int) -> Rules:
    """All rules of all frequent sets, consequents of at most `most` items, not yet tested."""
    parts = [_of_level(found, size, taken) for size in range(2, len(found.levels) + 1)
             for many in range(1, min(most, size - 1) + 1)
             for taken in combinations(range(size), many)]
    width = max(len(found.levels) - 1, 1)
    if not parts:
        return _none()
    wide = [replace(part, antecedent=_padded(part.antecedent, width),
                    consequent=_padded(part.consequent, min(most, width))) for part in parts]
    return Rules(**{name: np.concatenate([getattr(part, name) for part in wide])
                    for name in Rules.__dataclass_fields__})


def _of_level(found: Itemsets, size: int, taken: tuple[int, ...]) -> Rules:
    """Rules of the sets of a size whose consequent stands at these places."""
    level = found.levels[size - 1]
    kept = [at for at in range(size) if at not in taken]
    antecedent, consequent = level.items[:, kept], level.items[:, list(taken)]
    unknown = np.full(len(level), np.nan)
    return Rules(antecedent, consequent, level.counts, found.counted(antecedent),
                 found.counted(consequent), unknown, unknown, unknown)


def _padded(items: np.ndarray, width: int) -> np.ndarray:
    return np.pad(items, ((0, 0), (0, width - items.shape[1])), constant_values=-1)


def _none() -> Rules:
    side, number = np.zeros((0, 1), dtype=np.int32), np.zeros(0)
    count = np.zeros(0, dtype=np.int64)
    return Rules(side, side, count, count, count, number, number, number)


# ---- tests ------------------------------------------------------------------------------


def tested(rules: Rules, found: Itemsets, shelf: Shelf, most: int, max_items: int | None,
           correction: str) -> tuple[Rules, Searched]:
    """The rules with expected counts, p-values and corrected ones; and how many were considered."""
    searched = considered(found, most, max_items, len(rules))
    if not len(rules):
        return rules, searched
    tables = shelf.tables(found)
    expected, p = np.empty(len(rules)), np.empty(len(rules))
    for rows in _alike(rules, len(shelf.starts)):
        expected[rows], p[rows] = _weigh(rules.take(rows), found, tables, shelf)
    rules = replace(rules, expected=expected, p=p)
    return replace(rules, adjusted=_corrected(rules, searched, correction)), searched


def considered(found: Itemsets, most: int, max_items: int | None, made: int) -> Searched:
    """Tests that could have been made, by the length of the rule."""
    many = [len(level) for level in found.levels]
    if not many:
        return Searched({}, made)
    longest = len(many) + 1 if max_items is None else min(max_items, len(many) + 1)
    tests = {}
    for size in range(2, longest + 1):
        pairs = sum(many[size - side - 1] * many[side - 1] for side in range(1, most + 1)
                    if side < size and size - side <= len(many) and side <= len(many))
        tests[size] = pairs if size > 2 else many[0] * (many[0] - 1) // 2
    return Searched({size: tests[size] for size in tests if tests[size]}, made)


def _corrected(rules: Rules, searched: Searched, correction: str) -> np.ndarray:
    """p-values corrected over all tests considered, each length on its own share of the error."""
    if correction == "none":
        return rules.p
    if correction == "fdr":
        return measured.benjamini_hochberg(rules.p, max(2 * searched.total, len(rules)))
    out, length = np.ones(len(rules)), rules.length
    for size, tests in searched.tests.items():
        rows = np.flatnonzero(length == size)
        if size == 2:  # one test answers for both directions
            out[rows] = np.minimum(1.0, rules.p[rows] * tests * len(searched.tests))
            continue
        many = max(tests, len(rows))
        out[rows] = np.minimum(1.0, measured.holm(rules.p[rows], many) * len(searched.tests))
    return out


def _alike(rules: Rules, strata: int) -> Iterator[np.ndarray]:
    """Rows of rules with as many items on each side, in runs of a bounded size."""
    sides = ((rules.antecedent >= 0).sum(axis=1), (rules.consequent >= 0).sum(axis=1))
    key = sides[0] * 1000 + sides[1]
    step = max(1, _CELLS // max(strata, 1))
    for one in np.unique(key):
        rows = np.flatnonzero(key == one)
        for at in range(0, len(rows), step):
            yield rows[at:at + step]


def _weigh(rules: Rules, found: Itemsets, tables: list[np.ndarray],
           shelf: Shelf) -> tuple[np.ndarray, np.ndarray]:
    """Expected baskets under no tie at all, and the largest p-value of the rule's tests."""
    left = int((rules.antecedent[0] >= 0).sum())
    right = int((rules.consequent[0] >= 0).sum())
    x, y = rules.antecedent[:, :left], rules.consequent[:, :right]
    nothing = np.broadcast_to(shelf.strata.baskets, (len(rules), len(shelf.starts)))
    nx, ny = _held(x, found, tables), _held(y, found, tables)
    expected, _, p = measured.stratified(shelf.strata, nothing, nx, ny, rules.both, right)
    hopeful = np.flatnonzero(p <= _HOPELESS) if left + right > 2 else np.zeros(0, dtype=np.intp)
    whole, both = np.concatenate([x, y], axis=1)[hopeful], rules.both[hopeful]
    for at in range(left if len(hopeful) else 0):
        for to in range(left, left + right):
            less = np.delete(whole, [at, to], axis=1)
            with_x = np.sort(np.delete(whole, to, axis=1), axis=1)
            with_y = np.sort(np.delete(whole, at, axis=1), axis=1)
            nz, context = _context(np.sort(less, axis=1), found, tables, shelf)
            _, _, worse = measured.stratified(
                shelf.strata, nz, _held(with_x, found, tables), _held(with_y, found, tables), both,
                context=context)
            p[hopeful] = np.maximum(p[hopeful], worse)
    return expected, p


def _context(sets: np.ndarray, found: Itemsets, tables: list[np.ndarray],
             shelf: Shelf) -> tuple[np.ndarray, measured.Context]:
    """Baskets that hold all of sets (s, k), by stratum, and what their items are by themselves."""
    shares = [_held(sets[:, [at]], found, tables) / shelf.strata.baskets
              for at in range(sets.shape[1])]
    squares = sum((share**2 for share in shares), start=np.zeros(1))
    context = measured.Context(sets.shape[1], sum(shares, start=np.zeros(1)), squares)
    return _held(sets, found, tables), context


def _held(sets: np.ndarray, found: Itemsets, tables: list[np.ndarray]) -> np.ndarray:
    """Baskets of each stratum that hold each of the frequent sets (s, k), (s, strata)."""
    return tables[sets.shape[1] - 1][found.places(sets)]
