"""Limits: what an ensemble may cost to ask and to keep, held while its members are chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError
from wholefit.training.ensembling._greedy import ROUNDS, Climb, climb
from wholefit.training.ensembling._objectives import Objective

Array = np.ndarray
# A first member that uses up a limit leaves no room for others; so the search is also run among
# members that take at most these shares of it, and the best of those ensembles counts.
_CAPS = (1.0, 0.5, 0.25, 0.125)


@dataclass(frozen=True)
class Limits:
    """What each member takes of each limit, (limits, bases), and which bases it asks, (m, bases).

    A base is what is paid for once, however many members ask it: a model of the first layer,
    whose answer one of the second may need too. `share` is 1 where a limit is just met.
    """

    takes: Array
    asks: Array
    names: tuple[str, ...] = ()

    def share(self, chosen: Array) -> float:
        """What the members `chosen`, a mask (m,), take of the tightest limit."""
        if not self.takes.size:
            return 0.0
        asked = self.asks[chosen].any(axis=0)
        return float((self.takes[:, asked]).sum(axis=1).max(initial=0.0))

    def alone(self) -> Array:
        """What each member alone takes of the tightest limit, (m,)."""
        return np.array([self.share(each) for each in np.eye(len(self.asks), dtype=bool)])

    def room(self, counts: Array) -> Array:
        """Mask (m,) of the members that may join those that `counts` holds."""
        if not self.takes.size:
            return np.ones(len(counts), dtype=bool)
        held = counts > 0
        one = np.eye(len(counts), dtype=bool)
        return np.array([bool(held[at]) or self.share(held | one[at]) <= 1
                         for at in range(len(counts))])


def limits(
    labels: tuple[str, ...], *, cost: Mapping[str, float] | None, size: Mapping[str, float] | None,
    predict_time: float | None, model_size: float | None,
    needs: Mapping[str, Sequence[str]] | None = None,
) -> Limits:
    """The limits of these members; see `blend` for what is given. A limit without costs is refused.

    `needs` maps a member of the second layer to those of the first that it asks.
    """
    asked = [("predict_time", predict_time, cost), ("model_size", model_size, size)]
    stated = [(name, limit, takes) for name, limit, takes in asked if limit is not None]
    for name, limit, takes in stated:
        if not limit > 0:
            raise ParameterError(f"{name} must be > 0; got {limit!r}.")
        if takes is None:
            raise ParameterError(f"{name} needs what each member takes of it; got none.")
    needed = {label: (label, *(needs or {}).get(label, ())) for label in labels}
    bases = sorted({each for several in needed.values() for each in several})
    asks = np.array([[base in needed[label] for base in bases] for label in labels])
    rows: list[list[float]] = [[_known(takes, base) / limit for base in bases]
                               for _, limit, takes in stated]
    return Limits(np.array(rows).reshape(len(stated), len(bases)), asks,
                  tuple(name for name, _, _ in stated))


def _known(takes: Any, base: str) -> float:
    """What the base takes; without bound where that was not measured."""
    found = float(takes.get(base, np.inf))
    return found if found >= 0 else np.inf


def within(
    aim: Objective, given: Limits, *, without: int | None = None, rounds: int = ROUNDS,
    most: int | None = None, may: Array | None = None,
) -> Climb:
    """Greedy counts of members, of those of the mask `may` (m,), that together keep the limits.

    Where not even one member keeps them, the one that comes nearest is taken alone.
    """
    may = np.ones(aim.members, dtype=bool) if may is None else may
    alone = given.alone()
    if not (may & (alone <= 1)).any():
        nearest = min(np.flatnonzero(may), key=lambda at: alone[at])
        counts = np.zeros(aim.members)
        counts[nearest] = 1.0
        return Climb(counts, ((int(nearest), aim.of(counts, without)),))
    found: list[Climb] = []
    seen: set[bytes] = set()
    for cap in _CAPS if given.takes.size else (1.0,):
        small = may & (alone <= cap)
        if not small.any() or small.tobytes() in seen:
            continue
        seen.add(small.tobytes())

        def room(counts: Array, small: Array = small) -> Array:
            return np.asarray(small & given.room(counts))

        found.append(climb(aim, without=without, rounds=rounds, most=most, allowed=room))
    return min(found, key=lambda each: each.loss)
