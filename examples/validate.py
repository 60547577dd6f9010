"""What rows should be like, learnt from old ones; new ones with faults planted; drift; parts.

Half of a table of customers is "last month". Expectations are inferred from it, one rule is
written by hand, and "this month" is held against them: first as it is, then with faults. A model
file carries enough to see drift without the training rows, and scores each part of the rows.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl

import wholefit as wf
from wholefit.data import bundled

EXPECTED = {
    "errors in honest rows": (0, 0),
    "columns that drifted in honest rows": (0, 0),
    "errors in damaged rows": (4, 4),
    "rows with a level nobody knows": (40, 40),
    "first row below 0": (7, 7),
    "columns that drifted, seen from the model file": (1, 1),
    "parts certainly worse than the rest": (1, 1),
}


def main() -> dict[str, float]:
    churn = wf.read(bundled.path("telco_churn")).frame
    last_month, this_month = churn[::2], churn[1::2]

    expected = wf.expect(last_month, "churn").with_rule("monthly_charges <= 150")
    with tempfile.TemporaryDirectory() as folder:
        path = expected.save(Path(folder) / "expected.toml")  # to read, to edit, to keep in git
        honest = wf.validate(this_month, path)
        calm = wf.drift(this_month, last_month)

        row = pl.int_range(pl.len())
        damaged = this_month.with_columns(
            pl.when(row < 40).then(pl.lit("Weekly")).otherwise(pl.col("contract"))
            .alias("contract"),
            pl.when(row == 6).then(-4).otherwise(pl.col("tenure")).alias("tenure"),
            (pl.col("monthly_charges") * 1.4).alias("monthly_charges")).drop("partner")
        found = wf.validate(damaged, path)
        print(found)

        model = wf.fit(last_month, target="churn", models="logistic", jobs=1)
        model.save(Path(folder) / "churn.wf")
        drifted = wf.drift(damaged, Path(folder) / "churn.wf")
        print(drifted.said)
    parts = model.evaluate(this_month, by="contract")
    print(parts.said)
    levels = next(each for each in found.errors if each.check == "allowed")
    below = next(each for each in found.errors if each.check == "range")
    return {
        "errors in honest rows": len(honest.errors),
        "columns that drifted in honest rows": len(calm.shifted),
        "errors in damaged rows": len(found.errors),
        "rows with a level nobody knows": levels.count,
        "first row below 0": below.rows[0],
        "columns that drifted, seen from the model file": len(drifted.shifted),
        "parts certainly worse than the rest": len(parts.worse),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number}")
