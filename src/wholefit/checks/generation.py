"""Promises on generators: rows of the kind that was learnt from, the same again for a seed."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np

from wholefit import artifact
from wholefit.base.errors import WholefitError
from wholefit.base.state import State, same
from wholefit.base.tasks import Task
from wholefit.features.spans import Span
from wholefit.models import Context, Model, scorer

_LABELS = 3
_SPANS = (Span("codes", 0, 1, levels=(_LABELS,), column="label"), Span("numbers", 1, 3),
          Span("codes", 3, 4, levels=(2,)))


@cache
def _rows() -> np.ndarray:
    """300 rows: a label, two numbers that go with it and with each other, and a category."""
    rng = np.random.default_rng(0)
    label = rng.integers(_LABELS, size=300)
    first = rng.normal(size=300) + 3 * label
    second = 2 * first + rng.normal(size=300)
    second[rng.random(300) < 0.1] = np.nan
    return np.column_stack([label, first, second, first + rng.normal(size=300) > 3]).astype(float)


def _quick(model: Model) -> Model:
    """The model with few steps, where it counts them."""
    return model.replace(steps=60) if "steps" in model.to_dict() else model


@cache
def _fitted(model: Model, task: Task, time: int = 1) -> tuple[Any, State]:
    """Estimator and state; another `time` is another fit with the same seed."""
    context = Context(rows=300, features=4, seed=3, spans=_SPANS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = _quick(model).build(task, context).fit(_rows())
    return estimator, model.state(estimator, task, context)


def _sampler(model: Model, task: Task) -> Any:
    return scorer(_fitted(model, task)[1])


def made_rows_are_of_the_kind_learnt(model: Model, task: Task) -> None:
    """Codes must be codes that were seen, numbers must lie within what numbers can be."""
    made = _sampler(model, task).sample(200, 1)
    assert made.shape == (200, 4), f"shape {made.shape}"
    for at, levels in ((0, _LABELS), (3, 2)):
        assert np.isin(made[:, at], np.arange(levels)).all(), f"feature {at} holds other codes"
    assert not np.isinf(made).any(), "a made number is infinite"
    assert not np.isnan(made[:, 1]).any(), "a number that was never missing is missing"
    reach = 3 * np.ptp(_rows()[:, 1])
    assert np.abs(made[:, 1] - _rows()[:, 1].mean()).max() < reach, "a number is far out"


def the_same_seed_makes_the_same_rows(model: Model, task: Task) -> None:
    """What was made once must be had again, and another seed must make other rows."""
    sampler = _sampler(model, task)
    first, again, other = (sampler.sample(50, seed) for seed in (7, 7, 8))
    assert np.array_equal(first, again, equal_nan=True), "one seed made two sets of rows"
    assert not np.array_equal(first, other, equal_nan=True), "two seeds made the same rows"


def two_fits_are_the_same(model: Model, task: Task) -> None:
    """A generator that cannot be had again cannot be trusted."""
    first, second = (_fitted(model, task, time)[1] for time in (1, 2))
    assert same(first, second), "two fits with one seed differ"


def a_label_that_is_asked_for_is_made(model: Model, task: Task) -> None:
    """Rows of one label only, where one is said."""
    made = _sampler(model, task).sample(30, 1, 2)
    assert len(made) == 30 and (made[:, 0] == 2).all(), "rows of other labels were made"


def a_round_trip_is_bit_equal(model: Model, task: Task) -> None:
    """A saved generator must make exactly the rows that it made before."""
    _, state = _fitted(model, task)
    package = artifact.from_bytes(artifact.to_bytes({"task": task.name}, {"model": state}))
    loaded = package.states["model"]
    assert same(loaded, state), "the state came back altered"
    assert np.array_equal(scorer(loaded).sample(40, 5), scorer(state).sample(40, 5),  # type: ignore[attr-defined]
                          equal_nan=True), "the loaded one makes other rows"


def the_estimator_samples_as_its_state(model: Model, task: Task) -> None:
    """The version-independent form must be the model."""
    estimator, state = _fitted(model, task)
    live: Any = estimator.sample(40, 5)
    stored: Any = scorer(state)
    assert np.array_equal(live, stored.sample(40, 5), equal_nan=True)


def one_row_is_refused_or_learnt(model: Model, task: Task) -> None:
    """Too few rows must end in a sentence, never in a fault of a library."""
    context = Context(rows=1, features=4, seed=3, spans=_SPANS)
    try:
        made = _quick(model).build(task, context).fit(_rows()[:1]).sample(5, 0)
    except WholefitError as error:
        assert "row" in str(error), str(error)
    else:
        assert made.shape == (5, 4)
