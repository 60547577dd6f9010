"""Run by the peer's Python, which has mlxtend: FP-growth and rules of the baskets in a file.

`python _association_peer.py FILE SUPPORT [WARM]` prints one JSON object. FILE is an .npz of
`basket` and `item` codes.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np


def main() -> None:
    import pandas as pd
    from mlxtend.frequent_patterns import association_rules, fpgrowth

    lines = np.load(sys.argv[1])
    basket, item, support = lines["basket"], lines["item"], float(sys.argv[2])
    fpgrowth(pd.DataFrame(np.ones((3, 2), bool)), 0.5)  # what is made at the first call
    start = memory()
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
                      "peak": memory() - start, "sets": sets, "told": told}))


def memory() -> float:
    """Most memory held so far, in MB; the parent's own, which getrusage counts too, apart."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
