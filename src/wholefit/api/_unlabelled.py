"""`wf.fit` for tasks without a target: the words sorted, the rows read, the task's recipe run."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

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
_ROLES = ("target", "label", "labels", "user", "item", "rating", "basket", "amount")


def fit(
    source: Any, task: Task, clock: Clock, models: list[Model] | None, words: Mapping[str, Any],
    roles: Any, named: Mapping[str, Any], common: Mapping[str, Any],
) -> FoundResult:
    """Read the source, settle the roles, run the recipe, wrap what it found.

    `named` are columns by role, one or (of labels) several, `words` options of the recipe and of
    `wf.read`, `common` the fields of `training.Common` but models and clock. Raises ParameterError
    for words that the task does not know.
    """
    options, reading = _parted(task, words)
    _check_models(task, models)
    given = {role: name for role, name in named.items() if name is not None}
    settled = _roles(roles, given)
    _check_roles(task, given, set(settled.values()))
    if hasattr(recipe(task), "as_read"):
        target = next((name for name, role in settled.items() if role == "target"), None)
        reading = recipe(task).as_read(target, options, reading)
    dataset = data.load(source, roles=settled, task=task.name,
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


def _roles(roles: Any, given: Mapping[str, Any]) -> dict[str, str]:
    """Column to role: those of `roles` and of the words that name columns."""
    found = data.load_roles(roles) if isinstance(roles, (str, Path)) else dict(roles or {})
    for role in _ROLES:
        for name in _columns(role, given.get(role)):
            if found.get(name, role) != role:
                raise DataError(f"column {name!r} has one role; got {found[name]!r} and {role!r}.")
            found[name] = role
    return found


def _columns(role: str, named: Any) -> list[str]:
    """The columns that a word names: one, but for labels, which are several."""
    if named is None:
        return []
    found = [named] if isinstance(named, str) else list(named)
    if not found or not all(isinstance(name, str) for name in found):
        raise ParameterError(f"{_word(role)} must name columns; got {named!r}.")
    twice = next((name for at, name in enumerate(found) if name in found[:at]), None)
    if twice is not None:
        raise ParameterError(f"{_word(role)} names {twice!r} twice: name each column once.")
    return found


def _check_roles(task: Task, given: Mapping[str, Any], there: Collection[str] = ()) -> None:
    """Roles that the task knows, and all that it cannot do without, unless they are `there`."""
    for role in given:
        if role not in (*task.roles, *task.knows):
            raise ParameterError(
                f"{task.name} has no use for {_word(role)}={given[role]!r}; it knows "
                f"{', '.join(_word(each) + '=' for each in (*task.roles, *task.knows))}.")
    missing = [role for role in task.roles if role not in given and role not in there]
    if missing:
        raise ParameterError(
            f"{task.name} needs to know which column is which: say "
            f"{' and '.join(_word(role) + '=' for role in missing)} "
            f"({', '.join('--' + _word(role) for role in missing)} on the command line).")


def _word(role: str) -> str:
    return {"group": "groups", "weight": "weights", "labels": "target"}.get(role, role)


def _check_models(task: Task, models: list[Model] | None) -> None:
    from wholefit import models as catalog

    wanted = task.borrows or task.name
    for model in models or ():
        if wanted not in model.tasks:
            raise ParameterError(
                f"{model.name} does {' and '.join(model.tasks)}, not {task.name}; models for it: "
                f"{', '.join(catalog.names(wanted))}.")


def settle(
    task: Task, own: dict[str, Any], words: dict[str, Any], said: Mapping[str, tuple[Any, Any]],
    *, checks: bool,
) -> None:
    """Refuse words of supervised fits that say something here: name to (value, default).

    A task that learns from a target takes it into `own`; one of labels takes it for their columns,
    and the words that its options know too, into `words`. Where nothing is checked, `checks` says
    nothing.
    """
    known = set()
    if "target" in task.roles:
        own["target"], known = said["target"][0], {"target"}
    if "labels" in task.roles:
        own["labels"] = said["target"][0]
        known = {spec.name for spec in recipe(task).Options.specs()} | {"target"}
        words["checks"] = checks
    for name, (value, default) in said.items():
        if value == default:
            continue
        if name not in known:
            raise ParameterError(f"{task.name} has no {name}=; got {value!r}: leave it out.")
        if name != "target":
            words[name] = value


def targets(given: Any) -> str | list[str] | None:
    """One column's name, or several in a list; ParameterError for what names no columns."""
    if given is None or isinstance(given, str):
        return given
    if isinstance(given, Mapping) or not hasattr(given, "__iter__"):
        raise ParameterError(f"target must be a column's name, or a list of them; got {given!r}.")
    found = sorted(given, key=str) if isinstance(given, (set, frozenset)) else list(given)
    if len(found) == 1 and isinstance(found[0], str):
        raise ParameterError(f"several labels are two or more; got target={found!r}: for one "
                             f"column say target={found[0]!r}.")
    return [str(name) if isinstance(name, np.str_) else name for name in found]


def one(target: Any, task: str | None) -> str | None:
    """The one target of a task that has one; ParameterError for several."""
    if target is None or isinstance(target, str):
        return target
    raise ParameterError(f"{task} predicts one column; got target={target!r}: name one, or say "
                         "task='multilabel' for several labels at once.")


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
