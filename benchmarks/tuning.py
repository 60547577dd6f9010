"""`python -m benchmarks.tuning`: is the score of a tuned model true, and what does a grid cost?

A tree's settings are searched on 400 rows of a table, drawn anew each time; the tuned model then
answers up to 4,000 others. Three scores of the same model are held against that one: of the folds
that its configuration was chosen by (what a search usually reports), of a choice made anew for
each fold by the others, and nested. z is (reported - outer) over the root of the sum of both
squared standard errors: it should have mean 0, and lie within 1.96 in 95 of 100 cases. What is
done is kept in the folder `--cache`; give it again and a run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _tools
from benchmarks.default_tables import table

TABLES = ("credit_data", "telco_churn", "spambase", "adult", "attrition", "titanic",
          "california_housing", "ames_housing", "diamonds", "appliances_energy")
ROWS, OUTER = 400, 4_000
SPACE = {"max_depth": (1, 12), "min_samples_leaf": (1, 100), "max_features": (0.2, 1.0)}
TRIALS = 40
WAYS = ("seeming", "chosen anew", "nested")


def measure(name: str, draw: int) -> dict[str, Any]:
    """One drawn table: the three scores, each with its standard error, and the outer one."""
    import wholefit as wf

    frame, target = table(name)
    order = np.random.default_rng([draw, len(frame)]).permutation(len(frame))
    inner, outer = frame[order[:ROWS]], frame[order[ROWS:ROWS + OUTER]]
    known: dict[str, Any] = {"target": target, "models": "decision_tree", "space": SPACE, "jobs": 1,
             "budget": f"{TRIALS} trials", "seed": draw, "checks": False}
    start = time.perf_counter()
    once = wf.tune(inner, **known)
    seconds = time.perf_counter() - start
    nested = wf.tune(inner, **known, nested=True)
    metric = once.study.metric
    judged = once.evaluate(outer)[metric]
    sign = 1.0 if once.study.better == "lower" else -1.0
    error = (once.score.high - once.score.low) / 3.92
    return {
        "table": name, "draw": draw, "metric": metric, "sign": sign, "seconds": seconds,
        "outer": judged.value, "outer_se": (judged.high - judged.low) / 3.92,
        "seeming": [once.study.score_of_best, error],
        "chosen anew": [once.score.value, error],
        "nested": [nested.score.value, (nested.score.high - nested.score.low) / 3.92]}


def costs() -> dict[str, Any]:
    """A grid of 125 against 25 random draws from the same ranges, on whole tables."""
    import wholefit as wf

    rows = []
    for name in TABLES[:6]:
        frame, target = table(name)
        frame = frame[:3_000]
        words: dict[str, Any] = {"target": target, "models": "decision_tree", "jobs": 1,
                                 "checks": False}
        ways: tuple[dict[str, Any], ...] = (
            {"strategy": "grid(resolution=5)", "budget": "125 trials"},
            {"strategy": "random", "budget": "25 trials"})
        times, values = [], []
        for how in ways:
            found = wf.tune(frame, **words, **how, space=SPACE).study
            times.append(sum(trial.seconds for trial in found.trials))
            values.append(found.score_of_best)
        rows.append({"table": name, "times": times, "values": values})
    return {"rows": rows}


def told(found: list[dict[str, Any]], cost: dict[str, Any]) -> str:
    """The tables of both questions."""
    rows = []
    for way in WAYS:
        z = [each["sign"] * (each[way][0] - each["outer"])
             / math.hypot(each[way][1], each["outer_se"]) for each in found]
        rows.append([way, f"{np.mean(z):+.2f}", f"{np.std(z) / math.sqrt(len(z)):.2f}",
                     f"{np.mean(np.abs(z) < 1.96):.0%}"])
    grid = [[each["table"], *(f"{value:.4g}" for value in each["values"]),
             f"{each['times'][0] / each['times'][1]:.1f}"] for each in cost["rows"]]
    draws = len(found) / max(len({each["table"] for each in found}), 1)
    return "\n".join([
        "# Is the score of a tuned model true?", "",
        f"{len(found)} searches of {TRIALS} trials over a tree's settings: "
        f"{len({each['table'] for each in found})} tables, {draws:g} draws of {ROWS} rows each; "
        f"judged on up to {OUTER:,} other rows. z below zero: the report was better than the "
        "truth.", "",
        _tools.markdown(["score", "mean z", "its error", "within 1.96"], rows), "",
        "# A grid of 125 and 25 random draws", "",
        "The best value of each, and how many times the seconds the grid took.", "",
        _tools.markdown(["table", "grid", "random", "cost"], grid), "",
        _tools.machine("wholefit", "scikit-learn")])


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--cache", type=Path, required=True)
    asked.add_argument("--draws", type=int, default=10)
    given = asked.parse_args()
    given.cache.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    warnings.simplefilter("ignore")
    for draw in range(given.draws):
        for name in TABLES:
            path = given.cache / f"{name}-{draw}.json"
            if not path.exists():
                path.write_text(json.dumps(measure(name, draw)))
                print(name, draw, flush=True)
    if not (given.cache / "costs.txt").exists():
        (given.cache / "costs.txt").write_text(json.dumps(costs()))
    found = [json.loads(path.read_text()) for path in sorted(given.cache.glob("*.json"))]
    _tools.save("tuning", told(found, json.loads((given.cache / "costs.txt").read_text())))


if __name__ == "__main__":
    main()
