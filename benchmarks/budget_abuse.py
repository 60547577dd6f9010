"""`python -m benchmarks.budget_abuse [CASE ...]`: budgets abused; is there an answer, on time?

Each case is a process of its own. Imports are done before the clock starts (a budget counts them
apart), by a fit of sixty rows. Allowed beyond a budget of time: the larger of one second and 2 %.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
import warnings
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin

from benchmarks import _tools

# name: rows, task, budget in seconds, memory, the learner that misbehaves, is the disk full
CASES: dict[str, tuple[int, str, float, str | None, str | None, bool]] = {
    **{f"{rows:,} rows, {task}, {seconds:g} s": (rows, task, seconds, None, None, False)
       for rows in (100, 3_000_000) for task in ("classification", "regression")
       for seconds in (1.0, 5.0, 60.0)},
    "100 rows, 200 MB": (100, "classification", 30.0, "200MB", None, False),
    "3,000,000 rows, 200 MB": (3_000_000, "classification", 60.0, "200MB", None, False),
    "a learner that hangs": (1_000, "classification", 15.0, None, "Hangs", False),
    "a learner that wants 30 GB, memory=1GB": (
        1_000, "classification", 30.0, "1GB", "Eats", False),
    "a learner that dies by SIGSEGV": (1_000, "classification", 15.0, None, "Segfaults", False),
    "a learner that is killed": (1_000, "classification", 15.0, None, "Killed", False),
    "a full disk": (3_000, "classification", 15.0, None, None, True),
    "a full disk, 3,000,000 rows": (3_000_000, "classification", 60.0, None, None, True),
}


class Bad(ClassifierMixin, BaseEstimator):
    """What a stranger's learner may do."""

    def fit(self, X: Any, y: Any) -> Bad:
        self.classes_ = np.unique(y)
        self.misbehave()
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    def predict(self, X: Any) -> np.ndarray:
        return np.repeat(self.classes_[0], len(X))


class Hangs(Bad):
    def misbehave(self) -> None:
        ctypes.PyDLL(None).sleep(100_000)  # the interpreter is never given back


class Eats(Bad):
    def misbehave(self) -> None:
        self.kept = [np.ones(50_000_000 // 8) for _ in range(600)]


class Segfaults(Bad):
    def misbehave(self) -> None:
        ctypes.string_at(0)


class Killed(Bad):
    def misbehave(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def main(names: list[str]) -> None:
    rows = []
    for name in names or CASES:
        found = _asked(name)
        rows.append(_row(name, found))
        print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    late = sum(row[3] == "LATE" for row in rows)
    text = "\n".join([
        "# Budgets abused", "",
        "Each case in a process of its own, imports before the clock. 'Over' is what was spent",
        "beyond the budget; allowed is the larger of one second and 2 %. A learner that",
        "misbehaves stands beside a logistic model.", "",
        _tools.markdown(["case", "budget", "over", "on time", "what came"], rows), "",
        f"{late} of {len(rows)} late.", "",
        _tools.machine("wholefit", "lightgbm", "scikit-learn"), "",
        "Made by `python -m benchmarks.budget_abuse`."])
    if names:
        print(text)
    else:
        _tools.save("budget_abuse", text)


def _asked(name: str) -> dict[str, Any]:
    """One case in a fresh process; a process that dies or never ends is told of."""
    try:
        done = subprocess.run([sys.executable, "-m", "benchmarks.budget_abuse", "--case", name],
                              capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return {"spent": 300.0, "came": "NOTHING: not back after 300 s"}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return {"spent": float("nan"), "came": f"NOTHING: the process ended with "
                                               f"{done.returncode}: {done.stderr[-200:]}"}
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def _row(name: str, found: dict[str, Any]) -> list[str]:
    seconds = CASES[name][2]
    over = found["spent"] - seconds
    on_time = "yes" if over <= max(1.0, 0.02 * seconds) else "LATE"
    return [name, f"{seconds:g} s", f"{over:+.2f} s", on_time,
            str(found["came"]).replace("|", "/").replace("\n", " ")]


def case(name: str) -> None:
    """Run one case here, and print what came of it."""
    import wholefit as wf
    from wholefit.base.errors import WholefitError

    rows, task, seconds, memory, learner, full = CASES[name]
    frame = table(rows, task)
    words: dict[str, Any] = {"target": "y", "seed": 0, "task": task}
    if learner is not None:
        from benchmarks import budget_abuse as importable  # what is in __main__ cannot be sent

        words["models"] = ["logistic", getattr(importable, learner)()]
    warnings.simplefilter("ignore")
    wf.fit(table(60, task), target="y", budget="60s", models=["lightgbm", "logistic"]
           if task == "classification" else ["lightgbm", "ridge"])
    if full:  # no file grows beyond two pages
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
    start = time.perf_counter()
    try:
        found = wf.fit(frame, budget=f"{seconds:g}s", memory=memory, **words)
        came = f"{found.model}, {found.score.metric} {found.score}"
        wrong = [entry for entry in found.leaderboard if learner and entry.model == learner]
        came += "".join(f"; {entry.model} {entry.status}: {entry.reason}" for entry in wrong)
    except WholefitError as error:
        came = f"{type(error).__name__}: {error}"
    except Exception as error:
        came = f"NOT CLEAR: {type(error).__name__}: {error}"
    print(json.dumps({"spent": time.perf_counter() - start, "came": came[:400]}))


def table(rows: int, task: str) -> pl.DataFrame:
    """Eight numbers, a word, and a target that one of them tells, and a product of two."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 8)).astype("float32")
    z = 3 * X[:, 0] + X[:, 1] * X[:, 2] + 0.5 * rng.normal(size=rows)
    words = np.array(["north", "south", "east", "west"])[rng.integers(0, 4, rows)]
    return pl.DataFrame({**{f"x{at}": X[:, at] for at in range(8)}, "word": words,
                         "y": np.where(z > 0, "yes", "no") if task == "classification" else z})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--case"]:
        case(sys.argv[2])
    else:
        main(sys.argv[1:])
