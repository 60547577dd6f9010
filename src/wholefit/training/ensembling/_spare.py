"""Dear members that add next to nothing: left out, so that the ensemble answers sooner.

A greedy search takes whatever lowers the loss, be it by a millionth, and asks nothing of the
price. The last members it takes are often the slowest (neighbours, forests, networks).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.training.ensembling._greedy import Climb
from wholefit.training.ensembling._limits import limits, within
from wholefit.training.ensembling._objectives import Objective, objective
from wholefit.training.ensembling._pool import Pool

Array = np.ndarray
# What the members with a count (m,) above 0 take together for 1,000 rows.
Seconds = Callable[[Array], float]
# Where members have left, others that are as dear may take their place; looked at so often.
_LOOKS = 3
_LEAST_SECONDS = 1e-6


def dear(
    pool: Pool, worth: float, cost: Mapping[str, float], *, seed: int = 0,
    size: Mapping[str, float] | None = None, predict_time: float | None = None,
    model_size: float | None = None, most: int | None = None,
) -> tuple[tuple[str, ...], str]:
    """Members of the pool that should not join, and a sentence on them.

    To halve the time of an answer may cost `worth` of the loss, to quarter it twice that, and so
    on: what is sought is the least of loss + worth * (loss with all) * log2(seconds). Only members
    that a greedy search would take are looked at. Other arguments are those of `blend`; every
    member's `cost` must be known. A loss of 0 or below lets nobody go.
    """
    labels, rows, _ = pool.judged
    if missing := [label for label in labels if not 0 <= cost.get(label, -1) < np.inf]:
        raise ParameterError(f"dear() needs what each member costs; it is not known of "
                             f"{', '.join(missing)}.")
    aim = objective(pool, labels, rows, pool.parts(rows, seed), seed)
    price = limits(labels, cost=cost, size=None, predict_time=1.0, model_size=None)
    given = limits(labels, cost=cost, size=size, predict_time=predict_time, model_size=model_size)

    def seconds(counts: Array) -> float:
        return max(price.share(counts > 0), _LEAST_SECONDS)

    def learnt(may: Array) -> Climb:
        return within(aim, given, most=most, may=may)

    gone, before, after = _parted(aim, worth, seconds, learnt)
    left = tuple(label for label, out in zip(labels, gone, strict=True) if out)
    if not left:
        return (), ""
    return left, (
        f"left out of the ensemble for their time: {', '.join(left)}; without them 1,000 rows "
        f"take {seconds(after.counts):.2g} s in place of {seconds(before.counts):.2g} s, for a "
        f"loss {after.loss / before.loss - 1:.2%} higher on the rows they were weighted on.")


def without(pool: Pool, labels: Collection[str]) -> Pool:
    """The pool's other members."""
    return replace(pool, answers={label: answer for label, answer in pool.answers.items()
                                  if label not in labels})


def _parted(
    aim: Objective, worth: float, seconds: Seconds, learnt: Callable[[Array], Climb],
) -> tuple[Array, Climb, Climb]:
    """Who may not join, a mask (m,); the ensemble of all, and that of the others."""
    gone = np.zeros(aim.members, dtype=bool)
    before = found = learnt(~gone)
    rate = worth * max(before.loss, 0.0)

    def price(each: Climb) -> float:
        return each.loss + rate * float(np.log2(seconds(each.counts)))

    best, after = gone, before
    for _ in range(_LOOKS):
        leaving = _leaving(aim, found, rate, seconds)
        if not leaving.any():
            break
        gone = gone | leaving
        found = learnt(~gone)
        if price(found) < price(after):
            best, after = gone, found
    return best, before, after


def _leaving(aim: Objective, found: Climb, rate: float, seconds: Seconds) -> Array:
    """Of the members taken, a mask of those that should leave; the others keep their shares."""
    counts, loss = found.counts.copy(), found.loss
    while (counts > 0).sum() > 1:
        now, best, most = seconds(counts), -1, 0.0
        for member in np.flatnonzero(counts):
            left = np.where(np.arange(len(counts)) == member, 0.0, counts)
            won = rate * np.log2(now / seconds(left)) - (aim.of(left / left.sum()) - loss)
            if won > most:
                best, most = int(member), float(won)
        if best < 0:
            break
        counts[best] = 0.0
        loss = aim.of(counts / counts.sum())
    return np.asarray((found.counts > 0) & ~(counts > 0))
