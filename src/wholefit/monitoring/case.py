"""What is compared: a model, and the two sides, a window of its log and the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from wholefit.data import Schema
from wholefit.data.predictions import Counted
from wholefit.data.validate import Expectations
from wholefit.data.validate.sketch import Sketch
from wholefit.evaluation import Score
from wholefit.monitoring.options import Options

Array = np.ndarray
_SUREST = 1.0 + 1e-9


@dataclass(frozen=True)
class Subject:
    """The model whose answers are watched.

    `sketch` is that of the rows it learnt from, `learnt` how many those were (0 where that is not
    known), `score` what it was worth on unseen rows when it was fitted; `codec` translates truths
    of a supervised task, and is None for others.
    """

    name: str
    version: str
    task: str
    schema: Schema
    sketch: Sketch | None = None
    learnt: int = 0
    score: Score | None = None
    codec: Any = None

    @property
    def classes(self) -> tuple[Any, ...]:
        """Classes in the order of their probabilities; none for a number."""
        return tuple(getattr(self.codec, "classes", ()))

    @property
    def positive(self) -> int:
        """The class that two-class metrics call positive."""
        return int(getattr(self.codec, "positive", 1))


@dataclass(frozen=True, eq=False)
class Side:
    """Answers to some rows: of a window, or of the reference.

    `frame` are the rows that were asked about (None where they were not kept; then `counted` may
    hold how they fell into the bins of the model's sketch), `said` the columns of the answers,
    `sure` (n,) confidences, NaN where there is none, `seconds` (n,) or None, `truth` what turned
    out to be true, null where that is not known yet.
    """

    rows: int
    frame: pl.DataFrame | None = None
    counted: Counted | None = None
    said: Mapping[str, pl.Series] = field(default_factory=dict)
    sure: Array | None = None
    seconds: Array | None = None
    truth: pl.Series | None = None

    @classmethod
    def of_log(cls, logged: pl.DataFrame, counted: Counted | None = None) -> Side:
        """A part of what `Log.read` gives."""
        asked = {name.removeprefix("row."): logged.get_column(name) for name in logged.columns
                 if name.startswith("row.")}
        frame = pl.DataFrame([column.alias(name) for name, column in asked.items()])
        said = {name.removeprefix("answer."): logged.get_column(name) for name in logged.columns
                if name.startswith("answer.")}
        sure = logged.get_column("confidence").cast(pl.Float64).fill_null(np.nan).to_numpy()
        return cls(logged.height, frame if asked and _any(frame) else None, counted, said,
                   np.where((sure >= 0) & (sure <= _SUREST), sure, np.nan),
                   logged.get_column("seconds").cast(pl.Float64).fill_null(np.nan).to_numpy(),
                   logged.get_column("truth"))

    def take(self, rows: Array) -> Side:
        """The side of these rows, by index; counts cannot be parted and are left out."""
        return Side(len(rows), None if self.frame is None else self.frame[rows], None,
                    {name: column[rows] for name, column in self.said.items()},
                    None if self.sure is None else self.sure[rows],
                    None if self.seconds is None else self.seconds[rows],
                    None if self.truth is None else self.truth[rows])


@dataclass(frozen=True)
class Case:
    """A model, how it is watched, and what its windows are compared with.

    `inputs` are rows like those that it should be asked about (None: its sketch is the reference),
    `answered` a side with answers: of the reference where one was `given`, else of the first
    window. `rules` are expectations of rows that a person wrote or edited; `scores` those of
    `answered` by metric, kept because every window is compared with them.
    """

    subject: Subject
    options: Options
    inputs: pl.DataFrame | None
    answered: Side | None
    reader: Reader | None = None
    given: bool = False
    rules: Expectations | None = None
    scores: dict[str, Score | None] = field(default_factory=dict, init=False, repr=False,
                                            compare=False)

    def within(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The columns that the model knows of."""
        known = set(self.subject.schema.names)
        return frame.select(name for name in frame.columns if name in known)


class Reader:
    """Truths and answers of a supervised model, as arrays that metrics understand."""

    def __init__(self, subject: Subject) -> None:
        self.subject, self.classes = subject, subject.classes
        self._codes = {_word(label): code for code, label in enumerate(self.classes)}
        self._columns = subject.codec.columns() if self.classes else []

    def codes(self, values: pl.Series) -> Array:
        """Values of the target (n,): class codes, -1 where unknown; or numbers, NaN."""
        if not self.classes:
            return values.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
        return np.array([-1 if value is None else self._codes.get(_word(value), -1)
                         for value in values.to_list()], dtype=np.intp)

    def known(self, side: Side) -> Array:
        """Which rows (n,) have a truth and an answer that the model could have given."""
        if side.truth is None or "prediction" not in side.said:
            return np.zeros(side.rows, dtype=bool)
        truth, said = self.codes(side.truth), self.codes(side.said["prediction"])
        return (truth >= 0) & (said >= 0) if self.classes else \
            np.isfinite(truth) & np.isfinite(said)

    def answer(self, side: Side) -> tuple[Array, bool]:
        """Probabilities (n, k), or numbers (n,); and whether the log has the probabilities."""
        said = self.codes(side.said["prediction"])
        if not self.classes:
            return said, True
        if all(name in side.said for name in self._columns):
            shares = np.column_stack([
                side.said[name].cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
                for name in self._columns])
            fine = np.isfinite(shares).all() and (shares >= 0).all()
            if fine and np.allclose(shares.sum(axis=1), 1, atol=1e-3):
                return shares / shares.sum(axis=1, keepdims=True), True
        return np.eye(len(self.classes))[np.maximum(said, 0)], False

    def losses(self, side: Side) -> Array:
        """What each row was off by (n,): 1 for a wrong class, or the absolute error."""
        assert side.truth is not None
        truth, said = self.codes(side.truth), self.codes(side.said["prediction"])
        return (truth != said).astype(float) if self.classes else np.abs(truth - said)


def _word(label: Any) -> str:
    """A class as a word, by which 1, 1.0 and "1" are one."""
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return str(label)


def _any(frame: pl.DataFrame) -> bool:
    """Whether any cell is there at all."""
    return any(column.null_count() < len(column) for column in frame.get_columns())
