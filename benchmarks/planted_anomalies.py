"""Anomalies of three kinds planted in real series, and who finds them at one alert budget.

    WHOLEFIT_DATA=... python -m benchmarks.planted_anomalies [--short]

Point: a value far outside its column. Contextual: the value of another hour, as usual as any in
itself. Collective: a day that is flat, or shifted, or out of order, each value of which is usual.
Forty of a kind are planted in a copy of the series; each fit may alarm as often as there are
planted stretches, twice over. Recall is the share of the planted ones that an alarm touches.
Last: a value of one column of a table is put out of its range, and counted is how often the
reasons name that column first. Writes benchmarks/results/planted_anomalies.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from benchmarks import _tools
from wholefit.evaluation.intervals import wilson

PLANTED, DAY = 40, 24
_MOST = 12_000
# Series: file, column of time, the column that is tampered with, others that are kept.
SERIES = (
    ("household_power_hourly", "ts", "Global_active_power", ("Voltage", "Sub_metering_3")),
    ("metro_traffic", "date_time", "traffic_volume", ("temp",)),
    ("beijing_pm25", "at", "TEMP", ("DEWP", "PRES")),
)
WAYS: dict[str, dict[str, Any]] = {
    "rows alone": {}, "context": {"context": "hour,weekday,month"}, "windows": {"window": DAY},
    "windows in context": {"window": DAY, "context": "hour,weekday,month"},
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted_anomalies")
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args().short
    recalls = list(series(short))
    named = list(columns(short))
    text = "\n".join([*_page(recalls, named), _tools.machine(
        "wholefit", "numpy", "scikit-learn", "polars"), "",
        "Made by `python -m benchmarks.planted_anomalies`."])
    if short:
        print(text)
    else:
        _tools.save("planted_anomalies", text)


# ---- planting ---------------------------------------------------------------------------


def point(values: np.ndarray, starts: np.ndarray, random: np.random.Generator) -> list[slice]:
    """A value beyond 99.9 % of the others by two to eight times the column's spread."""
    high, spread = np.nanquantile(values, 0.999), np.nanstd(values)
    values[starts] = high + spread * random.uniform(2, 8, len(starts))
    return [slice(at, at + 1) for at in starts]


def contextual(values: np.ndarray, starts: np.ndarray, _: np.random.Generator) -> list[slice]:
    """The value of the same day that lies farthest from the own one: usual, at another hour."""
    for at in starts:
        day = values[at - DAY // 2:at + DAY // 2]
        values[at] = day[np.nanargmax(np.abs(day - values[at]))]
    return [slice(at, at + 1) for at in starts]


def collective(
    values: np.ndarray, starts: np.ndarray, random: np.random.Generator
) -> list[slice]:
    """A day that stays where it began, or is shuffled, or is turned around in time."""
    for turn, at in enumerate(starts):
        day = values[at:at + DAY].copy()
        values[at:at + DAY] = (np.full(DAY, np.nanmedian(day)) if turn % 3 == 0 else
                               random.permutation(day) if turn % 3 == 1 else day[::-1])
    return [slice(at, at + DAY) for at in starts]


KINDS: dict[str, Callable[..., list[slice]]] = {
    "point": point, "contextual": contextual, "collective": collective}


def planted(
    frame: pl.DataFrame, column: str, kind: str, seed: int = 0
) -> tuple[pl.DataFrame, list[slice]]:
    """A copy with anomalies of one kind in one column, and where they are."""
    random = np.random.default_rng(seed)
    values = frame.get_column(column).cast(pl.Float64).to_numpy().copy()
    places = np.arange(2 * DAY, frame.height - 2 * DAY, 3 * DAY)
    places = places[[np.isfinite(values[at - DAY:at + 2 * DAY]).all() for at in places]]
    starts = np.sort(random.choice(places, PLANTED, replace=False)) + random.integers(0, DAY)
    found = KINDS[kind](values, starts, random)
    return frame.with_columns(pl.Series(column, values)), found


def series(short: bool = False) -> Iterator[dict[str, Any]]:
    """Recall of each way of looking at each kind in each series."""
    for name, time, column, others in SERIES[:1] if short else SERIES:
        whole = pl.read_parquet(_folder() / name / "data.parquet")
        if time not in whole.columns:
            whole = whole.with_columns(pl.datetime("year", "month", "day", "hour").alias(time))
        whole = whole.unique(time, keep="first").sort(time).select(time, column, *others)[:_MOST]
        for kind in KINDS:
            frame, where = planted(whole, column, kind)
            found = {way: recall(frame, time, where, words) for way, words in WAYS.items()}
            print(name, kind, found, file=sys.stderr, flush=True)
            yield {"name": name, "kind": kind, **found}


def recall(
    frame: pl.DataFrame, time: str, where: list[slice], words: dict[str, Any]
) -> tuple[float, int]:
    """(share of the planted that an alarm touches, alarms), each way with twice as many alarms.

    Alarmed rows are counted as alarms; where windows are judged, alarmed stretches are.
    """
    fitted = wf.fit(frame, task="anomaly", time=time, alerts=2 * len(where), jobs=1, **words)
    told = np.asarray(fitted.predict(frame, reasons=0)["anomaly"])
    alarms = fitted.events(frame).height if words.get("window") else int(told.sum())
    return float(np.mean([told[place].any() for place in where])), alarms


# ---- reasons ----------------------------------------------------------------------------


def columns(short: bool = False) -> Iterator[dict[str, Any]]:
    """How often the column that was tampered with is named first, over real tables."""
    from benchmarks.unlabelled import _anomaly_tables

    for at, (name, (frame, truth)) in enumerate(_anomaly_tables.tables(_folder())):
        if name in ("mnist", "fashion") or (short and at % 5):
            continue
        usual = frame.filter(pl.Series(truth == 0))[:6_000]
        yield {"name": name, **named_first(usual)}


def named_first(frame: pl.DataFrame, rows: int = 60, seed: int = 0) -> dict[str, Any]:
    """Plant one strange value a row in a fitted table's unlearnt rows, and read the reasons."""
    random = np.random.default_rng(seed)
    frame = frame[random.permutation(frame.height)]
    fitted = wf.fit(frame[rows:], task="anomaly", jobs=1)
    numbers = [c.name for c in fitted.schema.columns if c.role == "numeric"]
    asked, chosen = frame[:rows], []
    cells = {name: asked.get_column(name).cast(pl.Float64).to_list() for name in numbers}
    for at in range(min(rows, asked.height)):
        name = numbers[random.integers(len(numbers))]
        column = frame.get_column(name).cast(pl.Float64)
        low, high = float(column.min()), float(column.max())  # type: ignore[arg-type]
        cells[name][at] = high + (high - low)
        chosen.append(name)
    asked = asked.with_columns([pl.Series(name, values) for name, values in cells.items()])
    first = alarms = 0
    verdict = fitted.predict(asked, reasons=0)["anomaly"].to_list()
    for at, name in enumerate(chosen):
        why = fitted.explain(asked, at)
        first += why.reasons[0].column == name
        alarms += verdict[at]
    return {"rows": len(chosen), "first": first, "alarms": alarms}


def _folder() -> Path:
    if "WHOLEFIT_DATA" not in os.environ:
        sys.exit("say where the data sets are: WHOLEFIT_DATA=...")
    return Path(os.environ["WHOLEFIT_DATA"])


def _page(recalls: list[dict[str, Any]], named: list[dict[str, Any]]) -> list[str]:
    said = ["# Planted anomalies", "",
            f"{PLANTED} of a kind in one column of a real series; {2 * PLANTED} alarms allowed. "
            "Share found, and alarms given.", "",
            "| series | planted | " + " | ".join(WAYS) + " |", "|---|---|" + "---:|" * len(WAYS)]
    said += [f"| {r['name']} | {r['kind']} | " + " | ".join(
        f"{r[way][0]:.0%} ({r[way][1]})" for way in WAYS) + " |" for r in recalls]
    first, rows = sum(r["first"] for r in named), sum(r["rows"] for r in named)
    low, high = wilson(first / rows, rows, 1.96)
    said += ["", "## Why this row", "",
             "One value of an unlearnt row is put as far above its column's largest as the column "
             f"spans. **The column is named first in {first} of {rows} rows: {first / rows:.1%} "
             f"({low:.1%} to {high:.1%}).**", "", "| table | rows | named first | alarmed |",
             "|---|---:|---:|---:|"]
    said += [f"| {r['name']} | {r['rows']} | {r['first']} | {r['alarms']} |" for r in named]
    return [*said, ""]


if __name__ == "__main__":
    main()
