"""Rules held against baskets they were not made from: how much of them is left."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wholefit.base.seeds import generator
from wholefit.base.state import State
from wholefit.evaluation import Score
from wholefit.evaluation import association as measured
from wholefit.evaluation.intervals import student
from wholefit.models._itemsets.base import Baskets
from wholefit.models._kernels.rules import Rules as Completer
from wholefit.training.association._rules import Rules
from wholefit.training.association._strata import shelf

# Baskets drawn for leaving one item out, and blocks of baskets for the jackknife.
_DRAWN, _BLOCKS = 2000, 20
# Rules judged: the first of them.
_RULES = 2000


@dataclass(frozen=True, eq=False)
class Held:
    """Counts of rules on other baskets, (rules,): `n` baskets, `x`, `y`, `both`, `expected`, `p`.
    """

    n: int
    x: np.ndarray
    y: np.ndarray
    both: np.ndarray
    expected: np.ndarray
    p: np.ndarray


def held(rules: Rules, baskets: Baskets) -> Held:
    """The same rules counted and tested among other baskets."""
    used = np.unique(np.concatenate([rules.antecedent.ravel(), rules.consequent.ravel()]))
    shelved = shelf(baskets, used[used >= 0])
    tables = [np.zeros((len(rules), len(shelved.starts)), dtype=np.int64) for _ in range(3)]
    sides = (rules.antecedent, rules.consequent, rules.whole[:, ::-1])
    if len(shelved.starts):
        for table, side in zip(tables, sides, strict=True):
            for run in shelved.chunks(len(rules)):
                ones = np.bitwise_count(shelved.holders(side[run]))
                table[run] = np.add.reduceat(ones, shelved.starts, axis=1, dtype=np.int64)
    x, y, both = (table.sum(axis=1) for table in tables)
    nothing = np.broadcast_to(shelved.strata.baskets, tables[0].shape)
    expected, _, p = measured.stratified(shelved.strata, nothing, tables[0], tables[1], both)
    return Held(len(baskets), x, y, both, expected, p)


def scores(rules: Rules, mined_from: int, state: State, baskets: Baskets, seed: int,
           level: float = 0.95, group: np.ndarray | None = None) -> dict[str, Score]:
    """What rules that were made elsewhere come to among these baskets.

    `lift` is how many more baskets hold rules than independence would make, over all rules
    together; `lift_ratio` that over what it was where the rules were made; `confidence` is pooled
    as well, `support` a mean; all with intervals by a jackknife over blocks of baskets.
    Baskets of one `group` (baskets,), a customer say, are alike, and stay in one block.

    `confirmed` is the share of rules whose own test here gives p <= 0.05. `hit_rate@10` is how
    often the item left out of a basket is among the ten that the rules (`popularity@10`: the
    bestsellers) name first.
    """
    found: dict[str, Score] = {}
    rules = rules.take(np.arange(min(len(rules), _RULES)))
    if len(rules) and len(baskets):
        here = held(rules, baskets)
        found |= _jackknifed(rules, mined_from, baskets, seed, level, group)
        found["confirmed"] = _share("confirmed", int((here.p <= 0.05).sum()), len(rules), level,
                                    "rules")
    return found | _hits(state, baskets, seed, level, group)


def _jackknifed(rules: Rules, mined_from: int, baskets: Baskets, seed: int, level: float,
                group: np.ndarray | None) -> dict[str, Score]:
    """Means over rules, with the spread that leaving out blocks of baskets shows."""
    block, blocks = _dealt(baskets, seed, group)
    parts = [_counts(rules, baskets.take(np.flatnonzero(block == one))) for one in range(blocks)]
    counts = np.stack(parts)  # (blocks, 3, rules)
    n = np.bincount(block, minlength=blocks)
    before = _pooled(rules.x, rules.y, rules.both, mined_from)
    whole = _means(counts.sum(axis=0), int(n.sum()), before)
    without = np.stack([_means(counts.sum(axis=0) - counts[one], int(n.sum() - n[one]), before)
                        for one in range(blocks)])
    spread = np.sqrt((blocks - 1) / blocks * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    # One block alone has no other to show how blocks differ.
    reach = student(level, blocks - 1) * spread if blocks > 1 else np.full(len(whole), math.inf)
    what = "baskets" if group is None else "groups of baskets"
    how = f"jackknife over {blocks} blocks of {what}, {len(rules):,} rules"
    out = {}
    for at, (name, log) in enumerate((("lift", True), ("lift_ratio", True), ("confidence", False),
                                      ("support", False))):
        ends = np.array([whole[at] - reach[at], whole[at], whole[at] + reach[at]])
        with np.errstate(over="ignore"):
            low, value, high = np.exp(ends) if log else np.clip(ends, 0, 1)
        out[name] = Score(name, float(value), float(low), float(high), level, how, len(baskets))
    return out


def _dealt(baskets: Baskets, seed: int, group: np.ndarray | None) -> tuple[np.ndarray, int]:
    """The block of each basket (baskets,), those of a group in one, and how many blocks."""
    codes = np.arange(len(baskets)) if group is None else np.unique(group, return_inverse=True)[1]
    units = int(codes.max(initial=-1)) + 1
    blocks = min(_BLOCKS, units)
    return (generator(seed, "association", "blocks").permutation(units) % blocks)[codes], blocks


def _counts(rules: Rules, baskets: Baskets) -> np.ndarray:
    here = held(rules, baskets)
    return np.stack([here.x, here.y, here.both])


def _means(counts: np.ndarray, n: int, before: float) -> np.ndarray:
    """Log of the pooled lift, of its ratio to the one before, confidence and support."""
    x, y, both = counts
    lift = np.log(max(_pooled(x, y, both, n), 1e-6))
    return np.array([lift, lift - np.log(max(before, 1e-6)), both.sum() / max(x.sum(), 1),
                     (both / max(n, 1)).mean()])


def _pooled(x: np.ndarray, y: np.ndarray, both: np.ndarray, n: int) -> float:
    """Baskets that hold rules over those that independence would make, all rules together."""
    chance = float((x.astype(np.float64) * y).sum()) / max(n, 1)
    return float(both.sum()) / chance if chance else 1.0


def _hits(state: State, baskets: Baskets, seed: int, level: float, group: np.ndarray | None,
          k: int = 10) -> dict[str, Score]:
    """Leave one item of each basket out: is it among the first ten named?"""
    rows = np.flatnonzero(baskets.sizes >= 2)
    if not len(rows):
        return {}
    random = generator(seed, "association", "left out")
    if len(rows) > _DRAWN:
        rows = np.sort(random.choice(rows, _DRAWN, replace=False))
    drawn = baskets.take(rows)
    out = drawn.item[drawn.start[:-1] + random.integers(drawn.sizes)]
    shown = np.zeros((len(drawn), baskets.items), dtype=bool)
    shown[np.repeat(np.arange(len(drawn)), drawn.sizes), drawn.item] = True
    shown[np.arange(len(drawn)), out] = False
    completer = Completer(state)
    best = completer.complete(shown, k).item
    common = _bestsellers(shown, completer.popularity, k)
    found = {}
    for name, named in ((f"hit_rate@{k}", best), (f"popularity@{k}", common)):
        hits = (named == out[:, None]).any(axis=1)
        worth = len(hits) if group is None else _worth(hits, group[rows])
        found[name] = _share(name, int(hits.sum()), len(drawn), level,
                             "baskets, one item of each left out", worth)
    return found


def _worth(hits: np.ndarray, group: np.ndarray) -> float:
    """How many baskets these count for, those of a group being alike (design effect: Kish, 1965).

    Where nothing differs there is nothing to estimate from, and each group counts for one.
    """
    codes = np.unique(group, return_inverse=True)[1]
    n, groups, share = len(hits), int(codes.max()) + 1, float(hits.mean())
    pulls = np.bincount(codes, hits - share)
    variance = float(pulls @ pulls) / n**2 * groups / max(groups - 1, 1)
    if groups < 2 or not variance > 0:
        return float(groups)
    return float(np.clip(share * (1 - share) / variance, 1.0, n))


def _bestsellers(shown: np.ndarray, popularity: np.ndarray, k: int) -> np.ndarray:
    """The `k` most popular items that each basket lacks, (n, k), -1 where there are no more."""
    order = np.argsort(-popularity, kind="stable")
    first = order[: k + int(shown.sum(axis=1).max(initial=0))]
    lacking = ~shown[:, first]
    taken = lacking & (np.cumsum(lacking, axis=1) <= k)
    row, at = np.nonzero(taken)
    out = np.full((len(shown), k), -1)
    out[row, np.cumsum(taken, axis=1)[row, at] - 1] = first[at]
    return out


def _share(name: str, count: int, of: int, level: float, what: str,
           worth: float | None = None) -> Score:
    """A share with Wilson's interval; `worth` is how many independent ones the `of` count for."""
    rows = of if worth is None else worth
    low, high = measured.wilson(count / of * rows, rows, level)
    alike = "" if rows == of else f", which count for {rows:,.0f} as groups are alike"
    return Score(name, count / of, float(low), float(high), level,
                 f"Wilson interval, {of:,} {what}{alike}", of)
