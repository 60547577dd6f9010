"""A transformer of your own: cut each column at quantiles learnt in training, save, load.

`fit` and `transform` make it work: every fold fits a fresh copy on its own training rows.
`to_state` and `from_state` let it be saved: as numbers, never as code. The package has such a
clipper of its own (wholefit.features.clip.QuantileClipper); this one shows how little it takes.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import wholefit as wf
from wholefit.base.state import State
from wholefit.features import custom

EXPECTED = {
    "error without the clipper": (1.8, 2.6),
    "error with the clipper": (0.95, 1.25),
    "loaded model differs by": (0.0, 0.0),
}


class Clipper:
    """Brings values to within the quantiles threshold % and 100 - threshold % of each column."""

    def __init__(self, threshold: float = 1.0) -> None:
        self.threshold = threshold

    def fit(self, X: np.ndarray, y: object = None) -> Clipper:
        share = self.threshold / 100
        self.low, self.high = np.nanquantile(X, [share, 1 - share], axis=0)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        return np.clip(X, self.low, self.high)

    def to_state(self) -> State:
        return State("example.clipper", {"threshold": self.threshold},
                     {"low": self.low, "high": self.high})

    @classmethod
    def from_state(cls, state: State) -> Clipper:
        made = cls(**state.config)
        made.low, made.high = state.arrays["low"], state.arrays["high"]
        return made


# Only registered kinds are loaded, so a stranger's file cannot name code to run.
custom.register("example.clipper", Clipper)


def main() -> dict[str, float]:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 1000))
    y = 2 * a - b + rng.normal(size=1000)
    # A broken sensor: one reading in a hundred is nonsense.
    a = np.where(rng.random(1000) < 0.01, rng.normal(scale=1000, size=1000), a)
    table = {"a": a, "b": b, "y": y}

    asked = {"target": "y", "models": "ridge", "metric": "rmse", "choose": "best", "jobs": 1}
    clipped = wf.fit(table, transformers=[("clip", Clipper(threshold=2))], **asked)
    # Without it the nonsense flattens the line, and what `a` says is lost.
    plain = next(e for e in wf.fit(table, **asked).leaderboard if e.model == "ridge")

    with tempfile.TemporaryDirectory() as folder:
        path = clipped.save(Path(folder) / "clipped.wf")
        loaded = wf.load(path)
    new = {"a": [0.5, 1e9], "b": [0.1, -0.2]}
    before, after = clipped.predict(new)["prediction"], loaded.predict(new)["prediction"]
    return {
        "error without the clipper": plain.scores["rmse"].value,
        "error with the clipper": clipped.score.value,
        "loaded model differs by": float(np.abs(np.subtract(before, after)).max()),
    }


if __name__ == "__main__":
    for name, number in main().items():
        print(f"{name}: {number:.3f}")
