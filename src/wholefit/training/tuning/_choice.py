"""The choice among the configurations tried, and a score that does not profit from choosing.

The best of many has had luck on the folds that it was chosen by. So the answers that the tuned
model is scored on are put together fold by fold: to the rows of a fold answers the configuration
that did best on the *other* folds. Its score counts the choice as part of the learning. (What a
strategy learnt from all folds while it searched is not undone by this; nested cross-validation
repeats the whole search, and is.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.models import Model
from wholefit.training._folds import Validated


@dataclass(frozen=True)
class Tried:
    """A configuration that was judged on all folds.

    `values` is empty for a model at its defaults. `found` gives its out-of-fold answers; it is
    called for the few that matter only.
    """

    label: str
    model: Model
    loss: float
    losses: tuple[float, ...]
    found: Callable[[], Validated]
    values: dict[str, Any] = field(default_factory=dict)
    number: int | None = None


def best(tried: Sequence[Tried]) -> Tried:
    """The one of least loss; of equals the first."""
    return min(tried, key=lambda one: one.loss)


def chosen_for(tried: Sequence[Tried], folds: int, block: int) -> list[Tried]:
    """For each fold, the one that is best on the other folds of the same repetition.

    `block` is how many folds one repetition has.
    """
    table = np.array([one.losses for one in tried], dtype=np.float64)
    picked = []
    for fold in range(folds):
        first = fold // block * block
        others = [other for other in range(first, min(first + block, folds)) if other != fold]
        losses = table[:, others or [fold]].mean(axis=1)
        picked.append(tried[int(np.argmin(losses))])
    return picked


def crossfitted(
    tried: Sequence[Tried], plan: Sequence[tuple[np.ndarray, np.ndarray]], block: int
) -> Validated:
    """Answers of the choice: to each fold's rows, of what was chosen without them.

    Seconds and rounds are those of the configuration chosen by all folds. Where folds repeat, a
    row gets the mean over repetitions of what was chosen in each.
    """
    final = best(tried).found()
    picked = chosen_for(tried, len(plan), block)
    answers: dict[str, Validated] = {one.label: one.found() for one in picked}
    total = np.zeros_like(final.answer)
    for (_, test), one in zip(plan, picked, strict=True):
        total[test] += answers[one.label].answer[test]
    seen = final.seen
    known = seen > 0
    total[known] /= seen[known].reshape(-1, *[1] * (total.ndim - 1))
    return Validated(total, seen, final.fit_seconds, final.predict_seconds, final.folds,
                     list(final.rounds))
