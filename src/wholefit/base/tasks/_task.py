"""What a task is: the contract that every room dispatches on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from wholefit.base.errors import DataError


@dataclass(frozen=True)
class Verb:
    """Something a fitted model of the task answers: its name, meaning, options and answer."""

    name: str
    doc: str
    answer: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class TargetFacts:
    """What is known of a target column before a task is chosen.

    `kind` is "number", "integer", "boolean", "text" or "datetime" (the type of its values);
    `rows` counts the values that are present, `distinct` the different ones.
    """

    name: str
    kind: str
    rows: int
    distinct: int


class Codec(ABC):
    """Translates between a target column's own values and the numbers models learn."""

    @abstractmethod
    def encode(self, values: np.ndarray) -> np.ndarray:
        """Values of the target (n,) to what models learn: codes (int32) or numbers (float64)."""

    @abstractmethod
    def decode(self, answer: np.ndarray) -> np.ndarray:
        """A model's answer, (n,) or (n, classes), to values of the target (n,)."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """JSON-able form; `Task.codec_from_json` reads it back."""


class Task:
    """One task: its data's roles, its verbs, baseline, metrics and unit of resampling.

    `supervised` says whether it learns from one target column; what has none overrides neither
    `recognise` nor `codec`. The user must name the columns of `roles`, where there are any, and
    may name those that the task `knows`. `borrows` names the task whose models it is fitted with,
    where it has none of its own. `metrics` are names of the task's metrics in printing
    order; the first is what models are compared by unless the user says otherwise. `unit` is
    what is drawn when data is resampled. `stratified` says whether splits keep the target's
    proportions. A score of the task is computed from `truth` (n,) and `answer`, whose shape the
    task states.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    roles: ClassVar[tuple[str, ...]]
    verbs: ClassVar[tuple[Verb, ...]]
    baseline: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]]
    unit: ClassVar[str]
    stratified: ClassVar[bool]
    updatable: ClassVar[bool]
    answer_shape: ClassVar[str]
    supervised: ClassVar[bool] = True
    knows: ClassVar[tuple[str, ...]] = ()
    borrows: ClassVar[str | None] = None

    def recognise(self, target: TargetFacts) -> str | None:
        """Why a target like this asks for the task, in one clause; None if it does not."""
        return None

    def codec(self, target: str, values: np.ndarray, positive: Any = None) -> Codec:
        """The codec for a target column named `target` with these distinct, present values.

        Raises DataError if the values cannot be learnt (one class only, text for a number), and
        for a task that has no target.
        """
        raise DataError(_no_target(self.name, target))

    def codec_from_json(self, stored: dict[str, Any]) -> Codec:
        """Read back what `Codec.to_json` wrote."""
        raise DataError(_no_target(self.name, "target"))

    def verb(self, name: str) -> Verb | None:
        """The verb of that name, or None where the task has none."""
        return next((verb for verb in self.verbs if verb.name == name), None)


def _no_target(task: str, column: str) -> str:
    return (f"{task} learns from no target; got {column!r}: leave target= out, or say label= if "
            "its known answers shall judge what is found.")
