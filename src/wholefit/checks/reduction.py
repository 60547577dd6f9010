"""Promises on reductions: coordinates that hold for new rows, or a refusal in one sentence."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from wholefit import artifact
from wholefit.base.errors import DataError
from wholefit.base.state import State, same
from wholefit.base.tasks import Task
from wholefit.checks import _data
from wholefit.data import Dataset, dataset_of
from wholefit.features.encoder import Encoder
from wholefit.models import Context, Model, scorer


@cache
def _frame() -> pl.DataFrame:
    """200 rows of the bundled credit table, without its target."""
    from wholefit.base import tasks

    return _data.table(tasks.get("classification")).drop("Status").head(200)


def _dataset() -> Dataset:
    return dataset_of(_frame())


@cache
def _fitted(model: Model, task: Task, time: int = 1) -> tuple[Any, State, Any, Any]:
    """Estimator, state, the matrix it learnt from, and 40 rows that it did not.

    One fit serves several checks; another `time` is another fit with the same seed.
    """
    dataset = _dataset()
    rows = np.arange(len(dataset))
    encoder = Encoder(model.encoding(task)).fit(dataset, rows[:160])
    X, new = encoder.transform(dataset, rows[:160]), encoder.transform(dataset, rows[160:])
    context = Context(rows=X.shape[0], features=X.shape[1], seed=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = model.build(task, context).fit(X)
    return estimator, model.state(estimator, task, context), X, new


def _places_new_rows(state: State) -> bool:
    return state.config.get("rule") != "none"


def coordinates_are_finite_and_few(model: Model, task: Task) -> None:
    """Every row gets one finite place on as many axes as were asked for."""
    _, state, X, new = _fitted(model, task)
    found = scorer(state).answer(new if _places_new_rows(state) else X)
    assert found.ndim == 2 and found.shape[1] == 2, f"shape {found.shape}"
    assert np.isfinite(found).all(), "a coordinate is not finite"


def new_rows_are_placed_or_refused_in_words(model: Model, task: Task) -> None:
    """A method without a rule for new rows must not invent one: it says what to do instead."""
    _, state, _, new = _fitted(model, task)
    if _places_new_rows(state):
        assert len(scorer(state).answer(new)) == new.shape[0]
        return
    try:
        scorer(state).answer(new)
    except DataError as error:
        assert "fit" in str(error) and model.name in str(error), str(error)
    else:
        raise AssertionError("rows that it never saw were given a place")


def the_state_agrees_with_the_estimator(model: Model, task: Task) -> None:
    """The version-independent form must be the model: a map's own rows keep their places."""
    estimator, state, X, new = _fitted(model, task)
    places = getattr(estimator, "places_", None)
    if places is not None:
        rows = X[estimator.drawn_]
        found, expected = scorer(state).answer(rows), places
        alike = np.abs(found - expected).max(axis=1) <= 1e-3 * max(np.abs(expected).max(), 1e-9)
        assert alike.mean() > 0.97, f"{(~alike).sum()} rows of the map lost their place"
    elif hasattr(estimator, "transform"):
        found, expected = scorer(state).answer(new), np.asarray(estimator.transform(new))
        scale = max(float(np.abs(expected).max()), 1.0)
        assert np.abs(found - expected).max() <= 1e-6 * scale


def one_row_equals_the_batch(model: Model, task: Task) -> None:
    """A row's coordinates must not depend on what else was asked."""
    _, state, X, new = _fitted(model, task)
    asked = new if _places_new_rows(state) else X[:40]
    whole = scorer(state).answer(asked)
    single = np.concatenate([scorer(state).answer(asked[at:at + 1]) for at in (0, 7, 21)])
    scale = max(float(np.abs(whole).max()), 1.0)
    assert np.abs(single - whole[[0, 7, 21]]).max() <= 1e-8 * scale


def the_same_seed_gives_the_same_coordinates(model: Model, task: Task) -> None:
    """A map that cannot be had again cannot be trusted."""
    first, second = (_fitted(model, task, time)[1] for time in (1, 2))
    assert same(first, second), "two fits with one seed differ"


def a_round_trip_is_bit_equal(model: Model, task: Task) -> None:
    """A saved reduction must answer exactly as before."""
    _, state, X, new = _fitted(model, task)
    package = artifact.from_bytes(artifact.to_bytes({"task": task.name}, {"model": state}))
    loaded = package.states["model"]
    assert same(loaded, state), "the state came back altered"
    asked = new if _places_new_rows(state) else X
    assert np.array_equal(scorer(loaded).answer(asked), scorer(state).answer(asked))


def the_way_back_is_a_way_back(model: Model, task: Task) -> None:
    """Where coordinates can be undone, what comes back has the same coordinates again."""
    if model.family == "autoencoder":
        return  # its two halves are learnt apart: nothing makes the one undo the other
    _, state, _, new = _fitted(model, task)
    answering = scorer(state)
    if not hasattr(answering, "restore"):
        return
    Z = answering.answer(new)
    again = answering.answer(answering.restore(Z))
    scale = max(float(np.abs(Z).max()), 1e-9)
    limit = 0.05 if model.name == "sparse_pca" else 1e-6  # a ridge pulls it to the middle
    assert np.abs(again - Z).max() <= limit * scale, f"{np.abs(again - Z).max() / scale:.3g}"
