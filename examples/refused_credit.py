"""Refused credit: what would have to be otherwise, and what became of people treated alike.

For everyone whom the model refuses it looks for the least change that would have been granted, to
values that applicants really have, and near to a real applicant. Most need one or two columns. The
examples that the model treats alike turn out as it says far more often than random ones do.
"""

from __future__ import annotations

import statistics

import polars as pl

import wholefit as wf
from wholefit.data import bundled

MODEL = "hist_gradient_boosting"
ASKED = 25
EXPECTED = {
    "share with a way to a yes": (0.9, 1),
    "columns changed, on average": (1, 2.5),
    "share of changed rows that are granted": (1, 1),
    "share with a way while only age may grow": (0, 0.4),
    "examples that had the predicted outcome": (0.7, 1),
    "random rows that had it": (0.2, 0.6),
}


def main() -> dict[str, float]:
    loans = pl.read_csv(bundled.path("credit_data"))
    train, new = loans[:3000], loans[3000:]
    result = wf.fit(train, target="Status", models=[MODEL], choose="best", folds=3)
    refused = new.filter(result.predict(new)["prediction"] == "bad")[:ASKED]

    found = [result.counterfactuals(refused[at:at + 1], want="good", keep=["Age", "Marital"],
                                    among=train) for at in range(len(refused))]
    print(found[0].to_text())
    ways = [each.alternatives[0] for each in found if each.alternatives]
    granted = [result.predict(changed(refused[at:at + 1], each.alternatives[0]))["prediction"][0]
               for at, each in enumerate(found) if each.alternatives]
    older = [result.counterfactuals(refused[at:at + 1], want="good", change=["Age"],
                                    only_up=["Age"]) for at in range(len(refused))]

    alike = result.examples(refused, among=train, k=5)
    print("\n".join(alike.lines()[:3] + alike.lines()[-2:]))
    return {
        "share with a way to a yes": len(ways) / len(found),
        "columns changed, on average": statistics.mean(len(way.changes) for way in ways),
        "share of changed rows that are granted": granted.count("good") / len(granted),
        "share with a way while only age may grow": sum(
            bool(each.alternatives) for each in older) / len(older),
        "examples that had the predicted outcome": alike.agreement,
        "random rows that had it": alike.chance,
    }


def changed(row: pl.DataFrame, way: object) -> pl.DataFrame:
    """The row with the changes made."""
    return row.with_columns(pl.lit(change.after).alias(change.column) for change in way.changes)


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
