"""Run by the peer's Python, which has mlxtend: FP-growth and rules of the baskets in a file.

`python -m benchmarks.unlabelled._association_peer FILE SUPPORT [WARM]` prints one JSON object.
FILE is an .npz of `basket` and `item` codes.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from benchmarks._tools import most_memory


def main() -> None:
    import pandas as pd
    from mlxtend.frequent_patterns import association_rules, fpgrowth

    lines = np.load(sys.argv[1])
    basket, item, support = lines["basket"], lines["item"], float(sys.argv[2])
    fpgrowth(pd.DataFrame(np.ones((3, 2), bool)), 0.5)  # what is made at the first call
    start = most_memory()
    clock = time.perf_counter()
    held = np.zeros((int(basket.max()) + 1, int(item.max()) + 1), dtype=bool)
    held[basket, item] = True
    frame = pd.DataFrame(held)
    built = time.perf_counter()
    found = fpgrowth(frame, min_support=support, use_colnames=True)
    mined = time.perf_counter()
    rules = association_rules(found, metric="confidence", min_threshold=0.1)
    done = time.perf_counter()
    sets = {",".join(map(str, sorted(map(int, items)))): round(share * len(held))
            for items, share in zip(found["itemsets"], found["support"], strict=True)}
    told = [[sorted(map(int, row.antecedents)), sorted(map(int, row.consequents)),
             row.support, row.confidence, row.lift, row.leverage,
             None if row.conviction == float("inf") else row.conviction]
            for row in rules.itertuples()]
    print(json.dumps({"build": built - clock, "mine": mined - built, "rules": done - mined,
                      "peak": most_memory() - start, "sets": sets, "told": told}))


if __name__ == "__main__":
    main()
