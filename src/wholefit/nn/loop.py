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
    """What the loop drives.

    It may also have `settle()`: wait until the device has done what it was asked to (called before
    the clock is read), `judge_steps`: how many steps a judgement takes, roughly; and `heed(row)`:
    look at what the history says of the epoch that was just judged.
    """

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


# event, loop: events are "begin", "step", "epoch" and "end". A callback that has `state_dict` and
# `load_state_dict` is part of a checkpoint; one with `every_step = False` is not told of "step".
Callback = Callable[[str, "Loop"], None]
# One that has `pause(loop)` is called where a run ends for want of time or steps, before the epoch
# it is in is closed. Reasons that do not hold for a run that goes on with more of either.
_TIME, _STEPS = "the time is up", "the steps are done"


@dataclass
class Loop:
    """Drives `work` for `epochs`, or `steps`, or until a callback or the clock stops it.

    `history` gets one row an epoch: epoch, steps, seconds, the mean of what steps gave and what
    `judge` found. `stop(reason)` ends the run after the step it is called in. A limit of time in
    `clock` leaves room for the last judgement. An epoch that time or steps cut short has a row too;
    a run that goes on from there finishes it, and gives it one row in place of that.
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
    last: Mapping[str, Any] = field(default_factory=dict, repr=False)  # what the last step gave
    _sums: _Sums | None = field(default=None, repr=False)
    _judged: float | None = field(default=None, repr=False)
    _open: bool = field(default=False, repr=False)  # the last row is of an epoch cut short

    def stop(self, reason: str) -> None:
        """End the run after this step."""
        self.stopped = reason

    def run(self) -> list[dict[str, float]]:
        """Train; the history."""
        self._reopen()
        self._tell("begin")
        if self._sums is not None and self.steps is not None and self.step >= self.steps:
            self.stop(_STEPS)  # it went on from where there is nothing left to do but to judge
            self._leave_epoch(time.perf_counter(), self._sums)
        while self.stopped is None and not self._done():
            self._run_epoch()
        self._tell("end")
        return self.history

    def mean(self) -> dict[str, float]:
        """Means of what this epoch's steps gave so far (waits for the device)."""
        return self._sums.means() if self._sums is not None else {}

    def _run_epoch(self) -> None:
        began = time.perf_counter()
        sums = self._sums = self._sums or _Sums()
        work, limit = self.work, self._limited()
        listeners = [each for each in self.callbacks if getattr(each, "every_step", True)]
        before = sums.count
        while self.stopped is None and (batch := work.next_batch()) is not None:
            self.last = found = work.step(batch)
            sums.add(found)
            self.step += 1
            for callback in listeners:
                callback("step", self)
            if limit:
                self._look(began, sums.count - before)
            if self.steps is not None and self.step >= self.steps:
                self.stop(_STEPS)
        self._leave_epoch(began, sums)

    def _leave_epoch(self, began: float, sums: _Sums) -> None:
        if self.stopped in (_TIME, _STEPS):
            for callback in self.callbacks:
                pause = getattr(callback, "pause", None)
                if pause is not None:
                    pause(self)
        self._end_epoch(began, sums)

    def _end_epoch(self, began: float, sums: _Sums) -> None:
        if not sums.count:
            return
        self.epoch += 1
        means, judging = sums.means(), time.perf_counter()
        found = self.work.judge()
        self._judged = time.perf_counter() - judging
        row = {"epoch": self.epoch, "steps": sums.count, **means, **found,
               "seconds": time.perf_counter() - began}
        self._open = self.stopped in (_TIME, _STEPS)
        if not self._open:
            self._sums = None
        self.history.append(row)
        heed = getattr(self.work, "heed", None)
        if heed is not None:
            heed(row)
        emit("epoch_done", **row)
        self._tell("epoch")

    def _reopen(self) -> None:
        """An epoch cut short is the one to go on with."""
        if self._open:
            self._open = False
            self.epoch -= 1
            self.history.pop()

    def _limited(self) -> bool:
        return self.clock.budget.seconds is not None

    def _look(self, began: float, count: int) -> None:
        """Stop while there is time for a judgement and one more step."""
        if count & 7 == 0 or self.clock.left() < 1:
            settle = getattr(self.work, "settle", None)
            if settle is not None:
                settle()
        each = (time.perf_counter() - began) / count
        judge = self._judged
        if judge is None:
            judge = each * getattr(self.work, "judge_steps", 0.0)
        if self.clock.left() <= 1.1 * judge + each:
            self.stop(_TIME)

    def _done(self) -> bool:
        return (self.epochs is not None and self.epoch >= self.epochs) or (
            self.steps is not None and self.step >= self.steps)

    def _tell(self, event: str) -> None:
        for callback in self.callbacks:
            callback(event, self)

    def _stateful(self) -> list[Any]:
        return [each for each in self.callbacks if hasattr(each, "load_state_dict")]

    def state_dict(self) -> dict[str, Any]:
        """The work, the callbacks that have a state, counts, history, sums of this epoch."""
        own = [each.state_dict() for each in self._stateful()]
        rows = self.history[:len(self.history) - self._open]
        return {"work": self.work.state_dict(), "callbacks": own,
                "epoch": self.epoch - self._open, "step": self.step, "stopped": self.stopped,
                "history": [dict(row) for row in rows],
                "sums": None if self._sums is None else self._sums.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there, with the same callbacks (of those with a state) in the same order."""
        self.work.load_state_dict(state["work"])
        for callback, own in zip(self._stateful(), state["callbacks"], strict=True):
            callback.load_state_dict(own)
        self.epoch, self.step = int(state["epoch"]), int(state["step"])
        if state["stopped"] not in (_TIME, _STEPS):
            self.stopped = state["stopped"]
        self.history[:] = [dict(row) for row in state["history"]]
        self._sums, self._open = None, False
        if state["sums"] is not None:
            self._sums = _Sums()
            self._sums.load_state_dict(state["sums"])


class _Sums:
    """Means of what steps give, kept as tensors so that no step waits for the device."""

    _FOLD = 256  # numbers kept singly before they are summed up

    def __init__(self) -> None:
        self._lists: dict[str, list[Any]] = {}
        self._sums: dict[str, float] = {}
        self.count = 0

    def add(self, found: Mapping[str, Any]) -> None:
        self.count += 1
        for name, value in found.items():
            if isinstance(value, torch.Tensor) and value.requires_grad:
                value = value.detach()
            kept = self._lists.get(name)
            if kept is None:
                kept = self._lists[name] = []
            kept.append(value)
            if len(kept) >= self._FOLD:
                self._sums[name] = self._sums.get(name, 0.0) + _total(kept)
                kept.clear()

    def means(self) -> dict[str, float]:
        return {name: (self._sums.get(name, 0.0) + _total(kept)) / self.count
                for name, kept in self._lists.items()} if self.count else {}

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count, "sums": dict(self._sums),
                "lists": {name: _stacked(kept) for name, kept in self._lists.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.count, self._sums = int(state["count"]), dict(state["sums"])
        self._lists = {name: list(kept.unbind()) for name, kept in state["lists"].items()}


def _stacked(kept: list[Any]) -> torch.Tensor:
    if not kept:
        return torch.zeros(0, dtype=torch.float64)
    if all(isinstance(value, torch.Tensor) for value in kept):
        return torch.stack([value.reshape(()) for value in kept]).cpu()
    return torch.tensor([float(value) for value in kept], dtype=torch.float64)


def _total(kept: list[Any]) -> float:
    return float(_stacked(kept).double().sum()) if kept else 0.0
