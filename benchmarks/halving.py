"""Few configurations on all rows, many on a share of them, or halving: at equal cost, large tables.

    python -m benchmarks.halving
    python -m benchmarks.halving --seeds 5 --rows 30000 adult

A search over a large table judges by one fold, in the portfolio's spirit: one configuration after
the other, each on all of its rows or each on the same share. Successive halving (Jamieson and
Talwalkar 2016) begins many on a ninth of the rows, and brings the best third on to three times as
many, twice. Each way reads as many rows in all (row-visits: rows learnt, added up over its fits),
from one list of configurations, in its order. What each then answers with is scored on rows that
nobody saw: the one that did best on the held-out rows among those of its largest share, and the
blend of all that it fitted. A run that is in the file of results is not repeated.
"""

from __future__ import annotations

import argparse
import json
import math
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from benchmarks import _tools

TABLES = {"adult": "income", "diamonds": "price", "california_housing": "MedHouseVal",
          "metro_traffic": "traffic_volume", "letter_recognition": "lettr"}
USUAL = ("adult", "diamonds", "california_housing", "metro_traffic")
WAYS = ("all rows", "a third", "halving")
# As many row-visits as so many fits of all rows that are learnt from.
FITS = 6
HELD, TEST = 0.15, 0.25
OUT = _tools.RESULTS / "halving.jsonl"


def main() -> None:
    """Run what is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", default=USUAL)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=20_000, help="rows of a table, of three parts")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = [json.loads(line) for line in OUT.read_text().splitlines()] if OUT.exists() else []
    done = {(row["table"], row["seed"], row["rows"]): row for row in rows}
    for seed in range(given.seeds):
        for table in given.tables:
            if (table, seed, given.rows) not in done:
                row = {"table": table, "seed": seed, "rows": given.rows,
                       **run(table, seed, given.rows)}
                done[table, seed, given.rows] = row
                with OUT.open("a") as file:
                    file.write(json.dumps(row) + "\n")
                print(json.dumps(row), flush=True)
    _tools.save("halving", report([row for row in done.values() if row["rows"] == given.rows]))


def run(table: str, seed: int, rows: int) -> dict[str, Any]:
    """Each way's fits, processor seconds, and losses on unseen rows of its best and its blend."""
    bench = Bench(table, seed, rows)
    found = {}
    for way in np.random.default_rng(seed).permutation(WAYS):  # none is always the first to run
        begun = time.process_time()
        fits = PLANS[str(way)](bench)
        found[str(way)] = {"fits": len(fits), "visits": sum(each["rows"] for each in fits),
                           "seconds": round(time.process_time() - begun, 2), **bench.worth(fits)}
    return {"metric": bench.metric, **found}


class Bench:
    """A table in three parts, the list of configurations, and what a fit of one gives."""

    def __init__(self, table: str, seed: int, rows: int) -> None:
        from wholefit import data
        from wholefit.api.fitting import choose_task

        self.target = TABLES[table]
        file = next((_tools.data_folder() / table).glob("data.*"))
        frame = data.read(file).frame.drop_nulls(self.target)
        frame = frame[np.random.default_rng(seed).permutation(len(frame))[:rows]]
        self.whole = data.load(frame, target=self.target)
        self.task, _ = choose_task(self.whole, self.target, None)
        held, test = int(HELD * len(frame)), int(TEST * len(frame))
        self.held = self.whole.take(np.arange(held))
        self.test = self.whole.take(np.arange(held, held + test))
        self.learnt = np.arange(held + test, len(frame))
        self.metric = "log_loss" if self.task.name == "classification" else "rmse"
        self.seed = seed
        self.configurations = list(islice(self._listed(), 3 * FITS))

    def _listed(self) -> Iterator[Any]:
        """The defaults first, then draws from the catalog's ranges, of a hundred trees at most."""
        from wholefit import models
        from wholefit.training.automl._fit import variations

        linear = "logistic" if self.task.name == "classification" else "ridge"
        given = [models.make(each) for each in (
            linear, "lightgbm(n_estimators=100)", "extra_trees(n_estimators=40)",
            "hist_gradient_boosting", "random_forest(n_estimators=40)")]
        yield from given
        most = {"lightgbm": 100, "extra_trees": 40, "random_forest": 40}
        for model in variations(given, self.seed):
            if model.name in most:
                yield model.replace(n_estimators=most[model.name], **(
                    {"early_stopping": 0} if model.name == "lightgbm" else {}))
            else:
                yield model

    def fit(self, number: int, share: float) -> dict[str, Any]:
        """The configuration of that number, learnt from that share of the rows."""
        from wholefit.training.plain import fit_plain

        rows = self.learnt[:round(share * len(self.learnt))]
        try:
            made = fit_plain(self.whole, self.task, self.configurations[number], rows=rows,
                             seed=self.seed)
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
            return {"rows": len(rows), "share": share, "loss": math.inf}
        answer = made.answer(self.held)
        return {"rows": len(rows), "share": share, "number": number, "model": made,
                "held": answer, "loss": self.loss(self.held, answer)}

    def loss(self, rows: Any, answer: np.ndarray) -> float:
        """Log loss or RMSE of answers to these rows."""
        from wholefit import evaluation

        return float(evaluation.score(
            self.task.name, self._truth(rows), answer, metrics=[self.metric], level=None,
            positive=1)[self.metric].value)

    def _truth(self, rows: Any) -> np.ndarray:
        codec = self.task.codec(self.target, self.whole.target_values())
        return np.asarray(rows.target(codec))

    def worth(self, fits: list[dict[str, Any]]) -> dict[str, float]:
        """Losses on the unseen rows: of the best of the largest share, and of the blend of all."""
        from wholefit.training.ensembling import Pool, blend, mixed

        able = [each for each in fits if math.isfinite(each["loss"])]
        most = max(each["share"] for each in able)
        best = min((each for each in able if each["share"] == most), key=lambda each: each["loss"])
        named = {f"{each['number']} {each['share']:.3f}": each for each in able}
        truth = self._truth(self.held)
        pool = Pool({name: each["held"] for name, each in named.items()}, truth,
                    np.zeros(len(truth), np.int16), task=self.task.name)
        made = blend(pool, seed=self.seed)
        asked = {name: named[name]["model"].answer(self.test) for name in made.shares}
        answer = mixed(asked, made.shares, made.temperature, made.line, made.bounds)
        return {"best": self.loss(self.test, best["model"].answer(self.test)),
                "blend": self.loss(self.test, answer)}


def in_order(bench: Bench, share: float) -> list[dict[str, Any]]:
    """One configuration after the other on this share, until the row-visits are spent."""
    return [bench.fit(number, share) for number in range(round(FITS / share))]


def halving(bench: Bench) -> list[dict[str, Any]]:
    """A third of the row-visits for each of three rungs: a ninth of the rows, a third, all."""
    running, fits = list(range(3 * FITS)), []
    for share in (1 / 9, 1 / 3, 1.0):
        made = [bench.fit(number, share) for number in running]
        fits += made
        ranked = sorted(made, key=lambda each: each["loss"])
        running = [each["number"] for each in ranked[:len(running) // 3] if "number" in each]
    return fits


PLANS: dict[str, Callable[[Bench], list[dict[str, Any]]]] = {
    "all rows": lambda bench: in_order(bench, 1.0),
    "a third": lambda bench: in_order(bench, 1 / 3), "halving": halving}


def report(rows: list[dict[str, Any]]) -> str:
    """Each run, and the ratios to fits of all rows, paired by table and seed."""
    lines = [[row["table"], str(row["seed"]), *(
        f"{row[way]['best']:.4g} / {row[way]['blend']:.4g}" for way in WAYS)]
        for row in sorted(rows, key=lambda row: (row["table"], row["seed"]))]
    ratios = [[way, what, *_ratio([row[way][what] / row["all rows"][what] for row in rows])]
              for way in WAYS[1:] for what in ("best", "blend")]
    visits = {way: np.mean([row[way]["visits"] for row in rows]) for way in WAYS}
    cost = [[way, f"{np.mean([row[way]['fits'] for row in rows]):.0f}", f"{visits[way]:,.0f}",
             f"{np.mean([row[way]['seconds'] for row in rows]):.1f}"] for way in WAYS]
    return "\n".join([
        "# Successive halving beside fits of all rows and of a share", "",
        f"{len(rows)} pairs of table and seed, {rows[0]['rows']:,} rows each: "
        f"{100 * (1 - HELD - TEST):.0f} % to learn from, {100 * HELD:.0f} % held out to choose by, "
        f"{100 * TEST:.0f} % that nobody saw.", "",
        _tools.markdown(["way", "fits", "row-visits", "processor seconds"], cost), "",
        "Losses (log loss, RMSE) on the unseen rows: of the best one / of the blend of all fits.",
        "", _tools.markdown(["table", "seed", *WAYS], lines), "",
        "Ratio to fits of all rows, below 1 is better; geometric mean, 95 % interval (t, over",
        "tables and seeds):", "",
        _tools.markdown(["way", "of", "ratio", "interval", "better, same, worse"], ratios), "",
        _tools.machine("wholefit", "scikit-learn", "lightgbm"), "",
        "Made by `python -m benchmarks.halving`."])


def _ratio(ratios: list[float]) -> Iterator[str]:
    from scipy import stats

    logs = np.log(ratios)
    half = stats.t.ppf(0.975, max(len(logs) - 1, 1)) * logs.std(ddof=min(1, len(logs) - 1)) \
        / math.sqrt(len(logs))
    yield f"{math.exp(logs.mean()):.4f}"
    yield f"{math.exp(logs.mean() - half):.4f} to {math.exp(logs.mean() + half):.4f}"
    better, worse = sum(ratio < 1 for ratio in ratios), sum(ratio > 1 for ratio in ratios)
    yield f"{better}, {len(ratios) - better - worse}, {worse}"


if __name__ == "__main__":
    main()
