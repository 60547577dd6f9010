"""The tasks: one file each in this folder; the folder is the registry."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from wholefit.base.errors import DataError, unknown
from wholefit.base.tasks._task import Codec, TargetFacts, Task, Verb

__all__ = ["Codec", "TargetFacts", "Task", "Verb", "get", "infer", "names"]


@cache
def _all() -> dict[str, Task]:
    found: dict[str, Task] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("_"):
            continue
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        for value in vars(loaded).values():
            if isinstance(value, type) and issubclass(value, Task) and value is not Task:
                found[value.name] = value()
    return found


def names(*, supervised: bool | None = None) -> list[str]:
    """Names of all tasks, or of those that learn from a target or not, in alphabetical order."""
    return sorted(name for name, task in _all().items()
                  if supervised is None or task.supervised == supervised)


def get(name: str) -> Task:
    """The task of that name; a misspelt one gets the nearest right name."""
    if name not in _all():
        raise unknown("task", name, names())
    return _all()[name]


def infer(target: TargetFacts) -> tuple[Task, str]:
    """The task that a target column asks for, and why: "classification: 'y' has 2 values"."""
    for name in names(supervised=True):
        reason = _all()[name].recognise(target)
        if reason is not None:
            return _all()[name], f"{name}: {reason}"
    if target.kind == "datetime":
        raise DataError(
            f"target {target.name!r} holds dates, which no task predicts as they are: make it a "
            "number, such as days since a day.")
    raise DataError(
        f"cannot tell the task from target {target.name!r} ({target.kind}); "
        f"say task= one of {', '.join(names(supervised=True))}."
    )
