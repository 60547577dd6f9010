"""Parts of a user's own, known by name: activations, layers, losses, metrics, autograd functions.

    @add("activation", "cubed")
    def cubed(x):
        return x ** 3

    make("mlp", inputs=4, outputs=3, activation="cubed")

A model file holds names, no code: what it names must be entered again before it is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from wholefit.base.errors import ParameterError, unknown

Thing = TypeVar("Thing", bound=Callable[..., Any])
KINDS = ("activation", "function", "layer", "loss", "metric")
_KNOWN: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}


def add(kind: str, name: str, *, replace: bool = False) -> Callable[[Thing], Thing]:
    """Enter what is decorated under `name`.

    - "activation": a module class (options as keywords), or a function of a tensor.
    - "function": a `torch.autograd.Function` of one tensor; a network can use it as an activation.
    - "layer": a module class whose `__init__` takes plain JSON values; networks made of a plan
      ("graph") call it with `inputs=` (the size of the last axis) first if it has such a parameter.
    - "loss": `(output, target) -> (n,)`, as `train(loss=...)` takes it.
    - "metric": `(output, target) -> number`.

    Raises UnknownNameError for another kind, ParameterError for a name that is taken.
    """
    known = _of(kind)

    def enter(thing: Thing) -> Thing:
        if not callable(thing):
            raise ParameterError(f"the {kind} {name!r} must be callable; got {type(thing)}.")
        if name in known and not replace:
            raise ParameterError(f"an entry {name!r} exists for kind {kind!r}; "
                                 "give replace=True, or another name.")
        known[name] = thing
        return thing

    return enter


def get(kind: str, name: str) -> Any:
    """What is entered under `name`; UnknownNameError with the nearest name if nothing is."""
    known = _of(kind)
    if name not in known:
        raise unknown(kind, name, names(kind))
    return known[name]


def names(kind: str) -> list[str]:
    """Names of one kind, in alphabetical order."""
    return sorted(_of(kind))


def remove(kind: str, name: str) -> None:
    """Forget an entry (tests and notebooks that enter the same name again)."""
    get(kind, name)
    del _KNOWN[kind][name]


def _of(kind: str) -> dict[str, Any]:
    if kind not in _KNOWN:
        raise unknown("kind of part", kind, KINDS)
    return _KNOWN[kind]
