"""What a target is given: one fitted thing, whatever its task, with the same few names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit import data
from wholefit.base.errors import ExportError
from wholefit.base.state import State
from wholefit.base.tasks import Codec, Task
from wholefit.data import Dataset, Schema
from wholefit.features.encoder import Encoder
from wholefit.models._kernels.compressed import unpacked


@dataclass(frozen=True, eq=False)
class Subject:
    """A fitted model that is to be exported.

    `model` is the State that answers and `encoder` that of the features, None where the model
    reads columns itself (kind "steps" or "blend"). `codec` knows the classes; None for a task
    without a target. `decision` is how probabilities become a class, None for the most probable
    one; one that differs by group is for targets to refuse or to leave out. `recipe` says
    that rows are cleaned by a learnt recipe before they are encoded.
    """

    task: Task
    schema: Schema
    codec: Codec | None
    encoder: Encoder | None
    model: State
    decision: Any = None
    recipe: bool = False
    given: Any = field(default=None, repr=False)

    @property
    def classes(self) -> tuple[Any, ...]:
        """The classes, in the order of the probabilities; () where there are none."""
        return tuple(getattr(self.codec, "classes", ()))

    @property
    def reads(self) -> str:
        """What answers: a "matrix", "rows" (members encode them), or a "frame" as it was given."""
        return {"steps": "frame", "blend": "rows"}.get(self.model.kind, "matrix")

    def asked(self, rows: Any) -> Dataset:
        """Rows, or any source of them, made to conform to the schema; ExportError if none."""
        dataset = rows if isinstance(rows, Dataset) else data.conforming(rows, self.schema)
        if not len(dataset):
            raise ExportError("the parity check of an export needs at least one row; got 0.")
        return dataset

    def answer(self, dataset: Dataset) -> np.ndarray:
        """The model's own answers to conforming rows: what an export must give."""
        return np.asarray(self.given.answer(dataset))

    def labels(self, answer: np.ndarray) -> np.ndarray | None:
        """Codes (n,) of the classes decided for such answers; None for numbers."""
        if not self.classes or answer.ndim != 2:
            return None
        if self.decision is None or self.decision.groups is not None:
            return answer.argmax(axis=1)
        return np.asarray(self.decision.codes(answer, None))

    def frame(self, dataset: Dataset) -> Any:
        """The polars frame that a runner is given for these rows."""
        return dataset.original if self.reads == "frame" else dataset.frame


def subject(given: Any) -> Subject:
    """The Subject of a Result, a Fitted, or a Result of a task without a target.

    ExportError for what has no rows to answer, such as rules or recommendations.
    """
    if isinstance(given, Subject):
        return given
    found = getattr(given, "_found", given)
    if hasattr(found, "states") and not callable(found.states):
        return _of_found(found)
    fitted = getattr(given, "_fitted", given)
    state = unpacked(fitted.state())
    return Subject(
        fitted.task, fitted.schema, fitted.codec,
        None if state.kind in ("steps", "blend") else fitted.encoder, state,
        fitted.decision, fitted.replay is not None, fitted)


def _of_found(found: Any) -> Subject:
    from wholefit.training.found import Rows

    if not {"encoder", "model"} <= set(found.states):
        raise ExportError(
            f"a model of {found.task.name} must answer rows by features to be exported; "
            f"{found.model['name']} does not: serve it (`wholefit serve`), or use the .wf file.")
    rows = Rows(found)
    return Subject(found.task, found.schema, None, rows.encoder, found.states["model"], given=rows)
