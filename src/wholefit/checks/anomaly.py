"""Promises on detectors of anomalies: one finite score a row, the higher the stranger."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from wholefit import artifact
from wholefit.base import tasks
from wholefit.base.errors import ArtifactError, WholefitError
from wholefit.base.state import State, same
from wholefit.base.tasks import Task
from wholefit.checks import _data
from wholefit.data import Policies, conforming, dataset_of
from wholefit.features.encoder import Encoder
from wholefit.models import Context, Model, scorer

_ROWS = 240


@cache
def _frame() -> pl.DataFrame:
    """240 rows of the bundled credit table, without its target: numbers, words and gaps."""
    return _data.table(tasks.get("classification")).drop("Status").head(_ROWS)


class _Fitted:
    """A detector fitted on a frame, answering from its state."""

    def __init__(self, model: Model, task: Task, frame: pl.DataFrame | None = None,
                 seed: int = 3) -> None:
        dataset = dataset_of(_frame() if frame is None else frame)
        self.schema = dataset.schema
        self.encoder = Encoder(model.encoding(task)).fit(dataset)
        X = self.encoder.transform(dataset)
        context = Context(rows=X.shape[0], features=X.shape[1], seed=seed,
                          categorical=self.encoder.categorical)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.estimator = model.build(task, context).fit(X)
        self.state: State = model.state(self.estimator, task, context)

    def matrix(self, frame: pl.DataFrame) -> Any:
        return self.encoder.transform(conforming(frame, self.schema, Policies()))

    def answer(self, frame: pl.DataFrame) -> np.ndarray:
        return scorer(self.state).answer(self.matrix(frame))


def _valid(found: np.ndarray, rows: int) -> None:
    assert found.shape == (rows,), f"shape {found.shape} for {rows} rows"
    assert found.dtype == np.float64, f"scores of type {found.dtype}"
    assert np.isfinite(found).all(), "a score is not finite"


def scores_are_finite_and_one_a_row(model: Model, task: Task) -> None:
    """Every row gets one finite number."""
    made = _Fitted(model, task)
    _valid(made.answer(_frame()), _ROWS)
    _valid(made.answer(_frame().head(0)), 0)


def a_planted_anomaly_is_strange(model: Model, task: Task) -> None:
    """A row that is far out in every number must score above nearly all rows learnt from."""
    made = _Fitted(model, task)
    frame = _frame()
    numbers = [name for name, kind in frame.schema.items() if kind.is_numeric()]
    wild = frame.head(1).with_columns(
        pl.Series(name, [3.0 * max(map(float, frame[name].drop_nulls())) + 10]).cast(kind)
        for name, kind in frame.schema.items() if name in numbers)
    usual = np.quantile(made.answer(frame), 0.95)
    found = float(made.answer(wild)[0])
    assert found > usual, f"it scores {found:.4g}, and 95% of the others up to {usual:.4g}"


def the_same_seed_gives_the_same_state(model: Model, task: Task) -> None:
    """Everything random follows from the seed."""
    assert same(_Fitted(model, task).state, _Fitted(model, task).state), "two fits differ"


def one_row_equals_the_batch(model: Model, task: Task) -> None:
    """A served row must get the score it gets in a batch."""
    made = _Fitted(model, task)
    batch = made.answer(_frame())
    scale = max(float(np.abs(batch).max()), 1.0)
    for at in (0, 7, 139):
        alone = float(made.answer(_frame()[at:at + 1])[0])
        assert abs(alone - batch[at]) <= 1e-9 * scale, f"row {at}: {alone} and {batch[at]}"


def a_round_trip_is_bit_equal(model: Model, task: Task) -> None:
    """A saved detector must answer exactly as it did before it was saved."""
    made = _Fitted(model, task)
    package = artifact.from_bytes(artifact.to_bytes({"task": task.name}, {"model": made.state}))
    loaded = package.states["model"]
    assert same(loaded, made.state), "the state came back altered"
    X = made.matrix(_frame())
    assert np.array_equal(scorer(loaded).answer(X), scorer(made.state).answer(X))


def contributions_belong_to_features(model: Model, task: Task) -> None:
    """Where a detector says why, it gives one finite number a feature, for each row."""
    made = _Fitted(model, task)
    answers: Any = scorer(made.state)
    if not hasattr(answers, "parts"):
        return
    X = made.matrix(_frame().head(20))
    found = answers.parts(X)
    assert found.shape == X.shape, f"shape {found.shape} for a matrix of shape {X.shape}"
    assert np.isfinite(found).all(), "a contribution is not finite"


def gaps_unseen_words_and_huge_numbers_get_a_score(model: Model, task: Task) -> None:
    """Strange rows are what a detector is for: none may stop it."""
    made = _Fitted(model, task)
    frame = _frame().head(6)
    numbers = [name for name, kind in frame.schema.items() if kind.is_numeric()]
    words = [name for name, kind in frame.schema.items() if kind == pl.String]
    wild = [float("inf"), float("-inf"), 1e300, -1e300, float("nan"), 0.0]
    _valid(made.answer(frame.with_columns(pl.Series(name, wild) for name in numbers)), 6)
    _valid(made.answer(frame.with_columns(pl.lit("never seen").alias(name) for name in words)), 6)
    _valid(made.answer(frame.with_columns(
        pl.lit(None).cast(kind).alias(name) for name, kind in frame.schema.items())), 6)


def equal_rows_and_constant_columns_do_no_harm(model: Model, task: Task) -> None:
    """Copies, and columns that say nothing, are common; a detector may refuse in one sentence."""
    frame = _frame().with_columns(pl.lit(1.0).alias("always one"), pl.lit("x").alias("always x"))
    _valid(_Fitted(model, task, frame).answer(frame), _ROWS)
    copies = pl.concat([frame.head(3)] * 40)
    _valid(_Fitted(model, task, copies).answer(copies), len(copies))


def few_rows_and_many_columns_are_learnt_or_refused(model: Model, task: Task) -> None:
    """Three rows, or more columns than rows: an answer, or a refusal in one sentence."""
    random = np.random.default_rng(0)
    wide = _frame().head(60).with_columns(
        pl.Series(f"w{at}", random.normal(size=60)) for at in range(120))
    for frame in (_frame().head(3), wide):
        try:
            found = _Fitted(model, task, frame).answer(frame)
        except WholefitError:
            continue
        _valid(found, len(frame))


def an_altered_state_is_refused(model: Model, task: Task) -> None:
    """A model file may have been altered: an error that says so, or an answer; never a crash."""
    made = _Fitted(model, task)
    X = made.matrix(_frame().head(5))
    for name, values in made.state.arrays.items():
        arrays = {**made.state.arrays, name: values[:-1]}
        altered = State(made.state.kind, made.state.config, arrays, {}, made.state.parts)
        try:
            scorer(altered).answer(X)
        except ArtifactError:
            continue
        except (IndexError, ValueError, KeyError) as error:
            raise AssertionError(f"{name!r} cut short: {type(error).__name__}: {error}") from error
