"""A fit for tests to kill: `python _killed.py FOLDER OUT [STEPS-UNTIL-KILLED]`."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import numpy as np
from torch import nn

import wholefit as wf
from wholefit.models import brought
from wholefit.nn.checkpoints import Checkpoint

MODELS = ["mlp(epochs=8, width=8, batch=16, find_rate=True)"]


def made(inputs: int, outputs: int) -> nn.Module:
    """A network of the user's own, with some chance in it."""
    return nn.Sequential(nn.Linear(inputs, 8), nn.Dropout(0.2), nn.Linear(8, outputs))


def rows() -> dict[str, Any]:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(160, 3))
    return {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2],
            "y": np.where(x[:, 0] + x[:, 1] > 0, "yes", "no")}


class Counter:
    """Says how many steps it heard of, and may end the process as a power cut would."""

    def __init__(self, kill: int | None = None) -> None:
        self.kill, self.steps = kill, 0

    def __call__(self, event: str, loop: Any) -> None:
        if event == "step":
            self.steps += 1
            if self.steps == self.kill:
                os.kill(os.getpid(), signal.SIGKILL)


def fit(checkpoint: Any, *callbacks: Any, **words: Any) -> Any:
    own = brought(made, epochs=4)
    return wf.fit(rows(), **{
        "target": "y", "models": [*MODELS, own], "folds": 2, "jobs": 1, "seed": 3,
        "choose": "best", "budget": "20 trials", "checks": False, "checkpoint": checkpoint,
        "callbacks": callbacks, **words})


def main(folder: str, out: str, kill: int | None) -> None:
    counter = Counter(kill)
    result = fit(None if folder == "-" else Checkpoint(folder, steps=3), counter)
    oof = np.concatenate([each.ravel() for each in result._run.oof.values()])
    given = np.concatenate([*result.predict_proba(rows()).values()])
    np.save(out, np.concatenate([oof, given, [counter.steps]]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None)
