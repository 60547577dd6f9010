"""Grid or random search, and how much of a best score is luck.

A tree on 4,454 loans. The grid tries all 36 combinations of three settings, random search twelve
draws from the same ranges: nearly as good, for a third of the cost. The best of many trials has
had luck with the folds it was chosen by; the score that is reported has not. Then a linear model,
whose search may also give it the products of its columns, and takes them.
"""

from __future__ import annotations

import os
from typing import Any

import wholefit as wf

DATA = "credit_data/data.csv.gz"
EXPECTED = {
    "trials of the grid": (36, 36),
    "trials of the random search": (12, 12),
    "log loss of the grid's best": (0.45, 0.52),
    "what the random search's best loses": (-0.02, 0.03),
    "what tuning gains a tree in log loss": (0.3, 15.0),
    "luck in the best of the grid": (-0.004, 0.03),
}
TREE: dict[str, Any] = {"target": "Status", "models": "decision_tree", "folds": 3, "jobs": 1,
                        "checks": False}
RANGES = {"max_depth": (2, 12), "min_samples_leaf": (5, 150), "ccp_alpha": (0.0, 0.01)}


def main() -> dict[str, float]:
    loans = os.path.join(os.environ["WHOLEFIT_DATA"], DATA)
    grid = wf.tune(loans, **TREE, strategy="grid", space={
        "max_depth": [2, 4, 7, 12], "min_samples_leaf": [5, 30, 150],
        "ccp_alpha": [0.0, 0.002, 0.01]}).study
    drawn = wf.tune(loans, **TREE, space=RANGES, budget="12 trials").study
    for study in (grid, drawn):
        print(*study.said, sep="\n", end="\n\n")
    assert grid.gain is not None
    return {
        "trials of the grid": len(grid.trials),
        "trials of the random search": len(drawn.trials),
        "log loss of the grid's best": grid.score_of_best,
        "what the random search's best loses": drawn.score_of_best - grid.score_of_best,
        "what tuning gains a tree in log loss": -grid.gain.value,
        "luck in the best of the grid": grid.score - grid.score_of_best,
    }


if __name__ == "__main__":
    for name, value in main().items():
        print(f"{name}: {value:.4g}")
