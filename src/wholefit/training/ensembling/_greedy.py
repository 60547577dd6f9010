"""Greedy selection with replacement (Caruana, Niculescu-Mizil, Crew and Ksikes, ICML 2004).

Start with the best member; add, again and again, the member whose joining lowers the loss of
the mean most. A member that is added several times weighs more. The prefix of least loss counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from wholefit.base import seeds
from wholefit.training.ensembling._objectives import Objective

Array = np.ndarray
ROUNDS = 50
# Rounds without a lower loss after which no more are tried.
_PATIENCE = 12
# Of the members, a bag holds each with this chance; and takes fewer rounds, as a mean follows.
_CHANCE = 0.5
_BAG_ROUNDS = 25


@dataclass(frozen=True)
class Climb:
    """How often each member was taken, (m,), and what was added with the loss after it."""

    counts: Array
    path: tuple[tuple[int, float], ...]

    @property
    def shares(self) -> Array:
        """The weights, (m,), adding up to 1."""
        return np.asarray(self.counts / self.counts.sum())

    @property
    def loss(self) -> float:
        """The loss of the mean with these weights."""
        return self.path[-1][1]


def climb(
    aim: Objective, *, without: int | None = None, rounds: int = ROUNDS, most: int | None = None,
    allowed: Callable[[Array], Array] | None = None,
) -> Climb:
    """Greedy counts of the members; at most `most` different ones.

    The rows of the part `without` are not learnt from. `allowed` maps the counts so far to the
    members (a mask) that may join. Of equal members the first is taken.
    """
    counts = np.zeros(aim.members)
    path: list[tuple[int, float]] = []
    least, kept = np.inf, 0
    for number in range(rounds):
        may = np.ones(aim.members, dtype=bool) if allowed is None else allowed(counts)
        if most is not None and (counts > 0).sum() >= most:
            may = may & (counts > 0)
        if not may.any():
            break
        losses = np.where(may, aim.each(counts, without), np.nan)
        taken = int(np.nanargmin(losses))
        counts[taken] += 1
        path.append((taken, float(losses[taken])))
        if number == 0 or losses[taken] < least - 1e-12 * abs(least):
            least, kept = float(losses[taken]), number + 1
        elif number + 1 - kept >= _PATIENCE:
            break
    chosen = np.bincount([member for member, _ in path[:kept]], minlength=aim.members)
    return Climb(chosen.astype(np.float64), tuple(path[:kept]))


def bagged(aim: Objective, bags: int, *, without: int | None = None, seed: int = 0) -> Climb:
    """The mean of greedy selections, each among a random half of the members (the paper's 2.3).

    It spreads the weights, against the luck of the best few on few rows; but where a few members
    are far better than the rest it takes the rest too. `path` holds the loss of the mean alone.
    """
    shares = np.zeros(aim.members)
    draw = seeds.generator(seed, "ensemble", "bags")
    for _ in range(bags):
        held = draw.random(aim.members) < _CHANCE
        held[draw.integers(aim.members)] = True
        shares += climb(aim, without=without, rounds=_BAG_ROUNDS, allowed=partial(_same, held)
                        ).shares
    return Climb(shares, ((int(np.argmax(shares)), aim.of(shares / bags, without)),))


def _same(held: Array, counts: Array) -> Array:
    return held
