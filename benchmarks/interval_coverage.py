"""How often 95 % intervals hold the true score, and how often equal models are told apart.

    python -m benchmarks.interval_coverage [--rounds 1000] [--boot-rounds 300]

Made-up worlds whose true scores are known (from 4 million rows). For each number of rows, and
each metric: the share of rounds in which our interval holds the true score, and on the same
data three bootstraps of 1,000 draws, up to 200 rows. Writes results/interval_coverage.md.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri

from benchmarks._tools import RESULTS, machine, markdown
from wholefit import evaluation
from wholefit.evaluation import intervals, metrics

Make = Callable[[int, np.random.Generator], tuple[np.ndarray, ...]]
SIZES = (50, 200, 1000, 10_000)
BOOT_SIZES = (50, 200)
DRAWS = 1000
CLASS_METRICS = ("accuracy", "log_loss", "roc_auc", "f1", "average_precision",
                 "balanced_accuracy", "precision", "recall", "brier", "mcc", "ece")
NUMBER_METRICS = ("rmse", "mae", "r2", "mse", "median_ae")


def classes(base: float, pull: float, sure: float) -> Make:
    """Two classes by a logistic law; the model is `sure` times too sure."""

    def make(n: int, random: np.random.Generator) -> tuple[np.ndarray, ...]:
        score = base + pull * random.normal(size=n)
        truth = (random.random(n) < 1 / (1 + np.exp(-score))).astype(int)
        given = 1 / (1 + np.exp(-sure * score))
        return truth, np.column_stack([1 - given, given])

    return make


def numbers(noise: Callable[[np.random.Generator, int], np.ndarray]) -> Make:
    """A line with the given noise; the model's slope is a tenth too small."""

    def make(n: int, random: np.random.Generator) -> tuple[np.ndarray, ...]:
        base = random.normal(size=n)
        return 1.5 * base + noise(random, n), 1.35 * base

    return make


WORLDS: dict[str, tuple[str, Make]] = {
    "even classes": ("classification", classes(0, 2, 1.3)),
    "one in ten": ("classification", classes(-3, 1.5, 1.3)),
    "nearly perfect": ("classification", classes(0, 8, 2)),
    "normal noise": ("regression", numbers(lambda r, n: r.normal(size=n))),
    "heavy tails (t, 4 df)": ("regression", numbers(lambda r, n: r.standard_t(4, size=n))),
    "lognormal noise": ("regression", numbers(
        lambda r, n: np.exp(0.8 * r.normal(size=n)) - math.exp(0.32))),
}


def true_scores(task: str, make: Make, names: tuple[str, ...]) -> dict[str, float]:
    """Scores on 4 million rows, in ten parts."""
    random = np.random.default_rng(99)
    parts = []
    for _ in range(10):
        sheet = metrics.sheet(task, *make(400_000, random))
        parts.append([float(metrics.get(task, n).value(sheet, sheet.weights)) for n in names])
    return dict(zip(names, np.mean(parts, axis=0), strict=True))


# ---- the bootstraps that ours is measured against ---------------------------------------


def bootstraps(task: str, name: str, sheet: metrics.Sheet,
               random: np.random.Generator) -> dict[str, tuple[float, float]]:
    """Percentile, BCa (Efron, 1987) and studentised intervals at 95 %."""
    metric, n = metrics.get(task, name), len(sheet)
    value, pulls = float(metric.value(sheet, sheet.weights)), intervals.pull(metric, sheet)
    weights = random.multinomial(n, np.full(n, 1 / n), size=DRAWS).astype(float)
    with np.errstate(all="ignore"):
        drawn = metric.value(sheet, weights)
        slopes = metric.slopes(sheet, weights)
        errors = np.sqrt(np.einsum("bn,bn->b", weights, slopes**2) * n / (n - 1))
        ratio = (drawn - value) / errors
    good, ratio = drawn[np.isfinite(drawn)], ratio[np.isfinite(ratio)]
    error = intervals.Spread.of(pulls).error
    found = {"percentile": tuple(np.quantile(good, [0.025, 0.975])),
             "BCa": tuple(np.quantile(good, _bca(good, value, pulls)))}
    if name != "median_ae" and len(ratio) > DRAWS / 2:
        low, high = np.quantile(ratio, [0.025, 0.975])
        found["studentised"] = (value - high * error, value - low * error)
    return found


def _bca(drawn: np.ndarray, value: float, pulls: np.ndarray) -> np.ndarray:
    below = (np.sum(drawn < value) + 0.5 * np.sum(drawn == value)) / len(drawn)
    shift = ndtri(np.clip(below, 0.001, 0.999))
    cube = float((pulls**2).sum()) ** 1.5
    rate = float((pulls**3).sum()) / cube / 6 if cube > 0 else 0.0
    ends = shift + ndtri([0.025, 0.975])
    return ndtr(shift + ends / (1 - rate * ends))


# ---- the experiment ---------------------------------------------------------------------


def coverage(world: str, n: int, true: dict[str, float], rounds: int,
             boot_rounds: int) -> dict[str, dict[str, str]]:
    """For each metric of a world at one size: the share that holds, by kind of interval."""
    (task, make), names = WORLDS[world], tuple(true)
    random = np.random.default_rng(n)
    held: dict[str, dict[str, list[bool]]] = {name: {} for name in names}
    for step in range(rounds):
        data = make(n, random)
        sheet = metrics.sheet(task, *data)
        for name, got in evaluation.score(task, *data, metrics=names).items():
            if math.isnan(got.value):
                continue
            found = {"ours": (got.low, got.high)}
            if n in BOOT_SIZES and step < boot_rounds:
                found |= bootstraps(task, name, sheet, random)
            for how, (low, high) in found.items():
                held[name].setdefault(how, []).append(low <= true[name] <= high)
    return {name: {how: _share(inside) for how, inside in held[name].items()} for name in names}


def _share(inside: list[bool] | None) -> str:
    return f"{100 * np.mean(inside):.1f}" if inside else ""


def _others(shares: dict[str, str]) -> str:
    return " / ".join(shares.get(how) or "-" for how in ("percentile", "BCa", "studentised"))


def rivals(n: int, random: np.random.Generator, base: float) -> tuple[np.ndarray, ...]:
    """Truth, and two answers equally good in law."""
    score = base + 2 * random.normal(size=n)
    truth = (random.random(n) < 1 / (1 + np.exp(-score))).astype(int)
    blurred = score[:, None] + 0.7 * random.normal(size=(n, 2))
    given = 1 / (1 + np.exp(-blurred))
    return truth, *(np.column_stack([1 - p, p]) for p in given.T)


def number_rivals(n: int, random: np.random.Generator, _: float) -> tuple[np.ndarray, ...]:
    """The same for numbers, with lognormal noise."""
    base = random.normal(size=n)
    truth = base + np.exp(0.8 * random.normal(size=n)) - math.exp(0.32)
    return truth, *(base + 0.4 * random.normal(size=n) for _ in range(2))


def false_alarms(rounds: int) -> list[list[str]]:
    """Share of rounds in which two equally good models are called different, at 95 %."""
    worlds = (("even classes", "classification", rivals, 0.0, CLASS_METRICS),
              ("one in ten", "classification", rivals, -3.5, CLASS_METRICS),
              ("lognormal noise", "regression", number_rivals, 0.0, NUMBER_METRICS))
    rows = []
    for world, task, make, base, names in worlds:
        random, told = np.random.default_rng(5), {(n, m): [] for n in SIZES[:3] for m in names}
        for n in SIZES[:3]:
            for _ in range(rounds):
                truth, a, b = make(n, random, base)
                for name in names:
                    got = evaluation.compare(task, name, truth, a, b)
                    if not math.isnan(got.value):
                        told[n, name].append(got.better != "tied")
        rows += [[world, name, *(_share(told[n, name]) for n in SIZES[:3])] for name in names]
    return rows


def main() -> None:
    """Run both experiments and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--boot-rounds", type=int, default=300)
    chosen = parser.parse_args()
    start, rows = time.perf_counter(), []
    for world, (task, make) in WORLDS.items():
        names = CLASS_METRICS if task == "classification" else NUMBER_METRICS
        true = true_scores(task, make, names)
        found = {n: coverage(world, n, true, chosen.rounds, chosen.boot_rounds) for n in SIZES}
        rows += [[world, name, f"{true[name]:.3f}", *(found[n][name]["ours"] for n in SIZES),
                  *(_others(found[n][name]) for n in BOOT_SIZES)] for name in names]
        print(f"{world}: {time.perf_counter() - start:.0f} s", flush=True)
    table = markdown(["world", "metric", "true", *(f"{n:,} rows" for n in SIZES),
                      *(f"bootstraps, {n} rows" for n in BOOT_SIZES)], rows)
    alarms = markdown(["world", "metric", *(f"{n:,} rows %" for n in SIZES[:3])],
                      false_alarms(chosen.rounds // 2))
    page = f"""# How often the intervals hold

Machine: {machine("numpy", "scipy")}. Command: `python -m benchmarks.interval_coverage --rounds
{chosen.rounds} --boot-rounds {chosen.boot_rounds}`.

Share of rounds, in %, in which a 95 % interval holds the true score: ours over {chosen.rounds}
rounds (a share of 95 has a standard error of
{100 * math.sqrt(0.05 * 0.95 / chosen.rounds):.1f} points), and three bootstraps of {DRAWS} draws
(percentile / BCa / studentised) over the first {chosen.boot_rounds} of them
({100 * math.sqrt(0.05 * 0.95 / chosen.boot_rounds):.1f} points). Rounds in which a metric is
undefined are left out.

{table}

## Equal models called different

Two models equally good in law, compared on the same rows; 5 % is what was asked for, less is
cautious. {chosen.rounds // 2} rounds, less those in which either has no value.

{alarms}
"""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "interval_coverage.md").write_text(page, encoding="utf-8")
    print(table, alarms, sep="\n\n")


if __name__ == "__main__":
    main()
