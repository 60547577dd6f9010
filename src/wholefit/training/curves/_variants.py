"""Simpler and more flexible forms of a model: which way each hyper-parameter leads, and how far.

>>> [words for words, _ in simpler(models.make("knn"), task)]
['k=20', 'k=80']
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wholefit import models
from wholefit.base.errors import ParameterError
from wholefit.base.optional import available
from wholefit.base.params import Spec
from wholefit.base.tasks import Task
from wholefit.models import Model

Variant = tuple[str, Model]


@dataclass(frozen=True)
class _Lever:
    """A hyper-parameter: `more` of it makes the model more flexible (or less); `step` apart.

    `start` stands for None or 0, mild and strong; `families` it counts in, all where empty.
    """

    more: bool
    step: float
    start: tuple[float, float] | None = None
    families: tuple[str, ...] = ()


_LEVERS: dict[str, _Lever] = {
    "max_depth": _Lever(True, 2, (8, 4)),
    "max_leaf_nodes": _Lever(True, 2, (31, 8)),
    "min_samples_leaf": _Lever(False, 4, (5, 20)),
    "min_child_weight": _Lever(False, 5, (5, 25)),
    "k": _Lever(False, 4),
    "C": _Lever(True, 10),
    "alpha": _Lever(False, 10, (0.01, 0.1), ("linear", "svm")),
    "l2": _Lever(False, 10, (1.0, 30.0)),
    "degree": _Lever(True, 1.5, None, ("linear",)),
    "var_smoothing": _Lever(False, 10),
    "gamma": _Lever(True, 4),
    "n_estimators": _Lever(True, 3, None, ("boosting",)),
}


def simpler(model: Model, task: Task) -> list[Variant]:
    """The model more strongly regularised, mildly and strongly; none where it has no levers."""
    return _distinct(model, [_moved(model, False, strength) for strength in (0, 1)])


def richer(model: Model, task: Task) -> list[Variant]:
    """The model less regularised, and a more flexible one of another family where there is one."""
    found = _distinct(model, [_moved(model, True, strength) for strength in (0, 1)])[:1]
    return [*found, *other(model, task)]


def other(model: Model, task: Task) -> list[Variant]:
    """A boosted ensemble of trees, which follows thresholds, curves and interactions."""
    if model.family == "boosting":
        return []
    made = models.make("lightgbm" if available("lightgbm") else "hist_gradient_boosting")
    return [(made.name, made)] if task.name in made.tasks else []


def single(model: Model, flexible: bool) -> list[Variant]:
    """The model with one lever moved at a time, mildly and strongly."""
    found: list[Variant] = []
    for spec in model.specs():
        for strength in (0, 1):
            change = _change(model, spec, flexible, strength)
            if change is not None:
                found.append(_with(model, {spec.name: change}))
    return _distinct(model, found)


def _moved(model: Model, flexible: bool, strength: int) -> Variant:
    """All levers of structure at once; penalties too. Rounds of boosting stay."""
    changes = {}
    for spec in model.specs():
        if spec.name != "n_estimators":
            change = _change(model, spec, flexible, strength)
            if change is not None:
                changes[spec.name] = change
    return _with(model, changes)


def _change(model: Model, spec: Spec, flexible: bool, strength: int) -> Any:
    """The lever's value one or two steps along; None where it does not move."""
    lever = _LEVERS.get(spec.name)
    if lever is None or (lever.families and model.family not in lever.families):
        return None
    now = getattr(model, spec.name)
    if now is None or (now == 0 and lever.start):
        return None if flexible or lever.start is None else _fit(spec, lever.start[strength])
    if isinstance(now, bool) or not isinstance(now, (int, float)):
        return None
    up = lever.more == flexible
    made = _fit(spec, now * lever.step ** ((strength + 1) * (1 if up else -1)))
    return None if made == now else made


def _fit(spec: Spec, value: float) -> Any:
    """The value within the bounds, whole where the parameter is."""
    kinds = spec.type if isinstance(spec.type, tuple) else (spec.type,)
    low = -float("inf") if spec.low is None else spec.low
    high = float("inf") if spec.high is None else spec.high
    made = min(max(value, low), high)
    return round(made) if int in kinds and float not in kinds else float(f"{made:.4g}")


def _with(model: Model, changes: dict[str, Any]) -> Variant:
    try:
        return (", ".join(f"{name}={value!r}" for name, value in changes.items()),
                model.replace(**changes))
    except ParameterError:
        return "", model


def _distinct(model: Model, found: list[Variant]) -> list[Variant]:
    kept: list[Variant] = []
    for words, made in found:
        if made != model and all(made != each for _, each in kept):
            kept.append((words, made))
    return kept
