"""Promises on hyper-parameters."""

from __future__ import annotations

from typing import Any

from wholefit.base.errors import ParameterError, UnknownNameError
from wholefit.base.params import Spec
from wholefit.base.tasks import Task
from wholefit.models import Model


def a_bad_value_is_named(model: Model, task: Task) -> None:
    """A value out of bounds is refused at construction, by name, not deep inside a fit."""
    for spec in model.specs():
        for bad in _bad_values(spec):
            try:
                type(model)(**{spec.name: bad})
            except ParameterError as error:
                assert f"{type(model).__name__}.{spec.name}" in str(error), str(error)
                assert repr(bad) in str(error), str(error)
            else:
                raise AssertionError(f"{model.name} accepted {spec.name}={bad!r}")


def a_misspelt_name_is_corrected(model: Model, task: Task) -> None:
    """A typing slip must not be swallowed, and the right word should be offered."""
    for spec in model.specs():
        wrong = spec.name + "x"
        try:
            model.from_dict({wrong: spec.default})
        except UnknownNameError as error:
            assert wrong in str(error), str(error)
        else:
            raise AssertionError(f"{model.name} accepted the unknown parameter {wrong!r}")


def every_parameter_is_documented(model: Model, task: Task) -> None:
    """Flags, forms and docs are drawn from these sentences; an empty one shows everywhere."""
    for spec in model.specs():
        assert len(spec.doc) > 10, f"{model.name}.{spec.name} says nothing of itself"
        assert spec.accepts(spec.default), f"{model.name}.{spec.name}: its default is refused"
        if spec.search is not None and spec.search.low is not None:
            for end in (spec.search.low, spec.search.high):
                whole = int(end or 0) if spec.type is int else end
                assert spec.accepts(whole), f"{model.name}.{spec.name}: searches {end}, refuses it"
    assert model.summary and model.family, f"{model.name} does not say what it is for"


def _bad_values(spec: Spec) -> list[Any]:
    found: list[Any] = [object()]
    if spec.choices is not None:
        return [*found, "no such choice"]
    if spec.low is not None:
        found.append(type(spec.default)(spec.low - 1) if spec.default is not None else -1e9)
    if spec.above is not None:
        found.append(spec.above)
    if spec.high is not None:
        found.append(spec.high + 1)
    if spec.below is not None:
        found.append(spec.below)
    return found
