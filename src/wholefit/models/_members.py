"""What ensembles share: members written as text, and the context that they are fitted in."""

from __future__ import annotations

import dataclasses
from typing import Any

from wholefit.base.errors import ParameterError
from wholefit.base.tasks import Task
from wholefit.models._model import Context, Model


def member_of(text: str, owner: str) -> Model:
    """The model that `text` names; ParameterError or UnknownNameError if it names none."""
    from wholefit.models import make

    if not isinstance(text, str):
        raise ParameterError(
            f"members of {owner} must be written as text, such as 'ridge(alpha=2)'; got {text!r}.")
    return make(text)


def check_task(member: Model, task: Task, owner: str) -> Model:
    """The member itself; ParameterError if it cannot do the task."""
    if task.name not in member.tasks:
        raise ParameterError(
            f"members of {owner} must do {task.name}; {member.name!r} does "
            f"{', '.join(member.tasks)} only.")
    return member


def inner(context: Context, ensemble: Any) -> Context:
    """The context of an ensemble's members: classes are codes into `ensemble.classes_`."""
    if not context.n_classes:
        return context
    return dataclasses.replace(context, n_classes=len(ensemble.classes_))
