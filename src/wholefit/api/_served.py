"""A fitted model of a target as the server asks it: rows by name to answers by column."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from wholefit import data
from wholefit.api import _answers, covering
from wholefit.api._served_rows import checked, inputs_of, refusing
from wholefit.api.result import Result
from wholefit.base.errors import ParameterError
from wholefit.data import Dataset, Policies
from wholefit.data.images.tables import unanswerable
from wholefit.data.notes import Note
from wholefit.data.validate.sketch import Sketch
from wholefit.evaluation.conformal import Calibration
from wholefit.serving._model import Answers, Row, Wants
from wholefit.training.quick import Quick

_EXPLAINED = 200
# Rows of a table that are quicker answered as rows, if they are plain, than as a table.
_BY_ROWS = 5_000
_PLAIN = frozenset(["", "predict"])


class ServedResult:
    """A `Result`, ready to answer; see `wholefit.serving._model.Served`.

    `sure`: a class that is said with less probability than this carries a flag.
    """

    def __init__(
        self, result: Result, name: str, version: str, facts: Mapping[str, Any], sure: float
    ) -> None:
        self.name, self.version, self.task, self.facts = name, version, result.task, facts
        self.inputs, self.verbs = inputs_of(result.schema), result._fitted.task.verbs
        self.result, self._sure = result, sure
        self._fitted = result._fitted
        with self._fitted.reading("the model cannot be made"):
            self._fitted.settle()
        self._quick = Quick(self._fitted)
        self._classes = list(result.classes or ())
        self._labels = self._fitted.codec.columns() if self._classes else []  # type: ignore[attr-defined]
        decision = self._fitted.decision
        # What hangs on other columns of the rows than the model's answer goes the slow way.
        self._by_rows = decision is not None and decision.groups is not None
        self._plainly_covered = isinstance(self._fitted.calibration, Calibration)
        self._names = [column.name for column in self._fitted.schema.columns
                       if column.role == "identifier"]

    def sketch(self) -> Sketch | None:
        """Aggregates of the rows that were learnt from, by which a log counts what is asked."""
        return self.result._facts.sketch()

    more_options = tuple(spec.name for spec in Policies.specs())
    """Words after ? beside those of the verbs: what to do with rows that do not fit."""

    def rowwise(self, wants: Wants) -> bool:
        """Every verb answers row by row."""
        return True

    def quick(self, rows: Sequence[Row], wants: Wants) -> Answers | None:
        """The answers in microseconds; None where the rows or wants need more than that."""
        if wants.explain or self._by_rows or wants.verb not in _PLAIN or wants.options or (
                wants.level is not None and not self._plainly_covered):
            return None
        raw = self._quick.answer(rows)
        if raw is None:
            return None
        found = self._plain(raw, None, wants)
        if wants.level is not None:
            found.update(self._covered(raw, None, wants.level, False))
        return {**self._identified(rows), **found} if self._names else found

    def answer(self, rows: Sequence[Row], wants: Wants) -> Answers:
        """The answers; SchemaError, ParameterError, StateError say what cannot be answered."""
        found = self.quick(rows, wants)
        return found if found is not None else self._answers(
            self._asked(rows, _policies(wants)), rows, wants)

    def many(self, asked: Sequence[Sequence[Row]]) -> list[Any]:
        """The plain answers to several requests, or the error of each that has one.

        Each is brought to the schema by itself, so that no request's answer hangs on another's
        rows; the model is then asked once.
        """
        found: list[Any] = [_or_error(self._asked, rows) for rows in asked]
        good = [each for each in found if isinstance(each, Dataset)]
        if len(good) > 1 and self._may_join(good):
            raw = self._fitted.answer(_joined(good))
            parts = iter(np.split(raw, np.cumsum([len(each) for each in good])[:-1]))
        else:
            parts = iter([self._fitted.answer(each) for each in good])
        return [self._finished(each, next(parts), rows, Wants()) if isinstance(each, Dataset)
                else each for each, rows in zip(found, asked, strict=True)]

    def table(self, frame: pl.DataFrame, wants: Wants) -> pl.DataFrame:
        """The answers to a frame, identifiers kept, in its order."""
        if wants.explain:
            raise ParameterError("a table is answered without explanations: ask for some rows as "
                                 "JSON.")
        found = self.quick(frame.to_dicts(), wants) if 0 < frame.height <= _BY_ROWS else None
        if found is not None:
            columns = {name: found[name] for name in found if name not in self._names}
            asked = Dataset(frame, self._fitted.schema, original=frame)
        else:
            with refusing():
                asked = data.conforming(frame, self._fitted.schema, _policies(wants))
            columns = self._columns(self._fitted.answer(asked), asked, wants)
        kept = _answers.kept_names(self._fitted.schema, asked, columns)
        return pl.DataFrame([*kept, *(pl.Series(name, values, strict=False)
                                      for name, values in columns.items())])

    # ---- the machinery -------------------------------------------------------------------

    def _asked(self, rows: Sequence[Row], policies: Policies | None = None) -> Dataset:
        policies = policies or Policies()
        impute = policies.missing_column == "impute"
        with refusing():
            return data.conforming(checked(rows, self.inputs, impute), self._fitted.schema,
                                   policies)

    def _answers(self, asked: Dataset, rows: Sequence[Row], wants: Wants) -> Answers:
        if wants.explain and len(asked) > _EXPLAINED:
            raise ParameterError(f"at most {_EXPLAINED} rows are explained at one time; got "
                                 f"{len(asked):,}.")
        found = self._finished(asked, self._fitted.answer(asked), rows, wants)
        if wants.explain:
            found["explanation"] = self._explained(asked)
        return found

    def _finished(
        self, asked: Dataset, raw: np.ndarray, rows: Sequence[Row], wants: Wants
    ) -> Answers:
        columns = self._columns(raw, asked, wants)
        return {**self._identified(rows), **columns, **_noted(asked.notes, len(asked))}

    def _columns(self, raw: np.ndarray, asked: Dataset | None, wants: Wants) -> Answers:
        """The verb's columns, with what is wanted beside them."""
        verb = wants.verb
        if verb in _PLAIN:
            found = self._plain(raw, asked, wants)
            if wants.level is not None:
                found.update(self._covered(raw, asked, wants.level, False))
        elif verb in ("predict_set", "predict_interval"):
            found = self._covered(raw, asked, 0.9 if wants.level is None else wants.level,
                                  wants.options.get("per_class", False))
        elif verb == "predict_sure":
            least = 0.8 if wants.least is None else wants.least
            found = _listed(covering.sure(self._fitted, raw, least, asked=asked))
        else:
            found = _listed(_answers._VERBS[verb](self._fitted, raw, asked=asked))
        blank = None if asked is None else unanswerable(asked)
        if blank is not None:
            lost = blank.tolist()
            found = {name: [None if gone else value for value, gone in
                            zip(values, lost, strict=True)] for name, values in found.items()}
        return found

    def _plain(self, raw: np.ndarray, asked: Dataset | None, wants: Wants) -> Answers:
        """A number; or a class with its probabilities, how sure it is, and whether that is low."""
        if not self._classes:
            return {"prediction": raw.tolist()}
        codes = self._codes(raw, asked)
        rows = raw.tolist()
        sure = [row[code] for row, code in zip(rows, codes, strict=True)]
        classes = self._classes
        said = [classes[code] for code in codes]
        if wants.least is not None:
            least = wants.least
            said = [one if how >= least else None for one, how in zip(said, sure, strict=True)]
        found: Answers = {"prediction": said}
        if wants.proba:
            found.update(zip(self._labels, raw.T.tolist(), strict=True))
        limit = self._sure
        found["confidence"] = sure
        found["low_confidence"] = [how < limit for how in sure]
        return found

    def _codes(self, raw: np.ndarray, asked: Dataset | None) -> list[int]:
        decided = self._fitted.codes(raw, asked)
        return list((raw.argmax(axis=1) if decided is None else decided).tolist())

    def _covered(
        self, raw: np.ndarray, asked: Dataset | None, level: float, per_class: Any
    ) -> Answers:
        """An interval of a number, or a set of classes, that holds the truth this often."""
        known = covering.calibration(self._fitted)
        rows = None if asked is None else asked.original
        if not self._classes:
            low, high = known.interval(raw, level, rows)
            return {"low": _finite(low), "high": _finite(high)}
        if not isinstance(per_class, bool):
            per_class = str(per_class).lower() in ("true", "1", "yes")
        held = known.sets(raw, level, per_class, rows)
        return {"set": [[self._classes[at] for at in np.flatnonzero(row)] for row in held]}

    def _identified(self, rows: Sequence[Row]) -> Answers:
        """Identifiers that the rows have, handed back."""
        return {name: [row.get(name) for row in rows] for name in self._names
                if any(name in row for row in rows)}

    def _explained(self, asked: Dataset) -> list[dict[str, Any]]:
        told = self.result.explain(asked)
        found = []
        for row in range(len(told)):
            at = int(told.chosen[row])
            found.append({
                "of": str(told.outputs[at]), "unit": told.unit, "base": float(told.base[at]),
                "answer": float(told.answers[row, at]), "exact": told.exact,
                "parts": [part.to_json() for part in told.parts(row)]})
        return found

    def _may_join(self, asked: Sequence[Dataset]) -> bool:
        """Whether rows of several requests may be asked together without touching each other."""
        from wholefit.training.fitted import _looks_back

        first = asked[0].frame.schema
        alike = all(each.frame.schema == first for each in asked)
        return alike and self._fitted.replay is None and not _looks_back(self._fitted.encoder)


def _policies(wants: Wants) -> Policies:
    known = ServedResult.more_options
    return Policies.from_dict({name: value for name, value in wants.options.items()
                               if name in known})


def _joined(asked: Sequence[Dataset]) -> Dataset:
    first = asked[0]
    return Dataset(pl.concat([each.frame for each in asked]), first.schema, source=first.source,
                   guest=first.guest,
                   original=pl.concat([each.original for each in asked], how="diagonal_relaxed"))


def _or_error(work: Callable[[Any], Any], given: Any) -> Any:
    try:
        return work(given)
    except Exception as error:  # told to whom it belongs
        return error


def _listed(columns: Mapping[str, Any]) -> Answers:
    return {name: values.to_list() if isinstance(values, pl.Series) else
            np.asarray(values).tolist() for name, values in columns.items()}


def _finite(values: np.ndarray) -> list[Any]:
    return [value if math.isfinite(value) else None for value in values.tolist()]


def _noted(notes: Sequence[Note], rows: int) -> Answers:
    """What was repaired in the rows, in sentences, each at the first row that it is of."""
    said = [note for note in notes if note.severity == "warning"]
    if not said:
        return {}
    found: list[list[str] | None] = [None] * rows
    for note in said:
        at = min(max(note.rows[0], 1), rows) - 1 if note.rows else 0
        found[at] = [*(found[at] or []), note.message]
    return {"notes": found}
