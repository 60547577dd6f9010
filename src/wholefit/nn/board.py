"""Curves for TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wholefit.base.optional import need
from wholefit.nn.loop import Loop


class Board:
    """A callback that writes each epoch's figures, and the loss each `steps` steps, to `folder`.

    Needs the library tensorboard. Look at it with `tensorboard --logdir FOLDER`.
    """

    def __init__(self, folder: str | Path, *, steps: int | None = None) -> None:
        need("tensorboard", extra="track", user="writing for TensorBoard")
        self.folder, self._steps, self.every_step = Path(folder), steps, steps is not None
        self._writer: Any = None

    def alike(self, inside: str) -> Board:
        """A fresh one that writes in a folder inside this one's: one curve beside the other."""
        return Board(self.folder / inside, steps=self._steps)

    def __call__(self, event: str, loop: Loop) -> None:
        """Write what there is to write; the file is begun where the run is."""
        if self._writer is None:
            made = need("torch.utils.tensorboard", extra="track", user="writing for TensorBoard")
            self._writer = made.SummaryWriter(str(self.folder))
        if event == "step" and self._steps and loop.step % self._steps == 0:
            for name, value in loop.last.items():
                self._writer.add_scalar(f"step/{name}", float(value), loop.step)
        elif event == "epoch":
            for name, value in loop.history[-1].items():
                if name != "epoch":
                    self._writer.add_scalar(f"epoch/{name}", value, loop.epoch)
        elif event == "end":
            self._writer.close()
            self._writer = None
