"""A model in use: a log of its answers, windows judged, and a score without truths.

Customers of a telephone company come and are answered. For four windows nothing changes. Then the
customers are newer than those that were learnt from: columns move, the model is less often right,
and both is seen before a single truth has come. The estimate is held against the truths at last.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import polars as pl

import wholefit as wf
from wholefit.data import bundled

EXPECTED = {
    "alarms in stable windows": (0, 0), "windows that alarm": (2, 2),
    "tenure is named": (1, 1), "the score without truths alarms": (1, 1),
    "error of the estimate, points": (0, 3), "error of saying what was before, points": (5, 15),
}
ROWS = 700


def main() -> dict[str, float]:
    random = np.random.default_rng(0)
    table = wf.read(bundled.path("telco_churn")).frame.sample(fraction=1, shuffle=True, seed=1)
    model = wf.fit(table[:2_000], target="churn", models="logistic", jobs=1)
    held_out, live = table[2_000:4_000], table[4_000:]
    usual = live.sample(4 * ROWS, with_replacement=True, seed=2)
    # New customers: the shorter they have stayed, the likelier they are to be among them.
    odds = np.exp(-live["tenure"].to_numpy() / 12.0)
    newer = live[random.choice(len(live), 2 * ROWS, p=odds / odds.sum())]
    asked = pl.concat([usual, newer]).with_columns(
        at=1.75e9 + 600 * pl.int_range(6 * ROWS))

    with tempfile.TemporaryDirectory() as folder:
        log = wf.open_log(Path(folder) / "answers.db", keep_rows=True)
        wf.log_answers(model, asked.drop("churn"), log, name="churn", time="at")
        found = wf.monitor(model, log, held_out, window=f"{ROWS} rows")
        log.close()
    print(found)
    alarms = {check.window for check in found.alarms}
    estimate = found.series("estimate")[-1]
    answers = model.predict(asked[-ROWS:])["prediction"]
    true = float((answers == asked["churn"][-ROWS:]).mean())
    return {
        "alarms in stable windows": len(alarms & {0, 1, 2, 3}),
        "windows that alarm": len(alarms),
        "tenure is named": float(any(check.what == "tenure" for check in found.alarms)),
        "the score without truths alarms": float(estimate.verdict == "alarm"),
        "error of the estimate, points": 100 * abs(estimate.value - true),
        "error of saying what was before, points": 100 * abs(estimate.before - true),
    }


if __name__ == "__main__":
    print(main())
