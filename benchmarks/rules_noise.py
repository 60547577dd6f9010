"""`python -m benchmarks.rules_noise`: rules found where there are none, and planted ones found.

Two hundred sets of baskets without any tie between items, of seven kinds: baskets of unlike size,
items of unlike popularity (drawn at the odds, one after another, or by shares; sparse and dense),
and the real shops with every tie taken out by swapping items between baskets (sizes and
popularity stay exactly). Any rule is a false one. Then ties of growing strength are planted.
RULES_NOISE_SETS changes how many sets there are.
"""

from __future__ import annotations

import os

import numpy as np
import polars as pl

from benchmarks import _tools
from wholefit.evaluation import association as measured
from wholefit.models._itemsets import eclat
from wholefit.models._itemsets.base import Baskets, baskets_of
from wholefit.training.association import _rules as ruled
from wholefit.training.association._strata import shelf

SETS = int(os.environ.get("RULES_NOISE_SETS", "200"))
ALPHA = 0.05
KINDS = ("odds, sparse", "odds, dense", "drawn, sparse", "drawn, dense", "shares",
         "supermarket swapped", "retail swapped")
LIFTS = (1.2, 1.5, 2.0, 3.0)


def main() -> None:
    """Both tables."""
    _tools.save("rules_noise", "\n".join([
        "# Rules where there are none", "",
        f"A set counts as false if any rule in it (of up to three items) is called significant at "
        f"{ALPHA:g}, all rules considered counted. Fisher's test is corrected by Bonferroni over "
        "the same number of tests.", "", *false(), "",
        "## Planted ties", "",
        "One pair in a set of the kind `odds, sparse` is tied so that its lift over chance is as "
        "given; found means that the pair, and nothing but it, is called significant.", "",
        *planted(), "", _tools.machine("numpy", "scipy"),
    ]))


def false() -> list[str]:
    """False rules by kind, beside those of a test that forgets the sizes of baskets."""
    rows, total = [], np.zeros(3, dtype=int)
    for number, kind in enumerate(KINDS):
        sets = SETS // len(KINDS) + (number < SETS % len(KINDS))
        counts = np.array([_judged(make(kind, seed)) for seed in range(sets)])
        found = np.array([sets, (counts[:, 0] > 0).sum(), (counts[:, 1] > 0).sum()])
        total += found
        rows.append([kind, *_cells(found), f"{counts[:, 2].mean():,.0f}"])
    rows.append(["all", *_cells(total), ""])
    return [_tools.markdown(["kind", "sets", "with a false rule", "with a false rule by Fisher's "
                             "test", "rules weighed, mean"], rows)]


def _cells(found: np.ndarray) -> list[str]:
    low, high = measured.wilson(found[1], found[0])
    return [str(found[0]), f"{found[1]} ({found[1] / found[0]:.1%} [{low:.1%}, {high:.1%}])",
            f"{found[2]} ({found[2] / found[0]:.0%})"]


def _judged(baskets: Baskets) -> tuple[int, int, int]:
    """False rules, those of Fisher's test, and rules weighed."""
    rules, searched = _weighed(baskets)
    p = measured.fisher(len(baskets), rules.x, rules.y, rules.both)
    return (int((rules.adjusted <= ALPHA).sum()), int((p * searched <= ALPHA).sum()), len(rules))


def _weighed(baskets: Baskets, least: int | None = None) -> tuple[ruled.Rules, int]:
    dense = baskets.sizes.mean() > 12
    least = least or max(15, int(len(baskets) * (0.05 if dense else 0.01)))
    found = eclat.mine(baskets, least, 3)
    shelved = shelf(baskets, found.levels[0].items[:, 0])
    rules, searched = ruled.tested(ruled.every(found, 1), found, shelved, 1, 3, "holm")
    return rules, max(searched.total, 1)


def make(kind: str, seed: int) -> Baskets:
    """Baskets without ties."""
    random = np.random.default_rng([KINDS.index(kind), seed])
    if kind.endswith("swapped"):
        return _swapped(_real(kind.split()[0], random), random)
    X = _independent(kind, random, int(random.integers(800, 4000)), int(random.integers(40, 160)))
    return baskets_of(X[X.any(axis=1)])


def _independent(kind: str, random: np.random.Generator, n: int, m: int) -> np.ndarray:
    popularity = (np.arange(m) + 2.0) ** -random.uniform(0.5, 1.2)
    dense = kind.endswith("dense")
    if kind.startswith("odds"):
        odds = np.outer(random.lognormal(0, 0.9, n), (24 if dense else 8) * popularity
                        / popularity.sum())
        return random.random((n, m)) < odds / (1 + odds)
    if kind.startswith("drawn"):
        size = np.clip(random.lognormal(2.6 if dense else 1.8, 0.8, n), 1, 0.7 * m)
        rank = np.argsort(np.argsort(-(np.log(popularity) + random.gumbel(size=(n, m))), axis=1))
        return rank < size[:, None]
    scale = np.minimum(random.lognormal(0, 0.9, n), 4)
    shares = 0.25 * (popularity / popularity[0]) ** 0.6
    return random.random((n, m)) < np.minimum(np.outer(scale, shares), 1)


def _real(name: str, random: np.random.Generator) -> Baskets:
    """A draw of 2,000 baskets of a shop; of the larger one, its 150 commonest items."""
    if name == "supermarket":
        frame = pl.read_parquet(_tools.data_folder() / "supermarket_baskets" / "data.parquet")
        keys = ("basket", "item")
    else:
        path = _tools.data_folder() / "online_retail_ii" / "data.parquet"
        frame = pl.read_parquet(path).filter(pl.col("Description").is_not_null())
        keys = ("Invoice", "Description")
        top = frame[keys[1]].value_counts(sort=True).head(150)[keys[1]]
        frame = frame.filter(pl.col(keys[1]).is_in(top.to_list()))
    basket, item = (frame[key].cast(pl.String).rank("dense").to_numpy() - 1 for key in keys)
    X = np.zeros((int(basket.max()) + 1, int(item.max()) + 1), dtype=bool)
    X[basket.astype(int), item.astype(int)] = True
    return baskets_of(X[random.choice(len(X), min(2000, len(X)), replace=False)])


def _swapped(baskets: Baskets, random: np.random.Generator) -> Baskets:
    """Pairs of baskets trade items that the other lacks (the curveball of Strona et al. 2014)."""
    held = [set(baskets.item[a:b].tolist())
            for a, b in zip(baskets.start[:-1], baskets.start[1:], strict=True)]
    for _ in range(8 * len(held)):
        a, b = random.integers(len(held), size=2)
        only = [sorted(held[a] - held[b]), sorted(held[b] - held[a])]
        if a == b or not only[0] or not only[1]:
            continue
        pool = random.permutation(np.array(only[0] + only[1]))
        both = held[a] & held[b]
        held[a] = both | set(pool[:len(only[0])].tolist())
        held[b] = both | set(pool[len(only[0]):].tolist())
    X = np.zeros((len(held), baskets.items), dtype=bool)
    for row, items in enumerate(held):
        X[row, list(items)] = True
    return baskets_of(X[X.any(axis=1)])


def planted() -> list[str]:
    """How often a planted tie is found, by its strength and how often chance makes the pair."""
    rows = []
    for lift in LIFTS:
        cells = []
        for share in (0.05, 0.1, 0.2):
            found = [_found(lift, share, seed) for seed in range(max(SETS // 10, 2))]
            cells.append(f"{np.mean(found):.0%}")
        rows.append([f"{lift:g}", *cells])
    return [_tools.markdown(["lift over chance", *(f"items in {share:.0%} of baskets" for share in (
        0.05, 0.1, 0.2))], rows)]


def _found(lift: float, share: float, seed: int) -> bool:
    random = np.random.default_rng([9, seed])
    X = _independent("odds, sparse", random, 4000, 100)
    n = len(X)
    X[:, 0] = random.random(n) < share
    chance = np.where(X[:, 0], min(share * lift, 1.0),
                      share * (1 - share * lift) / (1 - share))
    X[:, 1] = random.random(n) < chance
    rules, _ = _weighed(baskets_of(X[X.any(axis=1)]), 20)
    kept = rules.take(np.flatnonzero(rules.adjusted <= ALPHA))
    return len(kept) > 0 and bool((kept.whole[:, -2:] == [0, 1]).all())


if __name__ == "__main__":
    main()
