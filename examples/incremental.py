"""Rows that keep coming: answer them, then learn them; and how near that comes to a new fit.

Each batch is scored before it is learnt, so every score is of rows the model had not seen.
"""

from __future__ import annotations

import wholefit as wf
from wholefit.data import bundled

EXPECTED = {
    "batches learnt": (5, 5),
    "rows learnt": (6000, 6000),
    "auc of the first batch, before learning it": (0.79, 0.88),
    "auc of the last batch, before learning it": (0.79, 0.88),
    "auc on held-out rows, batch by batch": (0.80, 0.88),
    "auc on held-out rows, fitted at once": (0.80, 0.88),
    "apart by": (-0.02, 0.02),
}


def main() -> dict[str, float]:
    customers = wf.read(bundled.path("telco_churn")).frame.sample(
        fraction=1.0, shuffle=True, seed=0)
    learn, held = customers[:6000], customers[6000:]
    asked = {"target": "churn", "models": "sgd", "metric": "roc_auc", "choose": "best", "jobs": 1}

    result = wf.fit(learn[:1000], **asked)
    scores = []
    for start in range(1000, 6000, 1000):
        # A new Result: the old one still answers as before, and is the new one's parent.
        result = result.update(learn[start:start + 1000])
        scores.append(result.scores["roc_auc"])
        print(f"rows {start} to {start + 1000}: {scores[-1]} before they were learnt")

    at_once = wf.fit(learn, **asked)
    stepwise = result.evaluate(held)["roc_auc"]
    batch = at_once.evaluate(held)["roc_auc"]
    print(f"held-out: batch by batch {stepwise}, at once {batch}")
    return {
        "batches learnt": len(result.lineage["parents"]),
        "rows learnt": result.lineage["rows"],
        "auc of the first batch, before learning it": scores[0].value,
        "auc of the last batch, before learning it": scores[-1].value,
        "auc on held-out rows, batch by batch": stepwise.value,
        "auc on held-out rows, fitted at once": batch.value,
        "apart by": stepwise.value - batch.value,
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
