"""The contracts, as checks that a stranger can run on their own model.

>>> from wholefit import checks, models
>>> for check in checks.of(models.make("ridge")):
...     check()

Each check is named after the promise it holds a model to, its docstring says why the promise
matters, and it raises AssertionError with the evidence when the promise is broken.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wholefit.base import tasks
from wholefit.base.tasks import Task
from wholefit.checks import (
    answers,
    hardship,
    learning,
    parameters,
    persistence,
    understanding,
)
from wholefit.models import Model

_ROOMS = (parameters, learning, answers, hardship, persistence, understanding)


@dataclass(frozen=True)
class Check:
    """One promise held against one model for one task; call it to run it."""

    model: Model
    task: Task
    run: Callable[[Model, Task], None]

    @property
    def name(self) -> str:
        """ "ridge/regression/one_row_equals_the_batch"."""
        return f"{self.model.name}/{self.task.name}/{self.run.__name__}"

    @property
    def reason(self) -> str:
        """Why the promise matters."""
        return (self.run.__doc__ or "").strip()

    def __call__(self) -> None:
        """Run it; AssertionError with the evidence if the promise is broken."""
        self.run(self.model, self.task)


def of(model: Model, task: str | None = None) -> Iterator[Check]:
    """Every check that applies to the model, for one task or for all of its tasks."""
    for name in model.tasks if task is None else (task,):
        for run in names(name, getattr(model, "makes", ())):
            yield Check(model, tasks.get(name), run)


def names(
    task: str = "classification", makes: Sequence[str] = (),
) -> list[Callable[[Model, Task], None]]:
    """All check functions of a task, in the order a reader would run them.

    Tasks with a target share theirs; each other task has a file of its name in this folder, and
    generators that make texts one of their own.
    """
    return [value for room in _rooms(task, makes) for value in vars(room).values()
            if callable(value) and getattr(value, "__module__", "") == room.__name__
            and not value.__name__.startswith("_")]


def _rooms(task: str, makes: Sequence[str]) -> Sequence[Any]:
    if tasks.get(task).supervised:
        return _ROOMS
    room = "writers" if "text" in makes else task
    return (parameters, importlib.import_module(f"{__name__}.{room}"))
