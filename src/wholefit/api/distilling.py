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

from wholefit import artifact, data, evaluation, training
from wholefit.api import _answers, _coefficients, _record
from wholefit.api._several import Several
from wholefit.api._shown import as_kind
from wholefit.api._tables import as_table
from wholefit.api._telling import warn
from wholefit.base.cores import cores
from wholefit.base.errors import DataError, StateError, WholefitError
from wholefit.data import Dataset, Table
from wholefit.evaluation import Score
from wholefit.training import Entry, Fitted
from wholefit.training._lineage import data_hash
from wholefit.training.distil import Comparison, Given, Options, Taught, distil
from wholefit.training.fitting import plan_of
from wholefit.training.imbalance import held_out

if TYPE_CHECKING:
    from wholefit.api.result import Result

_SKETCHED = 10_000


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
    given = _given(result, table, policies, wanted.seed)
    if held_out is not None:
        held = _answers.dataset(fitted, held_out, options, with_target=True)
        _answers.refuse_unknown(fitted, held, held.target(fitted.codec))
        given = dataclasses.replace(given, held=held)
    found = distil(fitted, given, wanted, name=result.model, metric=_metric(result, metric))
    found = dataclasses.replace(found, size=_size(facts, fitted),
                                said=(*found.said, *_doubts(result, found, given)))
    for sentence in found.said[2:]:
        warn(sentence)
    results, students = {}, []
    for each in found.students:
        made = _result(result, found, each, given)
        students.append(dataclasses.replace(each, size=_size(made._facts, made._fitted)))
        results[each.word] = made
    found = dataclasses.replace(found, students=tuple(students))
    return as_kind(Distilled, found, _results=results)


def _given(
    result: Result, table: Table | None, policies: dict[str, Any], seed: int
) -> Given:
    """The rows to teach on, and what is known of the teacher's answers to them."""
    fitted = result._fitted
    if table is None:
        return Given(_sketched(result, seed), known=False)
    known = result.target in table.frame.columns and not bool(
        table.frame.get_column(result.target).is_null().all())
    rows = _answers.dataset(fitted, table, policies, with_target=known)
    if not known:
        return Given(rows, known=False)
    truth = rows.target(fitted.codec)
    _answers.refuse_unknown(fitted, rows, truth)
    same, fold = _learnt_from(result, table, truth)
    return Given(rows, True, same, fold, result._facts.model, result.lineage,
                 result._facts.chosen.fit_seconds)


def _sketched(result: Result, seed: int) -> Dataset:
    """Rows made up from what a model remembers of its columns, each drawn by itself."""
    from wholefit.explain import background

    sketch = result._facts.sketch()
    if sketch is None:
        raise DataError("this model remembers nothing of the rows that it learnt from: give "
                        "distil rows to teach on.")
    empty, _ = data.conform(result.schema, _empty(result), data.Policies(missing_column="impute"))
    asked = Dataset(empty, result.schema, source="no rows")
    return background.of_sketch(result.schema, sketch, asked, _SKETCHED, seed).dataset


def _empty(result: Result) -> Any:
    import polars as pl

    return pl.DataFrame({name: [] for name in result.schema.features})


def _learnt_from(
    result: Result, table: Table, truth: np.ndarray
) -> tuple[bool, np.ndarray | None]:
    """Whether these are the rows that the model learnt from, and each one's fold in that fit.

    Of a fit at hand its target tells, of a file the hash of its rows; the folds follow from the
    seed.
    """
    run, before = result._run, result.lineage
    if run is not None and np.array_equal(run.truth, truth):
        return True, None if run.held is None else run.held.fold
    schema = result.schema
    roles = {c.name: c.role for c in schema.columns
             if c.role != "target" and c.name in table.frame.columns}
    try:
        rows = data.load(table, target=result.target, roles=roles)
        y = rows.target(result._fitted.codec)
        if data_hash(rows, y) != before.get("data_hash"):
            return False, None
        folds, seed, repeats = (int(before.get(name, 1)) for name in ("folds", "seed", "repeats"))
        if repeats > 1 or len(rows) != len(truth):
            return True, None
        plan = plan_of(rows, result._fitted.task, y, training.Options(folds=folds, seed=seed))
        return True, held_out(y, plan.folds, None, None, seed).fold
    except (WholefitError, TypeError, ValueError):
        return False, None  # what cannot be read as it was then, is not what was read then


def _metric(result: Result, metric: Any) -> Any:
    """What the teacher was chosen by, where that can be asked of any rows; else what is said."""
    if metric is not None:
        return _answers.main_metric(result._fitted, metric)
    known = result._facts.metric
    if known == "expected_cost":
        return _answers.main_metric(result._fitted, "cost")
    return known if known in evaluation.metrics.names(result.task) else None


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


def _size(facts: _record.Facts, fitted: Fitted) -> int:
    """Bytes of the file that `save` writes; 0 of what cannot be saved."""
    try:
        return len(artifact.to_bytes(facts.to_json(fitted), fitted.states(),
                                     reference=_record.reference(facts)))
    except StateError:
        return 0


def _result(result: Result, found: Comparison, student: Taught, given: Given) -> Result:
    """A student as a Result: its leaderboard holds it and its teacher."""
    from wholefit.api.result import Result

    before = result._facts
    scores = student.scores or _unjudged(result, found)
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


def _unjudged(result: Result, found: Comparison) -> dict[str, Score]:
    nan = float("nan")
    names = dict.fromkeys((found.metric, *result._fitted.task.metrics))
    return {name: Score(name, nan, nan, nan, 0.95, "undefined: no rows to judge it by", 0)
            for name in names}


def _lineage(
    result: Result, found: Comparison, student: Taught, given: Given
) -> dict[str, Any]:
    before = result.lineage
    whole = found.to_json()
    row = next(each for each in whole["students"] if each["student"] == student.word)
    taught = {"teacher": result.model, "taught": row["taught"], "rows": found.rows,
              "made": found.made, "agreement": row["agreement"], "difference": row["difference"],
              "seconds_1000": [whole["teacher"]["seconds_1000"], row["seconds_1000"]],
              "seconds_1": [whole["teacher"]["seconds_1"], row["seconds_1"]]}
    return {**before, "source": given.rows.source, "rows": found.rows, "schedule": [],
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
    return partial(_shown, student.fitted, asked, answer)


def _shown(fitted: Fitted, asked: Dataset, answer: np.ndarray) -> dict[str, Any]:
    return _record.shown(fitted.task, asked.target(fitted.codec), answer, fitted.codec,
                         predicted=fitted.codes(answer, asked))()
