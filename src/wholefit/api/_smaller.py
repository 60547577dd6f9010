"""What models made of another one share: rows to teach and judge by, sizes, pictures, lineage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wholefit import artifact, data, evaluation, training
from wholefit.api import _answers, _record
from wholefit.base.errors import DataError, StateError, WholefitError
from wholefit.data import Dataset, Table
from wholefit.evaluation import Score
from wholefit.training import Fitted
from wholefit.training._lineage import data_hash
from wholefit.training.distil import Given
from wholefit.training.fitting import plan_of
from wholefit.training.imbalance import held_out

if TYPE_CHECKING:
    from wholefit.api.result import Result

_SKETCHED = 10_000


def given_rows(
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


def metric_of(result: Result, metric: Any) -> Any:
    """What the teacher was chosen by, where that can be asked of any rows; else what is said."""
    if metric is not None:
        return _answers.main_metric(result._fitted, metric)
    known = result._facts.metric
    if known == "expected_cost":
        return _answers.main_metric(result._fitted, "cost")
    return known if known in evaluation.metrics.names(result.task) else None


def unjudged(result: Result, metric: str) -> dict[str, Score]:
    """The scores of what no rows were given to judge by."""
    nan = float("nan")
    names = dict.fromkeys((metric, *result._fitted.task.metrics))
    return {name: Score(name, nan, nan, nan, 0.95, "undefined: no rows to judge it by", 0)
            for name in names}


def size_of(facts: _record.Facts, fitted: Fitted) -> int:
    """Bytes of the file that `save` writes; 0 of what cannot be saved."""
    try:
        return len(artifact.to_bytes(facts.to_json(fitted), fitted.states(),
                                     reference=_record.reference(facts)))
    except StateError:
        return 0


def shown(fitted: Fitted, asked: Dataset, answer: np.ndarray) -> dict[str, Any]:
    """What a report's pictures show of answers to these rows."""
    return _record.shown(fitted.task, asked.target(fitted.codec), answer, fitted.codec,
                         predicted=fitted.codes(answer, asked))()


def lineage_of(result: Result) -> dict[str, Any]:
    """The lineage of the model before, without what holds of that model alone."""
    before = {**result.lineage, "schedule": []}
    if "ensemble" in before:
        before["ensemble"] = {name: each for name, each in before["ensemble"].items()
                              if name != "expected"}
    return before
