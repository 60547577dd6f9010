"""LIME on a random forest of iris: what four weights around one flower are worth.

The usual program explains one test flower and shows four weights, and nothing says whether they
can be believed. Here each is asked two questions more: does the small weighted sum answer like the
forest on points it has not seen (R2 with its interval), and are its weights the same when the
points are drawn anew? Where the answer is no, nothing is explained.
"""

from __future__ import annotations

import polars as pl
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

import wholefit as wf

EXPECTED = {
    "flowers explained of 30": (15, 30),
    "columns told of flower 25": (1, 4),
    "fidelity of flower 25": (0.5, 1),
    "same two first columns under another seed": (1, 1),
    "flowers refused at a fidelity of 0.99": (20, 30),
}


def main() -> dict[str, float]:
    iris = load_iris()
    frame = pl.DataFrame({name: iris.data[:, at] for at, name in enumerate(iris.feature_names)})
    frame = frame.with_columns(species=pl.Series([iris.target_names[k] for k in iris.target]))
    train, test = train_test_split(range(150), test_size=0.2, random_state=42)
    train, test = frame[train], frame[test]
    result = wf.fit(train, target="species", models=["random_forest(n_estimators=100)"],
                    choose="best", folds=3)

    one = result.explain(test, method="lime", background=train, only=25, features=4)
    print(one.to_text())
    again = result.explain(test, method="lime", background=train, only=25, features=4, seed=1)
    every = result.explain(test, method="lime", background=train)
    strict = result.explain(test, method="lime", background=train, least=0.99)
    return {
        "flowers explained of 30": sum(why is None for why in every.refused),
        "columns told of flower 25": sum(part.adds != 0 for part in one.parts(0)),
        "fidelity of flower 25": one.fidelity[0].value,
        "same two first columns under another seed": float(
            {part.column for part in one.parts(0)[:2]}
            == {part.column for part in again.parts(0)[:2]}),
        "flowers refused at a fidelity of 0.99": sum(why is not None for why in strict.refused),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
