"""A fitted network goes on learning on the rows at hand, from where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from wholefit.base import seeds
from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.models._model import Context, Model

# Share of the rows by which the best epoch is chosen, and how few rows are too few for that.
_HELD, _FEWEST = 0.15, 60
_ASKED = 1024


class Listener(Protocol):
    """What is told of each step."""

    def watch(self, module: Any) -> None:
        """Be given the network before it learns."""

    def ready(self, loop: Any) -> bool:
        """Whether what is done to the network is done, so that an epoch may be the best."""

    def __call__(self, event: str, loop: Any) -> None:
        """Hear of an event of the loop."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """Rows to learn on: X (n, features), y their encoded target, and the network's own entry.

    `weights` (n,) are those of the rows, None where all weigh the same.
    """

    X: np.ndarray
    y: np.ndarray
    model: Model
    task: Task
    context: Context
    weights: np.ndarray | None = None

    def steps(self, epochs: int) -> int:
        """How many steps so many epochs take."""
        return epochs * -(-len(self._rows[0]) // self._batch)

    def taught(self, state: State, epochs: int, listener: Listener | None = None) -> State:
        """The network of the best of `epochs` over the rows, judged by some of them held out.

        Steps begin at the size that the network was taught with, and fall to nothing. With a
        listener, only epochs count that come when it is `ready`.
        """
        estimator = self.model.restore(state, self.task, self.context)
        recipe = {**dict(estimator.recipe or {}), "epochs": epochs, "patience": None,
                  "schedule": "cosine", "warmup": 0.0, "batch": self._batch}
        target, weight = self._target(estimator)
        pieces = estimator.inputs_.split(self.X)
        taught, held = self._rows
        best = Best(estimator, [each[held] for each in pieces], target[held],
                    listener.ready if listener else lambda loop: True)
        listeners: list[Any] = [] if listener is None else [listener]
        for each in (*listeners, best):
            each.watch(estimator.module_)
        estimator.updates_ += 1
        with threadpool_limits(self.context.jobs):
            estimator._teach(
                estimator.module_, [each[taught] for each in pieces], target[taught],
                None if weight is None else weight[taught], None, recipe, later=True,
                callbacks=[*listeners, best] if len(held) else listeners)
        return self.model.state(estimator, self.task, self.context)

    @cached_property
    def _rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Places of the rows to learn on, and of those to choose an epoch by."""
        count = len(self.X)
        few = round(_HELD * count) if count >= _FEWEST else 0
        order = seeds.generator(self.context.seed, "compress").permutation(count)
        return np.sort(order[few:]), np.sort(order[:few])

    @property
    def _batch(self) -> int:
        rows = len(self._rows[0])
        return int(np.clip(2 ** round(np.log2(max(rows, 1) / 32)), 32, 256)) if rows > 32 else 32

    def _target(self, estimator: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """The target as the network is taught it, and weights of rows."""
        weight = estimator._weights(self.X, self.weights)
        if estimator.loss_ == "squared":
            return estimator._standard(np.asarray(self.y, dtype=np.float64)), weight
        if estimator.multilabel_:
            return np.asarray(self.y, dtype=np.float32), weight
        codes = np.searchsorted(estimator.classes_, self.y).astype(np.int64)
        return codes, estimator._balanced(codes, weight)


class Best:
    """Keeps the weights of the epoch that answers the rows held out best; puts them back."""

    every_step = False

    def __init__(
        self, estimator: Any, pieces: list[np.ndarray], target: np.ndarray,
        ready: Callable[[Any], bool],
    ) -> None:
        self._estimator, self._pieces, self._target = estimator, pieces, target
        self._ready, self._least = ready, np.inf
        self._kept: dict[str, Any] | None = None

    def watch(self, module: Any) -> None:
        """The network that learns."""
        self._module = module

    def __call__(self, event: str, loop: Any) -> None:
        """Look after each epoch that counts; put back at the end."""
        if event == "epoch" and self._ready(loop):
            loss = self._loss()
            if loss < self._least:
                self._least = loss
                self._kept = {name: each.detach().clone()
                              for name, each in self._module.state_dict().items()}
        elif event == "end" and self._kept is not None:
            self._module.load_state_dict(self._kept)

    def _loss(self) -> float:
        import torch
        from torch.nn import functional

        from wholefit.models._networks._answering import Prepared

        losses: dict[str, Callable[..., Any]] = {
            "cross_entropy": functional.cross_entropy, "squared": functional.mse_loss,
            "multilabel": functional.binary_cross_entropy_with_logits}
        whole, total = Prepared(self._module, self._estimator.figures_), 0.0
        taught = self._module.training
        self._module.eval()
        with torch.no_grad():
            for at in range(0, len(self._target), _ASKED):
                here = slice(at, at + _ASKED)
                raw = whole(*(torch.from_numpy(each[here]) for each in self._pieces))
                wanted = torch.from_numpy(self._target[here])
                found = losses[self._estimator.loss_](
                    raw.reshape(wanted.shape) if wanted.dtype.is_floating_point else raw, wanted)
                total += float(found) * len(wanted)
        self._module.train(taught)
        return total / len(self._target)
