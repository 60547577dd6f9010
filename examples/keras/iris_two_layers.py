"""A Keras network on iris: compiled there, cross-validated, explained and saved here.

The textbook's program scales the rows before it splits them, and reports one split. Here scaling is
learnt in each fold, and the score has an interval.
"""

from __future__ import annotations

import tempfile

import keras
import polars as pl
from sklearn.datasets import load_iris

import wholefit as wf
from wholefit.models import brought

EXPECTED = {"parameters": (193, 193), "accuracy": (0.90, 1.0), "same_after_loading": (1, 1)}


def main() -> dict[str, float]:
    found = load_iris()
    table = pl.DataFrame(found.data, schema=["sepal_l", "sepal_w", "petal_l", "petal_w"])
    table = table.with_columns(pl.Series("species", found.target_names[found.target]))
    model = keras.Sequential([
        keras.Input((4,)), keras.layers.Dense(10, activation="relu"),
        keras.layers.Dense(10, activation="relu"), keras.layers.Dense(3, activation="softmax")])
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
    result = wf.fit(table, target="species", metric="accuracy", folds=5,
                    models=[brought(model, epochs=30, batch=10)])
    print(result.leaderboard)
    with tempfile.TemporaryDirectory() as folder:
        result.save(f"{folder}/iris.wf")
        again = wf.load(f"{folder}/iris.wf")
        same = again.predict(table).equals(result.predict(table))
    return {"parameters": model.count_params(), "accuracy": float(result.score.value),
            "same_after_loading": float(same)}


if __name__ == "__main__":
    numbers = main()
    print(numbers)
    assert all(EXPECTED[name][0] <= value <= EXPECTED[name][1] for name, value in numbers.items())
