"""Promises on data as it comes: missing, unseen, constant, tiny and wide."""

from __future__ import annotations

import numpy as np
import polars as pl

from wholefit.base.errors import WholefitError
from wholefit.base.tasks import Task
from wholefit.checks import _data, _tools
from wholefit.models import Model
from wholefit.training import Fitted


def missing_values_get_an_answer(model: Model, task: Task) -> None:
    """Rows arrive with holes, also in columns that had none in training."""
    made = _tools.fitted(model, task)
    frame = _data.table(task).head(20)
    features = made.schema.features
    empty = frame.with_columns(pl.lit(None).cast(frame[name].dtype).alias(name)
                               for name in features)
    _tools.valid(made, _tools.answer(made, empty), len(empty))


def an_unseen_category_gets_an_answer(model: Model, task: Task) -> None:
    """The world invents categories after training."""
    made = _tools.fitted(model, task)
    frame = _data.table(task).head(20)
    words = _of_role(made, "categorical")
    new = frame.with_columns(pl.lit("never seen before").alias(name) for name in words)
    _tools.valid(made, _tools.answer(made, new), len(new))


def infinite_and_huge_numbers_get_an_answer(model: Model, task: Task) -> None:
    """A division by zero upstream must not become a crash downstream."""
    made = _tools.fitted(model, task)
    numbers = _of_role(made, "numeric")[:2]
    frame = _data.table(task).head(6).with_columns(
        pl.Series(numbers[0], [np.inf, -np.inf, 1e300, -1e300, 0.0, 1.0]),
        pl.Series(numbers[1], [1e308, 1.0, np.inf, np.nan, -1e308, 0.0]),
    )
    _tools.valid(made, _tools.answer(made, frame), len(frame))


def constant_and_empty_columns_do_no_harm(model: Model, task: Task) -> None:
    """Tables have columns that say nothing."""
    frame = _data.table(task).with_columns(
        pl.lit(1.0).alias("always one"), pl.lit(None).cast(pl.Float64).alias("always empty"),
        pl.lit("same").alias("always same"),
    )
    made = _tools.fitted(model, task, frame)
    _tools.valid(made, _tools.answer(made, frame), len(frame))


def three_rows_are_learnt_or_refused(model: Model, task: Task) -> None:
    """Too few rows may be refused, in one sentence; they must not crash."""
    frame = _data.table(task)
    name = _data.target(task)
    few = pl.concat([part.head(2) for part in frame.partition_by(name)[:2]]).head(3)
    try:
        made = _tools.fitted(model, task, few)
        found = _tools.answer(made, few)
    except WholefitError:
        return
    except ValueError as error:
        assert len(str(error)) < 400, f"an unreadable refusal: {error}"
        return
    _tools.valid(made, found, len(few))


def more_columns_than_rows_are_learnt_or_refused(model: Model, task: Task) -> None:
    """Wide tables are common where measuring is cheap and cases are rare.

    A family whose features multiply may refuse, in one sentence that names the way out.
    """
    frame = _data.table(task).head(60)
    rng = np.random.default_rng(0)
    wide = frame.with_columns(
        pl.Series(f"w{at}", rng.normal(size=len(frame))) for at in range(150)
    )
    try:
        made = _tools.fitted(model, task, wide)
    except WholefitError:
        return
    _tools.valid(made, _tools.answer(made, wide), len(wide))


def one_value_of_the_target_is_refused(model: Model, task: Task) -> None:
    """Where there is nothing to tell apart, saying so is the only honest answer."""
    name = _data.target(task)
    frame = _data.table(task)
    same = frame.with_columns(pl.lit(frame[name][0]).alias(name))
    try:
        _tools.fitted(model, task, same)
    except WholefitError as error:
        assert name in str(error), f"the error does not name the target: {error}"
    else:
        raise AssertionError("a constant target was accepted")


def _of_role(made: Fitted, role: str) -> list[str]:
    return [name for name in made.schema.features if made.schema.role(name) == role]
