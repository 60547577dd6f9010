"""Do learning curves tell the truth: forecasts against real growth, bands and verdicts on plants.

Each table is cut: up to 4,000 rows to judge by, a fifth of what is left (at most 2,000 rows) as
the data at hand, the rest kept back. The forecast from the data at hand is held against models
taught twice and four times as many rows, drawn from all rows but those judged, six draws each.
"""

from __future__ import annotations

import math
import sys
import warnings
from typing import Any

import numpy as np
import polars as pl

from benchmarks import _tools
from benchmarks.default_tables import table as read
from wholefit import data
from wholefit.base.budget import Budget, Clock
from wholefit.base.seeds import generator
from wholefit.training import curves

TABLES = ("telco_churn", "credit_data", "adult", "california_housing", "diamonds",
          "letter_recognition", "spambase", "appliances_energy", "lending_club", "shuttle",
          "caravan_insurance", "ames_housing")
MODELS = {"classification": ("logistic", "decision_tree(min_samples_leaf=10)",
                             "hist_gradient_boosting(n_estimators=60, learning_rate=0.1)"),
          "regression": ("ridge", "decision_tree(min_samples_leaf=10)",
                         "hist_gradient_boosting(n_estimators=60, learning_rate=0.1)")}
DRAWS = 6


def table(peer: str | None, short: bool) -> list[str]:
    """The lines of the page."""
    warnings.simplefilter("ignore")
    found = [row for name in (TABLES[:2] if short else TABLES) for row in _grown(name)]
    return [*_forecasts(found), "", *_bands(10 if short else 100), "",
            *_verdicts(10 if short else 100)]


# ---- forecasts against real growth --------------------------------------------------------


def _grown(name: str) -> list[dict[str, Any]]:
    from wholefit.api.fitting import choose_task

    frame, target = read(name)
    judge = min(4000, len(frame) // 3)
    at_hand = min(2000, (len(frame) - judge) // 5)
    whole = data.load(frame, target=target)
    task, _ = choose_task(whole, target, None)
    rows = []
    for model in MODELS[task.name]:
        options = curves.Options(seed=0)
        clock = Clock(Budget.parse("10min"))
        bench = curves.Bench.of(_part(frame, target, judge, at_hand), task, options)
        found = curves.learning_curve(bench, bench.model(model), sizes=None, clock=clock,
                                      probes=False)
        full = curves.Bench.of(whole, task, options)
        start = found.points[-1].rows
        real = _real(full, model, judge, [start, 2 * start, 4 * start])
        rows.append({"table": name, "model": model.partition("(")[0], "rows": start,
                     "metric": found.metric, "curve": found, "real": real})
        print(name, model, found.law.refused, *(
            f"x{each.times:g} {each.gain:+.4f} [{each.gain_low:+.4f}, {each.gain_high:+.4f}] "
            f"really {real[round(each.times)][0]:+.4f}" for each in found.law.forecasts
            if each.times in (2, 4)), file=sys.stderr, flush=True)
    return rows


def _part(frame: pl.DataFrame, target: str, start: int, count: int) -> Any:
    return data.load(frame[start:start + count], target=target)


def _real(
    bench: curves.Bench, model: str, judge: int, sizes: list[int]
) -> dict[int, tuple[float, float]]:
    """Real gain at two and four times the rows, and its standard error over draws of rows."""
    test = np.arange(judge)
    rest = np.arange(judge, len(bench.problem.y))
    values: dict[int, list[float]] = {size: [] for size in sizes}
    for draw in range(DRAWS):
        order = generator(7, "real", draw).permutation(rest)
        for size in sizes:
            made = bench.fit(bench.model(model), np.sort(order[:size]), f"real {draw} {size}")
            values[size].append(bench.value(bench.sheet(test, bench.answers(made, test))))
    base = np.array(values[sizes[0]])
    found = {}
    for times, size in zip((2, 4), sizes[1:], strict=True):
        gains = np.array(values[size]) - base
        found[times] = (float(gains.mean()), float(gains.std(ddof=1) / math.sqrt(DRAWS)))
    return found


def _forecasts(found: list[dict[str, Any]]) -> list[str]:
    lines, hits, naive = [], {2: [0, 0, 0], 4: [0, 0, 0]}, [0, 0]
    for row in found:
        curve = row["curve"]
        cells = [row["table"], row["model"], row["metric"], f"{row['rows']:,}"]
        for times in (2, 4):
            real, error = row["real"][times]
            told = next((each for each in curve.law.forecasts if each.times == times), None)
            if told is None:
                cells += ["refused", f"{real:+.4f}", ""]
                continue
            hit = told.gain_low - 2 * error <= real <= told.gain_high + 2 * error
            hits[times][0] += hit
            hits[times][1] += 1
            hits[times][2] += told.gain_low <= real <= told.gain_high
            cells += [f"{told.gain:+.4f} [{told.gain_low:+.4f}, {told.gain_high:+.4f}]",
                      f"{real:+.4f} ± {error:.4f}", "yes" if hit else "NO"]
            if times == 2:
                sign = 1 if curve.better == "higher" else -1
                naive[0] += abs(sign * curve.step[1] - real) > abs(told.gain - real)
                naive[1] += 1
        lines.append(cells)
    said = ", ".join(f"{hits[t][0]} of {hits[t][1]} at {t} times the rows ({hits[t][2]} without "
                     "the allowance)" for t in (2, 4))
    header = ["table", "model", "metric", "rows", "x2 forecast", "x2 real", "held", "x4 forecast",
              "x4 real", "held"]
    return ["## Forecast against real growth", "",
            f"95 % intervals held the real gain in {said}. The allowance: two standard errors of "
            f"the real gain, which is a mean of {DRAWS} draws. Refused: {len(found) - hits[2][1]} "
            f"of {len(found)}. The forecast was nearer than 'as much again as the last doubling' "
            f"in {naive[0]} of {naive[1]}.", "",
            _tools.markdown(header, lines)]


# ---- bands on made-up data -----------------------------------------------------------------


def _world(kind: str, n: int, rng: np.random.Generator) -> dict[str, Any]:
    X = rng.normal(size=(n, 6))
    if kind == "line":
        y = X @ np.array([1, 1, 0.5, 0, 0, 0]) + rng.normal(size=n)
    elif kind == "curve":
        y = 3 * np.sin(1.5 * X[:, 0]) + X[:, 1] ** 2 + 0.5 * rng.normal(size=n)
    else:
        y = rng.normal(size=n)
    return {**{f"x{at}": X[:, at] for at in range(6)}, "y": y}


def _load(kind: str, n: int, seed: int) -> Any:
    return data.load(pl.DataFrame(_world(kind, n, np.random.default_rng(seed))), target="y")


def _bench(kind: str, n: int, seed: int) -> curves.Bench:
    from wholefit.base import tasks

    return curves.Bench.of(_load(kind, n, seed), tasks.get("regression"),
                           curves.Options(seed=seed, metric="rmse"))


def _bands(times: int) -> list[str]:
    rows = []
    for kind, model in (("line", "ridge"), ("curve", "decision_tree(min_samples_leaf=5)"),
                        ("curve", "knn")):
        sizes, truth = [32, 128, 320], {}
        big = _bench(kind, 40_000, 10**6)
        test = np.arange(20_000)
        for size in sizes:
            rng = np.random.default_rng(size)
            picks = [rng.choice(20_000, size, replace=False) + 20_000 for _ in range(60)]
            truth[size] = float(np.mean([big.value(big.sheet(test, big.answers(
                big.fit(big.model(model), np.sort(pick), f"truth {at}"), test)))
                for at, pick in enumerate(picks)]))
        hits, plain = dict.fromkeys(sizes, 0), dict.fromkeys(sizes, 0)
        for seed in range(times):
            bench = _bench(kind, 400, seed)
            found = curves.measure(bench, bench.model(model), sizes, Clock(Budget()))
            for at, (size, point) in enumerate(zip(sizes, found.points, strict=True)):
                hits[size] += point.valid.low <= truth[size] <= point.valid.high
                rows_only = math.sqrt(float(found.pulls[at] @ found.pulls[at]))
                plain[size] += abs(found.values[at] - truth[size]) <= 1.96 * rows_only
        rows.append([kind, model, *(f"{hits[size] / times:.0%} ({plain[size] / times:.0%})"
                                    for size in sizes)])
    return ["## Do the bands hold the truth", "",
            f"{times} made-up tables of 400 rows; truth is the mean RMSE of 60 models taught fresh "
            "rows, on 20,000 others. How often the 95 % band holds it, and in brackets how often "
            "an interval that knows only the rows judged would.", "",
            _tools.markdown(["data", "model", "32 rows", "128 rows", "320 rows"], rows)]


def _verdicts(times: int) -> list[str]:
    cases = (("noise", "decision_tree", 500, "overfitting"),
             ("curve", "ridge", 500, "underfitting"), ("line", "ridge", 500, "neither"),
             ("line", "decision_tree", 500, "overfitting"),
             ("noise", "ridge", 500, "no signal"), ("line", "ridge", 30, "too few rows to tell"))
    rows = []
    for kind, model, n, expected in cases:
        counts: dict[str, int] = {}
        for seed in range(times):
            bench = _bench(kind, n, 1000 + seed)
            made = bench.model(model)
            word = curves.verdict(bench, made, curves.attempt(bench, made, "base"),
                                  Clock(Budget())).kind
            counts[word] = counts.get(word, 0) + 1
        said = ", ".join(f"{word} {count}" for word, count in
                         sorted(counts.items(), key=lambda pair: -pair[1]))
        rows.append([kind, model, f"{n}", expected, f"{counts.get(expected, 0) / times:.0%}",
                     said])
    return ["## Verdicts on planted cases", "", f"{times} tables of each kind.", "",
            _tools.markdown(["data", "model", "rows", "planted", "found", "all verdicts"], rows)]
