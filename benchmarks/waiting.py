"""`python -m benchmarks.waiting`: how long OpenMP's threads should spin before they sleep.

LightGBM on all cores, at several counts of spins (GOMP_SPINCOUNT), on an idle machine and beside
one process that computes without end. Tables differ in how long a parallel loop takes: on few rows
it is over sooner than a sleeping thread wakes. Each count is a process of its own; counts take
turns. `wholefit.base.optional.patient` sets the count that this page is the reason for.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import _tools

# GNU OpenMP's own count is the last.
COUNTS = (300, 1_000, 3_000, 10_000, 30_000, 300_000)
# Name: rows, columns, classes (0 for numbers), rounds.
TABLES = {"18 classes": (15_000, 6, 18, 10), "few rows": (2_000, 10, 2, 200),
          "middle": (32_000, 14, 2, 60), "many rows": (150_000, 20, 0, 30)}
_CODE = """
import json, os, sys, time
import numpy as np
import lightgbm
draw, found = np.random.default_rng(0), {}
for name, (rows, columns, classes, rounds) in json.loads(sys.argv[1]).items():
    x = draw.normal(size=(rows, columns)).round(1)
    y = draw.integers(0, classes, rows) if classes else x[:, 0] + draw.normal(size=rows)
    kind = "multiclass" if classes > 2 else "binary" if classes else "regression"
    params = {"objective": kind, "num_class": classes if classes > 2 else 1, "verbosity": -1,
              "num_threads": len(os.sched_getaffinity(0)), "deterministic": True,
              "force_row_wise": True}
    data = lightgbm.Dataset(x, y, params=params).construct()
    began = time.perf_counter()
    lightgbm.train(params, data, rounds)
    found[name] = time.perf_counter() - began
print(json.dumps(found))
"""


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that compute without end."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for each in others:
            each.kill()
            each.wait()


def measured(repeats: int) -> dict[int, dict[str, float]]:
    """Medians of seconds, by count and table; the counts take turns."""
    runs: dict[int, list[dict[str, float]]] = {count: [] for count in COUNTS}
    for _ in range(repeats):
        for count in COUNTS:
            env = {**os.environ, "GOMP_SPINCOUNT": str(count)}
            env.pop("OMP_WAIT_POLICY", None)
            out = subprocess.run([sys.executable, "-c", _CODE, json.dumps(TABLES)], env=env,
                                 check=True, capture_output=True, text=True).stdout
            runs[count].append(json.loads(out))
    return {count: {name: _tools.median(run[name] for run in found) for name in TABLES}
            for count, found in runs.items()}


def table(found: dict[int, dict[str, float]]) -> str:
    """Seconds, and in brackets times those of the best count."""
    best = {name: min(each[name] for each in found.values()) for name in TABLES}
    rows = [[f"{count:,}", *(f"{each[name]:.2f} ({each[name] / best[name]:.1f})"
                             for name in TABLES)] for count, each in found.items()]
    return _tools.markdown(["spins", *TABLES], rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waiting", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    idle = measured(asked.repeats)
    with busy(1):
        beside = measured(asked.repeats)
    _tools.save("waiting", f"""# How long threads that wait should spin

Seconds that LightGBM takes on all cores, and in brackets how many times those of the best count.
GNU OpenMP's own count is 300,000; wholefit asks for 3,000 unless the environment says otherwise.

## Idle machine

{table(idle)}

## One core busy with something else

{table(beside)}

{_tools.machine("lightgbm")}

Made by `python -m benchmarks.waiting`.""")


if __name__ == "__main__":
    main()
