"""A training for tests to kill: `python _resumed.py FOLDER OUT [STEPS-UNTIL-KILLED]`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch
from torch import nn

from wholefit.nn import Loop, Recipe, train, weights
from wholefit.nn.checkpoints import Checkpoint


class Killer:
    """Ends the process as a power cut would, at a step."""

    def __init__(self, step: int) -> None:
        self._step = step

    def __call__(self, event: str, loop: Loop) -> None:
        if event == "step" and loop.step == self._step:
            os.kill(os.getpid(), signal.SIGKILL)


def noisy(batch: tuple[torch.Tensor, ...], generator: torch.Generator) -> tuple[torch.Tensor, ...]:
    x, y = batch
    return x + 0.1 * torch.randn(x.shape, generator=generator), y


def main(folder: str, out: str, kill: int | None) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2),
                           nn.Linear(16, 3))
    draw = torch.Generator().manual_seed(5)
    x, y = torch.randn(200, 6, generator=draw), torch.randint(0, 3, (200,), generator=draw)
    recipe = Recipe(epochs=8, batch=16, rate=0.02, schedule="one_cycle", ema=0.95, patience=5,
                    accumulate=2, clip=1.0)
    trained = train(module, (x, y), recipe, valid=(x, y), change=noisy,
                    callbacks=[] if kill is None else [Killer(kill)],
                    checkpoint=Checkpoint(folder, steps=3))
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in trained.history]
    Path(out).write_bytes(weights.to_bytes(trained.module) + repr(rows).encode())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None)
