"""`python -m benchmarks.imbalance`: what treatments of rare classes buy, and what resampling takes.

First table: for each real table and model, every treatment against doing nothing on the same
folds. Second: our resamplers beside imbalanced-learn's, in turns, where that is installed.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

import wholefit as wf
from benchmarks import _tools
from wholefit.base.optional import available
from wholefit.training import balance
from wholefit.training.balance import Layout

# Table, target, positive class, and what is done to it first.
TABLES = {
    "lending_club": ("data.csv.gz", "Class", "bad"),
    "caravan_insurance": ("data.parquet", "CARAVAN", "insurance"),
    "attrition": ("data.csv.gz", "Attrition", "Yes"),
    "telco_churn": ("data.csv.gz", "churn", "Yes"),
    "credit_data": ("data.csv.gz", "Status", "bad"),
    "kddcup_imbalanced": ("data.parquet", "Class", "positive"),
}
SIZES = (5_000, 30_000)
PEERS = {
    "over": "over_sampling.RandomOverSampler", "under": "under_sampling.RandomUnderSampler",
    "smote": "over_sampling.SMOTE", "borderline_smote": "over_sampling.BorderlineSMOTE",
    "adasyn": "over_sampling.ADASYN", "near_miss": "under_sampling.NearMiss",
    "tomek": "under_sampling.TomekLinks", "enn": "under_sampling.EditedNearestNeighbours",
    "smote_tomek": "combine.SMOTETomek",
}
REPEATS = 3


def main(asked: list[str]) -> None:
    warnings.simplefilter("ignore")
    text = ["# Imbalance", "", "Made by `python -m benchmarks.imbalance`; "
            "`... imbalance speed` makes the second table only, `... imbalance NAME` one table of "
            "the first.", "", _tools.machine("numpy", "scikit-learn", "imbalanced-learn"), ""]
    with threadpool_limits(1):
        if asked != ["speed"]:
            text += treatments([name for name in TABLES if not asked or name in asked])
        if not asked or asked == ["speed"]:
            text += speed()
    if asked:
        print("\n".join(text))
        return
    _tools.save("imbalance", "\n".join(text))


def treatments(names: list[str]) -> list[str]:
    rows: list[list[str]] = []
    said: list[str] = []
    for name in names:
        found = compared(name)
        said += ["", f"**{name}**", "", *(f"- {sentence}" for sentence in found.verdicts)]
        for row in found.rows:
            marks = {metric: "+" if metric in row.better else "-" if metric in row.worse else ""
                     for metric in found.metrics}
            rows.append([name, row.model, row.treatment, *(
                [row.reason, *[""] * (len(found.metrics) - 1)] if row.reason else
                [f"{row.scores[metric]} {marks[metric]}".strip() for metric in found.metrics])])
        print(f"{name}: done", file=sys.stderr)
    header = ["table", "model", "treatment", "average precision", "recall at precision 0.5",
              "cost as decided", "cost, threshold moved", "log loss", "Brier"]
    return ["## Treatments against doing nothing", "",
            "Five folds, the same for all; + and - are better and worse than the same model "
            "untreated beyond chance (paired, Holm's correction within a table). Costs are in "
            "inverse proportion to the classes' frequencies.", "",
            _tools.markdown(header, rows), *said, ""]


def compared(name: str) -> Any:
    file, target, positive = TABLES[name]
    path = _tools.data_folder() / name / file
    table = wf.read(path).frame
    if name == "kddcup_imbalanced":  # five sets in one file: the largest
        largest = table["set"].value_counts(sort=True)["set"][0]
        table = table.filter(pl.col("set") == largest).drop("set")
    return wf.treatments(table, target=target, positive=positive, jobs=1, budget="1h")


def speed() -> list[str]:
    rows = [list(row) for size in SIZES for row in _timed(size)]
    return ["## Resamplers beside imbalanced-learn", "",
            f"Seconds on rows of 20 numbers, 5 % of them rare, one thread; median of {REPEATS}, in "
            "turns. Beyond some ten thousand rows ours seek neighbours among a draw, or clean in "
            "parts; imbalanced-learn's are exact.", "",
            _tools.markdown(["rows", "method", "wholefit", "imbalanced-learn", "ratio"], rows), ""]


def _timed(size: int) -> Iterator[tuple[str, ...]]:
    rng = np.random.default_rng(0)
    y = (rng.random(size) < 0.05).astype(np.int32)
    X = rng.normal(size=(size, 20)) + 0.5 * y[:, None]
    for word, peer in PEERS.items():
        own = balance.make(word)
        other = _peer(peer) if available("imblearn") else None
        taken: tuple[list[float], list[float]] = ([], [])
        for turn in range(REPEATS):
            random = np.random.default_rng(turn)
            taken[0].append(_seconds(lambda: own.draw(X, y, Layout(), random)))  # noqa: B023
            if other is not None:
                taken[1].append(_seconds(lambda: other.fit_resample(X, y)))  # noqa: B023
        mine = _tools.median(taken[0])
        if not taken[1]:
            yield f"{size:,}", word, f"{mine:.3f}", "not installed", ""
            continue
        theirs = _tools.median(taken[1])
        yield f"{size:,}", word, f"{mine:.3f}", f"{theirs:.3f}", f"{mine / theirs:.2f}"


def _peer(path: str) -> Any:
    import importlib

    room, _, name = path.partition(".")
    return getattr(importlib.import_module(f"imblearn.{room}"), name)()


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main(sys.argv[1:])
