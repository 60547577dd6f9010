"""Parameters of models by name, alike for the catalog's and for estimators that were brought."""

from __future__ import annotations

from typing import Any

from wholefit.base.errors import unknown
from wholefit.base.params import Spec
from wholefit.models import Model
from wholefit.models._guest import GuestModel


def names(model: Model) -> list[str]:
    """Names of the parameters that can be searched."""
    if isinstance(model, GuestModel):
        return sorted(model.estimator.get_params())
    return [spec.name for spec in model.specs()]


def has(model: Model, name: str) -> bool:
    """True if the model has a parameter of that name."""
    return name in names(model)


def check(model: Model, name: str) -> None:
    """UnknownNameError if the model has no such parameter."""
    if not has(model, name):
        raise unknown(f"parameter of {model.name}", name, names(model))


def spec(model: Model, name: str) -> Spec | None:
    """What is known of a parameter; None for an estimator that was brought."""
    return next((spec for spec in model.specs() if spec.name == name), None)


def value(model: Model, name: str) -> Any:
    """The value of a parameter."""
    if isinstance(model, GuestModel):
        return model.estimator.get_params()[name]
    return getattr(model, name)


def plain(model: Model) -> dict[str, Any]:
    """The parameters as JSON-able values, for telling models apart."""
    found = {name: value(model, name) for name in names(model)}
    return {name: each if isinstance(each, (bool, int, float, str, type(None))) else str(each)
            for name, each in found.items()}
