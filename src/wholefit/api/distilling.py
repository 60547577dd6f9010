"""`result.distil`: a small model taught by a large one, with what it loses and gains side by side.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from wholefit import evaluation
from wholefit.api import _answers, _coefficients, _smaller
from wholefit.api._several import Several
from wholefit.api._shown import as_kind
from wholefit.api._tables import as_table
from wholefit.api._telling import warn
from wholefit.base.cores import cores
from wholefit.training import Entry
from wholefit.training.distil import Comparison, Given, Options, Taught, distil

if TYPE_CHECKING:
    from wholefit.api.result import Result


@dataclass(frozen=True, eq=False)
class Distilled(Several, Comparison):
    """A teacher and its students; see `wholefit.training.distil.record.Comparison` for its facts.

    `found["tree"]` is the Result of a student, `found.student` that of the only one.
    """

    _results: Mapping[str, Result] = field(default_factory=dict, repr=False)
    _called = "student"
    _said = "several students were taught"

    @property
    def student(self) -> Result:
        """The Result of the student, where there is one; DataError where there are several."""
        return self._only()

    def __str__(self) -> str:
        return self.to_text()


def distilled(
    result: Result, rows: Any, held_out: Any, metric: Any, words: dict[str, Any],
    options: dict[str, Any],
) -> Distilled:
    """See `Result.distil`; `words` are those of `training.distil.Options`."""
    fitted, facts = result._fitted, result._facts
    jobs = cores() if words.get("jobs") is None else words["jobs"]
    wanted = Options.from_dict({**words, "jobs": jobs})
    policies, reading = _answers.asked_for(options)
    table = None if rows is None else as_table(rows, reading)
    given = _smaller.given_rows(result, table, policies, wanted.seed)
    if held_out is not None:
        held = _answers.dataset(fitted, held_out, options, with_target=True)
        _answers.refuse_unknown(fitted, held, held.target(fitted.codec))
        given = dataclasses.replace(given, held=held)
    found = distil(fitted, given, wanted, name=result.model,
                   metric=_smaller.metric_of(result, metric))
    found = dataclasses.replace(found, size=_smaller.size_of(facts, fitted),
                                said=(*found.said, *_doubts(result, found, given)))
    for sentence in found.said[2:]:
        warn(sentence)
    results, students = {}, []
    for each in found.students:
        made = _result(result, found, each, given)
        students.append(dataclasses.replace(each, size=_smaller.size_of(made._facts, made._fitted)))
        results[each.word] = made
    found = dataclasses.replace(found, students=tuple(students))
    return as_kind(Distilled, found, _results=results)


def _doubts(result: Result, found: Comparison, given: Given) -> tuple[str, ...]:
    """Warn of a teacher that is too good on these rows to be new to them."""
    kept = result._facts.chosen.scores.get(found.metric)
    now = found.scores.get(found.metric)
    if given.learnt_from or kept is None or now is None or math.isnan(kept.value):
        return ()
    better = now.high < kept.low if found.better == "lower" else now.low > kept.high
    if not better:
        return ()
    return (f"The teacher's {found.metric} on these rows ({now}) is better than on rows that it "
            f"had not seen when it was fitted ({kept}): it may have learnt from some of them, and "
            "what students lose is then told too large. Give other rows as held_out.",)


def _result(result: Result, found: Comparison, student: Taught, given: Given) -> Result:
    """A student as a Result: its leaderboard holds it and its teacher."""
    from wholefit.api.result import Result

    before = result._facts
    scores = student.scores or _smaller.unjudged(result, found.metric)
    difference = None if student.difference is None else dataclasses.asdict(student.difference)
    mine = Entry(
        model=student.word, params=student.params, scores=scores, fit_seconds=student.seconds,
        predict_seconds=student.pace.thousand, recommended=True, difference=difference)
    theirs = Entry(
        model=result.model + " (teacher)", params=before.chosen.params, scores=found.scores,
        predict_seconds=found.pace.thousand, best=bool(found.scores))
    facts = dataclasses.replace(
        before, said=f"{before.said}; {student.said}, taught by {result.model}",
        metric=found.metric, model={"name": student.catalog, "params": student.params},
        entries=(mine, theirs, *_baseline(result, student, given)), split=found.judged,
        warnings=found.said[2:],
        notes=tuple(given.rows.notes), lineage=_lineage(result, found, student, given),
        exhibits=_exhibits(student, given), findings=(), coefficients=_coefficients.none)
    return Result(student.fitted, facts)


def _baseline(result: Result, student: Taught, given: Given) -> list[Entry]:
    """What a model that ignores the columns scores on the same rows, where that is known."""
    fitted = result._fitted
    if student.answer is None or not given.known:
        return []
    rows = given.rows if given.held is None else given.held
    seen = np.isfinite(student.answer.reshape(len(rows), -1)).all(axis=1)
    taught, classes = given.rows.target(fitted.codec), len(getattr(fitted.codec, "classes", ()))
    usual = np.bincount(taught, minlength=classes) / len(taught) if classes else taught.mean()
    scored = evaluation.score(
        result.task, rows.target(fitted.codec)[seen],
        np.broadcast_to(usual, student.answer[seen].shape), metrics=list(student.scores),
        positive=getattr(fitted.codec, "positive", 1),
    ) if all(name in fitted.task.metrics for name in student.scores) else {}
    name = fitted.task.baseline
    return [Entry(model=name, params={}, scores=scored)] if scored else []


def _lineage(
    result: Result, found: Comparison, student: Taught, given: Given
) -> dict[str, Any]:
    before = _smaller.lineage_of(result)
    whole = found.to_json()
    row = next(each for each in whole["students"] if each["student"] == student.word)
    taught = {"teacher": result.model, "taught": row["taught"], "rows": found.rows,
              "made": found.made, "agreement": row["agreement"], "difference": row["difference"],
              "seconds_1000": [whole["teacher"]["seconds_1000"], row["seconds_1000"]],
              "seconds_1": [whole["teacher"]["seconds_1"], row["seconds_1"]]}
    return {**before, "source": given.rows.source, "rows": found.rows,
            "model": student.catalog, "distilled": _finite(taught),
            "parents": [*before.get("parents", []),
                        *([before["data_hash"]] if "data_hash" in before else [])]}


def _finite(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _exhibits(student: Taught, given: Given) -> Any:
    """Pictures of the student's answers to the rows that it is judged by."""
    if student.answer is None:
        return dict
    rows = given.rows if given.held is None else given.held
    seen = np.isfinite(student.answer.reshape(len(rows), -1)).all(axis=1)
    asked = rows.take(seen)
    answer = student.answer[seen]
    return partial(_smaller.shown, student.fitted, asked, answer)
