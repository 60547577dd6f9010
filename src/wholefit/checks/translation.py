"""Promises on models of pairs: a text for each text, the same again for a seed."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

from wholefit import artifact
from wholefit.base.errors import WholefitError
from wholefit.base.state import State, same
from wholefit.base.tasks import Task
from wholefit.models import Context, Model, scorer

_SOURCES = tuple(f"{who} has {count} {what}" for count in range(10)
                 for who, what in (("Ann", "cats"), ("Bob", "dogs"), ("Eve", "owls")))
_TARGETS = tuple(" ".join(reversed(text.split())) for text in _SOURCES)


@cache
def _fitted(model: Model, task: Task, time: int = 1) -> State:
    """The state; another `time` is another fit with the same seed."""
    quick = {"steps": 30, "batch": 10, "width": 16, "heads": 2, "layers": 1}
    model = model.replace(**{name: value for name, value in quick.items()
                             if name in model.to_dict()})
    context = Context(rows=len(_SOURCES), features=1, seed=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.state(model.build(task, context).fit(_SOURCES, _TARGETS), task, context)


def _writer(model: Model, task: Task) -> Any:
    return scorer(_fitted(model, task))


def every_text_gets_a_text(model: Model, task: Task) -> None:
    """As many texts as were asked, in order, whatever stands in them, and none for none."""
    odd = ["", " ", "Ann has 3 cats", "\x00", "漢字 ✓ ñ", "x" * 5000, "Ann has 3 cats"]
    found = _writer(model, task).translate(odd)
    assert len(found) == len(odd) and all(isinstance(text, str) for text in found)
    assert found[2] == found[6], "the same text got two answers"
    assert _writer(model, task).translate([]) == []


def one_text_equals_the_batch(model: Model, task: Task) -> None:
    """What stands beside a text must not change what is written for it."""
    writer, asked = _writer(model, task), list(_SOURCES[:7])
    assert writer.translate(asked) == [writer.translate([text])[0] for text in asked]


def two_fits_are_the_same(model: Model, task: Task) -> None:
    """A model that cannot be had again cannot be trusted."""
    assert same(_fitted(model, task), _fitted(model, task, 2)), "two fits with one seed differ"


def a_round_trip_is_bit_equal(model: Model, task: Task) -> None:
    """A saved model must write exactly what it wrote before."""
    state = _fitted(model, task)
    package = artifact.from_bytes(artifact.to_bytes({"task": task.name}, {"model": state}))
    loaded = package.states["model"]
    assert same(loaded, state), "the state came back altered"
    writers: list[Any] = [scorer(loaded), scorer(state)]
    first, second = (each.translate(list(_SOURCES[:9]), beams=2) for each in writers)
    assert first == second, "the loaded one writes other texts"


def one_pair_is_refused_or_learnt(model: Model, task: Task) -> None:
    """Too little must end in a sentence, never in a fault of a library; so must nothing at all."""
    few = {name: 5 for name in ("steps",) if name in model.to_dict()}
    estimator = model.replace(**few).build(task, Context(rows=1, features=1, seed=3))
    estimator.fit(["a"], ["b"])
    assert len(scorer(estimator.state_).translate(["a", "c"])) == 2  # type: ignore[attr-defined]
    for sources in ((), ("a",)):
        try:
            model.build(task, Context(rows=0, features=1)).fit(sources, ())
        except WholefitError as error:
            assert "pair" in str(error), str(error)
        else:
            raise AssertionError("it learnt from nothing")
