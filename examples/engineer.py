"""Features from other columns: proposed and confirmed, encoded without a leak, joined in time.

1. A line cannot bend round a clock: traffic by the hour, and what sine and cosine of it buy.
2. A level's mean target, taught by a row's own target, looks like a discovery; it is a leak.
3. Orders of the future, summed up beside each customer, predict the past very well.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl

import wholefit as wf

DATA = "metro_traffic"
EXPECTED = {
    "ridge's error without the feature": (1700, 1900),
    "ridge's error with it": (950, 1200),
    "features accepted": (1, 3),
    "levels of noise, taught by their own rows": (0.9, 1.0),
    "levels of noise, cross-fitted": (-0.2, 0.2),
    "orders as of the day": (-0.2, 0.2),
    "orders of all time": (0.5, 1.0),
}


def proposed() -> dict[str, float]:
    """Ask for features of the traffic table; the gain is of rows that had no part in choosing."""
    path = Path(os.environ["WHOLEFIT_DATA"]) / DATA / "data.parquet"
    found = wf.suggest(path, target="traffic_volume", rows=3000, shortlist=5, helps="linear",
                       jobs=1)
    held = found.confirmed["linear"]
    return {"ridge's error without the feature": held.before.value,
            "ridge's error with it": held.after.value,
            "features accepted": len(found.accepted)}


def encoded() -> dict[str, float]:
    """A level of its own for every row, and a target that knows nothing of levels."""
    draw = np.random.default_rng(0)
    frame = pl.DataFrame({"level": [f"level {i}" for i in range(600)]})
    target = draw.normal(size=600)
    made = wf.feature("target", "level", smooth=0.0).transformer
    crossed = made.fit_transform(frame, target)[:, 0]
    naive = made.transform(frame)[:, 0]
    return {"levels of noise, taught by their own rows": correlation(naive, target),
            "levels of noise, cross-fitted": correlation(crossed, target)}


def joined() -> dict[str, float]:
    """Customers on day 30, and orders before and after: a churner orders no more."""
    draw = np.random.default_rng(1)
    stays = draw.random(500) < 0.5
    who, day = draw.integers(0, 500, 8000), draw.integers(0, 60, 8000)
    kept = (day < 30) | stays[who]
    customers = pl.DataFrame({"id": range(500), "day": 30, "stays": stays})
    orders = pl.DataFrame({"id": who[kept], "day": day[kept]})
    honest = wf.join(customers, orders, "id", as_of="day", aggregates={"*": "count"})
    # Without as_of the join says that it may look ahead where the table has dates.
    leaky = wf.join(customers, orders.drop("day"), "id", aggregates={"*": "count"})
    return {"orders as of the day": correlation(honest.frame["count"], stays),
            "orders of all time": correlation(leaky.frame["count"], stays)}


def correlation(a: object, b: object) -> float:
    return float(np.corrcoef(np.asarray(a, dtype=float), np.asarray(b, dtype=float))[0, 1])


def main() -> dict[str, float]:
    return {**proposed(), **encoded(), **joined()}


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
