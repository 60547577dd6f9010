"""How often 90 % intervals and sets hold the truth, on real tables, in all and in the worst part.

    WHOLEFIT_DATA=... python -m benchmarks.conformal [--splits 20] [--rows 4000] [--level 0.9]

Each table is cut to at most ROWS rows and split SPLITS times, two thirds to fit and one to judge;
intervals and sets rest on the answers of the fit's own cross-validation. The worst part is the
value of the table's least coverage among those of at least 50 rows a split, of one column named
before anything was seen; its coverage is of all splits together.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks import _tools


@dataclass(frozen=True)
class Case:
    """A table, its target, the model that answers, and the column whose values are the parts."""

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
    Case("shuttle", "Class", "decision_tree", ""),
    Case("ames_housing", "Sale_Price", "hist_gradient_boosting", "Bldg_Type"),
    Case("california_housing", "MedHouseVal", "hist_gradient_boosting", ""),
    Case("diamonds", "price", "hist_gradient_boosting", "cut"),
    Case("appliances_energy", "Appliances", "random_forest", ""),
    Case("metro_traffic", "traffic_volume", "hist_gradient_boosting", "weather_main"),
    Case("beijing_pm25", "pm2.5", "random_forest", "cbwd"),
)


def main() -> None:
    """Read the command line, run the cases, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--level", type=float, default=0.9)
    given = parser.parse_args()
    lines = list(_lines(given.splits, given.rows, given.level))
    _tools.save("conformal", "\n".join(
        [*lines, "", _tools.machine("wholefit", "scikit-learn", "numpy")]))


def _lines(splits: int, rows: int, level: float) -> Iterator[str]:
    yield f"# Do {level:.0%} intervals and sets hold the truth?"
    yield ""
    yield (f"{splits} splits of each table, at most {rows:,} rows of it, a third to judge. "
           "Coverage is of all judged rows together; the range is of single splits. Size: the "
           "median width over the target's standard deviation, or the classes in a set.")
    yield ""
    yield "| table | model | coverage | splits' 5-95 % | size | worst part | its coverage | rows |"
    yield "|---|---|---|---|---|---|---|---|"
    every = []
    for case in CASES:
        found = _run(case, splits, rows, level)
        every.append(found["coverage"])
        worst = found["worst"]
        yield (f"| {case.table} | {case.model} | {found['coverage']:.3f} | "
               f"{found['low']:.3f}-{found['high']:.3f} | {found['size']:.2f} | "
               + (f"{case.part} = {worst[0]} | {worst[1]:.3f} | {worst[2]:,} |" if worst
                  else "- | - | - |"))
        print(case.table, f"{found['coverage']:.3f}", flush=True)
    inside = sum(abs(value - level) <= 0.02 for value in every)
    yield ""
    yield (f"{inside} of {len(every)} tables within 2 points of {level:.0%}; mean "
           f"{np.mean(every):.3f}.")


def _run(case: Case, splits: int, rows: int, level: float) -> dict[str, Any]:
    frame = wf.read(str(next((_tools.data_folder() / case.table).glob("data.*")))).frame
    frame = frame.filter(pl.col(case.target).is_not_null()).sample(
        min(rows, frame.height), seed=0, shuffle=True)
    held: list[np.ndarray] = []
    size: list[float] = []
    parts: list[np.ndarray] = []
    for seed in range(splits):
        order = np.random.default_rng(seed).permutation(frame.height)
        cut = frame.height * 2 // 3
        one, judged, wide = _split(case, frame[order[:cut]], frame[order[cut:]], seed, level)
        held.append(one)
        size.append(wide)
        parts.append(judged)
    shares = [float(one.mean()) for one in held]
    return {"coverage": float(np.concatenate(held).mean()),
            "low": float(np.quantile(shares, 0.05)), "high": float(np.quantile(shares, 0.95)),
            "size": float(np.mean(size)),
            "worst": _worst(np.concatenate(held), np.concatenate(parts), 50 * splits)}


def _split(
    case: Case, train: pl.DataFrame, test: pl.DataFrame, seed: int, level: float
) -> tuple[np.ndarray, np.ndarray, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = wf.fit(train, target=case.target, models=case.model, seed=seed, checks=False,
                        budget="10min")
        if result.task == "regression":
            found = result.predict_interval(test, level=level)
            truth = test[case.target].to_numpy()
            held = (truth >= found["low"].to_numpy()) & (truth <= found["high"].to_numpy())
            size = float(np.median((found["high"] - found["low"]).to_numpy()) / truth.std())
        else:
            found = result.predict_set(test, level=level)
            names = test[case.target].cast(pl.String).to_list()
            held = np.array([name in said.split(" | ")
                             for name, said in zip(names, found["set"], strict=True)])
            size = float(found["classes"].mean())
    part = test[case.part].cast(pl.String).to_list() if case.part else ["all"] * len(test)
    return held, np.array(part, dtype=object), size


def _worst(held: np.ndarray, part: np.ndarray, least: int) -> tuple[str, float, int] | None:
    """The value with the least coverage, its coverage and rows; None where there is one value."""
    values = [value for value in set(part.tolist()) if (part == value).sum() >= least]
    if len(values) < 2:
        return None
    each = {value: float(held[part == value].mean()) for value in values}
    value = min(each, key=lambda name: each[name])
    return str(value), each[value], int((part == value).sum())


if __name__ == "__main__":
    main()
