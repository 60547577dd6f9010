"""What kinds of days does a road have? Days by their traffic, told apart by how densely they lie.

A row is a day, its columns the cars of its hours, three at a time. DBSCAN finds where days lie
thick, and leaves out those that are like no others: these a traffic department looks at first. How
many kinds there are is not said to it, and how near is near (eps) is read off the data. It is not
told the week-ends nor the holidays either, which then say what the kinds and the strange days are.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

import wholefit as wf

DATA = "metro_traffic/data.parquet"
EXPECTED = {
    "days": (1214, 1214),
    "kinds of days": (2, 2),
    "working days among the first kind, in %": (99.9, 100),
    "week-ends and holidays among the second, in %": (93, 100),
    "days like no others": (25, 55),
    "agreement with the week-end (adjusted Rand)": (0.85, 1.0),
}


def days() -> pl.DataFrame:
    """One row a day of which every hour is known: mean cars an hour, by three hours."""
    table = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / DATA).frame
    when = pl.col("date_time").cast(pl.String).str.to_datetime("%Y-%m-%d %H:%M:%S")
    table = table.with_columns(when=when).unique("when", keep="first").sort("when")
    table = table.with_columns(day=pl.col("when").dt.date(), hour=pl.col("when").dt.hour())
    wide = table.pivot("hour", index="day", values="traffic_volume").drop_nulls()
    parts = [pl.mean_horizontal(str(h + i) for i in range(3)).alias(f"{h:02d}-{h + 3:02d} h")
             for h in range(0, 24, 3)]
    holidays = table.group_by("day").agg(holiday=pl.col("holiday").is_not_null().any())
    return wide.select("day", *parts).join(holidays, on="day", maintain_order="left").with_columns(
        weekend=pl.col("day").dt.weekday() > 5, day=pl.col("day").dt.to_string("%a %Y-%m-%d"))


def main() -> dict[str, float]:
    table = days()
    result = wf.fit(table, task="clustering", models="dbscan", label="weekend", jobs=1,
                    roles={"day": "identifier", "holiday": "ignored"})
    print(result.to_text())
    said = table.with_columns(result.predict(table)["cluster"])
    print(said.group_by("cluster").agg(pl.len().alias("days"), pl.col("weekend", "holiday").mean(),
                                       pl.col("06-09 h").median()).sort("cluster"))
    strange = said.filter(pl.col("cluster") == -1)
    print(strange.select("day", "holiday", "06-09 h", "15-18 h"))
    free = pl.col("weekend") | pl.col("holiday")
    with TemporaryDirectory() as folder:
        print(result.report(Path(folder) / "traffic.html").name, "shows how near is near")
    return {
        "days": len(table), "kinds of days": len(result.clusters),
        "working days among the first kind, in %":
            100 * said.filter(cluster=0).select((~pl.col("weekend")).mean()).item(),
        "week-ends and holidays among the second, in %":
            100 * said.filter(cluster=1).select(free.mean()).item(),
        "days like no others": len(strange),
        "agreement with the week-end (adjusted Rand)":
            result.evaluate(table)["adjusted_rand"].value,
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.2f}")
