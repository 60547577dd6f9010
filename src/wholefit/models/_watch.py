"""Held-out rows that a boosted model is watched by while it learns, and when it has learnt enough.

Early stopping as in Prechelt 1998: training ends once the loss of rows not learnt from has not
fallen below its lowest for so many rounds. The rounds after the lowest stay in the model until
it is cut, so that who fits several may read the number of rounds from all their curves at once.

A clock may end it too. How many rounds that made is then noted, so that the same can be had again
by count.
"""

from __future__ import annotations

import math
import numbers
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.base.params import param


def patience() -> Any:
    """The hyper-parameter `early_stopping` of a boosted model."""
    return param(
        0, "Where there are rows to watch (the folds of a fit): end once this many rounds have "
        "not lowered their loss, and answer with the rounds that were best; 0 does all rounds.",
        low=0)


@dataclass
class Watch:
    """Rows X (n, p) and y (n,) to watch, `weight` (n,) or None, and the loss after each round.

    `patience` is the number of rounds without a lower loss after which training ends; 0 waits
    for the last round. Training also ends with the round in which `until` (time.perf_counter)
    passes, which sets `stopped`, and with round `most`. `whole` says that no row given was left
    out; `answer` is what a library that keeps it said of the rows after the last round.
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None
    patience: int
    until: float = math.inf
    most: int | None = None
    curve: list[float] = field(default_factory=list)
    stopped: bool = False
    whole: bool = True
    answer: np.ndarray | None = None
    _lowest: float = math.inf
    _at: int = -1

    def tell(self, loss: float) -> bool:
        """Note the loss after one more round; True if training should end."""
        self.curve.append(float(loss))
        now = len(self.curve) - 1
        if loss < self._lowest or self._at < 0:
            self._lowest, self._at = float(loss), now
        return (bool(self.patience) and now - self._at >= self.patience) or self.over(now + 1)

    def over(self, rounds: int) -> bool:
        """True if training should end after so many rounds, whatever their losses."""
        if self.most is not None:
            return rounds >= self.most
        self.stopped = time.perf_counter() >= self.until
        return self.stopped

    def counted(self, rounds: int) -> list[dict[str, Any]]:
        """What a training of so many rounds did, by count; nothing where no clock ended it."""
        return [{"rounds": rounds}] if self.stopped or rounds == self.most else []


class Clocked:
    """What of an estimator a clock may end: it has `seconds`, None for no end.

    A fit that they ended says in `counted_` how many rounds it made; where `by_count` is set to
    that before, a fit makes as many.
    """

    seconds: float | None
    by_count: Sequence[dict[str, Any]] | None = None
    counted_: list[dict[str, Any]]
    _begun = 0.0

    def _bound(self, watch: Watch | None) -> Watch | None:
        """The same watch, told when the clock, or the count of another fit, ends the training."""
        if watch is not None and self.by_count:
            watch.most = int(self.by_count[0]["rounds"])
        elif watch is not None and self.seconds is not None:
            watch.until = self._begun + self.seconds
        return watch


def held_out(
    estimator: Any, watch: tuple[Any, Any, Any] | None, patience: int,
    classes: np.ndarray | None = None, balance: np.ndarray | None = None,
) -> Watch | None:
    """The rows (X, y, weight or None) that `estimator` is to be watched by; None: there are none.

    With `classes` (labels seen in training, in order) y becomes codes into them: rows of other
    labels say nothing about a model that does not know these, and are left out, as are rows
    without weight. `balance` (classes,) multiplies the weights, as it does in training.
    """
    from sklearn.utils.validation import check_consistent_length, validate_data

    if watch is None:
        return None
    X, y, weight = watch
    if not len(y):
        return None
    X = validate_data(estimator, X, reset=False, dtype=[np.float32, np.float64],
                      ensure_all_finite="allow-nan")
    y = np.asarray(y)
    weight = None if weight is None else np.asarray(weight, dtype=np.float64)
    check_consistent_length(X, y, weight)
    keep = np.ones(len(y), dtype=bool) if weight is None else weight > 0
    if classes is not None:
        codes = np.searchsorted(classes, y).clip(max=len(classes) - 1)
        keep &= classes[codes] == y
        y = codes
    if not keep.any():
        return None
    if not keep.all():
        X, y, weight = X[keep], y[keep], None if weight is None else weight[keep]
    if balance is not None:
        weight = balance[y] if weight is None else weight * balance[y]
    return Watch(X, y, weight, int(patience), whole=bool(keep.all()))


def rounds_to_keep(rounds: int) -> int:
    """`rounds` if a model can be cut to so many: a whole number from 1 up."""
    if isinstance(rounds, bool) or not isinstance(rounds, numbers.Integral) or rounds < 1:
        raise ParameterError(f"cut(rounds) must be a whole number >= 1; got {rounds!r}.")
    return int(rounds)
