"""How often 90 % intervals and sets hold the truth, on real tables, in all and in the worst group.

    WHOLEFIT_DATA=... python -m benchmarks.conformal [--splits 20] [--rows 4000] [--level 0.9]

Each table is cut to at most ROWS rows and split SPLITS times: half to fit, a quarter to calibrate
by group, a quarter to judge. One quick model is fitted a split, and answers three times: with its
intervals or sets as the fit made them (from its own cross-validation; judged on both quarters),
calibrated on the first quarter, and calibrated there by group (both judged on the second). Groups
are the values of one column named before anything was seen, or the quarters of the first column of
numbers. A model whose answers tie (a shallow tree, the baseline) covers more than it should, which
no set can help without lots being drawn: such models are left out.
"""

from __future__ import annotations

import argparse
import math
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks import _tools
from wholefit import models
from wholefit.evaluation.slices import parted

# Groups that are judged: those of so many rows, in all splits together, to calibrate on.
_LEAST_A_SPLIT = 50
# Classes of fewer rows than this are left out: a split could hold none to learn from.
_RARE, _MOST_CLASSES = 30, 30
_QUICK = {"hist_gradient_boosting": {"n_estimators": 60}, "random_forest": {"n_estimators": 60},
          "extra_trees": {"n_estimators": 60}, "logistic": {}}
_GROUP = "group_of_rows"


@dataclass(frozen=True)
class Case:
    """A table, its target, the model that answers, and the column whose values are the groups."""

    table: str
    target: str
    model: str
    part: str


CASES = (
    Case("adult", "income", "hist_gradient_boosting", "race"),
    Case("credit_data", "Status", "logistic", "Home"),
    Case("telco_churn", "churn", "logistic", "contract"),
    Case("attrition", "Attrition", "logistic", "Department"),
    Case("german_credit", "class", "random_forest", "housing"),
    Case("titanic", "survived", "random_forest", "class"),
    Case("spambase", "type", "hist_gradient_boosting", ""),
    Case("lending_club", "Class", "logistic", "term"),
    Case("letter_recognition", "lettr", "extra_trees", ""),
    Case("shuttle", "Class", "hist_gradient_boosting", ""),
    Case("ames_housing", "Sale_Price", "hist_gradient_boosting", "Bldg_Type"),
    Case("california_housing", "MedHouseVal", "hist_gradient_boosting", ""),
    Case("diamonds", "price", "hist_gradient_boosting", "cut"),
    Case("appliances_energy", "Appliances", "random_forest", ""),
    Case("metro_traffic", "traffic_volume", "hist_gradient_boosting", "weather_main"),
    Case("beijing_pm25", "pm2.5", "random_forest", "cbwd"),
)


@dataclass
class Held:
    """Whether each judged row's truth was held, one array a split; and the rows' groups."""

    fit: list[np.ndarray] = field(default_factory=list)
    pooled: list[np.ndarray] = field(default_factory=list)
    grouped: list[np.ndarray] = field(default_factory=list)
    group: list[np.ndarray] = field(default_factory=list)
    size: list[float] = field(default_factory=list)
    calibrated: int = 0


def main() -> None:
    """Read the command line, run the cases, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--level", type=float, default=0.9)
    parser.add_argument("--tables", nargs="*", metavar="TABLE")
    given = parser.parse_args()
    lines = list(_lines(given.splits, given.rows, given.level, given.tables))
    text = "\n".join([*lines, "", _tools.machine("wholefit", "scikit-learn", "numpy"), "",
                      f"Made by `python -m benchmarks.conformal --splits {given.splits} --rows "
                      f"{given.rows}`."])
    if given.tables:
        print(text)
    else:
        _tools.save("conformal", text)


def _lines(splits: int, rows: int, level: float, tables: list[str] | None) -> Iterator[str]:
    yield f"# Do {level:.0%} intervals and sets hold the truth?"
    yield ""
    yield (f"{splits} splits of each table, at most {rows:,} rows of it: half to fit, a quarter to "
           "calibrate, a quarter to judge. Coverage is the mean of the splits; 5-95 % are single "
           "splits, beside them how far those would reach by the draw of rows alone (exact "
           "coverage, independent rows). Rows apart: coverage where the first quarter calibrates. "
           "Size: the median width over the target's standard "
           "deviation, or the classes in a set. Worst group: the least coverage among the groups "
           f"of at least {_LEAST_A_SPLIT} rows a split to calibrate on, calibrated together, and "
           "by group.")
    yield ""
    yield ("| table | model | coverage | splits' 5-95 % | by chance | rows apart | size | groups "
           "| worst, together | worst, by group | rows of it |")
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    every, apart, worst = [], [], []
    for case in CASES:
        if tables and case.table not in tables:
            continue
        start = time.perf_counter()
        found = _run(case, splits, rows, level)
        shares = [float(one.mean()) for one in found.fit]
        every.append(float(np.mean(shares)))
        apart.append(float(np.mean([one.mean() for one in found.pooled])))
        groups = _groups(found)
        line = "| - | - | - | - |"
        if groups:
            name, _, own, count = min(groups, key=lambda each: each[2])
            worst.append(own)
            least = min(groups, key=lambda each: each[1])
            line = (f"| {len(groups)} | {least[1]:.3f} ({least[0]}) | {own:.3f} ({name}) | "
                    f"{count:,} |")
        reach = 1.645 * math.sqrt(level * (1 - level) * (
            1 / found.calibrated + 1 / len(found.fit[0])))
        yield (f"| {case.table} | {case.model} | {every[-1]:.3f} | "
               f"{np.quantile(shares, 0.05):.3f}-{np.quantile(shares, 0.95):.3f} | "
               f"{level - reach:.3f}-{level + reach:.3f} | {apart[-1]:.3f} | "
               f"{np.mean(found.size):.2f} " + line)
        print(case.table, f"{every[-1]:.3f}", f"{time.perf_counter() - start:.0f} s", flush=True)
    yield ""
    within = [sum(abs(value - level) <= 0.02 for value in each) for each in (every, apart)]
    yield (f"{within[0]} of {len(every)} tables within 2 points of {level:.0%}, mean "
           f"{np.mean(every):.3f}; calibrated on rows apart {within[1]}, mean "
           f"{np.mean(apart):.3f}. Worst group, calibrated by group: "
           f"{sum(abs(value - level) <= 0.03 for value in worst)} of {len(worst)} tables within 3 "
           f"points; least {min(worst, default=math.nan):.3f}.")


def _run(case: Case, splits: int, rows: int, level: float) -> Held:
    frame = wf.read(str(next((_tools.data_folder() / case.table).glob("data.*")))).frame
    frame = frame.filter(pl.col(case.target).is_not_null()).sample(
        min(rows, frame.height), seed=0, shuffle=True)
    if frame[case.target].n_unique() <= _MOST_CLASSES:  # a class must be in every part of a split
        frame = frame.filter(pl.len().over(case.target) >= _RARE)
    frame = frame.with_columns(_group(case, frame).alias(_GROUP))
    found = Held()
    for seed in range(splits):
        order = np.random.default_rng(seed).permutation(frame.height)
        half, cut = frame.height // 2, frame.height * 3 // 4
        _split(case, [frame[order[:half]], frame[order[half:cut]], frame[order[cut:]]], seed,
               level, found)
    return found


def _group(case: Case, frame: pl.DataFrame) -> pl.Series:
    """The groups of rows, as text; not learnt from."""
    name = case.part or next(name for name in frame.columns if name != case.target
                             and frame[name].dtype.is_numeric() and frame[name].n_unique() > 12)
    return parted(frame[name])


def _split(
    case: Case, parts: list[pl.DataFrame], seed: int, level: float, found: Held
) -> None:
    train, own, judged = parts
    model = models.get(case.model)(**_QUICK[case.model])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = wf.fit(train.drop(_GROUP), target=case.target, models=[model], seed=seed,
                        checks=False, choose="best", budget="10min")
        held = [_held(case, result, part, level) for part in (own, judged)]
        found.fit.append(np.concatenate([each[0] for each in held]))
        found.size.append(held[1][1])
        for by, into in ((None, found.pooled), (_GROUP, found.grouped)):
            into.append(_held(case, result.calibrated(own, by=by), judged, level)[0])
    found.group.append(judged[_GROUP].to_numpy())
    found.calibrated = train.height


def _held(
    case: Case, result: Any, rows: pl.DataFrame, level: float
) -> tuple[np.ndarray, float]:
    """Whether each row's truth is held, and how much room the answers take."""
    if result.task == "regression":
        found = result.predict_interval(rows, level=level)
        truth = rows[case.target].to_numpy()
        held = (truth >= found["low"].to_numpy()) & (truth <= found["high"].to_numpy())
        return held, float(np.median((found["high"] - found["low"]).to_numpy()) / truth.std())
    found = result.predict_set(rows, level=level)
    names = rows[case.target].cast(pl.String).to_list()
    held = np.array([name in said.split(" | ")
                     for name, said in zip(names, found["set"], strict=True)])
    return held, float(found["classes"].mean())


def _groups(found: Held) -> list[tuple[str, float, float, int]]:
    """Each group that is large enough: name, coverage together and by group, rows judged."""
    group = np.concatenate(found.group)
    together, own = np.concatenate(found.pooled), np.concatenate(found.grouped)
    names = [name for name in sorted(set(group.tolist()))
             if (group == name).sum() >= _LEAST_A_SPLIT * len(found.group)]
    if len(names) < 2:
        return []
    return [(name, float(together[group == name].mean()), float(own[group == name].mean()),
             int((group == name).sum())) for name in names]


if __name__ == "__main__":
    main()
