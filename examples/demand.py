"""How many cars will pass? Demand by the hour, judged on the future and not on the past.

Six years of hourly traffic lie in the folder that WHOLEFIT_DATA names. Neighbouring hours are
alike, and some hours have several rows. A shuffled split puts one of them into training and the
other into the test: the model is then asked what it has been told.
"""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

import wholefit as wf

DATA = "metro_traffic/data.parquet"

EXPECTED = {
    "mean error, judged on later months": (260, 340),
    "mean error of the baseline": (1680, 1790),
    "mean error, shuffled": (215, 255),
    "flattered by, in %": (12, 30),
}


def main() -> dict[str, float]:
    table = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / DATA).frame
    when = table["date_time"].cast(pl.String).str.to_datetime("%Y-%m-%d %H:%M:%S")
    # All that is learnt from is known beforehand: the calendar, and the weather forecast. No
    # column looks back at the traffic itself, so the model can answer any hour to come.
    table = table.with_columns(
        date_time=when, hour=when.dt.hour(), weekday=when.dt.weekday(), month=when.dt.month(),
        day_of_year=when.dt.ordinal_day(), year=when.dt.year(),
    )
    models = "dummy, hist_gradient_boosting"
    asked = {"target": "traffic_volume", "models": models, "metric": "mae", "folds": 4, "jobs": 1}

    # time= puts every training row before every row it is judged on.
    honest = wf.fit(table, time="date_time", **asked)
    print(honest.split)
    print(honest.leaderboard)
    # The same rows and columns, shuffled.
    shuffled = wf.fit(table, roles={"date_time": "ignored"}, **asked)
    print(shuffled.leaderboard)

    baseline = next(entry for entry in honest.leaderboard if entry.model == "dummy")
    return {
        "mean error, judged on later months": honest.score.value,
        "mean error of the baseline": baseline.scores["mae"].value,
        "mean error, shuffled": shuffled.score.value,
        "flattered by, in %": 100 * (1 - shuffled.score.value / honest.score.value),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.1f}")
