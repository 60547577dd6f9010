"""Three kinds of anomaly in the traffic of a road: a value, a value at its hour, a day.

A count that no hour has; the count of a rush hour at three in the morning; a day lived twelve hours
late, each of its values usual. The first any detector finds. The second needs to know the hour
(context=), the third to look at stretches (window=).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import wholefit as wf

DATA = "metro_traffic/data.parquet"
EXPECTED = {
    "value, found by rows": (1, 1), "value at its hour, found by rows": (0, 0),
    "value at its hour, found by context": (1, 1), "day, found by rows": (0, 0),
    "day, found by windows": (1, 1), "its first reason names the traffic": (1, 1),
}
DAY = 24


def traffic() -> pl.DataFrame:
    """Twelve thousand hours of one road: time and cars."""
    table = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / DATA).frame
    return table.unique("date_time", keep="first").sort("date_time").select(
        "date_time", "traffic_volume")[:12_000]


def main() -> dict[str, float]:
    table = traffic()
    words: dict[str, Any] = {"task": "anomaly", "time": "date_time", "jobs": 1,
                             "models": "isolation_forest, ecod"}
    learn, new = table[:10_000], table[10_000:]
    cars = new["traffic_volume"].to_numpy().copy()
    night = int(np.flatnonzero((new["date_time"].str.slice(11, 2) == "03").to_numpy())[10])
    cars[500] = 30_000
    cars[night] = 6_000
    cars[1200:1200 + DAY] = np.roll(cars[1200:1200 + DAY], 12)
    new = new.with_columns(traffic_volume=pl.Series(cars))

    rows = wf.fit(learn, alerts="1 per week", **words).predict(new)["anomaly"]
    context = wf.fit(learn, alerts="1 per week", context="hour,weekday", **words)
    told = context.predict(new)
    print(told["why"][night])
    windows = wf.fit(learn, alerts="2 per month", window="24h", context="hour,weekday", **words)
    days = windows.events(new)
    print(days.select("from", "until", "why"))
    hit = days.filter(pl.col("from_row") <= 1200 + DAY, pl.col("until_row") > 1200)
    return {
        "value, found by rows": bool(rows[500]),
        "value at its hour, found by rows": bool(rows[night]),
        "value at its hour, found by context": bool(told["anomaly"][night]),
        "day, found by rows": bool(rows[1200:1200 + DAY].any()),
        "day, found by windows": len(hit) > 0,
        "its first reason names the traffic":
            len(hit) > 0 and hit["columns"][0].startswith("traffic_volume"),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
