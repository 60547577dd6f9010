"""Leaks: columns that know the answer, said aloud before anyone is proud of the score.

The churn table gets three faults that real tables have: a column filled in after the customer
left, rows entered twice with a slip, and a damaged number. `fit` looks for such things by
default and names each with the flag that treats it; nothing is dropped in silence.
"""

from __future__ import annotations

import numpy as np
import polars as pl

import wholefit as wf
from wholefit.data import bundled

EXPECTED = {
    "AUC with the leak": (0.99, 1.0),
    "AUC once it is left out": (0.80, 0.88),
    "leaks named": (1, 1),
    "near copies named, of 60 rows": (60, 64),
    "damaged cells named": (1, 1),
    "AUC of telling two halves apart": (0.47, 0.53),
    "AUC of telling a shifted half apart": (0.9, 1.0),
}


def main() -> dict[str, float]:
    whole = wf.read(bundled.path("telco_churn")).frame
    frame = faulty(whole)

    leaky = wf.fit(frame, target="churn", models="logistic", metric="roc_auc", jobs=1)
    for finding in leaky.findings[:4]:
        print(f"{finding.severity}: {finding}")
    leaks = [one for one in leaky.findings if one.severity == "critical"]

    # The remedy, as the finding says: --role reason_of_leaving=ignored
    honest = wf.fit(frame, target="churn", models="logistic", metric="roc_auc", jobs=1,
                    roles={"reason_of_leaving": "ignored"})
    print(f"with the leak {leaky.score}, without {honest.score}")

    found = {kind: sum(len(one.rows) for one in leaky.findings if one.kind == kind)
             for kind in ("near_duplicate_spelling", "damaged_cells")}

    # Two tables at hand: can a model tell their rows apart, and by what?
    rows = np.random.default_rng(1).permutation(len(whole))
    a, b = whole[rows[:3000]], whole[rows[3000:6000]]
    alike = wf.skew(a, b, target="churn")
    moved = wf.skew(a, b.with_columns(pl.col("monthly_charges") * 1.3), target="churn")
    print(moved)
    return {
        "AUC with the leak": leaky.score.value,
        "AUC once it is left out": honest.score.value,
        "leaks named": len(leaks),
        "near copies named, of 60 rows": found["near_duplicate_spelling"],
        "damaged cells named": found["damaged_cells"],
        "AUC of telling two halves apart": alike.auc.value,
        "AUC of telling a shifted half apart": moved.auc.value,
    }


def faulty(whole: pl.DataFrame) -> pl.DataFrame:
    """The table with three faults."""
    reason = pl.when(pl.col("churn") == "Yes").then(pl.lit("moved away"))
    twice = whole[:30].with_columns(pl.col("payment_method").str.to_uppercase())
    cells = pl.col("monthly_charges").cast(pl.String)
    damaged = pl.when(pl.int_range(pl.len()) == 99).then(pl.lit("89,10")).otherwise(cells)
    return pl.concat([whole, twice]).with_columns(reason_of_leaving=reason, rate=damaged)


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
