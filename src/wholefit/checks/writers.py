"""Promises on generators of texts: honest surprises, the same texts again for a seed."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np

from wholefit import artifact
from wholefit.base.errors import WholefitError
from wholefit.base.state import State, same
from wholefit.base.tasks import Task
from wholefit.models import Context, Model, scorer

_TEXTS = tuple(f"the {who} saw the {what} on day {day}" for day in range(20)
               for who, what in (("cat", "dog"), ("hen", "fox"), ("boy", "owl")))


@cache
def _fitted(model: Model, task: Task, time: int = 1) -> State:
    """The state; another `time` is another fit with the same seed."""
    quick = {"steps": 40, "batch": 4, "length": 32}
    model = model.replace(**{name: value for name, value in quick.items()
                             if name in model.to_dict()})
    context = Context(rows=len(_TEXTS), features=1, seed=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.state(model.build(task, context).fit(_TEXTS), task, context)


def _writer(model: Model, task: Task) -> Any:
    return scorer(_fitted(model, task))


def texts_like_those_learnt_surprise_less(model: Model, task: Task) -> None:
    """What was read must be foretold better than its letters in disorder."""
    draw = np.random.default_rng(0)
    torn = ["".join(draw.permutation(list(text))) for text in _TEXTS[:20]]
    nats, tokens = _writer(model, task).nats(_TEXTS[:20])
    other, _ = _writer(model, task).nats(torn)
    assert nats.shape == tokens.shape == (20,) and (nats > 0).all() and (tokens > 0).all()
    assert nats.sum() < 0.9 * other.sum(), f"{nats.sum():.0f} nats, of disorder {other.sum():.0f}"


def texts_begin_as_asked_and_end_in_time(model: Model, task: Task) -> None:
    """A prompt is kept, and no text is longer than was asked for."""
    made = _writer(model, task).sample(5, 1, prompt="the c", length=12)
    assert len(made) == 5 and all(text.startswith("the c") for text in made)
    short = _writer(model, task).sample(3, 1, length=1)
    assert all(len(text) <= max(map(len, _TEXTS)) for text in short)


def the_same_seed_writes_the_same(model: Model, task: Task) -> None:
    """What was written once must be had again, and another seed must write otherwise."""
    first, again, other = (_writer(model, task).sample(20, seed, length=40) for seed in (7, 7, 8))
    assert first == again, "one seed wrote two sets of texts"
    assert first != other, "two seeds wrote the same"


def two_fits_are_the_same(model: Model, task: Task) -> None:
    """A model that cannot be had again cannot be trusted."""
    assert same(_fitted(model, task), _fitted(model, task, 2)), "two fits with one seed differ"


def a_round_trip_is_bit_equal(model: Model, task: Task) -> None:
    """A saved model must write exactly the texts that it wrote before."""
    state = _fitted(model, task)
    package = artifact.from_bytes(artifact.to_bytes({"task": task.name}, {"model": state}))
    loaded = package.states["model"]
    assert same(loaded, state), "the state came back altered"
    writers: list[Any] = [scorer(loaded), scorer(state)]
    first, second = (each.sample(10, 5, length=40) for each in writers)
    assert first == second, "the loaded one writes other texts"
    assert np.array_equal(*(each.nats(_TEXTS[:5])[0] for each in writers))


def texts_without_a_token_are_refused(model: Model, task: Task) -> None:
    """Nothing to learn from must end in a sentence, never in a fault of a library."""
    try:
        model.build(task, Context(rows=1, features=1)).fit([""])
    except WholefitError as error:
        assert "text" in str(error), str(error)
    else:
        raise AssertionError("it learnt from nothing")
