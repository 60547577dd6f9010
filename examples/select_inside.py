"""Choosing columns outside the folds lies about noise, every time; inside it does not.

A hundred rows of 300 random columns, tossed coins as target, half of them heads, drawn anew six
times. Whatever chooses, no model can do better than half. `features={"select": ...}` makes the
choice a step of the fit: each fold makes it on its own training rows, and the model file repeats
it on new ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

import wholefit as wf
from wholefit import data
from wholefit.evaluation import Score
from wholefit.features.encoder import Encoder
from wholefit.features.encoding import for_linear

DRAWS = 6
EXPECTED = {
    "accuracy, ten columns chosen on all rows": (0.66, 0.78),
    "draws in which its interval lies above chance": (6, 6),
    "accuracy, ten columns chosen inside the folds": (0.44, 0.56),
    "draws in which its interval holds chance": (5, 6),
    "columns kept of 30 real ones and 100 of noise": (20, 20),
    "of them noise": (0, 0),
}


def main() -> dict[str, float]:
    lies, truths = zip(*(draw(np.random.default_rng(seed)) for seed in range(DRAWS)), strict=True)
    kept = real()
    return {
        "accuracy, ten columns chosen on all rows": float(np.mean([s.value for s in lies])),
        "draws in which its interval lies above chance": sum(s.low > 0.5 for s in lies),
        "accuracy, ten columns chosen inside the folds": float(np.mean([s.value for s in truths])),
        "draws in which its interval holds chance": sum(s.low < 0.5 < s.high for s in truths),
        "columns kept of 30 real ones and 100 of noise": len(kept),
        "of them noise": sum(name.startswith("noise") for name in kept),
    }


def draw(rng: np.random.Generator) -> tuple[Score, Score]:
    """Accuracy, with its interval, of a model whose columns were chosen outside, and inside."""
    y = np.where(rng.permutation(100) < 50, "heads", "tails")
    table = pl.DataFrame({f"noise {at}": rng.normal(size=100) for at in range(300)})

    # Wrong: what chooses has seen every row, also those that are to judge the choice.
    dataset = data.load(table.with_columns(y=pl.Series(y)), target="y")
    codes = (y == "tails").astype(np.int32)
    chosen = Encoder(for_linear(select="f", keep=10)).fit(dataset, None, codes).names
    lie = accuracy(table.select(chosen), y)

    # Right: a step of the fit, on any face: wholefit fit ... --feature select=f --feature keep=10
    return lie, accuracy(table, y, features={"select": "f", "keep": 10})


def accuracy(table: pl.DataFrame, y: np.ndarray, **words: Any) -> Score:
    result = wf.fit(table.with_columns(y=pl.Series(y)), target="y", models="logistic",
                    metric="accuracy", jobs=1, **words)
    return next(e for e in result.leaderboard if e.model == "logistic").scores["accuracy"]


def real() -> list[str]:
    """Where something does tell: what selection keeps of breast cancer beside noise."""
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    noise = np.random.default_rng(0).normal(size=(len(y), 100))
    table = pl.DataFrame({f"measure {at}": column for at, column in enumerate(X.T)}
                         | {f"noise {at}": column for at, column in enumerate(noise.T)})
    dataset = data.load(table, target=None)
    return Encoder(for_linear(select="mutual_info", keep=20)).fit(
        dataset, None, y.astype(np.int32)).names


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
