"""The same as `_association_peer.py`, by wholefit: Eclat and the rules of the same baskets."""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from benchmarks._tools import most_memory


def main() -> None:
    from scipy.sparse import csr_matrix

    from wholefit.evaluation.association import measures
    from wholefit.models._itemsets import eclat as _itemsets_eclat
    from wholefit.models._itemsets.base import grouped
    from wholefit.training.association._rules import every

    lines = np.load(sys.argv[1])
    basket, item, support = lines["basket"], lines["item"], float(sys.argv[2])
    csr_matrix(np.eye(2)) @ csr_matrix(np.eye(2))
    _itemsets_eclat.mine(grouped(np.array([0, 0, 1]), np.array([0, 1, 1]), 2, 2), 1, None)
    start = most_memory()
    clock = time.perf_counter()
    baskets = grouped(basket, item, int(basket.max()) + 1, int(item.max()) + 1)
    built = time.perf_counter()
    found = _itemsets_eclat.mine(baskets, int(np.ceil(support * len(baskets) - 1e-9)), None)
    mined = time.perf_counter()
    rules = every(found, max(len(found.levels) - 1, 1))
    values = measures(len(baskets), rules.x, rules.y, rules.both)
    kept = np.flatnonzero(values.confidence >= 0.1)
    done = time.perf_counter()
    peak = most_memory() - start
    sets = {",".join(map(str, row)): int(count) for level in found.levels
            for row, count in zip(level.items.tolist(), level.counts, strict=True)}
    told = [[sorted(side(rules.antecedent[at])), sorted(side(rules.consequent[at])),
             *(number(getattr(values, name)[at]) for name in (
                 "support", "confidence", "lift", "leverage", "conviction"))] for at in kept]
    print(json.dumps({"build": built - clock, "mine": mined - built, "rules": done - mined,
                      "peak": peak, "sets": sets, "told": told}))


def side(items: np.ndarray) -> list[int]:
    return [int(item) for item in items if item >= 0]


def number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


if __name__ == "__main__":
    main()
