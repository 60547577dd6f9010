"""A user's own transformers: what they may be, and how to give one a stored form.

>>> from wholefit.features.clip import QuantileClipper
>>> step = Custom("clip", QuantileClipper(threshold=1), columns=("fare", "age"))

A transformer is an object with `fit(X)` and `transform(X)`, or a plain function of X. X is
float64 (rows, columns) with NaN where missing; with `wants = "frame"` as an attribute it is a
polars frame of the named columns, whatever their roles. It is copied and fitted on training rows
only; a function is called on whatever rows are being encoded, so it must treat each row alone.
With `supervised = True` it is fitted by `fit(X, y)`, y being the encoded target of those rows
(class codes or numbers); if it has `fit_transform(X, y)`, the answer is used for those very rows,
and should let no row see its own target, and `transform(X)` for all others.

What it gives is numbers: they are then filled and scaled like any numeric column. As many
columns as it was given keep their names; else they are called "name.1", "name.2", or by its own
`get_feature_names_out`. They take the place of the columns it was given, unless `keep`. Several
are applied one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np

from wholefit.base.errors import ParameterError, StateError, unknown
from wholefit.base.state import State
from wholefit.features.engineer._kinds import STATES

_UFUNC = "transformer.ufunc"
_kinds: dict[str, str | type] = {"transformer.quantile_clipper":
                                 "wholefit.features.clip:QuantileClipper",
                                 **STATES}


@dataclass(frozen=True)
class Custom:
    """One step: its name, the transformer, its columns (None: every numeric one), `keep`."""

    name: str
    transformer: Any
    columns: tuple[str, ...] | None = None
    keep: bool = False


def register(kind: str, loader: type) -> None:
    """Let stored transformers of this kind be loaded, by `loader.from_state(state)`."""
    if not callable(getattr(loader, "from_state", None)):
        raise ParameterError(f"register({kind!r}) needs a class with from_state(state); "
                             f"got {loader!r}.")
    _kinds[kind] = loader


def steps(given: Sequence[Any]) -> list[Custom]:
    """Read what a user may write: a Custom, (name, transformer[, columns]), or one alone."""
    found: list[Custom] = []
    for step in map(_step, given):
        taken = [other.name for other in found]
        if step.name in taken:
            raise ParameterError(f"transformers must have different names; got two "
                                 f"{step.name!r}: write (name, transformer).")
        found.append(step)
    return found


def store(name: str, transformer: Any) -> State:
    """The transformer's own state; StateError says how to give it one."""
    if isinstance(transformer, np.ufunc) and _is_numpys(transformer):
        return State(_UFUNC, {"name": transformer.__name__})
    way_out = ("give it to_state() -> State and the class method from_state(state), and call "
               "wholefit.features.custom.register(kind, its class)")
    if not callable(getattr(transformer, "to_state", None)):
        raise StateError(f"transformer {name!r} ({_kind_name(transformer)}) must have a stored "
                         f"form to be saved; it has none: {way_out}.")
    state = transformer.to_state()
    if not isinstance(state, State) or state.kind not in _kinds:
        kind = getattr(state, "kind", state)
        raise StateError(f"transformer {name!r} must give a State of a registered kind; "
                         f"got {kind!r}: {way_out}.")
    return state


def restore(state: State) -> Any:
    """The transformer that `store` wrote; only registered kinds, so no stranger's code runs."""
    if state.kind == _UFUNC:
        return _ufunc(state.config["name"])
    if state.kind not in _kinds:
        raise StateError(f"a transformer of kind {state.kind!r} is needed, which nothing "
                         "registered: import the module that defines it before loading.")
    found = _kinds[state.kind]
    if isinstance(found, str):
        module, _, name = found.partition(":")
        found = getattr(import_module(module), name)
    return found.from_state(state)  # type: ignore[union-attr]


def _is_numpys(function: np.ufunc) -> bool:
    return getattr(np, function.__name__, None) is function


def _ufunc(name: str) -> Callable[..., Any]:
    found = getattr(np, name, None)
    if not isinstance(found, np.ufunc):
        raise unknown("numpy function", name, [n for n in dir(np)
                                               if isinstance(getattr(np, n), np.ufunc)])
    return found


def _step(item: Any) -> Custom:
    if isinstance(item, tuple):
        if not 2 <= len(item) <= 3 or not isinstance(item[0], str):
            raise ParameterError("a transformer must be (name, transformer) or (name, "
                                 f"transformer, columns); got {item!r}.")
        item = Custom(item[0], item[1], *item[2:])
    elif not isinstance(item, Custom):
        item = Custom(_kind_name(item), item)
    columns = (item.columns,) if isinstance(item.columns, str) else item.columns
    item = replace(item, columns=tuple(columns) if columns is not None else None)
    _check(item)
    return item


def _check(step: Custom) -> None:
    given = step.transformer
    if isinstance(given, type):
        raise ParameterError(f"transformer {step.name!r} must be an object, not a class: "
                             f"write {given.__name__}().")
    if not callable(given) and not callable(getattr(given, "transform", None)):
        raise ParameterError(f"transformer {step.name!r} must have transform(X), or be a "
                             f"function of X; got {given!r}.")


def _kind_name(thing: Any) -> str:
    return getattr(thing, "__name__", None) or type(thing).__name__
