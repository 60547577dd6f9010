"""Warm start: what did well on tables like this one is tried earlier.

The portfolio's order is a prior: the first of n models is believed to gain 3/4 of what can be
gained, the last nothing, with the weight of one table. Each of the nearest past tables adds what a
configuration gained there (0: the baseline's score, 1: the best model's), with a weight that falls
with its distance; models are tried in the order of their mean. (The idea is that of warm-started
search in Feurer, Springenberg and Hutter 2015, with a portfolio in the place of a random start.) Of
configurations that won on near tables and are not in the portfolio, at most two are put in.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from wholefit import models as catalog
from wholefit.base.errors import WholefitError
from wholefit.base.optional import available
from wholefit.base.tasks import Task
from wholefit.models import Model
from wholefit.training.history.meta import Meta
from wholefit.training.history.store import Past, Tried

_NEAREST, _REACH, _ADDED = 8, 0.5, 2
_PRIOR, _FIRST = 1.0, 0.75
# What is brought in must have won by itself on a table that is near.
_NEAR = 0.5


def warmed(
    models: Sequence[Model], meta: Meta, past: Sequence[Past], task: Task, *, more: bool = True
) -> tuple[Model, ...]:
    """The models in a better order, the baseline first; with `more`, winners nearby put in.

    As they are where nothing is known.
    """
    near = sorted(((meta.apart(run.meta), run) for run in past if run.task == task.name),
                  key=lambda pair: (pair[0], -pair[1].number))[:_NEAREST]
    if not near:
        return tuple(models)
    first = [model for model in models if model.name == task.baseline]
    rest = [model for model in models if model.name != task.baseline]
    rest += _winners(near, [*first, *rest], task) if more else []
    believed = {at: _FIRST * (1 - at / max(len(rest) - 1, 1)) for at in range(len(rest))}
    ranked = sorted(range(len(rest)), key=lambda at: (
        -_mean(believed[at], rest[at], near), at))
    return (*first, *(rest[at] for at in ranked))


def _mean(prior: float, model: Model, near: Sequence[tuple[float, Past]]) -> float:
    total, weight = _PRIOR * prior, _PRIOR
    key = _key(model.name, model.to_dict())
    for distance, run in near:
        gains = [each.gain for each in run.tried
                 if _key(each.model, each.params) == key and math.isfinite(each.gain)]
        if gains:
            share = math.exp(-distance / _REACH)
            total, weight = total + share * max(min(gains[0], 1.0), -1.0), weight + share
    return total / weight


def _winners(
    near: Sequence[tuple[float, Past]], known: Sequence[Model], task: Task
) -> list[Model]:
    """Configurations that did best on near tables and are not among those known."""
    have = {_key(model.name, model.to_dict()) for model in known}
    found: list[Model] = []
    for distance, run in near:
        if distance > _NEAR or len(found) >= _ADDED:
            break
        best = next((each for each in run.tried if _made(each) is not None), None)
        made = None if best is None else _made(best)
        if made is None or task.name not in made.tasks or made.name == task.baseline:
            continue
        key = _key(made.name, made.to_dict())
        if key not in have:
            have.add(key)
            found.append(made)
    return found


def _made(tried: Tried) -> Model | None:
    """The model of a past run; None where it is no longer known, or was no catalog entry."""
    try:
        made = catalog.get(tried.model).from_dict(tried.params)
    except (WholefitError, TypeError, ValueError):
        return None
    return made if made.requires is None or available(made.requires) else None


def _key(name: str, params: dict[str, Any]) -> str:
    """The same for the same configuration, whatever wrote it."""
    return name + json.dumps(params, sort_keys=True, default=str)
