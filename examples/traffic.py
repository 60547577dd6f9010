"""What kinds of days does a road have? Days by their traffic, told apart by how densely they lie.

A row is a day, its columns the cars of each hour. DBSCAN finds where days lie thick, and leaves
out those that are like no others: these a traffic department looks at first. How many kinds
there are is not said to it, and how near is near (eps) is read off the data. It is not told the
weekday nor the holidays either, which then say what the kinds and the strange days are.
"""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

import wholefit as wf

DATA = "metro_traffic/data.parquet"
EXPECTED: dict[str, tuple[float, float]] = {}


def days() -> pl.DataFrame:
    """One row a day of which at least 22 hours are known: the cars of each hour."""
    table = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / DATA).frame
    when = pl.col("date_time").cast(pl.String).str.to_datetime("%Y-%m-%d %H:%M:%S")
    table = table.with_columns(when=when).unique("when", keep="first").sort("when")
    table = table.with_columns(day=pl.col("when").dt.date(), hour=pl.col("when").dt.hour())
    wide = table.pivot("hour", index="day", values="traffic_volume", sort_columns=True)
    wide = wide.rename({str(hour): f"{hour:02d}:00" for hour in range(24)})
    known = pl.sum_horizontal(pl.exclude("day").is_not_null()) >= 22
    told = table.group_by("day").agg(holiday=pl.col("holiday").is_not_null().any())
    return wide.filter(known).join(told, on="day", maintain_order="left").with_columns(
        weekday=pl.col("day").dt.to_string("%A"), day=pl.col("day").dt.to_string("%Y-%m-%d"))


def main() -> dict[str, float]:
    table = days()
    result = wf.fit(table, task="clustering", models="dbscan", jobs=1, label="weekday",
                    roles={"day": "identifier", "holiday": "ignored"})
    print(result.to_text())
    said = table.with_columns(result.predict(table)["cluster"])
    print(said.group_by("cluster").agg(
        days=pl.len(), saturday=(pl.col("weekday") == "Saturday").mean(), sunday=(pl.col("weekday") == "Sunday").mean(), 
        holiday=pl.col("holiday").mean()).sort("days", descending=True))
    print(said.filter(pl.col("holiday"))["cluster"].value_counts())
    print(said.filter(pl.col("cluster")==-1).select("day","weekday","holiday"))
    result.report("/tmp/w/TELL/traffic.html",force=True)
    return {}


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
