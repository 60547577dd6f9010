"""Loans that go bad, looked for without being told of any: what a detector can and cannot do.

One loan in twenty goes bad. To alarm on the most unusual loans is what many fraud programs do; here
the few known answers, which are used for judging only, say what that is worth: a little.
Most bad loans look like good ones, and nine of ten alarms are on good ones. A model that is told
which went bad does better, and that is what to reach for where answers are to be had.
"""

from __future__ import annotations

import os
from pathlib import Path

import wholefit as wf

DATA = "lending_club/data.csv.gz"
EXPECTED = {
    "alarms in 100 new loans": (0.5, 1.6), "AUROC of the detectors": (0.55, 0.67),
    "bad among the alarms, in %": (0, 25), "bad among all, in %": (4.5, 6),
    "AUROC of a model that was told": (0.65, 0.8),
}


def main() -> dict[str, float]:
    table = wf.read(Path(os.environ["WHOLEFIT_DATA"]) / DATA).frame
    table = table.sample(fraction=1.0, shuffle=True, seed=0)
    old, new = table[:5000], table[5000:]
    alarms = wf.fit(old, task="anomaly", alerts="1%", label="Class",
                    models="isolation_forest, ecod", jobs=1)
    print(alarms.to_text())
    scores = alarms.evaluate(new)
    told = wf.fit(old, target="Class", positive="bad", models="logistic", jobs=1)
    return {
        "alarms in 100 new loans": 100 * scores["alert_rate"].value,
        "AUROC of the detectors": scores["roc_auc"].value,
        "bad among the alarms, in %": 100 * scores["precision"].value,
        "bad among all, in %": 100 * (new["Class"] == "bad").mean(),
        "AUROC of a model that was told": told.evaluate(new)["roc_auc"].value,
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
