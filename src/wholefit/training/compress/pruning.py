"""Weights that matter least are taken away, bit by bit, while the others learn to do without.

The share taken away grows along a cubic from none to all that was asked, then stays (Zhu and Gupta
2017, "To prune, or not to prune"); what is taken away stays away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from wholefit.base.state import State
from wholefit.training.compress.networks import large, weights_of

if TYPE_CHECKING:
    from wholefit.training.compress.tuned import Lesson

# Share of the steps along which weights are taken away; in the rest the others settle.
_RAMP = 0.6
# Times that masks are drawn anew along the ramp, at most.
_DRAWN = 100


def polynomial(done: float, share: float) -> float:
    """The share of weights taken away when a share `done` of the ramp is over."""
    at = min(1.0, max(0.0, done))
    return share - share * (1.0 - at) ** 3


def smallest(tensors: Mapping[str, np.ndarray], share: float) -> dict[str, np.ndarray]:
    """Which weights stay: all but the `share` that matters least, of all layers together.

    A weight matters by its square over that of all weights of its layer that are no smaller (LAMP:
    Lee and others 2021, "Layer-adaptive sparsity for the magnitude-based pruning"): so within a
    layer the smallest go first, a layer of few weights loses fewer, and each keeps one at least.
    """
    names = large(tensors)
    if not names:
        return {}
    matters = {name: _matters(tensors[name]) for name in names}
    every = np.concatenate([each.reshape(-1) for each in matters.values()])
    most = min(len(every) - 1, round(share * len(every)))
    edge = np.partition(every, most)[most] if most > 0 else -np.inf
    return {name: each >= edge for name, each in matters.items()}


def _matters(tensor: np.ndarray) -> np.ndarray:
    """Each weight's square over the sum of those of its tensor that are no smaller."""
    squares = tensor.reshape(-1).astype(np.float64) ** 2
    order = np.argsort(squares, kind="stable")
    rest = np.cumsum(squares[order][::-1])[::-1]
    found = np.empty_like(squares)
    found[order] = squares[order] / np.where(rest > 0, rest, 1.0)
    return found.reshape(tensor.shape)


def pruned(
    state: State, share: float, lesson: Lesson | None, epochs: int
) -> tuple[State, dict[str, np.ndarray]]:
    """The network with the weights that stay, and which they are.

    With a lesson the others learn meanwhile, for `epochs`; without, they stay as they were.
    """
    if lesson is None or not epochs:
        return state, smallest(weights_of(state), share)
    prune = Pruner(share, lesson.steps(epochs))
    return lesson.taught(state, epochs, prune), prune.masks


class Pruner:
    """Takes weights away while a network learns: a callback of the training loop."""

    def __init__(self, share: float, steps: int) -> None:
        self.masks: dict[str, np.ndarray] = {}
        self._share, self._ramp = share, max(1, round(steps * _RAMP))
        self._every = max(1, self._ramp // _DRAWN)
        self._held: dict[str, Any] = {}
        self._find: Callable[[], Mapping[str, Any]] = dict

    def watch(self, module: Any) -> None:
        """The network that learns."""
        self._find = lambda: dict(module.named_parameters())

    def ready(self, loop: Any) -> bool:
        """Whether all is taken away that shall be."""
        return bool(loop.step >= self._ramp)

    def __call__(self, event: str, loop: Any) -> None:
        """Draw the masks anew where it is time, and hold what was taken away at 0."""
        if event == "begin":
            self._draw(0.0)
        elif event == "step":
            due = loop.step % self._every == 0 or loop.step == self._ramp
            if due and loop.step <= self._ramp:
                self._draw(loop.step / self._ramp)
            self._hold()
        elif event == "end":
            self._draw(1.0)
            self._hold()

    def _draw(self, done: float) -> None:
        import torch

        found = self._find()
        # What is 0 already is the smallest there is: what was taken away stays away.
        tensors = {name: each.detach().cpu().numpy() for name, each in found.items()}
        self.masks = smallest(tensors, polynomial(done, self._share))
        self._held = {name: (found[name], torch.from_numpy(~mask).to(found[name].device))
                      for name, mask in self.masks.items()}

    def _hold(self) -> None:
        import torch

        with torch.no_grad():
            for parameter, gone in self._held.values():
                parameter.masked_fill_(gone, 0.0)
