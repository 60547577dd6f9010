"""Lists served from a model file: one user at a time, and all users into one file.

No peer: what is told is how long a call of `recommend` takes in a process that loaded the file,
reasons included or not, and how long and with how much memory all lists are written.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np

from benchmarks import _tools

_MODELS = ("als", "item_knn")
_CALLS = 300

_ONE = """
import sys, time, statistics
import wholefit as wf
found = wf.load(sys.argv[1])
users = found.users[:int(sys.argv[2])]
found.recommend(users[0])
for why in (True, False):
    times = []
    for user in users:
        start = time.perf_counter()
        found.recommend(user, why=why)
        times.append(time.perf_counter() - start)
    times.sort()
    print(f"p50_{why}={statistics.median(times)}")
    print(f"p95_{why}={times[int(0.95 * len(times))]}")
"""
_ALL = """
import sys, time
import wholefit as wf
found = wf.load(sys.argv[1])
start = time.perf_counter()
print(f"rows={found.recommend_all(sys.argv[2], 10)}")
print(f"seconds={time.perf_counter() - start}")
"""


def table(peer: str | None, short: bool) -> list[str]:
    """Rows of a Markdown table, one a model."""
    users, items, rows = (5_000, 1_000, 100_000) if short else (100_000, 10_000, 5_000_000)
    lines = [f"{users:,} users, {items:,} items, {rows:,} made-up uses; lists of 10.", "",
             "| model | one user, with reasons: median, 95 % | without reasons | all lists "
             "| peak memory |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for model in _MODELS:
            lines.append(_row(Path(folder), model, users, items, rows))
    return lines


def _row(folder: Path, model: str, users: int, items: int, rows: int) -> str:
    import wholefit as wf

    path = folder / f"{model}.wf"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wf.fit(_uses(users, items, rows), task="recommendation", user="user", item="item",
               models=model, jobs=1, budget="30min", asked=500).save(path)
    one = _facts(_tools.python(_ONE, str(path), str(_CALLS)).out)
    everyone = _tools.python(_ALL, str(path), str(folder / f"{model}.csv"))
    found = _facts(everyone.out)
    pairs = [f"{one[f'p50_{why}'] * 1e3:.1f} ms, {one[f'p95_{why}'] * 1e3:.1f} ms"
             for why in (True, False)]
    return (f"| {model} | {pairs[0]} | {pairs[1]} | {found['rows']:,.0f} rows in "
            f"{found['seconds']:.0f} s | {everyone.peak:,.0f} MB |")


def _facts(out: str) -> dict[str, float]:
    return {name: float(value) for name, value in
            (line.split("=", 1) for line in out.splitlines() if "=" in line)}


def _uses(users: int, items: int, rows: int) -> dict[str, np.ndarray]:
    """Fifty tastes; each user meets mostly what suits his own, and what is popular."""
    random = np.random.default_rng(0)
    taste, user = random.integers(0, 50, users), random.integers(0, users, rows)
    kinds = max(items // 50, 1)
    own = (random.pareto(1.2, rows) * kinds / 5).astype(np.int64) % kinds * 50 + taste[user]
    popular = (random.pareto(1.1, rows) * items / 30).astype(np.int64) % items
    return {"user": user, "item": np.where(random.random(rows) < 0.6, own % items, popular)}
