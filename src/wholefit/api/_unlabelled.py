"""`wf.fit` for tasks without a target: the words sorted, the rows read, the task's recipe run."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from wholefit import artifact, data
from wholefit.api import _answers
from wholefit.api._telling import tell, warn
from wholefit.api.found import FoundResult
from wholefit.base import tasks
from wholefit.base.budget import Clock
from wholefit.base.cores import cores
from wholefit.base.errors import DataError, ParameterError, UnknownNameError
from wholefit.base.events import emit
from wholefit.base.tasks import Task
from wholefit.data.validate.sketch import MEMBER, Sketch, sketch_of
from wholefit.models import Model
from wholefit.training.found import Common, Found, recipe

# How a source was read, as far as the command line can say it again.
_READ = ("format", "delimiter", "encoding", "sheet", "table")
_ROLES = ("label", "user", "item", "rating", "basket", "amount")


def fit(
    source: Any, task: Task, clock: Clock, models: list[Model] | None, words: Mapping[str, Any],
    roles: Any, named: Mapping[str, str | None], common: Mapping[str, Any],
) -> FoundResult:
    """Read the source, settle the roles, run the recipe, wrap what it found.

    `named` are columns by role, `words` options of the recipe and of `wf.read`, `common` the
    fields of `training.Common` but models and clock. Raises ParameterError for words that the
    task does not know.
    """
    options, reading = _parted(task, words)
    _check_models(task, models)
    given = {role: name for role, name in named.items() if name is not None}
    _check_roles(task, given)
    dataset = data.load(source, roles=_roles(roles, given), task=task.name,
                        time=given.get("time"), groups=given.get("group"),
                        weights=given.get("weight"), **reading)
    emit("read", source=dataset.source, rows=len(dataset), columns=dataset.frame.width,
         said=f"{task.name}: {task.summary}", seconds=clock.spent())
    tell(dataset.notes)
    found = recipe(task).fit(dataset, task, options, Common(models=models, clock=clock, **common))
    if not found.notes:
        found = replace(found, notes=tuple(dataset.notes))
    said = {name: str(reading[name]) for name in _READ if reading.get(name) is not None}
    if said:
        found = replace(found, lineage={**found.lineage, "reading": said})
    tell([note for note in found.notes if note not in dataset.notes])
    for sentence in found.warnings:
        warn(sentence, stacklevel=4)
    return wrap(found, cache(partial(sketch_of, dataset.frame, dataset.schema)))


def wrap(found: Found, sketch: Callable[[], Sketch | None] = lambda: None) -> FoundResult:
    """The task's own Result around what was found."""
    module = importlib.import_module(f"wholefit.api.{found.task.name}")
    return module.RESULT(found, sketch)


def load(package: artifact.Package) -> FoundResult:
    """The Result of an artifact of a task without a target."""
    kept = package.reference
    return wrap(Found.from_json(package.record, package.states), cache(
        lambda: Sketch.from_bytes(kept[MEMBER]) if MEMBER in kept else None))


def _parted(task: Task, words: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The recipe's options, and those of `wf.read`."""
    kind = recipe(task).Options
    known = [spec.name for spec in kind.specs()]
    reading = {name: value for name, value in words.items() if name not in known}
    _answers.check_options(reading, known)
    return kind.from_dict({name: words[name] for name in words if name in known}), reading


def _roles(roles: Any, given: Mapping[str, str]) -> dict[str, str]:
    """Column to role: those of `roles` and of the words that name a column."""
    found = data.load_roles(roles) if isinstance(roles, (str, Path)) else dict(roles or {})
    for role in _ROLES:
        if role in given:
            if found.get(given[role], role) != role:
                raise DataError(f"column {given[role]!r} has one role; got "
                                f"{found[given[role]]!r} and {role!r}.")
            found[given[role]] = role
    return found


def _check_roles(task: Task, given: Mapping[str, str]) -> None:
    """Roles that the task knows, and all that it cannot do without."""
    for role in given:
        if role not in (*task.roles, *task.knows):
            raise ParameterError(
                f"{task.name} has no use for {_word(role)}={given[role]!r}; it knows "
                f"{', '.join(_word(each) + '=' for each in (*task.roles, *task.knows))}.")
    missing = [role for role in task.roles if role not in given]
    if missing:
        raise ParameterError(
            f"{task.name} needs to know which column is which: say "
            f"{' and '.join(_word(role) + '=' for role in missing)} "
            f"({', '.join('--' + _word(role) for role in missing)} on the command line).")


def _word(role: str) -> str:
    return {"group": "groups", "weight": "weights"}.get(role, role)


def _check_models(task: Task, models: list[Model] | None) -> None:
    from wholefit import models as catalog

    for model in models or ():
        if task.name not in model.tasks:
            raise ParameterError(
                f"{model.name} does {' and '.join(model.tasks)}, not {task.name}; models for it: "
                f"{', '.join(catalog.names(task.name))}.")


def check_unused(task: Task, said: Mapping[str, tuple[Any, Any]]) -> None:
    """Refuse words of supervised fits that say something here: name to (value, default)."""
    for name, (value, default) in said.items():
        if value != default:
            raise ParameterError(
                f"{task.name} has no {name}=; got {value!r}: leave it out.")


def refuse_roles(named: Mapping[str, str | None]) -> None:
    """Words that name a column for a task without a target, said where none was asked for."""
    for role, name in named.items():
        if name is not None:
            fitting = [task for task in tasks.names(supervised=False)
                       if role in (*tasks.get(task).roles, *tasks.get(task).knows)]
            raise ParameterError(
                f"{role}={name!r} is for {' and '.join(fitting)}: say task= which of them.")


def refuse_words(words: Mapping[str, Any]) -> None:
    """Words of tasks without a target, said where none was asked for."""
    for name in words:
        try:
            _answers.check_options([name])
        except UnknownNameError:
            fitting = [task for task in tasks.names(supervised=False) if name in
                       [spec.name for spec in recipe(tasks.get(task)).Options.specs()]]
            if not fitting:
                raise
            raise ParameterError(f"{name}={words[name]!r} is for {' and '.join(fitting)}: say "
                                 "task= which of them.") from None


def threads(jobs: int | None) -> int:
    """The threads asked for; as many as there are cores where none are."""
    if jobs is not None and jobs < 1:
        raise ParameterError(f"jobs must be >= 1; got {jobs}.")
    return cores() if jobs is None else jobs
