"""Promises on being understood."""

from __future__ import annotations

import json

import numpy as np
import polars as pl

from wholefit.base.state import State
from wholefit.base.tasks import Task
from wholefit.checks import _data, _tools
from wholefit.evaluation import metrics
from wholefit.explain import _otherwise as otherwise
from wholefit.explain import attributions, inside
from wholefit.explain.background import of_rows
from wholefit.explain.effects import effect
from wholefit.explain.importance import importance
from wholefit.explain.pool import Pool
from wholefit.explain.stress import stress
from wholefit.models import Model, scorer


def what_it_is_made_of_is_told(model: Model, task: Task) -> None:
    """A model that cannot say what it is made of cannot be questioned; a fitted state can."""
    made = _tools.fitted(model, task)
    found = inside.look(made, model.name)
    text = found.to_text()
    assert found.said and all(line.strip() for line in found.said), "it says nothing of itself"
    assert "has no reader" not in text, f"kind {found.kind!r} is not told in words"
    json.dumps(found.to_json(), allow_nan=False)
    known = set(made.schema.features)
    strange = {one.column for one in found.shares} - known
    assert not strange, f"it speaks of columns that nobody gave it: {sorted(strange)[:5]}"
    for curve in found.curves:
        assert len(curve.labels) == len(curve.values) == len(curve.rows), curve.column
        assert np.isfinite(curve.values).all(), f"{curve.column} adds what is not finite"


def it_can_be_stressed(model: Model, task: Task) -> None:
    """Every model is asked what changed rows cost it, and tells it in finite numbers."""
    made = _tools.fitted(model, task)
    rows = _data.dataset(task).take(np.arange(60))
    metric = metrics.get(task.name, task.metrics[0])
    found = stress(made, rows, rows.target(made.codec), metric, sizes=(0.25,))
    lost = {each.column for each in found.group("lost")}
    assert lost == set(made.schema.features), "a column was not taken away"
    for each in found.trials:
        assert 0 <= each.flipped <= 1, each.words
        assert each.low <= each.cost <= each.high, each.words
    assert found.to_text()
    json.dumps(found.to_json(), allow_nan=False)


def a_mixture_of_it_answers_as_it_does(model: Model, task: Task) -> None:
    """Constrained training keeps a weighted mean of states: any model that takes weights has one.
    """
    if not model.weighted or task.name != "classification":
        return
    made = _tools.fitted(model, task)
    dataset = _data.dataset(task)
    classes, X = len(made.codec.classes), made.encoder.transform(dataset)  # type: ignore[attr-defined]
    config = {"weights": [0.25, 0.75], "classes": list(range(classes)), "n_classes": classes,
              "features": int(X.shape[1])}
    both = scorer(State("mean", config, parts={"0": made.state(), "1": made.state()}))
    assert np.allclose(both.answer(X), scorer(made.state()).answer(X), atol=1e-9), \
        "a mixture of it with itself answers otherwise"


def lent_columns_are_answered_as_composed_rows_are(model: Model, task: Task) -> None:
    """The short way of asking about shuffled columns gives what asking about each row gives."""
    made = _tools.fitted(model, task)
    pool = Pool(made, _data.dataset(task).take(np.arange(40)))
    shuffled = np.random.default_rng(0).permutation(40)
    if pool.separable:
        for at, features in enumerate(pool.groups):
            take = pool.own()
            take[:, at] = shuffled
            if len(features):
                lent = pool.mixed.lent(features, pool.matrix[:, features], shuffled[None])[0]
                assert np.allclose(lent, pool.answer(take), rtol=1e-9, atol=1e-9), pool.columns[at]
    truth = pool.dataset.target(made.codec)
    found = importance(pool, truth, metrics.get(task.name, task.metrics[0]), repeats=2)
    assert {each.name for each in found.columns} == set(pool.columns)
    assert all(each.verdict and np.isfinite(each.value) for each in found.columns), found.table()
    json.dumps(found.to_json(), allow_nan=False)
    curve = effect(pool, pool.columns[0], points=4)
    assert all(low <= value <= high for low, value, high in zip(
        curve.curve.low, curve.curve.values, curve.curve.high, strict=True))
    json.dumps(curve.to_json(), allow_nan=False)


def contributions_add_up_to_the_answer(model: Model, task: Task) -> None:
    """What the columns add, from the common start, is the answer, whatever way it was found."""
    made = _tools.fitted(model, task)
    whole = _data.dataset(task)
    few = attributions.Options(compared=10, evaluations=400)
    found = attributions.explained(made, whole.take(np.arange(3)),
                                   lambda: of_rows(whole, few.compared, 0), options=few)
    size = max(1.0, float(np.abs(found.answers).max()))
    gap = np.abs(found.base + found.values.sum(axis=1) - found.answers).max()
    assert gap <= 1e-6 * size, f"contributions miss the answer by {gap:g}"
    assert found.exact or "ampled" in found.how, "values that are not exact are not called sampled"
    assert found.columns == tuple(made.schema.features)
    json.dumps(found.to_json(), allow_nan=False)


def counterfactuals_are_as_wanted_and_change_nothing_else(model: Model, task: Task) -> None:
    """An alternative is a changed row that the model, asked anew, answers as it was wanted."""
    made = _tools.fitted(model, task)
    whole = _data.dataset(task)
    row = whole.take(np.arange(1))
    answers = made.codec.decode(made.answer(whole))
    away = answers[answers != answers[0]]
    if not len(away):
        return  # it gives every row the same answer: there is nothing else to want
    classes = getattr(made.codec, "classes", None)
    want = away[0] if classes else (float(away.min()), float(away.max()))
    found = otherwise.find(made, row, want, otherwise.Options(budget=2000, alternatives=2),
                           sketch=None, among=whole, within={})
    assert found.already or found.alternatives or found.nearest is not None or found.notes
    for each in found.alternatives:
        changed = row.frame.with_columns(
            pl.lit(one.after).cast(row.frame.schema[one.column]).alias(one.column)
            for one in each.changes)
        again = made.codec.decode(_tools.answer(made, changed))[0]
        right = again == want if classes else want[0] <= again <= want[1]
        assert right, f"{each.to_text()} But the answer is {again}."
