"""Drift, retrain, gate, promote, worse, roll back: a model of Beijing's air, kept alive for a year.

The first model has only seen a winter. Summer is otherwise: the loop sees the drift, fits a model
anew on the latest rows alone, holds it against the first on days that neither has learnt, and
promotes it. When winter comes back that model has forgotten it: labels show that it is worse than
its predecessor, and it is rolled back. The challenger of the next summer learns from all rows, and
stays. Rows of one day stay together in every split, and are one unit in every test.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

import wholefit as wf

DATA = "beijing_pm25/data.parquet"
EXPECTED = {
    "versions": (3, 3),
    "served after the first summer": (2, 2),
    "served after the second winter": (1, 1),
    "served at the end": (3, 3),
    "mae in the first summer, version 1 over version 2": (3.4, 4.4),
    "mae in the second winter, version 2 over version 1": (4.5, 6.0),
    "changes in the trail": (9, 9),
    "faults in the registry": (0, 0),
}


def hours(year: int, first: int, last: int) -> pl.DataFrame:
    """The hours of some months, with the weather and how dirty the air was."""
    table = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / DATA).frame
    table = table.filter((pl.col("year") == year) & pl.col("month").is_between(first, last))
    return table.with_columns(
        day=pl.format("{}-{}-{}", "year", "month", pl.col("day"))).drop("No", "year", "month")


def turned(loop: wf.Loop, rows: pl.DataFrame) -> int:
    """Give labelled rows to the loop, let it turn; the version that is served then."""
    loop.give(rows)
    print(loop.run().said)
    served = loop.registry.served(loop.name)
    assert served is not None
    return served.number


def main() -> dict[str, float]:
    winter = hours(2010, 1, 2)
    first = wf.fit(winter, target="pm2.5", groups="day", folds=3, metric="mae",
                   models="ridge", jobs=1, checks=False)
    plan = {"triggers": {"rows": None}, "watch": {"rows": 1_000}}
    with TemporaryDirectory() as folder, wf.Registry(Path(folder) / "registry") as registry:
        version = registry.add(first.save(Path(folder) / "first.wf"), "air")
        registry.promote("air", version.number, why="the first model")

        # Forgetting: the challenger learns from the latest rows alone.
        forgetful = {**plan, "retrain": {"how": "full", "window": 1_000}}
        with wf.Loop(registry, "air", data=winter, plan=forgetful) as loop:
            summer = turned(loop, hours(2010, 6, 8))
            again = turned(loop, hours(2010, 11, 12))

        # Remembering: from all rows.
        with wf.Loop(registry, "air", data=winter, plan=plan) as loop:
            turned(loop, hours(2011, 6, 8))
            end = turned(loop, hours(2011, 11, 12))
        old, new = (wf.load(registry.version("air", number).path) for number in (1, 2))
        warm, cold = hours(2010, 6, 8), hours(2010, 11, 12)
        return {
            "versions": len(registry.versions("air")),
            "served after the first summer": summer,
            "served after the second winter": again,
            "served at the end": end,
            "mae in the first summer, version 1 over version 2": _ratio(old, new, warm),
            "mae in the second winter, version 2 over version 1": _ratio(new, old, cold),
            "changes in the trail": registry.revision,
            "faults in the registry": sum(not fact.ok for fact in registry.check()),
        }


def _ratio(a: wf.Result, b: wf.Result, rows: pl.DataFrame) -> float:
    return a.evaluate(rows)["mae"].value / b.evaluate(rows)["mae"].value


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
