"""What every fit without a target gives: the Result of that task, thin as `api.Result` is.

Each task's own Result is a file of the task's name in this folder, with the task's verbs and
`RESULT`, its class.
"""

from __future__ import annotations

import warnings as _warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wholefit import artifact, data
from wholefit.api._answers import asked_for, kept_names
from wholefit.api.leaderboard import Leaderboard
from wholefit.base.errors import WholefitWarning
from wholefit.base.events import emit
from wholefit.data import Dataset, Policies, Schema
from wholefit.data.validate.sketch import MEMBER, Sketch
from wholefit.data.write import give_back
from wholefit.evaluation import Score
from wholefit.training.found import Found, trusting


class FoundResult:
    """A fitted thing that learnt from no target: what was found, how good it is, its lineage.

    It answers from its states alone, so that a loaded one answers the same, bit by bit. `sketch`
    gives aggregates of the rows it learnt from, for later comparisons.
    """

    def __init__(
        self, found: Found, sketch: Callable[[], Sketch | None] = lambda: None
    ) -> None:
        self._found, self._sketch = found, sketch

    @property
    def task(self) -> str:
        """Name of the task."""
        return self._found.task.name

    @property
    def said(self) -> str:
        """The task and how its data was understood, in a sentence."""
        return self._found.said

    @property
    def schema(self) -> Schema:
        """Columns, their roles and the reasons."""
        return self._found.schema

    @property
    def model(self) -> str:
        """Name of the model that answers."""
        return str(self._found.model["name"])

    @property
    def metric(self) -> str:
        """What models were compared by."""
        return self._found.metric

    @property
    def score(self) -> Score | None:
        """The comparing metric's value and interval; None where nothing could be scored."""
        return self._found.score

    @property
    def scores(self) -> dict[str, Score]:
        """Every metric of the model that answers."""
        return dict(self._found.chosen.scores)

    @property
    def leaderboard(self) -> Leaderboard:
        """All models tried, best first, ties marked, the recommended one named."""
        return Leaderboard(self._found.leaderboard, self._found.metric)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What should be known before the result is trusted."""
        return self._found.warnings

    @property
    def notes(self) -> tuple[Any, ...]:
        """What reading repaired or recognised."""
        return self._found.notes

    @property
    def split(self) -> str:
        """How the scores were come by, in one sentence."""
        return self._found.split

    @property
    def lineage(self) -> dict[str, Any]:
        """Source, data hash, versions, seed, options."""
        return dict(self._found.lineage)

    @property
    def told(self) -> dict[str, Any]:
        """Everything that was found, as JSON: what `to_text` and the report tell."""
        return dict(self._found.told)

    def to_text(self) -> str:
        """What was found, in plain sentences."""
        from wholefit import report

        return "\n".join(report.found_lines(self._found))

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write it as one safe file (.wf); refuses to overwrite without `force`."""
        sketch = self._sketch()
        return artifact.write(
            path, self._found.to_json(), self._found.states, force=force,
            reference={} if sketch is None else {MEMBER: sketch.to_bytes()})

    def report(self, path: str | Path, *, force: bool = False) -> Path:
        """Write what was found: a page (.html), a model card (.md), or all its facts (.json)."""
        from wholefit import report

        return report.write_found(self._found, path, force=force)

    def export(self, path: str | Path, *, to: str | None = None, rows: Any = None,
               tolerance: float | None = None, force: bool = False, **options: Any) -> Any:
        """Write it for another runtime, as `Result.export` does; gives an `Exported`."""
        from wholefit.api.exporting import exported

        return exported(self, path, to, rows, tolerance, force, options)

    def asked(self, new: Any, options: Mapping[str, Any] | None = None) -> Dataset:
        """`new` read and brought to the schema; what was repaired is said aloud.

        `options` are policies (see `wholefit.data.Policies`) and options of `wf.read`.
        """
        policies, reading = asked_for(dict(options or {}))
        dataset = data.conforming(new, self.schema, Policies.from_dict(policies), **reading)
        for note in dataset.notes:
            emit("note", kind=note.kind, message=note.message, severity=note.severity)
            if note.severity == "warning":
                _warnings.warn(note.message, WholefitWarning, stacklevel=3)
        return dataset

    def framed(self, dataset: Dataset, new: Any, columns: Mapping[str, Any]) -> Any:
        """Identifier columns and `columns`, one row a row, in the frame type of the question.

        Values are numpy arrays, polars Series or lists; a numpy question gets a numpy array.
        """
        if dataset.guest == "numpy":
            arrays = [np.asarray(values) for values in columns.values()]
            return np.column_stack(arrays) if len(arrays) > 1 else arrays[0]
        kept = kept_names(self.schema, dataset, columns)
        with trusting(self._found):
            said = [pl.Series(name, values) for name, values in columns.items()]
        frame = pl.DataFrame([*kept, *said])
        given = give_back(frame, dataset.guest)
        if dataset.guest == "pandas" and hasattr(new, "index"):
            given.index = new.index
        return given

    def _repr_html_(self) -> str:
        from wholefit import report

        return report.found_snippet(self._found)

    def __repr__(self) -> str:
        score = f", {self.metric} {self.score}" if self.score is not None else ""
        return f"<{type(self).__name__} {self.task}: {self.model}{score}>"
