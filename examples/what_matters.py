"""What matters to a model, how, and together with what: churn of telephone customers.

Shuffling a column shows what it is worth to the score, with an interval and a verdict corrected for
the number of columns. Columns that say the same hide each other: tenure and total charges stand in
for each other and are shuffled together too. Partial dependence asks about customers who do not
exist (long with the company, and hardly charged); accumulated local effects do not.
"""

from __future__ import annotations

import polars as pl

import wholefit as wf
from wholefit.data import bundled

EXPECTED = {
    "columns that matter": (3, 12),
    "noise called important": (0, 0),
    "cost of contract shuffled (log loss)": (0.02, 0.2),
    "tenure and total charges together, over the dearer alone": (1.0, 4.0),
    "fall of churn over tenure (ALE)": (0.15, 0.5),
    "unreal customers asked by partial dependence, in %": (30, 100),
}


def main() -> dict[str, float]:
    rows = pl.read_csv(bundled.path("telco_churn")).sample(fraction=1, shuffle=True, seed=1)
    rows = rows.with_columns(pl.Series("noise", range(len(rows))).shuffle(seed=2))
    train, held_out = rows[:4_000], rows[4_000:]
    result = wf.fit(train, target="churn", models=["hist_gradient_boosting"], folds=2, jobs=1,
                    roles={"noise": "numeric"})

    worth = result.importance(held_out)
    print(worth)
    value = {each.name: each.value for each in worth.columns}
    pair = next(each for each in worth.together if "tenure" in each.columns)

    moved = result.effect("tenure", held_out)
    print(moved)
    asked = result.effect("tenure", held_out, kind="pdp")
    print(result.interactions(held_out, top=4, most=400))
    return {
        "columns that matter": len(worth.matters),
        "noise called important": float("noise" in worth.matters),
        "cost of contract shuffled (log loss)": value["contract"],
        "tenure and total charges together, over the dearer alone":
            pair.value / max(value[name] for name in pair.columns),
        "fall of churn over tenure (ALE)": moved.swing[0],
        "unreal customers asked by partial dependence, in %": 100 * asked.far[1],
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.2f}")
