"""Promises on learning itself."""

from __future__ import annotations

import numpy as np
import polars as pl

from wholefit import evaluation, models
from wholefit.base.tasks import Task
from wholefit.checks import _data, _tools
from wholefit.data import dataset_of
from wholefit.models import Model
from wholefit.training import fit_plain


def learns_more_than_the_baseline(model: Model, task: Task) -> None:
    """A model that cannot beat the baseline on rows it has not seen has no place in the catalog.

    Held to ranking (ROC AUC) for classes and to mean absolute error for numbers: measures that
    no choice of threshold or scale can flatter.
    """
    if model.name == task.baseline:
        return
    dataset = _data.dataset(task)
    train, test = _tools.halves(dataset)
    metric = {"classification": "roc_auc", "regression": "mae"}[task.name]
    values = []
    for each in (model, models.make(task.baseline)):
        made = fit_plain(dataset, task, each, rows=train)
        truth = dataset.target(made.codec)[test]
        found = made.answer(dataset.take(test))
        values.append(evaluation.score(task.name, truth, found, metrics=[metric])[metric].value)
    better = values[0] > values[1] if task.name == "classification" else values[0] < values[1]
    assert better, f"{metric} {values[0]:.3f} against the baseline's {values[1]:.3f}"


def the_same_seed_gives_the_same_answer(model: Model, task: Task) -> None:
    """A result that cannot be had again cannot be trusted."""
    frame = _data.table(task)
    first = _tools.answer(_tools.fitted(model, task, seed=3), frame)
    second = _tools.answer(_tools.fitted(model, task, seed=3), frame)
    assert np.array_equal(first, second), f"largest difference {np.abs(first - second).max():.3g}"


def inputs_are_left_untouched(model: Model, task: Task) -> None:
    """Fitting and answering must not change the user's rows, nor the hyper-parameters."""
    frame = _data.table(task)
    before, said = frame.clone(), repr(model)
    _tools.answer(_tools.fitted(model, task, frame), frame)
    assert frame.equals(before), "the table was changed"
    assert repr(model) == said, "the hyper-parameters were changed"


def equal_weights_change_nothing(model: Model, task: Task) -> None:
    """Weights that are all 1 must give the answer that no weights give."""
    if not model.weighted:
        return
    frame = _data.table(task)
    ones = frame.with_columns(pl.lit(1.0).alias("weight of the row"))
    weighted = dataset_of(ones, target=_data.target(task), weights="weight of the row")
    plain = _tools.answer(_tools.fitted(model, task), frame)
    found = _tools.answer(fit_plain(weighted, task, model), frame)
    scale = max(float(np.abs(plain).max()), 1.0)
    assert np.allclose(plain, found, atol=1e-4 * scale), (
        f"largest difference {np.abs(plain - found).max():.3g}"
    )


def a_class_absent_from_training_keeps_its_column(model: Model, task: Task) -> None:
    """A fold may lack a rare class; its probability column must still be there, and be low."""
    if task.name != "classification":
        return
    dataset = _data.dataset(task, _data.table(task).with_columns(_three_classes(task)))
    codes = dataset.target(task.codec(_data.target(task), dataset.target_values()))
    made = fit_plain(dataset, task, model, rows=np.flatnonzero(codes != 1))
    found = made.answer(dataset)
    _tools.valid(made, found, len(dataset))
    assert found[:, 1].max() <= 1e-6, "an unseen class was given probability"


def _three_classes(task: Task) -> pl.Expr:
    name = _data.target(task)
    return (pl.when(pl.int_range(pl.len()) % 5 == 0).then(pl.lit("c"))
            .otherwise(pl.col(name).cast(pl.String)).alias(name))
