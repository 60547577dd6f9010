"""Rungs: what a configuration is given before it has earned all rows and all folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit.base import seeds
from wholefit.base.params import Params, param
from wholefit.training.tuning._strategy import Setting, Suggestion

# A model of fewer rows than this says little about one of them all.
_FEWEST_ROWS = 200
_MOST_RUNGS = 5
_AT_TOP = 3
# The part of the time that one bracket may take.
BRACKET = 0.7


@dataclass(frozen=True)
class Climb(Params):
    """How it climbs."""

    eta: int = param(3, "One in so many climbs to the next rung.", low=2, high=10)
    least: float | None = param(
        None, "Smallest part of a full trial's cost; None leaves at least 200 rows.",
        above=0, high=1, none=True)


def rungs(setting: Setting, eta: int, least: float | None) -> list[tuple[float, int | None]]:
    """Share of rows and number of folds of each rung, the cheapest first, (1.0, None) last.

    A rung costs 1/eta of the next one. Folds are saved first, since a model of all rows is what
    will be used in the end; once one fold is left, rows are. `least` is the smallest part of the
    whole cost that is worth a try; None takes what leaves 200 rows. Where trials are counted, there
    are no more rungs than let some three of them reach the top; where time is, one.
    """
    found: list[tuple[float, int | None]] = [(1.0, None)]
    for level in range(1, _MOST_RUNGS):
        cost = float(eta) ** -level
        folds = max(1, round(setting.folds * cost))
        share = min(1.0, cost * setting.folds / folds)
        if (least is not None and cost < least * (1 - 1e-9)) or (
                least is None and setting.rows * share < _FEWEST_ROWS):
            break
        if setting.trials is not None and setting.trials < _AT_TOP * eta**level:
            break
        if setting.room is not None and setting.room < (level + 1) / BRACKET:
            break
        found.append((share, folds if folds < setting.folds else None))
    return found[::-1]


def fresh(setting: Setting, number: int) -> dict[str, Any]:
    """The configuration that begins the climb as number so and so: the defaults, then draws."""
    labels = list(setting.space.models)
    if number < len(labels):
        return setting.space.usual(labels[number])
    return setting.space.draw(seeds.generator(setting.seed, "rungs", number))


def suggested(
    number: int, values: dict[str, Any], rung: tuple[float, int | None], note: dict[str, Any]
) -> Suggestion:
    """The suggestion of a configuration at a rung."""
    return Suggestion(number, values, share=rung[0], folds=rung[1], note=note)
