"""Does the alert rate on unseen rows keep the budget that was asked?

    WHOLEFIT_DATA=... python -m benchmarks.alert_budget [--splits N] [--short]

Real tables, cut at random into rows to learn from and rows to come, several times each; and real
series, cut in time: what comes later is scored by what was learnt before. A fit is asked for one
alarm in a hundred; counted is how many of the rows to come alarm. Nothing but the rows is used:
labels, where a table has some, are left out. Writes benchmarks/results/alert_budget.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks import _tools
from benchmarks.unlabelled import _anomaly_tables
from wholefit.evaluation.intervals import wilson

SHARE = 0.01
_MOST = 6_000
# Series by name: file, column of time, words of the fit.
SERIES = (
    ("household_power_hourly", "ts", {}), ("household_power_hourly", "ts", {"context": "hour"}),
    ("metro_traffic", "date_time", {}), ("metro_traffic", "date_time",
                                         {"context": "hour,weekday"}),
    ("appliances_energy", "date", {}), ("beijing_pm25", "at", {}),
    ("beijing_pm25", "at", {"context": "month,hour"}),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alert_budget")
    parser.add_argument("--splits", type=int, default=4)
    parser.add_argument("--models", default=None)
    parser.add_argument("--short", action="store_true")
    asked = parser.parse_args()
    start = time.perf_counter()
    rows = list(at_random(asked.splits, asked.models, asked.short))
    later = list(in_time(asked.models, asked.short))
    text = "\n".join([*_page(rows, later, asked.splits), _tools.machine(
        "wholefit", "numpy", "scikit-learn", "polars"), "",
        f"Made by `python -m benchmarks.alert_budget --splits {asked.splits}`, "
        f"{time.perf_counter() - start:,.0f} s."])
    if asked.short or asked.models:
        print(text)
    else:
        _tools.save("alert_budget", text)


def at_random(splits: int, models: str | None, short: bool) -> Iterator[dict[str, Any]]:
    """One row a table: rows to come and alarms among them, summed over the splits."""
    for at, (name, (frame, _)) in enumerate(_anomaly_tables.tables(_folder())):
        if short and at % 4:
            continue
        sums = np.zeros(3)
        covered = 0
        for seed in range(splits):
            order = np.random.default_rng(seed).permutation(frame.height)[:2 * _MOST]
            half = len(order) // 2
            found = _one(frame[order[:half]], frame[order[half:]], models, seed)
            sums += found[:3]
            covered += found[3]
        print(f"{name}: {sums}", file=sys.stderr, flush=True)
        yield {"name": name, "rows": int(sums[0]), "alarms": int(sums[1]), "due": float(sums[2]),
               "covered": covered, "splits": splits}


def _one(
    frame: pl.DataFrame, later: pl.DataFrame, models: str | None, seed: int, **words: Any
) -> tuple[int, int, float, int]:
    """(rows to come, alarms, alarms due, whether the stated interval holds the rate met)."""
    fitted = wf.fit(frame, task="anomaly", alerts=SHARE, models=models, seed=seed, jobs=1, **words)
    verdict = fitted.predict(later, reasons=0)
    alarms, rows = int(verdict["anomaly"].sum()), later.height
    low, high = wilson(alarms / rows, rows, 1.96)  # what this many rows to come can tell
    told = fitted.threshold
    return rows, alarms, SHARE * rows, int(low <= told.high and high >= told.low)


def in_time(models: str | None, short: bool) -> Iterator[dict[str, Any]]:
    """The last fifth of each series, by what was learnt of the first four."""
    for name, column, words in SERIES[:2] if short else SERIES:
        frame = _series(name, column)
        cut = int(0.8 * frame.height)
        fitted = wf.fit(frame[:cut], task="anomaly", alerts=SHARE, models=models, time=column,
                        jobs=1, **words)
        later = frame[cut:]
        alarms = int(fitted.predict(later, reasons=0)["anomaly"].sum())
        stream, followed = fitted.stream(adapt=True), 0
        for at in range(0, later.height, 24):
            followed += len(stream.feed(later[at:at + 24], reasons=0))
        warned = any("drift" in sentence for sentence in fitted.warnings)
        print(f"{name} {words}: {alarms} {followed}", file=sys.stderr, flush=True)
        yield {"name": name, "context": words.get("context", "–"), "rows": later.height,
               "alarms": alarms, "followed": followed, "warned": warned,
               "said": stream.drift() is not None}


def _series(name: str, column: str) -> pl.DataFrame:
    frame = pl.read_parquet(_folder() / name / "data.parquet")
    if name == "beijing_pm25":
        frame = frame.with_columns(pl.datetime("year", "month", "day", "hour").alias("at")).drop(
            "No", "year", "month", "day", "hour")
    return frame.sort(column)


def _folder() -> Path:
    if "WHOLEFIT_DATA" not in os.environ:
        sys.exit("say where the data sets are: WHOLEFIT_DATA=...")
    return Path(os.environ["WHOLEFIT_DATA"])


def _page(rows: list[dict[str, Any]], later: list[dict[str, Any]], splits: int) -> list[str]:
    alarms, due = sum(r["alarms"] for r in rows), sum(r["due"] for r in rows)
    said = [
        "# Does the alert rate keep the budget?", "",
        f"Asked: {SHARE:.0%} of rows. Detectors: the default set, joined. Half of each table is "
        "learnt from and the other half comes later; both are of the same kind, as the cut is "
        "random.", "",
        f"**Pooled: {alarms:,} alarms where {due:,.0f} were due, ratio {alarms / due:.3f}.**", "",
        f"| table | rows to come ({splits} cuts) | due | alarms | ratio | interval held |",
        "|---|---:|---:|---:|---:|---:|"]
    said += [f"| {r['name']} | {r['rows']:,} | {r['due']:,.1f} | {r['alarms']:,} | "
             f"{r['alarms'] / r['due']:.2f} | {r['covered']} of {r['splits']} |" for r in rows]
    held, of = sum(r["covered"] for r in rows), sum(r["splits"] for r in rows)
    said += ["", f"\"Interval held\": the 95 % interval that the fit states and that of the rate "
             f"met overlap ({held} of {of}).", "",
             "## Cut in time", "",
             "The last fifth of a series by what was learnt of the first four. No threshold set on "
             "the past can promise the future; what is asked is that the fit says so. \"Followed\" "
             "is a stream with `adapt=True`, fed 24 rows at a time.", "",
             "| series | context | rows to come | due | alarms | ratio | followed | warned at fit "
             "| stream speaks of drift |", "|---|---|---:|---:|---:|---:|---:|---|---|"]
    said += [f"| {r['name']} | {r['context']} | {r['rows']:,} | {SHARE * r['rows']:,.0f} | "
             f"{r['alarms']:,} | {r['alarms'] / (SHARE * r['rows']):.2f} | "
             f"{r['followed'] / (SHARE * r['rows']):.2f} | {'yes' if r['warned'] else 'no'} | "
             f"{'yes' if r['said'] else 'no'} |" for r in later]
    return [*said, ""]


if __name__ == "__main__":
    main()
