"""`python -m benchmarks.suggest [noise|line|planted|real]`: is gain told from chance?

noise: tables whose target has nothing to do with their columns; how often `wf.suggest` accepts
anything, beside the stated rate. line: the same, where the columns say something but new ones
cannot. planted: tables whose target hangs on a ratio, a product, an hour, ... that the columns
hide; how often it is found, and what it is worth. real: tables of the data folder; what is
accepted, and the gain on rows that had no part in choosing.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import wholefit as wf
from benchmarks import _tools

NOISE, PLANTED = int(os.environ.get("TABLES", "50")), int(os.environ.get("REPEATS", "10"))
BUDGET = os.environ.get("BUDGET", "60s")
REAL = [
    ("titanic", "survived", {}), ("credit_data", "Status", {}), ("telco_churn", "churn", {}),
    ("german_credit", "class", {}), ("attrition", "Attrition", {}),
    ("ames_housing", "Sale_Price", {}), ("california_housing", "MedHouseVal", {}),
    ("diamonds", "price", {}), ("spambase", "type", {}), ("adult", "income", {}),
    ("metro_traffic", "traffic_volume", {}), ("beijing_pm25", "pm2.5", {}),
]
Table = dict[str, Any]


def noise(seed: int) -> Table:
    """Columns of every kind that say nothing; every other table has classes to predict."""
    draw = np.random.default_rng(seed)
    n = int(draw.choice([300, 1000, 3000]))
    table: Table = {f"x{i}": draw.normal(size=n) for i in range(4)}
    table |= {f"s{i}": np.exp(draw.normal(size=n)) for i in range(4)}
    table |= {"town": draw.choice([f"t{i}" for i in range(25)], n),
              "sort": draw.choice(list("abc"), n),
              "when": np.datetime64("2024-01-01", "us") + draw.integers(0, 10**13, n)}
    table["x0"] = np.where(draw.random(n) < 0.1, np.nan, table["x0"])
    table["x1"] = np.where(draw.random(n) < 0.1, np.nan, table["x1"])
    heavy = draw.standard_t(3, n)
    return {**table, "y": heavy if seed % 2 else draw.choice(["no", "yes"], n, p=[0.8, 0.2])}


def line(seed: int) -> Table:
    """The same columns, and a target that is a line of two of them: no new column says more."""
    table = noise(seed)
    draw = np.random.default_rng(10_000 + seed)
    told = np.nan_to_num(table["x2"]) + 0.5 * table["x3"]
    table["y"] = told + draw.normal(size=len(told))
    if seed % 2 == 0:
        table["y"] = np.where(told + draw.logistic(size=len(told)) > 1, "yes", "no")
    return table


def _columns(draw: np.random.Generator, n: int) -> Table:
    table: Table = {f"x{i}": draw.uniform(1, 10, n) for i in range(6)}
    table["s"] = np.exp(1.5 * draw.normal(size=n))
    table["town"] = draw.choice([f"t{i}" for i in range(20)], n)
    table["when"] = np.datetime64("2024-01-01", "us") + draw.integers(0, 3 * 10**13, n)
    return table


def _hour(table: Table) -> np.ndarray:
    return table["when"].astype(np.int64) // 3_600_000_000 % 24


def _centred(table: Table) -> np.ndarray:
    base = {f"t{i}": float(i) for i in range(20)}
    table["x0"] = table["x0"] + np.array([base[t] for t in table["town"]])
    return table["x0"] - np.array([base[t] for t in table["town"]])


SIGNALS: dict[str, tuple[str, Callable[[Table], np.ndarray]]] = {
    "ratio x0/x1": ("x0/x1", lambda t: t["x0"] / t["x1"]),
    "product x0*x1": ("*x", lambda t: (t["x0"] - 5.5) * (t["x1"] - 5.5)),
    "square of x0": ("x0", lambda t: (t["x0"] - 5.5)**2),
    "hour of the day": ("cyclic(when)", lambda t: np.cos(2 * np.pi * (_hour(t) - 3) / 24)),
    "distance from town's mean": ("aggregate(x0)", _centred),
    "logarithm of a long tail": ("(s)", lambda t: np.log(t["s"])),
}


def planted(signal: str, seed: int, share: float) -> Table:
    """A table whose target holds the signal as a `share` of its variance; the rest is noise."""
    draw = np.random.default_rng(seed)
    table = _columns(draw, 2000)
    told = SIGNALS[signal][1](table)
    told = (told - told.mean()) / told.std()
    return {**table, "y": np.sqrt(share) * told + np.sqrt(1 - share) * draw.normal(size=2000)}


def suggest(table: Any, target: str, seed: int = 0, **more: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wf.suggest(table, target=target, seed=seed, budget=BUDGET, jobs=1, **more)


def run_noise() -> list[str]:
    return _accepted("Noise", "whose target has nothing to do with the columns", noise)


def run_line() -> list[str]:
    return _accepted("A line", "whose target is a line of two columns (a class by its logit)", line)


def _accepted(title: str, what: str, make: Callable[[int], Table]) -> list[str]:
    found = []
    for seed in range(NOISE):
        found.append(suggest(make(seed), "y", seed))
        print(title, seed, [s.name for s in found[-1].accepted], f"{found[-1].seconds:.0f} s",
              file=sys.stderr)
    wrong = [s for s in found if s.accepted]
    low, high = wilson(len(wrong), NOISE)
    made = sorted({s.made for s in found})
    named = [f"{s.accepted[0].name} (helps {' and '.join(s.table[0].helps)}, p = "
             f"{s.table[0].p:.1e})" for s in wrong]
    return [f"## {title}", "",
            f"{NOISE} tables {what}, of 300 to 3,000 rows and 11 columns, {made[0]} to {made[-1]} "
            f"candidates each: something was accepted in {len(wrong)} ({len(wrong) / NOISE:.0%}, "
            f"95 % interval {low:.0%} to {high:.0%}); the stated rate is at most 5 %."
            + (f" Accepted: {', '.join(named)}." if named else ""), ""]


def wilson(hits: int, of: int) -> tuple[float, float]:
    share, z = hits / of, 1.96
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    reach = z / (1 + z * z / of) * np.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def run_planted() -> list[str]:
    rows = []
    for signal, (called, _) in SIGNALS.items():
        for share in (0.02, 0.1, 0.5):
            found = [suggest(planted(signal, seed, share), "y", seed) for seed in range(PLANTED)]
            hit = [any(called in step.name for step in s.accepted[:1]) for s in found]
            helps = {name: sum(any(name in row.helps for row in s.table if row.accepted)
                               for s in found) for name in ("linear", "tree")}
            held = [s.confirmed["linear"].gain.value / s.confirmed["linear"].before.value
                    for s in found if s.confirmed]
            extra = np.mean([len(s.accepted) for s in found])
            rows.append([signal, f"{share:.0%}", f"{sum(hit)} of {PLANTED}",
                         str(helps["linear"]), str(helps["tree"]), f"{extra:.1f}",
                         f"{np.median(held):+.1%}" if held else ""])
    return ["## Planted", "", "2,000 rows, 9 columns; the share is of the target's variance. The "
            "gain is ridge's, of RMSE, on the confirming rows (median).", "",
            _tools.markdown(["signal", "share", "found", "helps linear", "helps trees",
                             "accepted a table", "confirmed gain"], rows), ""]


def run_real() -> list[str]:
    rows = []
    for name, target, more in REAL:
        start = time.perf_counter()
        found = suggest(path(name), target, **more)
        spent = time.perf_counter() - start
        names = ", ".join(step.name for step in found.accepted) or "none"
        for model, label in found.models.items():
            held = found.confirmed.get(model)
            rows.append([
                f"{name} ({found.metric})", label, f"{found.made} / {found.judged}", names,
                str(held.before) if held else str(found.base[model]),
                str(held.after) if held else "", str(held.gain) if held else "",
                ("holds" if held.holds else "does not hold") if held else "", f"{spent:.0f}"])
        print(name, names, f"{spent:.0f} s", file=sys.stderr)
    return ["## Real tables", "", f"Budget {BUDGET}, one thread. Before and after are of the "
            "confirming rows (of the cross-validation where nothing was accepted).", "",
            _tools.markdown(["table", "model", "made / fitted", "accepted", "before", "after",
                             "gain", "verdict", "s"], rows), ""]


def path(name: str) -> str:
    folder = _tools.data_folder() / name
    return str(next(p for p in folder.iterdir() if p.name.startswith("data.")))


def main() -> None:
    parts = {"noise": run_noise, "line": run_line, "planted": run_planted, "real": run_real}
    asked = [word for word in sys.argv[1:] if word in parts] or list(parts)
    # Parts are kept between runs, so that each can be run when there is time for it.
    kept = Path(tempfile.gettempdir()) / "wholefit-suggest"
    kept.mkdir(exist_ok=True)
    for word in asked:
        (kept / f"{word}.part").write_text("\n".join(parts[word]()))
    lines = [(kept / f"{word}.part").read_text() for word in parts
             if (kept / f"{word}.part").exists()]
    _tools.save("suggest", "\n".join([
        "# Suggested features: gain told from chance", "", *lines,
        _tools.machine("scikit-learn", "lightgbm", "polars")]))


if __name__ == "__main__":
    main()
