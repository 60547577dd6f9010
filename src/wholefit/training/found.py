"""What a fit without a target leaves behind, and how rows are answered from it.

A recipe of such a task is a file of the task's name in this folder, with two names: `Options`,
its own words (`base.params.Params`), and `fit(dataset, task, options, common) -> Found`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib
import platform
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wholefit._version import __version__
from wholefit.base import tasks
from wholefit.base.budget import Budget, Clock
from wholefit.base.errors import ParameterError
from wholefit.base.state import State
from wholefit.base.stored import reading
from wholefit.base.tasks import Task
from wholefit.data import Dataset, Note, Schema
from wholefit.data.images import keeping
from wholefit.evaluation import Score
from wholefit.features.encoder import Encoder
from wholefit.models import Model, scorer
from wholefit.training._lineage import versions
from wholefit.training.record import Entry

_CHUNK = 50_000


@dataclass(frozen=True, eq=False)
class Common:
    """What every recipe is told: the words that mean the same for each task.

    `models` are those that the user asked for, None for the recipe's own; `features` changes to
    how columns become features; `clock` counts what may be spent.
    """

    models: Sequence[Model] | None = None
    metric: str | None = None
    jobs: int = 1
    seed: int = 0
    features: dict[str, Any] = field(default_factory=dict)
    clock: Clock = field(default_factory=lambda: Clock(Budget()))


    def no_metric(self, task: Task) -> None:
        """Refuse `metric=` where what answers is not chosen by one."""
        if self.metric is not None:
            raise ParameterError(f"{task.name} has no metric=; got {self.metric!r}: leave it out.")


@dataclass(frozen=True, eq=False)
class Found:
    """A finished fit without a target.

    `model` is the name and parameters of what answers; `states` all that answering needs, by
    name; `told` everything that text and pages tell, as JSON. One entry of `leaderboard` is
    recommended. `split` says how the scores were come by. `stored` says that it was read from a
    file, and may hold anything.
    """

    task: Task
    schema: Schema
    model: dict[str, Any]
    metric: str
    leaderboard: tuple[Entry, ...]
    states: Mapping[str, State]
    told: dict[str, Any]
    said: str
    split: str
    lineage: dict[str, Any]
    warnings: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    stored: bool = False

    @property
    def chosen(self) -> Entry:
        """The leaderboard row of the model that answers."""
        return next(entry for entry in self.leaderboard if entry.recommended)

    @property
    def score(self) -> Score | None:
        """The comparing metric's value and interval; None where nothing could be scored."""
        return self.chosen.scores.get(self.metric)

    def to_json(self) -> dict[str, Any]:
        """The artifact's record; the states are kept beside it."""
        return {
            "task": self.task.name, "schema": self.schema.to_json(), "model": self.model,
            "metric": self.metric, "said": self.said, "split": self.split,
            "leaderboard": [entry.to_json() for entry in self.leaderboard],
            "warnings": list(self.warnings), "notes": [note.to_json() for note in self.notes],
            "lineage": self.lineage, "told": self.told,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any], states: Mapping[str, State]) -> Found:
        """Read back what `to_json` wrote; ArtifactError if it was altered."""
        with reading("the model file's record cannot be read"):
            found = cls(
                task=tasks.get(record["task"]), schema=Schema.from_json(record["schema"]),
                model=record["model"], metric=record["metric"], said=record["said"],
                split=record["split"], told=record["told"], lineage=record["lineage"],
                leaderboard=tuple(Entry.from_json(entry) for entry in record["leaderboard"]),
                warnings=tuple(record["warnings"]), states=states, stored=True,
                notes=tuple(Note.from_json(note) for note in record["notes"]),
            )
            _check(found)
            return found


class Rows:
    """Answers rows from a Found whose states are an encoder and a model; numpy alone."""

    def __init__(self, found: Found) -> None:
        self._found = found
        with trusting(found):
            self.encoder = Encoder.from_state(found.states["encoder"])
            self.scorer = scorer(found.states["model"])

    def matrix(self, dataset: Dataset) -> Any:
        """The rows as the model takes them: (n, p), dense or CSR."""
        return self.encoder.transform(dataset, None)

    def answer(self, dataset: Dataset) -> np.ndarray:
        """The scorer's answer for every row of a conforming dataset, in order."""
        with trusting(self._found):
            parts = [self.scorer.answer(self.encoder.transform(
                dataset, np.arange(at, min(at + _CHUNK, len(dataset)))))
                for at in range(0, max(len(dataset), 1), _CHUNK)]
            found = np.concatenate(parts)
            if len(found) != len(dataset):
                raise ValueError(f"its model gives {len(found)} answers for {len(dataset)} rows")
            return found


def trusting(
    found: Found, said: str = "the model file cannot answer"
) -> AbstractContextManager[None]:
    """Around work with what was found: of what a file holds, any fault is an ArtifactError."""
    return reading(said) if found.stored else nullcontext()


def recipe(task: Task) -> Any:
    """The module in this folder that fits the task: its `Options` and `fit`."""
    return importlib.import_module(f"wholefit.training.{task.name}")


def lineage(
    dataset: Dataset, model: Model | None, options: Mapping[str, Any], common: Common,
    **more: Any,
) -> dict[str, Any]:
    """Source and hash of the rows, the words of the fit, versions of what was used."""
    return {
        "made": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), "wholefit": __version__,
        "python": platform.python_version(), "platform": platform.platform(),
        "libraries": versions(), "source": dataset.source, "rows": len(dataset),
        "data_hash": _hash(dataset), "seed": common.seed, "jobs": common.jobs,
        "features": dict(common.features), "options": dict(options),
        "budget": str(common.clock.budget), **({"model": model.name} if model else {}),
        "seconds": round(common.clock.spent(), 3), **more, "parents": more.get("parents", []),
    }


def _hash(dataset: Dataset) -> str:
    """SHA-256 over all cells, in order: equal data, equal hash."""
    keys = keeping.hashed(dataset.original).to_numpy()
    return hashlib.sha256(np.ascontiguousarray(keys).tobytes()).hexdigest()


def _check(found: Found) -> None:
    """Refuse a record whose parts do not belong together."""
    texts = {"said": found.said, "metric": found.metric, "split": found.split,
             "a warning": "".join(found.warnings), "the model's name": found.model["name"]}
    for name, words in texts.items():
        if not isinstance(words, str):
            raise TypeError(f"{name} must be text")
    if not all(isinstance(each, dict) for each in (
            found.told, found.lineage, found.model["params"])):
        raise TypeError("what is told, lineage and parameters must be objects")
    if not found.schema.columns:
        raise ValueError("its schema has no columns")
    if found.task.supervised or sum(entry.recommended for entry in found.leaderboard) != 1:
        raise ValueError("its leaderboard recommends no one model of the task")
