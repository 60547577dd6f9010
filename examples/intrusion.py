"""Network intrusion: detectors learn from flows, judge new ones, and alarm as often as asked.

The flows are half of five sets cut from KDD Cup 1999, one intrusion in sixty; the detectors are
not told which. Twenty alarms in a thousand flows can be looked at. The other half comes later,
first as a file, then as a stream. Then sensors of a shuttle, where nothing is known of the faults.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

import wholefit as wf

DATA = "kddcup_imbalanced/data.parquet"
EXPECTED = {
    "alarms in 1,000 new flows": (15, 27), "intrusions found, in %": (80, 100),
    "alarms that are intrusions, in %": (60, 90), "AUROC": (0.98, 1.0),
    "alarms of the stream": (75, 135), "the same alarms": (1, 1),
    "with half the budget, in 1,000 flows": (6, 15),
    "shuttle: alarms in 1,000 rows": (6, 14), "shuttle: alarms that are no usual state, in %":
    (70, 100),
}


def flows() -> dict[str, float]:
    """Learn from 4,000 flows, judge 4,771 new ones."""
    table = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / DATA).frame
    table = table.sample(fraction=1.0, shuffle=True, seed=0).drop("set")
    alarms = wf.fit(table[:4000], task="anomaly", alerts="20 per 1000 rows", label="Class",
                    models="isolation_forest, ecod", jobs=1)
    print(alarms.to_text())
    new = table[4000:]
    scores = alarms.evaluate(new)
    told = alarms.predict(new)
    print(told.filter(pl.col("anomaly")).select("score", "tail", "why").head())
    stream = alarms.stream()
    fed = [alarm.row for at in range(0, len(new), 250) for alarm in stream.feed(new[at:at + 250])]
    with TemporaryDirectory() as folder:
        alarms.report(Path(folder) / "flows.html")  # the page for those who look at the alarms
    return {
        "alarms in 1,000 new flows": 1000 * scores["alert_rate"].value,
        "intrusions found, in %": 100 * scores["recall"].value,
        "alarms that are intrusions, in %": 100 * scores["precision"].value,
        "AUROC": scores["roc_auc"].value, "alarms of the stream": len(fed),
        "the same alarms": fed == told["anomaly"].arg_true().to_list(),
        "with half the budget, in 1,000 flows":
            1000 * alarms.with_alerts("1%").predict(new, reasons=0)["anomaly"].mean(),
    }


def sensors() -> dict[str, float]:
    """Nine sensors of a shuttle: one row in a hundred may alarm; its states are not told."""
    table = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / "shuttle/data.parquet").frame
    table = table.sample(15_000, shuffle=True, seed=0)
    alarms = wf.fit(table[:5000], task="anomaly", alerts="1%", label="Class",
                    models="isolation_forest", jobs=1)
    scores = alarms.evaluate(table[5000:])
    return {"shuttle: alarms in 1,000 rows": 1000 * scores["alert_rate"].value,
            "shuttle: alarms that are no usual state, in %": 100 * scores["precision"].value}


def main() -> dict[str, float]:
    return {**flows(), **sensors()}


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
