"""The strategies side by side: the same rows, the same rows left out, the same budget."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import DataError
from wholefit.base.events import emit
from wholefit.evaluation.intervals import wilson
from wholefit.nn import networks, predicting
from wholefit.nn.batches import Arrays
from wholefit.nn.recipe import Recipe
from wholefit.nn.transfer.similarity import Advice, Similarity, advise, similarity
from wholefit.nn.transfer.tuning import STRATEGIES, tune

_QUANTILE = 1.959963984540054


@dataclass(frozen=True)
class Tried:
    """What a strategy reached on rows left out: accuracy with its 95 % interval.

    `seconds` it took, `epochs` it saw, `learnt` parameters it changed.
    """

    strategy: str
    accuracy: float
    low: float
    high: float
    seconds: float
    epochs: int
    learnt: int


@dataclass(frozen=True)
class Compared:
    """All strategies tried, best first, with what was advised beforehand."""

    tried: tuple[Tried, ...]
    similarity: Similarity
    advice: Advice

    @property
    def best(self) -> str:
        """The name of the strategy that came out first."""
        return self.tried[0].strategy

    def tied(self) -> list[str]:
        """Strategies whose interval reaches the best one's accuracy."""
        return [each.strategy for each in self.tried if each.high >= self.tried[0].accuracy]

    def __str__(self) -> str:
        lines = [str(self.similarity), str(self.advice), ""]
        lines += [f"{each.strategy:<8} {each.accuracy:6.1%}  ({each.low:.1%} to {each.high:.1%})  "
                  f"{each.seconds:6.1f} s  {each.epochs:3} epochs  {each.learnt:>10,} learnt"
                  for each in self.tried]
        return "\n".join(lines)


def strategies(
    base: Any, data: Arrays, test: Arrays, *, names: Sequence[str] | None = None,
    recipe: Recipe | None = None, seconds: float | None = None, cache: Any = None,
) -> Compared:
    """Try the strategies on `data` (inputs..., class codes), judged on `test`, rows not learnt.

    Each gets the same `seconds`, or, without them, the epochs of the recipe. Everything else is
    the same, the seed included. Raises DataError where a class of `test` is not among `data`'s.
    """
    recipe = recipe or Recipe()
    target, truth = np.asarray(data[-1]), np.asarray(test[-1])
    classes = int(target.max()) + 1 if len(target) else 0
    if target.dtype.kind not in "iu" or target.min(initial=0) < 0 or truth.max(initial=0) >= (
            classes):
        raise DataError("strategies are compared on class codes 0, 1, ...; those of the rows left "
                        "out must be among those learnt from.")
    alike = similarity(base, data[:-1], target, seed=recipe.seed, cache=cache)
    tried = []
    for name in names or tuple(STRATEGIES):
        start = time.perf_counter()
        clock = None if seconds is None else Clock(Budget(seconds=seconds))
        found = tune(base, data, classes, name, recipe=recipe, cache=cache, clock=clock)
        spent = time.perf_counter() - start
        right = predicting.predict(found.module, test[:-1], batch=256).argmax(axis=1) == truth
        low, high = wilson(float(right.mean()), len(right), _QUANTILE)
        tried.append(Tried(name, float(right.mean()), low, high, spent, len(found.history),
                           networks.parameters(found.module, trainable=True)))
        emit("strategy_done", strategy=name, accuracy=tried[-1].accuracy, seconds=spent)
    # Of equal accuracy the one that changed fewer weights comes first.
    order = sorted(tried, key=lambda each: (-each.accuracy, each.learnt))
    return Compared(tuple(order), alike, advise(len(target), alike.value, classes=classes))
