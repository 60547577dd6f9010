"""Metrics that a judgement sums up batch by batch: figures of rows held out, by name.

A metric of one's own is `metric(output, target) -> (n,)`, or one number, the mean of the batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from wholefit.base.errors import unknown
from wholefit.nn.layers import registry
from wholefit.nn.losses import PADDING

# (output, target) -> (sums, mass): a sum to be divided by the mass, or counts.
Part = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, Any]]
Own = Callable[[torch.Tensor, torch.Tensor], Any]
LARGER_IS_BETTER = frozenset({"accuracy", "top5", "f1", "r2"})


class Metric:
    """One figure: `add` batches, then `result()`."""

    def __init__(self, name: str, part: Part, finish: Callable[[Any, float], float]) -> None:
        self.name, self._part, self._finish = name, part, finish
        self._sum: Any = 0.0
        self._mass: Any = 0.0

    def add(self, output: torch.Tensor, target: torch.Tensor) -> None:
        """One more batch."""
        total, mass = self._part(output, target)
        self._sum, self._mass = self._sum + total, self._mass + mass

    def result(self) -> float:
        """The figure over all batches; NaN if there were none."""
        mass = float(self._mass)
        return self._finish(self._sum, mass) if mass else math.nan


def make(names: Sequence[str | Own] | Mapping[str, Own]) -> list[Metric]:
    """Metrics by name, or own callables (called by their own name, or a mapping's).

    Names are those here and those that `layers.add("metric", ...)` entered.
    """
    found = []
    pairs = names.items() if isinstance(names, Mapping) else [(None, each) for each in names]
    for name, each in pairs:
        if callable(each):
            called = name or str(getattr(each, "__name__", "metric"))
            found.append(Metric(called, _own(each), _mean))
        elif each in _KNOWN:
            found.append(Metric(each, *_KNOWN[each]))
        elif each in registry.names("metric"):
            found.append(Metric(each, _own(registry.get("metric", each)), _mean))
        else:
            raise unknown("metric of a network", each, [*_KNOWN, *registry.names("metric")])
    return found


def usual(loss: str) -> list[str]:
    """What is shown beside the loss of that name."""
    return ["accuracy"] if loss in ("cross_entropy", "binary", "multilabel", "focal") else ["rmse"]


def _labels(output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Predicted and true classes, flat, padding left out."""
    if output.dim() == target.dim() + 1 and output.shape[-1] > 1:
        guess = output.argmax(-1)
    else:
        guess = (output > 0).reshape(target.shape)
    seen = target != PADDING
    return guess[seen].to(torch.int64), target[seen].to(torch.int64)


def _accuracy(output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, Any]:
    guess, truth = _labels(output, target)
    return (guess == truth).sum(), truth.numel()


def _top5(output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, Any]:
    best = output.topk(min(5, output.shape[-1]), -1).indices
    seen = target != PADDING
    return ((best == target.unsqueeze(-1)).any(-1) & seen).sum(), seen.sum()


def _confusion(output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, Any]:
    guess, truth = _labels(output, target)
    classes = output.shape[-1] if output.dim() > target.dim() and output.shape[-1] > 1 else 2
    counts = torch.bincount(truth * classes + guess, minlength=classes * classes)
    return counts.reshape(classes, classes), truth.numel()


def _macro_f1(counts: Any, mass: float) -> float:
    """Mean over the classes that occur in truth or guess."""
    hit, sums = counts.diagonal().double(), (counts.sum(0) + counts.sum(1)).double()
    return float((2 * hit / sums)[sums > 0].mean())


def _difference(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return (output.reshape(target.shape) - target).double()


def _squares(output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, Any]:
    return _difference(output, target).square().sum(), target.numel()


def _sizes(output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, Any]:
    return _difference(output, target).abs().sum(), target.numel()


def _moments(output: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, Any]:
    truth = target.double()
    return torch.stack([_difference(output, target).square().sum(), truth.sum(),
                        truth.square().sum()]), target.numel()


def _r2(sums: Any, mass: float) -> float:
    left, first, second = sums.tolist()
    spread = second - first * first / mass
    return 1 - left / spread if spread > 0 else math.nan


def _own(metric: Own) -> Part:
    def part(output: torch.Tensor, target: torch.Tensor) -> tuple[Any, Any]:
        found = metric(output, target)
        if isinstance(found, torch.Tensor) and found.dim():
            return found.sum(), found.numel()
        return torch.as_tensor(found) * len(target), len(target)

    return part


def _mean(total: Any, mass: float) -> float:
    return float(total) / mass


_KNOWN: dict[str, tuple[Part, Callable[[Any, float], float]]] = {
    "accuracy": (_accuracy, _mean),
    "top5": (_top5, _mean),
    "f1": (_confusion, _macro_f1),
    "rmse": (_squares, lambda total, mass: math.sqrt(float(total) / mass)),
    "mae": (_sizes, _mean),
    "r2": (_moments, _r2),
}
