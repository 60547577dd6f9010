"""The one training loop: it knows `next_batch()` and `step(batch)`, and nothing of what is learnt.

Whatever learns step by step (a classifier, an adversarial pair, an agent) is a `Work`; checkpoints,
budgets, early stopping, progress and everything else that listens is a callback, one callable.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from wholefit.base.budget import Budget, Clock
from wholefit.base.events import emit


class Work(Protocol):
    """What the loop drives."""

    def next_batch(self) -> Any:
        """The next batch of this epoch; None when the epoch is over (the next call begins one)."""
        ...

    def step(self, batch: Any) -> Mapping[str, Any]:
        """Learn from one batch; named losses as tensors or numbers, never synchronised here."""
        ...

    def judge(self) -> Mapping[str, float]:
        """What an epoch ends with: figures of rows held out; empty where there are none."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything that going on needs, bit for bit."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        ...


# event, loop: events are "begin", "step", "epoch" and "end".
Callback = Callable[[str, "Loop"], None]


@dataclass
class Loop:
    """Drives `work` for `epochs`, or `steps`, or until a callback or the clock stops it.

    `history` gets one row an epoch: epoch, steps, seconds, the mean of what steps gave and what
    `judge` found. `stop(reason)` ends the run after the step it is called in.
    """

    work: Work
    epochs: int | None = None
    steps: int | None = None
    clock: Clock = field(default_factory=lambda: Clock(Budget()))
    callbacks: Sequence[Callback] = ()
    epoch: int = 0
    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    stopped: str | None = None

    def stop(self, reason: str) -> None:
        """End the run after this step."""
        self.stopped = reason

    def run(self) -> list[dict[str, float]]:
        """Train; the history."""
        self._tell("begin")
        while self.stopped is None and not self._done():
            self._run_epoch()
        self._tell("end")
        return self.history

    def _run_epoch(self) -> None:
        began, sums, count = time.perf_counter(), _Sums(), 0
        while (batch := self.work.next_batch()) is not None:
            sums.add(self.work.step(batch))
            self.step += 1
            count += 1
            self._tell("step")
            if self.clock.left() <= 0:
                self.stop("the time is up")
            if self.steps is not None and self.step >= self.steps:
                self.stop("the steps are done")
            if self.stopped is not None:
                break
        self.epoch += 1
        row = {"epoch": self.epoch, "steps": count, **sums.means(), **self.work.judge(),
               "seconds": time.perf_counter() - began}
        self.history.append(row)
        emit("epoch_done", **row)
        self._tell("epoch")

    def _done(self) -> bool:
        return self.epochs is not None and self.epoch >= self.epochs

    def _tell(self, event: str) -> None:
        for callback in self.callbacks:
            callback(event, self)


class _Sums:
    """Means of what steps give, kept as tensors so that no step waits for the device."""

    def __init__(self) -> None:
        self._sums: dict[str, Any] = {}
        self._count = 0

    def add(self, found: Mapping[str, Any]) -> None:
        self._count += 1
        for name, value in found.items():
            value = value.detach() if isinstance(value, torch.Tensor) else value
            self._sums[name] = self._sums[name] + value if name in self._sums else value

    def means(self) -> dict[str, float]:
        return {name: float(value) / self._count for name, value in self._sums.items()}
